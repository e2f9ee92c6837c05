use super::*;
use crate::batch::Names;
use crate::source::{SourceId, Span};
use proptest::prelude::*;
use std::sync::Arc;

/// A batch with a group of one written place and one column of arguments.
fn of_one_column(arguments: Vec<i128>) -> (Batch, Intent, Group) {
    let intent = Intent {
        name: "scaled".into(),
        accounts: Vec::new(),
        values: Vec::new(),
        places: Vec::new(),
        nodes: Vec::new(),
        lets: Vec::new(),
        guard: Vec::new(),
        effects: Vec::new(),
        postconditions: Vec::new(),
        solve: Vec::new(),
        source: SourceId(0),
        span: Span::new(0, 0),
    };
    let count = arguments.len();
    let group = Group {
        intent: 0,
        rows: count as u32,
        names: Names::Rows(Arc::from("scaled")),
        accounts: Vec::new(),
        places: vec![Column::Same(PlaceId(0))],
        values: vec![ValueColumn::Whole(arguments.into())],
        origin: None,
        call: None,
    };
    let batch = Batch {
        name: "b".into(),
        assets: Vec::new(),
        fields: Vec::new(),
        accounts: Vec::new(),
        unbounded: Vec::new(),
        places: Vec::new(),
        intents: Vec::new(),
        groups: Vec::new(),
        transactions: Vec::new(),
        items: Vec::new(),
    };
    (batch, intent, group)
}

/// The changes of [`of_one_column`], which are a form over its arguments.
fn changes(form: Form, arguments: Vec<i128>, limit: i64) -> Option<Vec<i64>> {
    let count = arguments.len();
    let (batch, intent, group) = of_one_column(arguments);
    let linear = Linear {
        deltas: vec![(Slot(0), form)],
        ..Linear::default()
    };
    let columns = Columns::<i64>::new(&batch, &intent, &group, &linear, &[0], limit)?;
    let mut room = columns.room();
    let mut all = Vec::new();
    for block in Block::of(0..count) {
        columns.compute(block, &mut room)?;
        all.extend_from_slice(columns.deltas(block, 0, &room)?);
    }
    Some(all)
}

fn form(constant: i128, factor: i128) -> Form {
    Form {
        constant,
        values: vec![(0, factor)],
        slots: Vec::new(),
    }
}

/// Whatever the form is made of: sums rely on no change being beyond the limit.
#[test]
fn no_change_is_beyond_the_limit() {
    let limit = 3000;
    for (constant, factor, last, first_beyond) in [
        (0, 1, 3000, 3001),
        (0, -1, 3000, 3001),
        (5, 1, 2995, 2996),
        (0, 3, 1000, 1001),
        (-7, -3, 997, 998),
    ] {
        let form = form(constant, factor);
        // The last row of the second block decides.
        let mut arguments = vec![1; BLOCK + 9];
        arguments.push(last);
        let expected: Vec<i64> = arguments.iter().map(|n| (constant + factor * n) as i64).collect();
        assert_eq!(
            changes(form.clone(), arguments.clone(), limit),
            Some(expected),
            "{form:?}"
        );
        if let Some(argument) = arguments.last_mut() {
            *argument = first_beyond;
        }
        assert_eq!(changes(form.clone(), arguments, limit), None, "{form:?}");
    }
    assert_eq!(changes(form(0, i128::from(i64::MAX)), vec![3000], limit), None);
    assert_eq!(changes(form(3001, 1), vec![0], limit), None);
}

proptest! {
    /// Whatever is said of all rows once is true of each: signs, tests that are left out, bounds that ask for nothing.
    #[test]
    fn what_is_known_of_all_rows_is_true_of_each(
        arguments in prop::collection::vec(-3_i128..4, 1..6),
        shift in -4_i128..5,
        (constant, factor) in (-6_i128..7, -2_i128..3),
        (least_constant, least_factor) in (-6_i128..7, -2_i128..3),
        test in prop_oneof![Just(Test::AtLeastZero), Just(Test::Zero), Just(Test::NotZero)],
    ) {
        let arguments: Vec<i128> = arguments.into_iter().map(|n| n + shift).collect();
        let (batch, intent, group) = of_one_column(arguments.clone());
        let of = |constant, factor: i128| Form {
            constant,
            values: if factor == 0 { vec![] } else { vec![(0, factor)] },
            slots: vec![],
        };
        let linear = Linear {
            deltas: vec![(Slot(0), of(constant, factor))],
            bounds: vec![(Slot(0), of(least_constant, least_factor), None)],
            tests: vec![(of(constant, factor), test, None)],
            ranges: vec![],
        };
        let columns = Columns::<i64>::new(&batch, &intent, &group, &linear, &[0], 1000);
        let columns = columns.ok_or_else(|| TestCaseError::fail("too wide"))?;
        let mut room = columns.room();
        let changes: Vec<i128> = arguments.iter().map(|n| constant + factor * n).collect();
        for block in Block::of(0..arguments.len()) {
            let holds = columns.compute(block, &mut room);
            prop_assert_eq!(holds, Some(changes.iter().all(|change| test.holds(*change))));
            let deltas = columns.deltas(block, 0, &room).map(<[i64]>::to_vec).unwrap_or_default();
            prop_assert_eq!(deltas.iter().map(|n| i128::from(*n)).collect::<Vec<_>>(), changes.clone());
            prop_assert_eq!(columns.signs(block, 0, &room), Some(i64::signs(&deltas)));
        }
        let mut left = arguments.iter().zip(&changes)
            .map(|(n, change)| least_constant + least_factor * n + change.min(&0));
        prop_assert!(!columns.asks_nothing(0) || left.all(|left| left <= 0));
    }
}

/// The bound of a transfer asks for no more than what it takes.
#[test]
fn the_guard_of_a_transfer_asks_for_nothing_beside() {
    let (batch, intent, group) = of_one_column(vec![5, 1, 9]);
    for (least, nothing) in [(form(0, 1), true), (form(1, 1), false), (form(-1, 1), true)] {
        let linear = Linear {
            deltas: vec![(Slot(0), form(0, -1))],
            bounds: vec![(Slot(0), least.clone(), None)],
            ..Linear::default()
        };
        let columns = Columns::<i64>::new(&batch, &intent, &group, &linear, &[0], 1000);
        assert_eq!(
            columns.map(|columns| columns.asks_nothing(0)),
            Some(nothing),
            "{least:?}"
        );
    }
}
