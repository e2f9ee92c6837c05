//! How deep an expression will be, measured on its tokens before anything recursive sees it.

use crate::lexer::{Token, TokenKind};

/// The deepest an expression may be: brackets, operators and chains of operators together.
pub const MAX_DEPTH: usize = 128;

/// Precedence levels: five of infix operators, prefix operators last. Comparisons share the third.
const LEVELS: usize = 7;

/// Measures depth token by token.
///
/// A chain `a + b + c` is a tree as deep as it is long, so within one pair of brackets the depth is at most the longest
/// chain of each precedence level, added up. The measure is never less than the depth of the tree.
#[derive(Debug, Default)]
pub(crate) struct DepthMeter {
    frames: Vec<Frame>,
    here: Frame,
    /// Depth of everything around the innermost brackets.
    around: usize,
    after_operand: bool,
    exceeded: bool,
}

/// What is known of the text between two brackets, or between commas there.
#[derive(Clone, Copy, Debug, Default)]
struct Frame {
    chain: [usize; LEVELS],
    longest: [usize; LEVELS],
    inside: usize,
    finished: usize,
}

impl Frame {
    fn own(&self) -> usize {
        self.longest.iter().sum()
    }

    fn segment(&self) -> usize {
        self.own() + self.inside
    }

    fn end_segment(&mut self) {
        *self = Frame {
            finished: self.finished.max(self.segment()),
            ..Frame::default()
        };
    }

    fn operator(&mut self, level: usize) {
        self.chain[level] += 1;
        self.longest[level] = self.longest[level].max(self.chain[level]);
        for chain in &mut self.chain[level + 1..] {
            *chain = 0;
        }
    }
}

impl DepthMeter {
    /// Takes the next token; false once the limit is passed, for good.
    pub(crate) fn feed(&mut self, token: Token, text: &str) -> bool {
        if self.exceeded {
            return false;
        }
        let was_operand = self.after_operand;
        self.after_operand = false;
        match token.kind {
            TokenKind::Open(_) => {
                self.around += self.here.own() + 1;
                self.frames.push(std::mem::take(&mut self.here));
            }
            TokenKind::Close(_) => {
                self.here.end_segment();
                let depth = self.here.finished + 1;
                if let Some(outer) = self.frames.pop() {
                    self.here = outer;
                    self.around -= self.here.own() + 1;
                    self.here.inside = self.here.inside.max(depth);
                }
                self.after_operand = true;
            }
            TokenKind::Comma => self.here.end_segment(),
            TokenKind::Operator | TokenKind::WrongOperator => self.here.operator(level(text, was_operand)),
            TokenKind::Word | TokenKind::Number | TokenKind::Text | TokenKind::OpenText => {
                self.after_operand = true
            }
            _ => {}
        }
        self.exceeded = self.around + self.here.segment() > MAX_DEPTH;
        !self.exceeded
    }
}

/// The precedence level of an operator, 0 the weakest.
fn level(operator: &str, after_operand: bool) -> usize {
    match operator {
        _ if !after_operand => 6,
        "==>" => 0,
        "||" => 1,
        "&&" => 2,
        "+" | "-" => 4,
        "*" | "/" | "%" => 5,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexer::Lexer;

    fn fits(text: &str) -> bool {
        let (mut lexer, mut meter) = (Lexer::new(text), DepthMeter::default());
        loop {
            let token = lexer.next_token();
            if token.kind == TokenKind::End {
                return true;
            }
            if !meter.feed(token, &text[token.start..token.end]) {
                return false;
            }
        }
    }

    #[test]
    fn chains_brackets_and_prefixes_all_count() {
        assert!(fits(&format!("a{}", " + a".repeat(128))));
        assert!(!fits(&format!("a{}", " + a".repeat(129))));
        assert!(fits(&format!("{}a{}", "(".repeat(128), ")".repeat(128))));
        assert!(!fits(&"(".repeat(129)));
        assert!(fits(&format!("{}a", "-".repeat(128))));
        assert!(!fits(&format!("{}a", "!".repeat(129))));
        assert!(!fits(&format!("{}a{}", "(".repeat(100), " * a".repeat(29))));
        assert!(!fits(&format!(
            "a{} + (b{})",
            " + a".repeat(60),
            " * b".repeat(70)
        )));
        assert!(!fits(&format!("(a{}){}", " - a".repeat(100), " - b".repeat(30))));
    }

    #[test]
    fn breadth_does_not_count() {
        assert!(fits(&format!("min({}a)", "a + b, ".repeat(5000))));
        assert!(fits(&format!("a == b{}", " && c == d".repeat(120))));
        assert!(fits(&format!("a{}", " - -a".repeat(120))));
    }
}
