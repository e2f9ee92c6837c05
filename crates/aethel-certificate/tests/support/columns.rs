//! Batches that are loops over columns: a few groups of up to several hundred rows, whose columns are the same for all
//! rows or not, with amounts of every width, and perhaps some rows that fail.

use super::{Build, Kind};
use aethel_ir::intent::{BinaryOp, Let, Node};
use aethel_ir::{
    AccountId, Asset, AssetId, BatchItem, Column, Condition, Expr, ExprId, Field, FieldId, Intent, PlaceId,
    Rational, Slot, Type, ValueColumn,
};
use proptest::prelude::*;

/// Some rows of one kind.
#[derive(Clone, Debug)]
pub struct Rows {
    kind: Kind,
    count: usize,
    /// Whether all rows have the same first account, second account and amount.
    same: [bool; 3],
    /// How far to the left the amounts are shifted.
    shift: u32,
    seed: u64,
    /// They come after some later rows.
    after: Option<u8>,
}

/// A row that is unlike the others.
#[derive(Clone, Debug)]
pub struct Slip {
    what: What,
    at: prop::sample::Index,
}

#[derive(Clone, Copy, Debug)]
enum What {
    /// An amount of nothing.
    Nothing,
    Negative,
    /// Exactly what accounts that nobody writes hold.
    All,
    /// A bit more than that.
    TooMuch,
    Enormous,
    /// Both accounts are one.
    SameAccount,
}

/// What a batch is made of.
#[derive(Clone, Debug)]
pub struct Plan {
    parts: Vec<Rows>,
    slips: Vec<Slip>,
    /// Payers hold exactly what they pay.
    pub snug: bool,
    /// Conditions on payers count only for those that may not owe.
    only_if_bounded: bool,
    /// Payers must hold three times what they pay.
    thrice: bool,
    /// The second group is in another asset.
    euros: bool,
    /// The transactions of groups come in turns of so many.
    turns: Option<usize>,
}

/// What accounts that nobody writes hold, before it is shifted.
const FROZEN: i128 = 50;
const SHIFTS: [u32; 3] = [0, 55, 98];

/// Random plans, without slips when `smooth`.
pub fn plans(smooth: bool) -> impl Strategy<Value = Plan> {
    let kinds = vec![
        Kind::Pay,
        Kind::Pay,
        Kind::Move,
        Kind::Look,
        Kind::Bonus,
        Kind::Deposit,
        Kind::Pair,
        Kind::Mirror,
    ];
    let count = prop_oneof![1..4_usize, 120..140_usize, 1..420_usize];
    let rows = (
        prop::sample::select(kinds),
        count,
        any::<[bool; 3]>(),
        prop_oneof![4 => Just(SHIFTS[0]), 1 => Just(SHIFTS[1]), 1 => Just(SHIFTS[2])],
        any::<u64>(),
        prop_oneof![4 => Just(None), 1 => any::<u8>().prop_map(Some)],
    );
    let rows = rows.prop_map(|(kind, count, same, shift, seed, after)| Rows {
        kind,
        count,
        same,
        shift,
        seed,
        after,
    });
    let what = prop::sample::select(vec![
        What::Nothing,
        What::Negative,
        What::All,
        What::TooMuch,
        What::Enormous,
        What::SameAccount,
    ]);
    let slip = (what, any::<prop::sample::Index>()).prop_map(|(what, at)| Slip { what, at });
    let slips = prop::collection::vec(slip, 0..if smooth { 1 } else { 4 });
    let turns = prop_oneof![3 => Just(None), 1 => (1..200_usize).prop_map(Some)];
    let parts = prop::collection::vec(rows, 1..4);
    (parts, slips, any::<bool>(), any::<[bool; 3]>(), turns).prop_map(
        |(parts, slips, snug, [only_if_bounded, thrice, euros], turns)| Plan {
            parts,
            slips,
            snug,
            only_if_bounded,
            thrice,
            euros,
            turns,
        },
    )
}

type Row = (AccountId, AccountId, i128);

impl Plan {
    /// The batch, and what its places hold before.
    pub fn build(&self) -> (Build, Vec<i128>) {
        let mut build = Build::new("columns");
        let mut parts: Vec<Vec<Row>> = {
            let parts = self.parts.iter();
            parts
                .map(|part| part.rows(&mut build, self.only_if_bounded))
                .collect()
        };
        let total: usize = parts.iter().map(Vec::len).sum();
        for slip in &self.slips {
            let mut at = slip.at.index(total);
            for (rows, part) in parts.iter_mut().zip(&self.parts) {
                if let Some(row) = rows.get_mut(at) {
                    slip.what.happens_to(row, part.shift);
                    break;
                }
                at -= rows.len();
            }
        }
        let mut paid = vec![0_i128; build.batch.accounts.len()];
        for (part, rows) in self.parts.iter().zip(&parts) {
            let item = build.id_rows(part.kind, rows);
            build.fold(item, part.same);
            if matches!(part.kind, Kind::Pay | Kind::Move | Kind::Pair) {
                for (payer, _, amount) in rows {
                    let sum = &mut paid[payer.0 as usize];
                    *sum = sum.saturating_add((*amount).max(0));
                }
            }
        }
        if self.thrice {
            let largest = |rows: &Vec<Row>| rows.iter().map(|row| row.2).max().unwrap_or(0);
            let left = parts.iter().map(largest).max().unwrap_or(0).saturating_mul(2);
            paid.iter_mut()
                .filter(|sum| **sum > 0)
                .for_each(|sum| *sum = sum.saturating_add(left));
            build
                .batch
                .intents
                .iter_mut()
                .filter(|one| one.guard.len() == 2)
                .for_each(thrice);
        }
        if self.euros && parts.len() > 1 {
            build.in_euros(1);
        }
        if self.only_if_bounded {
            let guarded = build
                .batch
                .intents
                .iter_mut()
                .filter(|intent| intent.guard.len() >= 2);
            for condition in guarded.flat_map(|intent| &mut intent.guard) {
                condition.if_bounded = Some(Slot(0));
            }
        }
        self.order(&mut build);
        let batch = &build.batch;
        let value = |(account, _): &(AccountId, FieldId)| {
            let name = batch.accounts[account.0 as usize].as_str();
            let shift = |name: &str| SHIFTS[name[1..2].parse::<usize>().unwrap()];
            match &name[..1] {
                "f" => FROZEN << shift(name),
                "p" if self.snug => paid[account.0 as usize],
                "p" => 60_000 << shift(name),
                "r" => 1000 << shift(name),
                _ => 0,
            }
        };
        let snapshot = batch.places.iter().map(value).collect();
        (build, snapshot)
    }

    fn order(&self, build: &mut Build) {
        if let Some(turns) = self.turns {
            build.take_turns(turns);
        }
        let items = build.batch.items.len() as u32;
        for (item, part) in (0_u32..).zip(&self.parts) {
            let later = part.after.map(|after| item + 1 + u32::from(after) % items);
            if let Some(later) = later.filter(|later| *later < items) {
                build.after(item, later);
            }
        }
    }
}

impl What {
    fn happens_to(self, row: &mut Row, shift: u32) {
        match self {
            What::Nothing => row.2 = 0,
            What::Negative => row.2 = -row.2,
            What::All => row.2 = FROZEN << shift,
            What::TooMuch => row.2 = (FROZEN << shift) + 1,
            What::Enormous => row.2 = 1 << 119,
            What::SameAccount => row.1 = row.0,
        }
    }
}

impl Rows {
    fn rows(&self, build: &mut Build, may_owe: bool) -> Vec<Row> {
        let size = SHIFTS.iter().position(|shift| *shift == self.shift).unwrap();
        let frozen = |n: u64| format!("f{size}{}", n % 7);
        let owes = self.kind == Kind::Move || (self.kind == Kind::Pay && may_owe);
        let payer = |n: u64| match n % 6 {
            0 if owes => "world".to_owned(),
            n => format!("p{size}{n}"),
        };
        let receiver = |n: u64| format!("r{size}{}", n % 60);
        let spare = format!("r{size}spare");
        let mut seed = self.seed;
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            seed >> 33
        };
        let mut first = None;
        let mut rows = Vec::new();
        for _ in 0..self.count {
            let (a, b) = match self.kind {
                Kind::Pay | Kind::Move => (payer(next()), receiver(next())),
                Kind::Pair => (payer(next()), frozen(next())),
                Kind::Mirror => (frozen(next()), receiver(next())),
                Kind::Look => (frozen(next()), receiver(next())),
                _ => (receiver(next()), receiver(next())),
            };
            let (a, mut b) = (build.account(&a), build.account(&b));
            if a == b {
                b = build.account(&spare);
            }
            let row = (a, b, i128::from(1 + next() % 40) << self.shift);
            let first = *first.get_or_insert(row);
            rows.push((
                if self.same[0] { first.0 } else { row.0 },
                if self.same[1] { first.1 } else { row.1 },
                if self.same[2] { first.2 } else { row.2 },
            ));
        }
        // One that all rows have may be one that some row has beside it.
        for row in &mut rows {
            if row.0 == row.1 {
                row.1 = build.account(&spare);
            }
        }
        rows
    }
}

fn push(intent: &mut Intent, expr: Expr, ty: Type) -> ExprId {
    let span = intent.span;
    intent.nodes.push(Node { expr, span, ty });
    ExprId(intent.nodes.len() as u32 - 1)
}

/// So many times the first argument.
fn times(intent: &mut Intent, factor: i128) -> ExprId {
    let ty = intent.values[0].ty;
    let amount = push(intent, Expr::Value(0), ty);
    let factor = push(intent, Expr::Number(Rational::Int(factor)), Type::Number);
    push(intent, Expr::Binary(BinaryOp::Multiply, amount, factor), ty)
}

/// One more bound on the first slot of an intent.
pub fn thrice(intent: &mut Intent) {
    let ty = intent.values[0].ty;
    let (before, least) = (push(intent, Expr::Before(Slot(0)), ty), times(intent, 3));
    let expr = Expr::Binary(BinaryOp::GreaterEqual, before, least);
    let expr = push(intent, expr, Type::Bool);
    intent.guard.push(Condition {
        expr,
        if_bounded: None,
    });
}

/// A named value, four times the first argument, that must be in range.
pub fn fourfold(intent: &mut Intent) {
    let value = times(intent, 4);
    let span = intent.span;
    intent.lets.push(Let {
        name: "fourfold".into(),
        value,
        whole: true,
        span,
        secret: false,
    });
}

impl Build {
    /// A group is about another asset than the others.
    pub fn in_euros(&mut self, group: u32) {
        let batch = &mut self.batch;
        let field = FieldId(batch.fields.len() as u16);
        let asset = AssetId(batch.assets.len() as u16);
        batch.fields.push(Field::Balance(asset));
        batch.assets.push(Asset {
            name: "EUR".into(),
            scale: 2,
        });
        let group = &mut batch.groups[group as usize];
        let mut intent = batch.intents[group.intent as usize].clone();
        intent.places.iter_mut().for_each(|place| place.field = field);
        intent
            .values
            .iter_mut()
            .for_each(|value| value.ty = Type::Amount(asset));
        group.intent = batch.intents.len() as u32;
        batch.intents.push(intent);
        let places = &mut batch.places;
        let mut exchange = |place: &mut PlaceId| {
            let wanted = (places[place.0 as usize].0, field);
            let known = places.iter().position(|known| *known == wanted);
            let index = known.unwrap_or_else(|| {
                places.push(wanted);
                places.len() - 1
            });
            *place = PlaceId(index as u32);
        };
        for column in &mut group.places {
            match column {
                Column::Same(place) => exchange(place),
                Column::Each(places) => places.iter_mut().for_each(&mut exchange),
            }
        }
    }

    /// Columns of a group that have the same in each row say so once.
    fn fold(&mut self, group: u32, same: [bool; 3]) {
        fn fold<T: Copy + PartialEq>(column: &mut Column<T>) {
            if let Column::Each(values) = column
                && let [first, ..] = values[..]
                && values.iter().all(|value| *value == first)
            {
                *column = Column::Same(first);
            }
        }
        let group = &mut self.batch.groups[group as usize];
        let places = self.batch.intents[group.intent as usize].places.iter();
        for (column, place) in group.places.iter_mut().zip(places) {
            if same[usize::from(place.account)] {
                fold(column);
            }
        }
        let accounts = group.accounts.iter_mut().zip(same);
        accounts
            .filter(|(_, same)| *same)
            .for_each(|(column, _)| fold(column));
        for column in group.values.iter_mut().filter(|_| same[2]) {
            if let ValueColumn::Whole(column) = column {
                let mut values = Column::from(column.clone());
                fold(&mut values);
                *column = values.into();
            }
        }
    }

    /// The transactions of the groups come in turns of so many, each turn an item.
    fn take_turns(&mut self, turn: usize) {
        let transactions = &mut self.batch.transactions;
        let group_of = |n: usize| transactions[n].group;
        let mut order: Vec<usize> = (0..transactions.len()).collect();
        order.sort_by_key(|n| (transactions[*n].row as usize / turn, group_of(*n)));
        *transactions = order.iter().map(|n| transactions[*n]).collect();
        self.batch.items.clear();
        for (n, one) in transactions.iter().enumerate() {
            let new = n == 0 || transactions[n - 1].group != one.group;
            if let Some(item) = self.batch.items.last_mut().filter(|_| !new) {
                item.count += 1;
                continue;
            }
            self.batch.items.push(BatchItem {
                name: format!("turn{n}").into(),
                first: n as u32,
                count: 1,
                after: vec![],
                origin: None,
            });
        }
    }
}
