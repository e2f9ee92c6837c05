//! Words and shapes that other languages have at a place where this one has another.

use super::habits::Change;
use super::{Part, Rule};
use crate::kind::Kind;
use crate::lexer::{Bracket, Lexer, Token, TokenKind};
use aethel_ir::Span;

/// What begins a line in languages where conditions are commanded.
const COMMANDS: [&str; 5] = ["return", "require", "assert", "ensure", "check"];

/// What gives a value a name elsewhere.
const NAMES: [&str; 6] = ["var", "val", "int", "set", "auto", "decimal"];

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

impl Part<'_> {
    /// What was meant, and what to write instead.
    pub(super) fn foreign(
        &self,
        kind: Kind,
        rules: &[Rule],
        found: Token,
    ) -> Option<(String, Option<Change>)> {
        match kind {
            Kind::Statement => self.command(found),
            Kind::Call => self
                .column_in_brackets(found)
                .or_else(|| self.asset_behind(found))
                .or_else(|| self.name_with_space(found)),
            Kind::LoopHead => self.bare_file(rules, found),
            Kind::IntentHead => self.missing_comma(rules, found),
            Kind::Expr
            | Kind::AssetHead
            | Kind::AssetEntry
            | Kind::AccountHead
            | Kind::AccountEntry
            | Kind::Field
            | Kind::Const
            | Kind::BatchHead
            | Kind::Param
            | Kind::After
            | Kind::SolveEntry => None,
        }
    }

    /// The text of this part before a byte, without the space at its end.
    fn before(&self, at: usize) -> Option<&str> {
        self.text.get(self.start..at).map(str::trim_end)
    }

    /// `return amount > 0;` and `var x = 5;`
    fn command(&self, found: Token) -> Option<(String, Option<Change>)> {
        let word = self.before(found.start)?;
        let change = |title: &str, end: usize, text: &str| {
            let span = Span::new(self.start, end);
            Some((title.to_owned(), span, text.to_owned()))
        };
        if COMMANDS.contains(&word) {
            let help = format!("a condition stands alone, and holds or does not: leave `{word}` out");
            return Some((help, change(&format!("delete `{word}`"), found.start, "")));
        }
        if NAMES.contains(&word) && found.kind == TokenKind::Word {
            let help = "a value gets a name by `let name = value;`".to_owned();
            return Some((help, change("write `let`", self.start + word.len(), "let")));
        }
        None
    }

    /// `row["salary"]`
    fn column_in_brackets(&self, found: Token) -> Option<(String, Option<Change>)> {
        if found.kind != TokenKind::Open(Bracket::Square) {
            return None;
        }
        let row = self.before(found.start)?.rsplit(|c| !is_word(c)).next()?;
        let rest = self.text.get(found.end..self.end)?;
        let column = &rest[..rest.find(']')?];
        let name = column.trim_matches(['"', '\'', ' ']);
        if row.is_empty() || name.is_empty() || !name.chars().all(is_word) {
            return None;
        }
        let help = format!("a column is written with a point: `{row}.{name}`");
        let span = Span::new(found.start, found.end + column.len() + 1);
        Some((help, Some((format!("write `.{name}`"), span, format!(".{name}")))))
    }

    /// `10 USD`
    fn asset_behind(&self, found: Token) -> Option<(String, Option<Change>)> {
        let number = self.before(found.start)?;
        let text = self.text.get(found.start..found.end)?;
        let amount = number.rsplit(|c: char| !(is_word(c) || c == '.')).next()?;
        if found.kind != TokenKind::Word || !amount.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let help = format!("the parameter says which asset it is; write the number alone: `{amount}`");
        let span = Span::new(self.start + number.len(), found.end);
        Some((help, Some((format!("delete `{text}`"), span, String::new()))))
    }

    /// `John Smith`
    fn name_with_space(&self, found: Token) -> Option<(String, Option<Change>)> {
        let before = self.before(found.start)?;
        let first = before.rsplit(|c| !is_word(c)).next()?;
        let start = self.start + before.len() - first.len();
        let count = |mark: char| before.matches(mark).count();
        let inside = count('(') > count(')');
        if found.kind != TokenKind::Word || !inside || !first.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let rest = self.text.get(start..self.end)?;
        let length = rest
            .find(|c: char| !(is_word(c) || c == ' '))
            .unwrap_or(rest.len());
        let name = rest.get(..length)?.trim_end();
        let help = format!(
            "write a comma between two arguments, and double quotes around a name with a space: `\"{name}\"`"
        );
        let span = Span::new(start, start + name.len());
        Some((
            help,
            Some(("write double quotes".to_owned(), span, format!("\"{name}\""))),
        ))
    }

    /// `in staff.csv`, and `for (row in "staff.csv")`
    fn bare_file(&self, rules: &[Rule], found: Token) -> Option<(String, Option<Change>)> {
        if found.kind == TokenKind::Open(Bracket::Round) && found.start == self.start {
            let help = "the head of a loop has no brackets: `for row in \"file.csv\" { .. }`";
            return Some((help.to_owned(), None));
        }
        if found.kind != TokenKind::Word || !rules.contains(&Rule::string) {
            return None;
        }
        let rest = self.text.get(found.start..self.end)?;
        let length = rest
            .find(|c: char| !(is_word(c) || "./-".contains(c)))
            .unwrap_or(rest.len());
        let file = rest.get(..length)?;
        let span = Span::new(found.start, found.start + length);
        let help = format!("the name of a file stands in double quotes: `\"{file}\"`");
        Some((
            help,
            Some(("write double quotes".to_owned(), span, format!("\"{file}\""))),
        ))
    }

    /// `company: Account who: Account`
    fn missing_comma(&self, rules: &[Rule], found: Token) -> Option<(String, Option<Change>)> {
        let next = Lexer::starting_at(self.text, found.end).next_token().kind;
        let another = found.kind == TokenKind::Word && next == TokenKind::Colon;
        if !another || !rules.contains(&Rule::comma) {
            return None;
        }
        let end = self.start + self.before(found.start)?.len();
        let help = "a comma stands between parameters".to_owned();
        Some((
            help,
            Some(("add `,`".to_owned(), Span::new(end, end), ",".to_owned())),
        ))
    }
}
