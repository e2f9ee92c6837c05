//! Fixes: which there are, and applying them to a text.
//!
//! A fix is a set of replacements that a diagnostic offers. The safe ones are applied unasked by `check --fix` and by an
//! editor on save; the others when somebody has looked. Where a diagnostic offers several, somebody has to choose.

mod mend;
mod offer;

pub use mend::{MAX_ROUNDS, Mended, mend};
pub(crate) use offer::offer;

use aethel_ir::{Code, Diagnostic, Fix, Safety, SourceId, Span};

/// A fix that was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// What it mended.
    pub code: Code,
    /// The line of the diagnostic, from 1, in the text at that time.
    pub line: usize,
    /// What it did.
    pub title: String,
    /// Whether a person should look at it.
    pub safety: Safety,
}

/// A text with fixes applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edited {
    /// The text afterwards.
    pub text: String,
    /// The fixes, in the order of the text.
    pub applied: Vec<Applied>,
}

/// The fix of a diagnostic that may be applied without a choice: its only one, if it is safe enough and within `source`.
pub fn chosen(diagnostic: &Diagnostic, source: SourceId, allowed: Safety) -> Option<&Fix> {
    match diagnostic.fixes.as_slice() {
        [fix]
            if (allowed == Safety::Unsafe || fix.safety == Safety::Safe)
                && fix.edits.iter().all(|(in_file, _, _)| *in_file == source) =>
        {
            Some(fix)
        }
        _ => None,
    }
}

/// Applies every fix that may be applied and overlaps none that was applied before it.
pub fn apply(source: SourceId, text: &str, diagnostics: &[Diagnostic], allowed: Safety) -> Edited {
    let mut taken: Vec<(Span, &str)> = Vec::new();
    let mut applied: Vec<(u32, Applied)> = Vec::new();
    for diagnostic in diagnostics {
        let Some(fix) = chosen(diagnostic, source, allowed) else {
            continue;
        };
        let fits = |span: Span| text.get(span.range()).is_some();
        let free = |span: Span| taken.iter().all(|(other, _)| apart(span, *other));
        if !fix.edits.iter().all(|(_, span, _)| fits(*span) && free(*span)) {
            continue;
        }
        taken.extend(fix.edits.iter().map(|(_, span, new)| (*span, new.as_str())));
        let at = diagnostic.labels.first().map_or(0, |label| label.span.start);
        let line = text.bytes().take(at as usize).filter(|b| *b == b'\n').count() + 1;
        applied.push((
            at,
            Applied {
                code: diagnostic.code,
                line,
                title: fix.title.clone(),
                safety: fix.safety,
            },
        ));
    }
    applied.sort_by_key(|(at, _)| *at);
    Edited {
        text: replace(text, taken),
        applied: applied.into_iter().map(|(_, one)| one).collect(),
    }
}

/// Whether two replacements leave each other alone; two at one point would need an order.
fn apart(a: Span, b: Span) -> bool {
    a.end < b.start
        || b.end < a.start
        || (a.end == b.start || b.end == a.start) && a.start != b.start && {
            // Touching is fine, but an insertion at the edge of a replacement belongs to one or the other.
            a.start != a.end && b.start != b.end
        }
}

/// The text with all replacements made, which do not overlap. Lines end as they do in the text.
fn replace(text: &str, mut edits: Vec<(Span, &str)>) -> String {
    edits.sort_by_key(|(span, _)| *span);
    let crlf = text.contains("\r\n");
    let mut out = String::with_capacity(text.len() + 64);
    let mut at = 0;
    for (span, new) in edits {
        out += text.get(at..span.start as usize).unwrap_or("");
        match crlf {
            true => out += &new.replace('\n', "\r\n"),
            false => out += new,
        }
        at = span.end as usize;
    }
    out += text.get(at..).unwrap_or("");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagnostic(edits: &[(usize, usize, &str)], safety: Safety) -> Diagnostic {
        let source = SourceId(0);
        let mut diagnostic =
            Diagnostic::new(Code::AE0101, "x").label(source, Span::new(edits[0].0, edits[0].1), "");
        let edits = edits
            .iter()
            .map(|(a, b, t)| (source, Span::new(*a, *b), (*t).to_owned()));
        diagnostic.fixes.push(Fix {
            title: "t".into(),
            safety,
            edits: edits.collect(),
        });
        diagnostic
    }

    fn applied(text: &str, all: &[Diagnostic], allowed: Safety) -> String {
        apply(SourceId(0), text, all, allowed).text
    }

    #[test]
    fn several_fixes_at_once() {
        let all = [
            diagnostic(&[(4, 5, "==")], Safety::Safe),
            diagnostic(&[(0, 1, "long"), (8, 8, ";")], Safety::Safe),
            diagnostic(&[(2, 3, "no")], Safety::Unsafe),
        ];
        assert_eq!(applied("a b = cd", &all, Safety::Safe), "long b == cd;");
        assert_eq!(applied("a b = cd", &all, Safety::Unsafe), "long no == cd;");
    }

    #[test]
    fn what_overlaps_waits() {
        for (first, second, done) in [
            ((0, 3, "x"), (2, 4, "y"), "xdef"),
            ((1, 1, "x"), (1, 1, "y"), "axbcdef"),
            ((1, 3, "x"), (3, 3, "y"), "axdef"),
            ((1, 3, "x"), (3, 5, "y"), "axyf"),
        ] {
            let all = [
                diagnostic(&[first], Safety::Safe),
                diagnostic(&[second], Safety::Safe),
            ];
            assert_eq!(applied("abcdef", &all, Safety::Safe), done);
        }
    }

    #[test]
    fn nobody_chooses_between_two() {
        let mut two = diagnostic(&[(0, 1, "x")], Safety::Safe);
        two.fixes.push(two.fixes[0].clone());
        assert_eq!(applied("abc", &[two], Safety::Unsafe), "abc");
    }

    #[test]
    fn what_does_not_fit_the_text_is_left() {
        let all = [
            diagnostic(&[(1, 9, "x")], Safety::Safe),
            diagnostic(&[(1, 2, "x")], Safety::Safe),
        ];
        assert_eq!(applied("aé", &all, Safety::Safe), "aé");
    }
}
