//! Other languages that once had the same name, recognised by how their items begin.

use crate::lexer::{Bracket, TokenKind};

/// A dialect that is not this language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `solve name { let .. prove .. }`
    Solve,
    /// `define name ..`
    Define,
    /// `def name(..):`, `fn name(..) {`
    Functions,
    /// `state name ..`
    State,
    /// `transaction:` and other blocks by indentation.
    Indented,
}

impl Dialect {
    /// The dialect whose item begins with this word, followed by these two tokens.
    pub(crate) fn of(word: &str, next: TokenKind, after: TokenKind) -> Option<Self> {
        let brace = TokenKind::Open(Bracket::Curly);
        match word {
            "solve" if next == TokenKind::Word || next == brace => Some(Self::Solve),
            "define" if next == TokenKind::Word => Some(Self::Define),
            "def" | "fn" | "func" | "function" | "procedure" if next == TokenKind::Word => {
                Some(Self::Functions)
            }
            "state" if matches!(next, TokenKind::Word | TokenKind::Colon) || next == brace => {
                Some(Self::State)
            }
            "transaction" | "transfer" | "batch" if next == TokenKind::Colon => Some(Self::Indented),
            "transaction" if next == TokenKind::Word && after == TokenKind::Colon => Some(Self::Indented),
            "import" | "from" if next == TokenKind::Word => Some(Self::Indented),
            _ => None,
        }
    }

    /// How its items look.
    pub(crate) fn looks(self) -> &'static str {
        match self {
            Self::Solve => "`solve` blocks at top level",
            Self::Define => "definitions with `define`",
            Self::Functions => "functions; what is done is said by intents",
            Self::State => "`state` blocks",
            Self::Indented => "blocks by indentation, like Python",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_tokens_tell() {
        use TokenKind::{Colon, Open, Word};
        assert_eq!(
            Dialect::of("solve", Word, Open(Bracket::Curly)),
            Some(Dialect::Solve)
        );
        assert_eq!(Dialect::of("transaction", Colon, Word), Some(Dialect::Indented));
        assert_eq!(Dialect::of("transaction", Word, Open(Bracket::Curly)), None);
        assert_eq!(
            Dialect::of("state", Open(Bracket::Curly), Word),
            Some(Dialect::State)
        );
        assert_eq!(Dialect::of("statement", Word, Word), None);
    }
}
