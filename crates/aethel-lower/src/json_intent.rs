//! The compiled intent of one shape of JSON transaction.

use crate::intent::{Compiler, index16};
use crate::json_accounts::Party;
use crate::json_batch::Written;
use crate::problems::Problems;
use crate::symbols::Symbols;
use crate::tables::Tables;
use aethel_ir::intent::{BinaryOp, Let, ValueParameter};
use aethel_ir::{
    Code, Condition, Diagnostic, Effect, Expr as Ir, ExprId, Field, Intent, Rational, Slot, Span, Type,
};
use aethel_syntax::ast::{Expr, ExprKind, IntentDecl, Name, Param, TypeRef};
use std::collections::HashMap;

/// One side of a movement of value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Move {
    /// The index of the account among the transaction's.
    pub(crate) party: usize,
    /// Whether it gains.
    pub(crate) credit: bool,
    /// The index of the asset.
    pub(crate) asset: usize,
    /// The index of the amount.
    pub(crate) amount: usize,
}

/// What transactions must have in common to share an intent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Shape {
    /// `intent_name`.
    pub(crate) name: String,
    /// The assets of each account.
    pub(crate) assets: Vec<Vec<usize>>,
    /// What moves, in order.
    pub(crate) moves: Vec<Move>,
    /// Account names and conditions, when there are conditions.
    pub(crate) conditions: Vec<String>,
}

impl Shape {
    /// The shape of a transaction. Conditions speak of accounts by name, so one with conditions has a shape of its own.
    pub(crate) fn new(
        name: &str,
        parties: &[Party<'_>],
        moves: Vec<Move>,
        conditions: &[Written<'_>],
    ) -> Self {
        let names = parties.iter().map(|party| party.name);
        let texts = conditions.iter().map(|condition| condition.text);
        let conditions = match conditions {
            [] => Vec::new(),
            _ => names.chain(texts).map(str::to_owned).collect(),
        };
        Self {
            name: name.to_owned(),
            assets: parties.iter().map(|party| party.assets.clone()).collect(),
            moves,
            conditions,
        }
    }
}

/// After how many changes of a balance the sum gets a name: without that, many operations on one account would make
/// deep expressions, and quadratically many.
const LONGEST_SUM: usize = 16;

/// What happened to a balance so far.
struct Running {
    slot: Slot,
    ty: Type,
    /// The named value that holds all changes but the last ones.
    base: Option<u16>,
    /// Credit or debit, and the amount parameter.
    changes: Vec<(bool, u16)>,
}

impl Running {
    fn new(slot: Slot, ty: Type) -> Self {
        Self {
            slot,
            ty,
            base: None,
            changes: Vec::new(),
        }
    }
}

/// Builds the intent: each debit is tested where it stands, then all movements become one effect per place.
pub(crate) fn build(
    symbols: &Symbols<'_>,
    tables: &mut Tables,
    shape: &Shape,
    names: &[&str],
    conditions: &[Written<'_>],
    file: &str,
) -> Result<Intent, Diagnostic> {
    let mut parsed = Vec::with_capacity(conditions.len());
    for one in conditions {
        parsed.push(condition(symbols, *one, file)?);
    }
    let decl = declaration(symbols, shape, names);
    let mut diagnostics = Problems::default();
    let mut compiler = Compiler::new(symbols, tables, &decl, false, &mut diagnostics);
    compiler.parameters(&|_| true);
    // Every listed account is opened, so each has a place even if nothing moves.
    let mut slots = Vec::new();
    for (party, assets) in shape.assets.iter().enumerate() {
        for asset in assets {
            slots.push(compiler.json_slot(party, *asset));
        }
    }
    compiler.json_moves(&shape.moves);
    compiler.conditions_after(&parsed);
    compiler.check_size();
    let intent = compiler.intent;
    match diagnostics.first_error() {
        Some(problem) => Err(problem),
        None => Ok(intent),
    }
}

/// Parses a condition; its places are moved to where it stands in the file.
fn condition(
    symbols: &Symbols<'_>,
    Written { text, span }: Written<'_>,
    file: &str,
) -> Result<Expr, Diagnostic> {
    let (expr, problems) = aethel_syntax::parse_condition(symbols.source, text);
    let plain = file.get(span.start as usize + 1..span.end as usize - 1) == Some(text);
    let shift = |inner: Span| {
        if plain {
            Span {
                start: inner.start + span.start + 1,
                end: inner.end + span.start + 1,
            }
        } else {
            span
        }
    };
    if let Some(mut problem) = problems.into_iter().find(Diagnostic::is_error) {
        for label in &mut problem.labels {
            label.span = shift(label.span);
        }
        problem.fixes.clear();
        return Err(problem);
    }
    let mut expr = expr.ok_or_else(|| {
        Diagnostic::new(Code::AE0101, "expected a condition")
            .label(symbols.source, span, "nothing here")
            .help("write a condition such as `company.balance >= 0`")
    })?;
    shift_expr(&mut expr, &shift);
    Ok(expr)
}

fn shift_expr(expr: &mut Expr, shift: &dyn Fn(Span) -> Span) {
    expr.span = shift(expr.span);
    match &mut expr.kind {
        ExprKind::Field(a, b) => {
            a.span = shift(a.span);
            b.span = shift(b.span);
        }
        ExprKind::Old(inner) | ExprKind::Unary(_, inner) => shift_expr(inner, shift),
        ExprKind::Call(name, args) => {
            name.span = shift(name.span);
            args.iter_mut().for_each(|arg| shift_expr(arg, shift));
        }
        ExprKind::Binary(_, op, a, b) => {
            *op = shift(*op);
            shift_expr(a, shift);
            shift_expr(b, shift);
        }
        ExprKind::Number(_) | ExprKind::Text(_) | ExprKind::Bool(_) | ExprKind::Name(_) => {}
    }
}

/// A declaration with one account parameter for each account.
fn declaration(symbols: &Symbols<'_>, shape: &Shape, names: &[&str]) -> IntentDecl {
    let name = |text: &str| Name {
        text: text.to_owned(),
        span: Span::default(),
    };
    let params = names.iter().zip(&shape.assets).map(|(account, assets)| {
        let asset = assets
            .first()
            .and_then(|index| symbols.assets().get(*index))
            .or(symbols.assets().first());
        Param {
            name: name(account),
            external: None,
            secret: None,
            ty: TypeRef {
                name: name("Account"),
                args: asset.map(|asset| name(&asset.name)).into_iter().collect(),
                span: Span::default(),
            },
            span: Span::default(),
        }
    });
    IntentDecl {
        name: name(&shape.name),
        params: params.collect(),
        after: Vec::new(),
        guard: Vec::new(),
        solve: Vec::new(),
        verify: Vec::new(),
        guard_span: None,
        verify_span: None,
        span: Span::default(),
        broken: false,
    }
}

// Nodes of movements have no place of their own in the file (rows of one shape share them); messages use the place of
// the transaction.
impl<'a> Compiler<'a, '_> {
    /// The slot of an account's balance in an asset.
    fn json_slot(&mut self, party: usize, asset: usize) -> Slot {
        let asset = self.tables.asset(&self.symbols.assets()[asset]);
        let field = self.tables.field(Field::Balance(asset));
        self.slot(index16(party), field)
    }

    fn json_moves(&mut self, moves: &[Move]) {
        let at = Span::default();
        let mut running: Vec<Running> = Vec::new();
        let mut known: HashMap<Slot, usize> = HashMap::new();
        for step in moves {
            let slot = self.json_slot(step.party, step.asset);
            let ty = self.slot_type(slot);
            if self.intent.values.len() == step.amount {
                let name = format!("amount {}", step.amount + 1);
                self.intent.values.push(ValueParameter {
                    name: name.into(),
                    ty,
                    external: false,
                    secret: false,
                    span: at,
                });
            }
            let index = *known.entry(slot).or_insert_with(|| {
                running.push(Running::new(slot, ty));
                running.len() - 1
            });
            let balance = &mut running[index];
            balance.changes.push((step.credit, index16(step.amount)));
            if !step.credit {
                let left = self.json_sum(balance);
                let zero = self.push(Ir::Number(Rational::ZERO), at, ty);
                let expr = self.push(Ir::Binary(BinaryOp::GreaterEqual, left, zero), at, Type::Bool);
                self.intent.guard.push(Condition {
                    expr,
                    if_bounded: Some(slot),
                });
            }
            self.json_subtotal(balance);
        }
        for balance in running {
            let value = self.json_sum(&balance);
            self.intent.effects.push(Effect {
                slot: balance.slot,
                value,
                span: at,
            });
        }
    }

    /// The balance with the changes so far.
    fn json_sum(&mut self, balance: &Running) -> ExprId {
        let (at, ty) = (Span::default(), balance.ty);
        let base = balance.base.map_or(Ir::Before(balance.slot), Ir::Let);
        let mut sum = self.push(base, at, ty);
        for (credit, amount) in &balance.changes {
            let amount = self.push(Ir::Value(*amount), at, ty);
            let op = if *credit {
                BinaryOp::Add
            } else {
                BinaryOp::Subtract
            };
            sum = self.push(Ir::Binary(op, sum, amount), at, ty);
        }
        sum
    }

    /// Names a long sum, so that the next ones need not repeat it.
    fn json_subtotal(&mut self, balance: &mut Running) {
        if balance.changes.len() < LONGEST_SUM {
            return;
        }
        let value = self.json_sum(balance);
        let index = self.intent.lets.len();
        self.intent.lets.push(Let {
            name: format!("subtotal {}", index + 1).into(),
            value,
            whole: false,
            span: Span::default(),
            secret: false,
        });
        balance.base = Some(index16(index));
        balance.changes.clear();
    }
}
