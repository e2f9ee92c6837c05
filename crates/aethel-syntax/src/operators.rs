//! Marks of other languages, and what to write instead.

use aethel_ir::diagnostic::quote;
use aethel_ir::{Code, Diagnostic, Safety, SourceId, Span};

/// What to write instead of a mark or word of another language, when one thing is clearly meant.
pub(crate) fn instead(mark: &str) -> Option<&'static str> {
    Some(match mark {
        "===" | "<=>" => "==",
        "!==" | "<>" | "≠" => "!=",
        "=<" | "≤" => "<=",
        "≥" => ">=",
        "&" | "∧" | "and" => "&&",
        "|" | "∨" | "or" => "||",
        "¬" | "~" | "not" => "!",
        "×" => "*",
        "÷" => "/",
        "->" | "→" | "⇒" | "implies" => "==>",
        _ => return None,
    })
}

/// The diagnostic for a mark that is no operator here.
pub(crate) fn wrong(source: SourceId, span: Span, mark: &str) -> Diagnostic {
    let problem = Diagnostic::new(Code::AE0101, format!("`{}` is not an operator", quote(mark)))
        .label(source, span, "");
    if let Some(right) = instead(mark) {
        return problem.help(format!("write `{right}`")).fix(
            format!("replace `{mark}` by `{right}`"),
            Safety::Safe,
            source,
            span,
            right,
        );
    }
    problem.help(match mark {
        "=>" => "write `>=` for \"at least\" or `==>` for \"implies\"",
        ":=" => "write `let name = value;` for a new name or `==` to compare",
        "**" | "^" => "there are no powers; write the product",
        "++" | "+=" | "-=" | "*=" | "/=" => "write `place == place + amount` in `verify`",
        "/*" => "a comment begins with `#` or `//` and ends with its line",
        "?" => "there is no `? :`; write two conditions with `==>`",
        _ => "the operators are `+ - * / %`, `== != < <= > >=`, `&& || !` and `==>`",
    })
}

/// The diagnostic for a character that begins no token.
pub(crate) fn unknown(source: SourceId, span: Span, text: &str) -> Diagnostic {
    let c = text.chars().next().unwrap_or('?');
    let seen = !c.is_control() && !c.is_whitespace() && quote(text) == text;
    let name = if seen {
        format!("`{c}`")
    } else {
        format!("U+{:04X}", u32::from(c))
    };
    let problem =
        Diagnostic::new(Code::AE0101, format!("unexpected character {name}")).label(source, span, "");
    match c {
        '\'' | '“' | '”' | '„' | '‘' | '’' | '`' => {
            problem.help("strings stand between straight double quotes, `\"like this\"`")
        }
        '$' | '€' | '£' => problem
            .help("an amount is a plain number; its asset is part of the type, as in `Balance<USD>`")
            .fix(format!("delete `{c}`"), Safety::Safe, source, span, ""),
        '\u{feff}' => problem.help("a byte-order mark may only stand at the very beginning"),
        c if c.is_whitespace() => problem
            .help("this looks like a space but is another character; type a space")
            .fix("write a space", Safety::Safe, source, span, " "),
        _ if !seen => problem
            .help("delete the character; it cannot be seen but is there")
            .fix("delete it", Safety::Safe, source, span, ""),
        _ => problem,
    }
}
