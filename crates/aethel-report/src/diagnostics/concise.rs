//! One line for each diagnostic, as compilers print them: `file:line:column: error[AE0501] guard-failed: ..`.

use crate::escape::terminal;
use aethel_ir::{Diagnostic, SourceMap};

/// Renders diagnostics, one line each.
pub fn concise(diagnostics: &[Diagnostic], sources: &SourceMap) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics {
        let primary = diagnostic.labels.first();
        if let Some((file, label)) = primary.and_then(|label| Some((sources.get(label.source)?, label))) {
            let at = file.line_column(label.span.start);
            out += &format!("{}:{}:{}: ", terminal(&file.name), at.line, at.column);
        }
        let severity = diagnostic.severity.as_str();
        let (id, name) = (diagnostic.code.id(), diagnostic.code.name());
        out += &format!("{severity}[{id}] {name}: {}\n", terminal(&diagnostic.message));
    }
    out
}
