use super::*;
use crate::batch::Names;
use crate::source::{SourceId, Span};
use std::sync::Arc;

/// A group of one written place whose change is a form over its one column of arguments.
fn changes(form: Form, arguments: Vec<i128>, limit: i64) -> Option<Vec<i64>> {
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
