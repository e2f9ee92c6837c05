//! The outline of a program.

use super::Analysis;
use aethel_ir::Span;
use aethel_syntax::ast::{BatchItem, Call, IntentDecl, Item, Name, TypeRef};

/// What stands in an outline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the item of its name")]
pub enum OutlineKind {
    Asset,
    Account,
    Field,
    Constant,
    Intent,
    Parameter,
    Batch,
    Call,
    Loop,
}

/// One line of an outline, with what lies below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// What it is.
    pub kind: OutlineKind,
    /// Its name.
    pub name: String,
    /// More about it.
    pub detail: String,
    /// All of it.
    pub span: Span,
    /// Its name's place, inside `span`.
    pub name_span: Span,
    /// What it consists of.
    pub children: Vec<Outline>,
}

impl Analysis {
    /// The items of the program with their parts, in source order.
    pub fn outline(&self) -> Vec<Outline> {
        self.tree.items.iter().map(|item| self.outline_of(item)).collect()
    }

    fn outline_of(&self, item: &Item) -> Outline {
        match item {
            Item::Asset(one) => {
                let places = one.scale.as_ref().map_or("?", |scale| scale.text.as_str());
                leaf(
                    OutlineKind::Asset,
                    &one.name,
                    format!("{places} decimal places"),
                    one.span,
                )
            }
            Item::Account(one) => {
                let detail = if one.unbounded.is_some() {
                    "unbounded"
                } else {
                    "bounded"
                };
                leaf(OutlineKind::Account, &one.name, detail.into(), one.span)
            }
            Item::Field(one) => leaf(OutlineKind::Field, &one.name, type_text(&one.ty), one.span),
            Item::Const(one) => {
                let value = self.slice(one.value.span).to_owned();
                leaf(OutlineKind::Constant, &one.name, value, one.span)
            }
            Item::Intent(one) => intent(one),
            Item::Batch(one) => {
                let mut batch = leaf(OutlineKind::Batch, &one.name, String::new(), one.span);
                batch.children = one.items.iter().map(|item| self.batch_item(item)).collect();
                batch
            }
        }
    }

    fn batch_item(&self, item: &BatchItem) -> Outline {
        match item {
            BatchItem::Intent(own) => intent(own),
            BatchItem::Call(one) => call(one),
            BatchItem::Loop(each) => {
                let name = each.label.as_ref().unwrap_or(&each.row);
                let detail = format!("for {} in {}", each.row.text, self.slice(each.file.span));
                let mut line = leaf(OutlineKind::Loop, name, detail, each.span);
                line.children = each.calls.iter().map(call).collect();
                line
            }
        }
    }
}

fn leaf(kind: OutlineKind, name: &Name, detail: String, span: Span) -> Outline {
    Outline {
        kind,
        name: name.text.clone(),
        detail,
        // A broken item may end before its name.
        span: span.to(name.span),
        name_span: name.span,
        children: Vec::new(),
    }
}

fn intent(one: &IntentDecl) -> Outline {
    let mut line = leaf(OutlineKind::Intent, &one.name, String::new(), one.span);
    let params = one.params.iter();
    line.children = params
        .map(|param| {
            leaf(
                OutlineKind::Parameter,
                &param.name,
                type_text(&param.ty),
                param.span,
            )
        })
        .collect();
    line
}

fn call(one: &Call) -> Outline {
    let name = one.label.as_ref().unwrap_or(&one.intent);
    let detail = match one.label {
        Some(_) => one.intent.text.clone(),
        None => String::new(),
    };
    leaf(OutlineKind::Call, name, detail, one.span)
}

/// A type as it is usually written.
pub(super) fn type_text(ty: &TypeRef) -> String {
    if ty.args.is_empty() {
        return ty.name.text.clone();
    }
    let args: Vec<&str> = ty.args.iter().map(|arg| arg.text.as_str()).collect();
    format!("{}<{}>", ty.name.text, args.join(", "))
}

/// `intent pay(company: Account<USD>, amount: Balance<USD>)`
pub(super) fn signature(decl: &IntentDecl) -> String {
    let params: Vec<String> = decl.params.iter().map(param_text).collect();
    format!("intent {}({})", decl.name.text, params.join(", "))
}

/// `external price: Price<BTC, USD>`
pub(super) fn param_text(param: &aethel_syntax::ast::Param) -> String {
    let mut text = String::new();
    if param.external.is_some() {
        text.push_str("external ");
    }
    if param.secret.is_some() {
        text.push_str("secret ");
    }
    format!("{text}{}: {}", param.name.text, type_text(&param.ty))
}
