use super::*;
use crate::support::{Build, Kind};
use aethel_ir::{Expr, PlaceId, Span};

fn hash(batch: &Batch) -> Digest {
    content_hash(batch, &aethel_certificate::batch_order(batch).unwrap())
}

fn example() -> Batch {
    let mut build = Build::new("b");
    build.rows(Kind::Pay, &[("a", "b", 5), ("a", "c", 6)]);
    build.one(Kind::Count, "a", "a", 0);
    build.batch
}

/// The hash is part of what ledgers hold: it may not change.
#[test]
fn the_hash_stays_as_it_is() {
    let mut batch = example();
    batch.groups[1].names = Names::Each(vec!["each".into()]);
    batch.intents[0].values[0].external = true;
    assert_eq!(hash(&example()).short(), "f1fa 55ad");
    assert_eq!(hash(&batch).short(), "7051 1408");
}

#[test]
fn what_has_no_meaning_does_not_count() {
    let batch = example();
    let mut other = batch.clone();
    for intent in &mut other.intents {
        intent.span = Span::new(7, 9);
        intent
            .nodes
            .iter_mut()
            .for_each(|node| node.span = Span::new(1, 2));
        intent.accounts[0].name = "payer".into();
        intent.solve.push(("priority".into(), vec![]));
    }
    other.groups.iter_mut().for_each(|group| group.origin = None);
    other.unbounded[0] = true;
    assert_eq!(hash(&other), hash(&batch));
    // Tables in another order: two accounts change places.
    let mut other = batch.clone();
    other.accounts.swap(0, 1);
    let swap = |id: &mut AccountId| id.0 = if id.0 < 2 { 1 - id.0 } else { id.0 };
    other.places.iter_mut().for_each(|(account, _)| swap(account));
    for column in other.groups.iter_mut().flat_map(|group| &mut group.accounts) {
        match column {
            Column::Same(id) => swap(id),
            Column::Each(ids) => ids.iter_mut().for_each(swap),
        }
    }
    other.validate().unwrap();
    assert_eq!(hash(&other), hash(&batch));
    // An intent that nobody calls, and one intent compiled twice.
    let mut other = batch.clone();
    other.intents.push(other.intents[0].clone());
    other.groups[0].intent = 2;
    assert_eq!(hash(&other), hash(&batch));
}

/// However transactions are divided into groups, and however columns are held.
#[test]
fn groups_do_not_count() {
    let rows = [("a", "b", 5), ("a", "c", 5), ("a", "b", 6), ("d", "a", 7)];
    let names = |rows: Range<usize>| Names::Each(rows.map(|i| format!("t{i}").into()).collect());
    let built = |pieces: &[Range<usize>]| {
        let mut build = Build::new("b");
        for piece in pieces {
            build.rows(Kind::Pay, &rows[piece.clone()]);
        }
        for (group, piece) in build.batch.groups.iter_mut().zip(pieces) {
            group.names = names(piece.clone());
        }
        build.batch
    };
    let whole = built(std::slice::from_ref(&(0..4)));
    assert_eq!(hash(&built(&[0..1, 1..3, 3..4])), hash(&whole));
    let mut rows_of_a_loop = whole.clone();
    rows_of_a_loop.groups[0].names = Names::Rows("t".into());
    assert_ne!(hash(&rows_of_a_loop), hash(&whole));
    // The first two rows pay as much from the same account.
    let mut same = built(&[0..2, 2..4]);
    same.groups[0].accounts[0] = Column::Same(AccountId(0));
    same.groups[0].values[0] = ValueColumn::Whole(Wholes::Same(5));
    assert_eq!(hash(&same), hash(&whole));
    same.groups[0].values[0] = ValueColumn::Exact(Column::Each(vec![Rational::Int(5); 2]));
    assert_eq!(hash(&same), hash(&whole));
    let alike = built(&[0..2, 0..2]);
    assert_ne!(hash(&alike), hash(&whole));
}

#[test]
fn what_has_a_meaning_counts() {
    let batch = example();
    let mut seen = vec![hash(&batch)];
    let mut differs = |change: &dyn Fn(&mut Batch)| {
        let mut other = batch.clone();
        change(&mut other);
        let digest = hash(&other);
        assert!(!seen.contains(&digest));
        seen.push(digest);
    };
    differs(&|b| b.name = "c".into());
    differs(&|b| b.assets[0].scale = 3);
    differs(&|b| b.assets[0].name = "EUR".into());
    differs(&|b| b.accounts[2] = aethel_ir::AccountName::new("zoe").unwrap());
    differs(&|b| b.groups[0].values[0] = ValueColumn::Whole(vec![5, 7].into()));
    differs(&|b| b.groups[0].accounts[1] = Column::Each(vec![AccountId(2), AccountId(1)]));
    differs(&|b| b.groups[0].names = Names::Rows("salary".into()));
    differs(&|b| b.transactions.swap(0, 1));
    differs(&|b| b.items[0].after.push(1));
    differs(&|b| b.intents[0].guard.truncate(1));
    differs(&|b| b.intents[1].nodes[1].expr = Expr::Number(Rational::Int(2)));
    differs(&|b| {
        b.transactions.pop();
        b.items.pop();
    });
    // The place follows from the account; oracle values are not part of what is asked for.
    let mut external = batch.clone();
    external.intents[0].values[0].external = true;
    let before = hash(&external);
    external.groups[0].values[0] = ValueColumn::Whole(Wholes::Same(9));
    external.groups[0].places[0] = Column::Same(PlaceId(0));
    assert_eq!(hash(&external), before);
}
