//! What is told about the word under the cursor.

use super::outline::{param_text, signature};
use super::proved::Proved;
use super::words::{self, meaning};
use super::{Analysis, Occurrence, SymbolKind, touches};
use aethel_ir::{Proof, Span};
use aethel_syntax::ast::{BinaryOp, Expr, ExprKind, IntentDecl, Item, Statement};
use aethel_syntax::lexer::{Lexer, TokenKind};

/// What is told, in Markdown, and about what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hover {
    /// What it is about.
    pub span: Span,
    /// Program text, shown as such.
    pub code: String,
    /// Sentences about it; names in them stand between backticks.
    pub text: Vec<String>,
}

impl Hover {
    /// As Markdown.
    pub fn markdown(&self) -> String {
        let code = format!("```aethel\n{}\n```", self.code);
        let text = self.text.iter().filter(|line| !line.is_empty());
        text.fold(code, |all, line| format!("{all}\n\n{line}"))
    }

    /// As plain text.
    pub fn plain(&self) -> String {
        let text = self.text.iter().filter(|line| !line.is_empty());
        text.fold(self.code.clone(), |all, line| format!("{all}\n\n{line}"))
    }
}

impl Analysis {
    /// What is to be told about the byte at `offset`.
    pub fn hover(&self, offset: usize, proved: Option<&Proved>) -> Option<Hover> {
        if let Some(hover) = self.hover_equation(offset) {
            return Some(hover);
        }
        if let Some(hover) = self.hover_place(offset) {
            return Some(hover);
        }
        if let Some(found) = self.names().at(offset) {
            return self.hover_name(found, offset, proved);
        }
        self.hover_column(offset).or_else(|| self.hover_word(offset))
    }

    /// The intent around a byte.
    pub(super) fn intent_at(&self, offset: usize) -> Option<&IntentDecl> {
        self.intents().find(|intent| touches(intent.span, offset))
    }

    /// `==` of an equation that gives a place its new value, or a guard's equation that fixes a value.
    fn hover_equation(&self, offset: usize) -> Option<Hover> {
        let intent = self.intent_at(offset)?;
        for (verify, statement) in
            (intent.guard.iter().map(|one| (false, one))).chain(intent.verify.iter().map(|one| (true, one)))
        {
            let Statement::Condition(condition) = statement else {
                continue;
            };
            let ExprKind::Binary(BinaryOp::Equal, at, left, right) = &condition.kind else {
                continue;
            };
            if !(at.start as usize..at.end as usize).contains(&offset) {
                continue;
            }
            let (l, r) = (self.slice(left.span), self.slice(right.span));
            let code = self.slice(condition.span).to_owned();
            if verify && self.defines(intent.name.span, condition.span) {
                let text = vec![
                    format!("`{l}` becomes `{r}`; places on the right are values before"),
                    self.type_at(intent.name.span, right.span).unwrap_or_default(),
                ];
                return Some(Hover {
                    span: *at,
                    code,
                    text,
                });
            }
            for (side, other) in [(left, r), (right, l)] {
                if let (false, ExprKind::Name(name)) = (verify, &side.kind)
                    && let Some((ty, value)) = self.fixed(intent.name.span, name)
                    && touches(condition.span, value.start as usize)
                {
                    let text = vec![format!("fixes `{name}`, {ty}: its value is `{other}`")];
                    return Some(Hover {
                        span: *at,
                        code,
                        text,
                    });
                }
            }
            let text = vec!["must hold, or the whole batch is rolled back".to_owned()];
            return Some(Hover {
                span: *at,
                code,
                text,
            });
        }
        None
    }

    /// `company.balance`, with the cursor on the field: the place.
    fn hover_place(&self, offset: usize) -> Option<Hover> {
        let mut found = None;
        self.expressions(&mut |expr, intent| {
            if let (ExprKind::Field(base, field), Some(intent)) = (&expr.kind, intent)
                && touches(field.span, offset)
            {
                found = Some((expr, base, intent));
            }
        });
        let (place, base, decl) = found?;
        let param = decl.params.iter().find(|param| param.name.text == base.text)?;
        let mut text = self.about_place(decl, place);
        text.push(format!("`{}`", param_text(param)));
        Some(Hover {
            span: place.span,
            code: self.slice(place.span).to_owned(),
            text,
        })
    }

    /// The type of a place, and what its intent does to it.
    fn about_place(&self, decl: &IntentDecl, place: &Expr) -> Vec<String> {
        let ty = self.type_at(decl.name.span, place.span);
        ty.into_iter().chain(self.equation_of(decl, place)).collect()
    }

    fn hover_name(&self, found: Occurrence, offset: usize, proved: Option<&Proved>) -> Option<Hover> {
        let symbol = self.names().symbol(found.symbol)?;
        let name = symbol.name.as_str();
        let mut text = Vec::new();
        let code = match symbol.kind {
            SymbolKind::Asset => {
                let scale = self.tree.items.iter().find_map(|item| match item {
                    Item::Asset(asset) if asset.name.text == name => asset.scale.as_ref(),
                    _ => None,
                });
                let scale = scale.map_or("?", |scale| scale.text.as_str());
                text.push(format!("amounts are exact, with {scale} decimal places"));
                format!("asset {name} {{ scale: {scale}; }}")
            }
            SymbolKind::Account => {
                let unbounded = self.tree.items.iter().any(|item| match item {
                    Item::Account(account) => account.name.text == name && account.unbounded.is_some(),
                    _ => false,
                });
                text.push(match unbounded {
                    true => "this account of the ledger may go below zero".into(),
                    false => "this account of the ledger never goes below zero".into(),
                });
                format!("account \"{name}\"")
            }
            SymbolKind::Field | SymbolKind::Constant => {
                let declared = self.tree.items.iter().find_map(|item| match item {
                    Item::Field(one) if Some(one.name.span) == symbol.declared => Some(one.span),
                    Item::Const(one) if Some(one.name.span) == symbol.declared => Some(one.span),
                    _ => None,
                });
                text.push(match symbol.kind {
                    SymbolKind::Field => "a field that accounts carry beside balances; not value".into(),
                    _ => "a constant; it takes the type of its use".into(),
                });
                self.slice(declared?).to_owned()
            }
            SymbolKind::Intent | SymbolKind::OwnIntent => {
                let decl = self
                    .intents()
                    .find(|intent| Some(intent.name.span) == symbol.declared)?;
                self.about_intent(decl, proved, &mut text);
                signature(decl)
            }
            SymbolKind::Batch => {
                let batch = self
                    .batches()
                    .find(|batch| Some(batch.name.span) == symbol.declared)?;
                let proof = proved.and_then(|proved| proved.proof_of(self, batch.span));
                text.push("all of it succeeds, or everything stays as it was".into());
                proof.iter().for_each(|proof| about_proof(proof, &mut text));
                format!("atomic_batch {name}")
            }
            SymbolKind::Label => {
                text.push("a label, for `after` and for bindings".into());
                let item = self.outline().into_iter().flat_map(|item| item.children);
                let line = item
                    .into_iter()
                    .find(|line| Some(line.name_span) == symbol.declared)?;
                self.slice(line.span).lines().next().unwrap_or(name).to_owned()
            }
            SymbolKind::Row => {
                text.push(
                    "one row of the file; its columns are text that the parameter's type reads exactly"
                        .into(),
                );
                let each = self.calls().filter_map(|(_, each)| each);
                let mut each = each.filter(|each| Some(each.row.span) == symbol.declared);
                each.next().map_or_else(String::new, |each| {
                    format!("for {name} in {}", self.slice(each.file.span))
                })
            }
            SymbolKind::AccountParameter | SymbolKind::Parameter | SymbolKind::Value => {
                return self.hover_local(found, offset);
            }
        };
        Some(Hover {
            span: found.span,
            code,
            text,
        })
    }

    /// A parameter or a named value; with a field behind it, the place.
    fn hover_local(&self, found: Occurrence, offset: usize) -> Option<Hover> {
        let symbol = self.names().symbol(found.symbol)?;
        let name = symbol.name.as_str();
        let declared = symbol.declared?;
        let decl = self.intents().find(|intent| Some(intent.span) == symbol.scope)?;
        let mut text = Vec::new();
        // The smallest place around the cursor: `company.balance` rather than `company`.
        let mut place = None;
        self.expressions(&mut |expr, intent| {
            if intent.is_some_and(|intent| intent.span == decl.span)
                && touches(expr.span, offset)
                && let ExprKind::Field(base, _) = &expr.kind
                && base.text == name
            {
                place = Some(expr);
            }
        });
        if let Some(place) = place {
            text.extend(self.about_place(decl, place));
        }
        let param = decl.params.iter().find(|param| param.name.span == declared);
        let code = match param {
            Some(param) => param_text(param),
            None => {
                let line = decl.guard.iter().find_map(|statement| match statement {
                    Statement::Let { name, span, .. } => (name.span == declared).then_some(*span),
                    Statement::Assign { target, span, .. } => (target.span == declared).then_some(*span),
                    Statement::Condition(expr) => {
                        touches(expr.span, declared.start as usize).then_some(expr.span)
                    }
                });
                self.slice(line?).to_owned()
            }
        };
        match (self.fixed(decl.name.span, name), param) {
            (Some((ty, value)), Some(_)) => {
                text.push(format!("{ty}; the guard fixes it: `{}`", self.slice(value)));
            }
            (Some((ty, _)), None) => text.push(ty),
            (None, Some(param)) if param.external.is_some() => {
                text.push("an oracle brings it, signed".into())
            }
            (None, Some(_)) if symbol.kind == SymbolKind::AccountParameter && symbol.names_account => {
                text.push(format!("where nothing else is bound, the account `{name}`"));
            }
            (None, Some(_)) if symbol.kind == SymbolKind::Parameter => {
                text.push("each call, or the inputs of a run, bring it".into());
            }
            _ => {}
        }
        Some(Hover {
            span: place.map_or(found.span, |place| place.span),
            code: place.map_or(code.clone(), |place| self.slice(place.span).to_owned()),
            text: match place {
                Some(_) => text.into_iter().chain([format!("`{code}`")]).collect(),
                None => text,
            },
        })
    }

    /// What an intent does to a place.
    fn equation_of(&self, decl: &IntentDecl, place: &Expr) -> Option<String> {
        let written = self.slice(place.span);
        let defines = |statement: &&Statement| match statement {
            Statement::Condition(Expr {
                kind: ExprKind::Binary(BinaryOp::Equal, _, left, _),
                ..
            }) => self.slice(left.span) == written,
            _ => false,
        };
        match decl.verify.iter().find(defines) {
            Some(Statement::Condition(expr)) => Some(format!("new value: `{}`", self.slice(expr.span))),
            _ => Some(format!("`{}` does not change it", decl.name.text)),
        }
    }

    fn about_intent(&self, decl: &IntentDecl, proved: Option<&Proved>, text: &mut Vec<String>) {
        if let Some(facts) = self.facts(decl.name.span) {
            let list = |places: &[super::facts::PlaceName]| match places {
                [] => "nothing".to_owned(),
                places => places
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(", "),
            };
            text.push(format!("reads {}", list(&facts.reads)));
            text.push(format!("writes {}", list(&facts.writes)));
        }
        let proof = proved.and_then(|proved| proved.proof_of(self, decl.span));
        proof.iter().for_each(|proof| about_proof(proof, text));
    }

    /// `row.salary`: a column of the loop's file.
    fn hover_column(&self, offset: usize) -> Option<Hover> {
        let (each, column) = self.column_at(offset)?;
        Some(Hover {
            span: column.span,
            code: format!("{}.{}", each.row.text, column.text),
            text: vec![format!(
                "the column `{}` of {}",
                column.text,
                self.slice(each.file.span)
            )],
        })
    }

    /// The column that is named at a byte, and the loop it belongs to.
    pub(super) fn column_at(
        &self,
        offset: usize,
    ) -> Option<(&aethel_syntax::ast::Loop, &aethel_syntax::ast::Name)> {
        self.calls().find_map(|(call, each)| {
            let each = each?;
            call.args.iter().find_map(|arg| match &arg.value.kind {
                ExprKind::Field(base, column)
                    if base.text == each.row.text && touches(column.span, offset) =>
                {
                    Some((each, column))
                }
                _ => None,
            })
        })
    }

    fn hover_word(&self, offset: usize) -> Option<Hover> {
        let mut lexer = Lexer::new(&self.text);
        let token = loop {
            let token = lexer.next_with_comments();
            if token.kind == TokenKind::End || token.start > offset {
                return None;
            }
            if offset <= token.end && token.kind == TokenKind::Word {
                break token;
            }
        };
        let span = Span::new(token.start, token.end);
        let word = self.slice(span);
        let function = words::FUNCTIONS.iter().find(|(name, ..)| *name == word);
        let code = match function {
            Some((name, parameters, _)) => format!("{name}({})", parameters.join(", ")),
            None => word.to_owned(),
        };
        let text = vec![meaning(word)?.to_owned()];
        Some(Hover { span, code, text })
    }
}

/// What was proved, in sentences.
fn about_proof(proof: &Proof, text: &mut Vec<String>) {
    let mut say = |what: &str, words: &[String]| {
        if !words.is_empty() {
            text.push(format!("{what}: {}", words.join(", ")));
        }
    };
    say("proved for all states and inputs", &proof.proved);
    say("**refuted**", &proof.refuted);
    say("undecided", &proof.undecided);
}
