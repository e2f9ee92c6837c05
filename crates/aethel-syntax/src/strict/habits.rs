//! Habits from spreadsheets and other languages, where the grammar alone would only say "unexpected".

use super::{Part, Rule};
use crate::kind::Kind;
use crate::lexer::{Token, TokenKind};
use aethel_ir::{Diagnostic, Safety, Span};

/// The types of parameters.
const TYPES: [&str; 8] = [
    "Account", "Balance", "Price", "Rate", "Number", "Integer", "Bool", "Time",
];

impl Part<'_> {
    /// The problem with what was meant, when it is one of the habits.
    pub(super) fn habit(
        &self,
        problem: &Diagnostic,
        kind: Kind,
        rules: &[Rule],
        found: Token,
    ) -> Option<Diagnostic> {
        let known = match found.kind {
            TokenKind::Comma => self.comma_in_number(found),
            _ if rules.contains(&Rule::colon) => self.type_first(found),
            _ => self.percent(found),
        };
        let (help, fix) = known.or_else(|| self.foreign(kind, rules, found))?;
        let problem = problem.clone().help(help);
        Some(match fix {
            Some((title, span, text)) => problem.fix(title, Safety::Unsafe, self.source, span, text),
            None => problem,
        })
    }

    /// `1,000` and `0,5`.
    fn comma_in_number(&self, comma: Token) -> Option<(String, Option<Change>)> {
        let before = self.text.get(..comma.start)?;
        let after = self.text.get(comma.end..)?;
        let start = before.rfind(|c: char| !c.is_ascii_digit()).map_or(0, |at| at + 1);
        let whole = before.get(start..).filter(|digits| !digits.is_empty())?;
        // All groups of a number such as `1,234,567`.
        let length = after
            .find(|c: char| !(c.is_ascii_digit() || c == ','))
            .unwrap_or(after.len());
        let rest = after.get(..length)?.trim_end_matches(',');
        let groups: Vec<&str> = rest.split(',').collect();
        if rest.is_empty() {
            return None;
        }
        let span = Span::new(start, comma.end + rest.len());
        let grouped = groups.iter().all(|group| group.len() == 3) && whole.len() <= 3;
        let (help, text) = match grouped {
            true => {
                let text = format!("{whole}_{}", groups.join("_"));
                (format!("thousands are grouped with `_`: write `{text}`"), text)
            }
            false if groups.len() == 1 => {
                let text = format!("{whole}.{rest}");
                (format!("a fraction follows a point: write `{text}`"), text)
            }
            false => return None,
        };
        Some((help, Some((format!("write `{text}`"), span, text))))
    }

    /// `10%`, where a value should follow.
    fn percent(&self, found: Token) -> Option<(String, Option<Change>)> {
        let before = self.text.get(self.start..found.start)?.trim_end();
        let number = before.strip_suffix('%')?;
        let end = self.start + number.len();
        let start = number.rfind(|c: char| !c.is_ascii_digit()).map_or(0, |at| at + 1);
        let digits = number
            .get(start..)
            .filter(|digits| !digits.is_empty() && digits.len() < 18);
        let Some(digits) = digits else {
            return Some((
                "`%` is the remainder of a division, and needs a value behind it".to_owned(),
                None,
            ));
        };
        let digits = digits.trim_start_matches('0');
        let padded = format!("{digits:0>3}");
        let (whole, fraction) = padded.split_at(padded.len() - 2);
        let text = format!("{whole}.{fraction}");
        let help = format!("`%` is the remainder of a division; {digits} percent is `{text}`");
        Some((
            help,
            Some((
                format!("write `{text}`"),
                Span::new(self.start + start, end + 1),
                text,
            )),
        ))
    }

    /// `Balance<USD> amount` and `Balance amount`.
    fn type_first(&self, found: Token) -> Option<(String, Option<Change>)> {
        let before = self.text.get(self.start..found.start)?.trim_end();
        let start = before
            .rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .map_or(0, |at| at + 1);
        let name = before.get(start..).filter(|name| TYPES.contains(name))?;
        let rest = self.text.get(found.start..)?;
        let args = match rest.strip_prefix('<') {
            Some(inner) => {
                let close = inner.find('>')?;
                let known = |c: char| c.is_ascii_alphanumeric() || "_, ".contains(c);
                inner[..close].chars().all(known).then_some(close + 2)?
            }
            None => 0,
        };
        let behind = rest.get(args..)?;
        let word = behind.trim_start_matches([' ', '\t']);
        let length = word
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(word.len());
        let word_start = found.start + args + (behind.len() - word.len());
        let word = word.get(..length).filter(|word| !word.is_empty())?;
        let text = format!("{word}: {name}{}", &rest[..args]);
        let span = Span::new(self.start + start, word_start + length);
        Some((
            format!("the name comes first: `{text}`"),
            Some((format!("write `{text}`"), span, text)),
        ))
    }
}

/// A title, what is replaced, and by what.
pub(super) type Change = (String, Span, String);
