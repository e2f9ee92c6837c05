//! Changes of a text.

use aethel_ir::Span;

/// Text that takes the place of other text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced; nothing, for an insertion.
    pub span: Span,
    /// What comes there.
    pub text: String,
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
