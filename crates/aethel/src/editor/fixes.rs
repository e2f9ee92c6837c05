//! Changes of a text: fixes of diagnostics, chosen so that they do not get in each other's way.

use aethel_ir::{Diagnostic, Safety, SourceId, Span};

/// Text that takes the place of other text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced; nothing, for an insertion.
    pub span: Span,
    /// What comes there.
    pub text: String,
}

/// The safe fixes of a source, in its order: of several that overlap, the first; nothing twice.
pub fn safe_fixes(diagnostics: &[Diagnostic], source: SourceId) -> Vec<Edit> {
    let mut chosen: Vec<Edit> = Vec::new();
    let fixes = diagnostics.iter().flat_map(|diagnostic| &diagnostic.fixes);
    for fix in fixes.filter(|fix| fix.safety == Safety::Safe) {
        if fix.edits.iter().any(|(of, _, _)| *of != source) {
            continue;
        }
        let edits = fix.edits.iter().map(|(_, span, text)| Edit {
            span: *span,
            text: text.clone(),
        });
        let edits: Vec<Edit> = edits.collect();
        let apart = |a: Span, b: Span| a.start != b.start && (a.end <= b.start || b.end <= a.start);
        if edits
            .iter()
            .all(|edit| chosen.iter().all(|other| apart(edit.span, other.span)))
        {
            chosen.extend(edits);
        }
    }
    chosen.sort_by_key(|edit| edit.span.start);
    chosen
}

/// A text with edits made in it. They are in its order and do not overlap; one that does is left out.
pub fn apply(text: &str, edits: &[Edit]) -> String {
    let mut made = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        let (Some(before), true) = (
            text.get(at..edit.span.start as usize),
            text.is_char_boundary(edit.span.end as usize),
        ) else {
            continue;
        };
        made.push_str(before);
        made.push_str(&edit.text);
        at = edit.span.end as usize;
    }
    made.push_str(text.get(at..).unwrap_or(""));
    made
}
