//! The one diagnostic type. It is data; `aethel-report` draws it.
//!
//! Wording: lower case, no final period, user text in backticks, no Rust type names; the message says what is
//! wrong, labels say it at the place, `help` says what to do.

use crate::codes::{Code, Severity};
use crate::source::{SourceId, Span};

/// A place in a text with a remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The file.
    pub source: SourceId,
    /// The bytes.
    pub span: Span,
    /// What to say there; may be empty.
    pub message: String,
}

/// Whether a fix keeps the program's meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Safety {
    /// The meaning stays the same, or the program had none before.
    Safe,
    /// A person should look first.
    Unsafe,
}

/// A replacement of text that would mend the problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What it does, for a menu.
    pub title: String,
    /// Whether `check --fix` may apply it unasked.
    pub safety: Safety,
    /// The replacements, which do not overlap.
    pub edits: Vec<(SourceId, Span, String)>,
}

/// One problem: a code, what is wrong, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The code, which `aethel explain` knows.
    pub code: Code,
    /// How bad; the code's own severity unless a caller changed it.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// Places; the first is the primary one. Empty for problems without a text (a locked ledger).
    pub labels: Vec<Label>,
    /// What to do.
    pub help: Option<String>,
    /// Replacements that would mend it.
    pub fixes: Vec<Fix>,
    /// A concrete example that shows the fault, already replayed, in words.
    pub counterexample: Option<String>,
}

impl Diagnostic {
    /// A diagnostic without a place yet.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            message: message.into(),
            labels: Vec::new(),
            help: None,
            fixes: Vec::new(),
            counterexample: None,
        }
    }

    /// Adds a place; the first one added is the primary one.
    #[must_use]
    pub fn label(mut self, source: SourceId, span: Span, message: impl Into<String>) -> Self {
        self.labels.push(Label {
            source,
            span,
            message: message.into(),
        });
        self
    }

    /// Adds a place where there is one.
    #[must_use]
    pub fn label_at(self, place: Option<(SourceId, Span)>, message: impl Into<String>) -> Self {
        match place {
            Some((source, span)) => self.label(source, span, message),
            None => self,
        }
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Says what to do when there is something to say.
    #[must_use]
    pub fn help_opt(mut self, help: Option<String>) -> Self {
        if help.is_some() {
            self.help = help;
        }
        self
    }

    /// Adds a replacement that would mend it.
    #[must_use]
    pub fn fix(
        mut self,
        title: impl Into<String>,
        safety: Safety,
        source: SourceId,
        span: Span,
        text: impl Into<String>,
    ) -> Self {
        self.fixes.push(Fix {
            title: title.into(),
            safety,
            edits: vec![(source, span, text.into())],
        });
        self
    }

    /// Says which of some names was meant by the one that stands at `span`, and offers to write it; leaves everything as
    /// it is when none is close.
    #[must_use]
    pub fn meant<'a>(
        self,
        source: SourceId,
        span: Span,
        name: &str,
        candidates: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        match closest(name, candidates) {
            Some(found) => self.help(format!("did you mean `{found}`?")).fix(
                format!("write `{found}`"),
                Safety::Unsafe,
                source,
                span,
                found,
            ),
            None => self,
        }
    }

    /// Whether it stops the command.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// The candidate closest to `name`, if it is close enough to be what was meant
/// (Damerau-Levenshtein distance at most a third of the length, at least 1 but less than all of it; case counts little).
pub fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Nobody mistypes a name this long, and the distance takes time by the square of the length.
    if name.len() > LONGEST_SUGGESTION {
        return None;
    }
    let lower = name.to_lowercase();
    let length = name.chars().count();
    let limit = (length / 3).max(1).min(length.saturating_sub(1));
    let letters = letters_of(name);
    candidates
        .into_iter()
        .filter(|candidate| *candidate != name && may_be_close(&letters, candidate, limit))
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// The longest name that suggestions are looked for.
const LONGEST_SUGGESTION: usize = 128;

/// How often each letter (of an ASCII text, without case) occurs; all other characters count as one letter.
fn letters_of(text: &str) -> [i16; 128] {
    let mut letters = [0; 128];
    for c in text.chars() {
        let index = u8::try_from(c).ok().filter(u8::is_ascii).unwrap_or_default();
        letters[usize::from(index.to_ascii_lowercase())] += 1;
    }
    letters
}

/// Whether few enough letters differ; there may be thousands of candidates, and most are ruled out by this.
fn may_be_close(letters: &[i16; 128], candidate: &str, limit: usize) -> bool {
    if candidate.len() > 2 * LONGEST_SUGGESTION {
        return false;
    }
    // Each edit adds, removes or replaces one letter, so at most two counts change by one.
    let other = letters_of(candidate);
    let differences = letters.iter().zip(&other).map(|(a, b)| a.abs_diff(*b));
    differences.map(usize::from).sum::<usize>() <= 2 * limit || !candidate.is_ascii()
}

/// `did you mean ...?` for the closest candidate, as a help text.
pub fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    closest(name, candidates).map(|found| format!("did you mean `{found}`?"))
}

/// Quotes text that came from outside for a message: at most 40 characters, control and format characters escaped.
pub fn quote(text: &str) -> String {
    let mut shown: String = text.chars().take(40).map(escape).collect();
    if text.chars().nth(40).is_some() {
        shown.push('…');
    }
    shown
}

/// Escapes one character when a terminal would act on it or hide it.
fn escape(c: char) -> String {
    let hidden = c.is_control() || crate::account::is_format_character(c);
    if hidden {
        c.escape_unicode().to_string()
    } else {
        c.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closest_ignores_far_names() {
        assert_eq!(closest("gaurd", ["guard", "verify"]), Some("guard"));
        assert_eq!(closest("alice", ["bob", "company"]), None);
        assert_eq!(closest("Company", ["company"]), Some("company"));
    }

    #[test]
    fn quote_escapes_and_cuts() {
        assert_eq!(quote("a\u{1b}[31m"), "a\\u{1b}[31m");
        assert_eq!(quote(&"x".repeat(50)).chars().count(), 41);
        assert_eq!(quote("a\u{202e}b"), "a\\u{202e}b");
    }
}
