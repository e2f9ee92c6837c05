//! The parameters of a call while it is written, and beside arguments that do not name them.

use super::Analysis;
use super::context::Context;
use super::outline::param_text;
use super::words::FUNCTIONS;
use aethel_syntax::ast::ExprKind;

/// What a call takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The whole signature: `pay(company: Account, amount: Balance)`.
    pub label: String,
    /// Each parameter as it stands in the label.
    pub parameters: Vec<String>,
    /// The parameter at the cursor.
    pub active: Option<usize>,
    /// What it does.
    pub text: String,
}

/// A parameter's name that is shown before an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The byte before which it is shown.
    pub offset: usize,
    /// The name.
    pub name: String,
}

impl Analysis {
    /// The signature of the call around a byte.
    pub fn signature(&self, offset: usize) -> Option<Signature> {
        let context = Context::at(&self.text, offset);
        let frame = context.list().filter(|frame| !context.declares(frame))?;
        let name = context.called(frame)?;
        if let Some((_, parameters, meaning)) = FUNCTIONS.iter().find(|(known, ..)| *known == name) {
            let parameters: Vec<String> = parameters.iter().map(ToString::to_string).collect();
            // `round(x, mode)` and `min(a, b, c)` are right too.
            let last = parameters.len().saturating_sub(1);
            return Some(Signature {
                label: format!("{name}({})", parameters.join(", ")),
                active: Some(frame.commas.min(last)),
                parameters,
                text: (*meaning).to_owned(),
            });
        }
        let decl = self.callee(name)?;
        let parameters: Vec<String> = decl.params.iter().map(param_text).collect();
        let named = match context.line().as_slice() {
            [name, ":", ..] => Some(*name),
            [] => None,
            _ => None,
        };
        let active = match named {
            Some(name) => decl.params.iter().position(|param| param.name.text == name),
            None => Some(frame.commas).filter(|at| *at < parameters.len()),
        };
        Some(Signature {
            label: format!("{name}({})", parameters.join(", ")),
            parameters,
            active,
            text: String::new(),
        })
    }

    /// The names of parameters to show before arguments that do not name them.
    pub fn hints(&self) -> Vec<Hint> {
        let mut hints = Vec::new();
        for (call, _) in self.calls() {
            let Some(decl) = self.callee(&call.intent.text) else {
                continue;
            };
            let positional = call.args.iter().filter(|arg| arg.name.is_none());
            for (arg, param) in positional.zip(&decl.params) {
                // `company` for `company` says nothing.
                let same = match &arg.value.kind {
                    ExprKind::Name(name) => *name == param.name.text,
                    ExprKind::Field(_, column) => column.text == param.name.text,
                    _ => false,
                };
                if !same {
                    hints.push(Hint {
                        offset: arg.value.span.start as usize,
                        name: param.name.text.clone(),
                    });
                }
            }
        }
        hints.sort_by_key(|hint| hint.offset);
        hints
    }
}
