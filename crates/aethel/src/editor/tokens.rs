//! What each word of a program is, for colours that know more than a regular expression.

use super::{Analysis, Role, SymbolKind};
use aethel_ir::Span;
use aethel_syntax::ast::{ExprKind, Item, TypeRef};
use aethel_syntax::is_reserved;
use aethel_syntax::lexer::{Lexer, TokenKind};
use std::collections::HashMap;

/// What a token is; the names are those of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the token type of its name")]
pub enum SemanticKind {
    Keyword,
    Comment,
    String,
    Number,
    Operator,
    Type,
    EnumMember,
    Function,
    Namespace,
    Parameter,
    Variable,
    Property,
}

impl SemanticKind {
    /// Every kind, in the order of the numbers that editors are given.
    pub const ALL: [(Self, &'static str); 12] = [
        (Self::Keyword, "keyword"),
        (Self::Comment, "comment"),
        (Self::String, "string"),
        (Self::Number, "number"),
        (Self::Operator, "operator"),
        (Self::Type, "type"),
        (Self::EnumMember, "enumMember"),
        (Self::Function, "function"),
        (Self::Namespace, "namespace"),
        (Self::Parameter, "parameter"),
        (Self::Variable, "variable"),
        (Self::Property, "property"),
    ];
}

/// What is special about a token; each is a bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the token modifier of its name")]
pub enum Modifier {
    Declaration,
    Readonly,
    DefaultLibrary,
    Modification,
}

impl Modifier {
    /// Every modifier, in the order of their bits.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Declaration, "declaration"),
        (Self::Readonly, "readonly"),
        (Self::DefaultLibrary, "defaultLibrary"),
        (Self::Modification, "modification"),
    ];

    fn bit(self) -> u32 {
        1 << (self as u32)
    }
}

/// One coloured token. None goes over the end of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SemanticToken {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub kind: SemanticKind,
    /// The bits of its [`Modifier`]s.
    pub modifiers: u32,
}

impl Analysis {
    /// The tokens of a part of the text, in its order. Marks and what cannot be told are left out.
    pub fn tokens(&self, within: Span) -> Vec<SemanticToken> {
        let special = self.special_words();
        let mut found = Vec::new();
        let mut names = self.names().occurrences.iter().peekable();
        let mut lexer = Lexer::new(&self.text);
        let mut after_dot = false;
        loop {
            let token = lexer.next_with_comments();
            let span = Span::new(token.start, token.end);
            if token.kind == TokenKind::End || span.start >= within.end {
                return found;
            }
            while names.peek().is_some_and(|name| name.span.start < span.start) {
                names.next();
            }
            let name = names.peek().filter(|name| name.span.start < span.end);
            let library = Modifier::DefaultLibrary.bit();
            let what = match token.kind {
                TokenKind::Comment => Some((SemanticKind::Comment, 0)),
                TokenKind::Number => Some((SemanticKind::Number, 0)),
                TokenKind::Text | TokenKind::OpenText => Some((SemanticKind::String, 0)),
                TokenKind::Operator | TokenKind::WrongOperator | TokenKind::Assign => {
                    Some((SemanticKind::Operator, 0))
                }
                TokenKind::Word => {
                    let word = self.slice(span);
                    match (special.get(&span.start), name) {
                        (Some(special), _) => Some(*special),
                        // `old_x`, `x_balance` and `btc_balance` are coloured whole.
                        (None, Some(name)) if name.prefix => Some((SemanticKind::Property, library)),
                        (None, Some(name)) => self.kind_of(name.symbol, name.role),
                        (None, None) if after_dot && word == "balance" => {
                            Some((SemanticKind::Property, library))
                        }
                        (None, None) if after_dot => Some((SemanticKind::Property, 0)),
                        (None, None) if is_reserved(word) => Some((SemanticKind::Keyword, 0)),
                        (None, None) => None,
                    }
                }
                _ => None,
            };
            after_dot = token.kind == TokenKind::Dot;
            if let Some((kind, modifiers)) = what
                && span.end > within.start
            {
                found.push(SemanticToken {
                    span,
                    kind,
                    modifiers,
                });
            }
        }
    }

    fn kind_of(&self, symbol: super::SymbolId, role: Role) -> Option<(SemanticKind, u32)> {
        let kind = match self.names().symbol(symbol)?.kind {
            SymbolKind::Asset => SemanticKind::Type,
            SymbolKind::Field => SemanticKind::Property,
            SymbolKind::Intent | SymbolKind::OwnIntent => SemanticKind::Function,
            SymbolKind::Batch => SemanticKind::Namespace,
            SymbolKind::AccountParameter | SymbolKind::Parameter => SemanticKind::Parameter,
            SymbolKind::Account
            | SymbolKind::Constant
            | SymbolKind::Label
            | SymbolKind::Row
            | SymbolKind::Value => SemanticKind::Variable,
        };
        let constant = matches!(self.names().symbol(symbol)?.kind, SymbolKind::Constant);
        let mut modifiers = if constant { Modifier::Readonly.bit() } else { 0 };
        modifiers |= match role {
            Role::Declaration => Modifier::Declaration.bit(),
            Role::Write => Modifier::Modification.bit(),
            Role::Read => 0,
        };
        Some((kind, modifiers))
    }

    /// Words whose place alone says what they are, by their first byte.
    fn special_words(&self) -> HashMap<u32, (SemanticKind, u32)> {
        let mut special = HashMap::new();
        let library = Modifier::DefaultLibrary.bit();
        let mut ty = |ty: &TypeRef| special.insert(ty.name.span.start, (SemanticKind::Type, library));
        for item in &self.tree.items {
            if let Item::Field(field) = item {
                ty(&field.ty);
            }
        }
        for intent in self.intents() {
            intent.params.iter().for_each(|param| {
                ty(&param.ty);
            });
        }
        for intent in self.intents() {
            for entry in &intent.solve {
                special.insert(entry.name.span.start, (SemanticKind::Property, 0));
            }
        }
        for item in &self.tree.items {
            match item {
                Item::Asset(asset) => {
                    // `scale` is an ordinary word elsewhere.
                    let word = self.slice(asset.span).find("scale");
                    let word = word.filter(|_| asset.scale.is_some());
                    if let Some(at) = word {
                        special.insert(asset.span.start + at as u32, (SemanticKind::Keyword, 0));
                    }
                }
                Item::Account(account) => {
                    if let Some(span) = account.unbounded {
                        special.insert(span.start, (SemanticKind::Keyword, 0));
                    }
                }
                _ => {}
            }
        }
        self.expressions(&mut |expr, _| {
            if let ExprKind::Call(function, args) = &expr.kind {
                special.insert(function.span.start, (SemanticKind::Function, library));
                if let ("round", Some(mode)) = (function.text.as_str(), args.last()) {
                    special.insert(mode.span.start, (SemanticKind::EnumMember, library));
                }
            }
        });
        special
    }
}
