//! Everything that is not an expression: heads, declarations, calls, entries.

use super::{Part, Rule, Strict};
use crate::ast::{Arg, Call, Expr, Name, Param, SolveEntry, SolveValue, TypeRef};
use crate::kind::Kind;
use crate::lexer::{Bracket, Lexer, TokenKind};
use crate::words;
use aethel_ir::{Code, Diagnostic, Safety, Span};
use pest::iterators::Pair;

/// `name(params) after a, b`, with what could not be read of it left out.
#[derive(Clone, Debug, Default)]
pub(crate) struct IntentHead {
    pub(crate) name: Option<Name>,
    pub(crate) params: Vec<Param>,
    pub(crate) after: Vec<Name>,
}

/// `row in "file.csv" after a, b`.
#[derive(Debug)]
pub(crate) struct LoopHead {
    pub(crate) row: Name,
    pub(crate) file: Name,
    pub(crate) after: Vec<Name>,
}

impl Part<'_> {
    /// The name in the head of an asset, an account (where it may be a string) or a batch.
    pub(crate) fn declared_name(&self, kind: Kind) -> Strict<Name> {
        let inner = self.required(self.read(kind)?.into_inner().next())?;
        Ok(if inner.as_rule() == Rule::string {
            self.string(&inner)
        } else {
            self.name(&inner)
        })
    }

    /// `scale: 2`; gives the digits.
    pub(crate) fn asset_entry(&self) -> Strict<Name> {
        let mut inner = self.read(Kind::AssetEntry)?.into_inner();
        Ok(self.name(&self.required(inner.find(|pair| pair.as_rule() == Rule::number))?))
    }

    /// `unbounded` or `bounded`; gives the place of the former.
    pub(crate) fn account_entry(&self) -> Strict<Option<Span>> {
        let inner = self.required(self.read(Kind::AccountEntry)?.into_inner().next())?;
        Ok((inner.as_rule() == Rule::kw_unbounded).then(|| self.span(&inner)))
    }

    /// `name: Type` of a field.
    pub(crate) fn field(&self) -> Strict<(Name, TypeRef)> {
        let mut inner = self.read(Kind::Field)?.into_inner();
        let name = self.name(&self.required(inner.next())?);
        let ty = self.required(inner.find(|pair| pair.as_rule() == Rule::type_ref))?;
        Ok((name, self.type_ref(ty)?))
    }

    /// `NAME = expr` of a constant.
    pub(crate) fn constant(&self) -> Strict<(Name, Expr)> {
        let mut inner = self.read(Kind::Const)?.into_inner();
        let name = self.name(&self.required(inner.next())?);
        let value = self.required(inner.find(|pair| pair.as_rule() == Rule::expr))?;
        Ok((name, self.expr(value)?))
    }

    /// The head of an intent, all of it right.
    pub(crate) fn intent_head(&self) -> Strict<IntentHead> {
        let mut head = IntentHead::default();
        for pair in self.read(Kind::IntentHead)?.into_inner() {
            match pair.as_rule() {
                Rule::name => head.name = Some(self.name(&pair)),
                Rule::params => {
                    let params = pair.into_inner().filter(|part| part.as_rule() == Rule::param);
                    head.params = params.map(|part| self.param_tree(part)).collect::<Strict<_>>()?;
                }
                _ => head.after = self.names(pair),
            }
        }
        Ok(head)
    }

    /// What can be read of an intent's head that is not all right, and the problems of its single parameters with the
    /// place of each parameter.
    pub(crate) fn salvage_head(&self) -> (IntentHead, Vec<(Span, Diagnostic)>) {
        let mut head = IntentHead::default();
        let mut problems = Vec::new();
        let mut lexer = Lexer::starting_at(self.text, self.start);
        let (mut round, mut angle, mut from) = (0_usize, 0_usize, self.start);
        loop {
            let token = lexer.next_token();
            if token.kind == TokenKind::End || token.start >= self.end {
                break;
            }
            let text = self.text.get(token.start..token.end).unwrap_or("");
            match token.kind {
                TokenKind::Word if round == 0 && head.name.is_none() => {
                    head.name = Some(Name {
                        text: text.to_owned(),
                        span: Span::new(token.start, token.end),
                    });
                }
                TokenKind::Word if round == 0 && text == "after" => {
                    let after = Part {
                        start: token.start,
                        ..*self
                    };
                    head.after = after
                        .read(Kind::After)
                        .map(|pair| after.names(pair))
                        .unwrap_or_default();
                    return (head, problems);
                }
                TokenKind::Open(Bracket::Round) => {
                    round += 1;
                    from = if round == 1 { token.end } else { from };
                }
                TokenKind::Operator if text == "<" => angle += 1,
                TokenKind::Operator if text == ">" => angle = angle.saturating_sub(1),
                TokenKind::Comma if round == 1 && angle == 0 => {
                    self.salvage_param(from, token.start, &mut head, &mut problems);
                    from = token.end;
                }
                TokenKind::Close(Bracket::Round) if round > 0 => {
                    self.salvage_param(from, token.start, &mut head, &mut problems);
                    round = 0;
                }
                _ => {}
            }
        }
        if round > 0 {
            self.salvage_param(from, self.end, &mut head, &mut problems);
        }
        (head, problems)
    }

    /// Reads one parameter of a head in which something is wrong.
    fn salvage_param(
        &self,
        from: usize,
        to: usize,
        head: &mut IntentHead,
        problems: &mut Vec<(Span, Diagnostic)>,
    ) {
        let text = self.text.get(from..to).unwrap_or("");
        let start = from + text.len() - text.trim_start().len();
        let part = Part {
            start,
            end: start + text.trim().len(),
            ..*self
        };
        match part.param() {
            Ok(param) => head.params.push(param),
            Err(_) if part.slice().is_empty() || part.slice() == "..." => {}
            Err(problem) => problems.push((Span::new(from, to), *problem)),
        }
    }

    fn param(&self) -> Strict<Param> {
        self.param_tree(self.read(Kind::Param)?)
    }

    fn param_tree(&self, pair: Pair<'_, Rule>) -> Strict<Param> {
        let span = self.span(&pair);
        let (mut external, mut secret, mut name, mut ty) = (None, None, None, None);
        for part in pair.into_inner() {
            let place = self.span(&part);
            match part.as_rule() {
                Rule::modifier => {
                    let slot = if part.as_str() == "external" {
                        &mut external
                    } else {
                        &mut secret
                    };
                    if let Some(first) = slot.replace(place) {
                        return Err(self.twice(part.as_str(), first, place));
                    }
                }
                Rule::name => name = Some(self.name(&part)),
                Rule::type_ref => ty = Some(part),
                _ => {}
            }
        }
        let ty = self.type_ref(self.required(ty)?)?;
        let name = name.unwrap_or_else(|| ty.name.clone());
        Ok(Param {
            name,
            external,
            secret,
            ty,
            span,
        })
    }

    /// A modifier that is written twice.
    fn twice(&self, word: &str, first: Span, second: Span) -> Box<Diagnostic> {
        Box::new(
            Diagnostic::new(Code::AE0101, format!("`{word}` is written twice"))
                .label(self.source, second, "the second time")
                .label(self.source, first, "the first time")
                .help("delete one of them")
                .fix(
                    format!("delete the second `{word}`"),
                    Safety::Safe,
                    self.source,
                    second,
                    "",
                ),
        )
    }

    fn type_ref(&self, pair: Pair<'_, Rule>) -> Strict<TypeRef> {
        let span = self.span(&pair);
        let mut inner = pair.into_inner();
        let name = self.name(&self.required(inner.next())?);
        let args = inner.next().map(|args| self.names(args)).unwrap_or_default();
        Ok(TypeRef { name, args, span })
    }

    /// All names directly inside a pair.
    fn names(&self, pair: Pair<'_, Rule>) -> Vec<Name> {
        pair.into_inner()
            .filter(|part| part.as_rule() == Rule::name)
            .map(|part| self.name(&part))
            .collect()
    }

    /// `row in "file.csv" after a`.
    pub(crate) fn loop_head(&self) -> Strict<LoopHead> {
        let mut inner = self.read(Kind::LoopHead)?.into_inner();
        let row = self.name(&self.required(inner.next())?);
        let file = self.string(&self.required(inner.find(|pair| pair.as_rule() == Rule::string))?);
        let after = inner.next().map(|pair| self.names(pair)).unwrap_or_default();
        Ok(LoopHead { row, file, after })
    }

    /// A call with its label and order, if any.
    pub(crate) fn call(&self) -> Strict<Call> {
        let pair = self.read(Kind::Call)?;
        let span = self.span(&pair);
        let (mut label, mut after, mut callee) = (None, Vec::new(), None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::label => label = self.names(part).pop(),
                Rule::after => after = self.names(part),
                _ => callee = Some(part),
            }
        }
        let mut inner = self.required(callee)?.into_inner();
        let intent = self.name(&self.required(inner.next())?);
        let args = self
            .required(inner.next())?
            .into_inner()
            .filter(|part| part.as_rule() == Rule::arg);
        let args = args.map(|part| self.arg(part)).collect::<Strict<_>>()?;
        Ok(Call {
            label,
            intent,
            args,
            after,
            span,
        })
    }

    fn arg(&self, pair: Pair<'_, Rule>) -> Strict<Arg> {
        let (mut name, mut value) = (None, None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::label => name = self.names(part).pop(),
                _ => value = Some(part),
            }
        }
        Ok(Arg {
            name,
            value: self.expr(self.required(value)?)?,
        })
    }

    /// `name: value` of `solve`.
    pub(crate) fn solve_entry(&self) -> Strict<SolveEntry> {
        let mut inner = self.read(Kind::SolveEntry)?.into_inner();
        let name = self.name(&self.required(inner.next())?);
        let value = self.required(inner.find(|pair| pair.as_rule() != Rule::colon))?;
        let list = value.as_rule() == Rule::solve_list;
        let values: Vec<_> = if list {
            value
                .into_inner()
                .filter(|part| part.as_rule() == Rule::solve_value)
                .collect()
        } else {
            vec![value]
        };
        let values = values
            .into_iter()
            .map(|value| self.solve_value(value))
            .collect::<Strict<_>>()?;
        Ok(SolveEntry { name, values, list })
    }

    fn solve_value(&self, pair: Pair<'_, Rule>) -> Strict<SolveValue> {
        let inner = self.required(pair.into_inner().next())?;
        Ok(match inner.as_rule() {
            Rule::number => SolveValue::Number(self.name(&inner)),
            Rule::string => SolveValue::Text(self.string(&inner)),
            _ => SolveValue::Name(self.name(&inner)),
        })
    }

    /// The name that the part begins with, be it reserved or followed by something wrong.
    pub(crate) fn first_name(&self, kind: Kind) -> Option<Name> {
        let token = Lexer::starting_at(self.text, self.start).next_token();
        let text = self
            .text
            .get(token.start..token.end)
            .filter(|_| token.end <= self.end)?;
        let span = Span::new(token.start, token.end);
        match token.kind {
            TokenKind::Word => Some(Name {
                text: text.to_owned(),
                span,
            }),
            TokenKind::Text if kind == Kind::AccountHead => Some(Name {
                text: crate::literals::escapes(text).ok()?,
                span,
            }),
            _ => None,
        }
    }

    /// The part as a name, or why it cannot be one.
    pub(crate) fn plain_name(&self) -> Strict<Name> {
        if words::is_reserved(self.slice()) {
            return Err(Box::new(self.unexpected(Kind::BatchHead, &[Rule::name], 0)));
        }
        Ok(Name {
            text: self.slice().to_owned(),
            span: Span::new(self.start, self.end),
        })
    }
}
