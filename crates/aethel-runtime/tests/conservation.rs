//! Stage ⑤.

use crate::support::{Build, Kind, from_steps, reference, strategies};
use crate::{ALL, Conservation, ConservationValidator, DependencyAnalyzer, OracleCheck, Run};
use aethel_ir::Diagnostic;
use proptest::prelude::*;

fn validate(build: &Build, snapshot: &[i128]) -> Result<Conservation, Box<Diagnostic>> {
    let graph = DependencyAnalyzer.analyze(&build.batch).unwrap();
    let serial = reference(&build.batch, snapshot).unwrap();
    let run = Run {
        escrow: vec![],
        final_values: serial.final_values,
        seen: serial.seen,
        versions: serial.versions,
        written: serial.written.into(),
    };
    let policy = aethel_ledger::Policy::default();
    let oracles = OracleCheck {
        proofs: &[],
        feeds: &aethel_runtime::oracle::Feeds::new(),
        policy: &policy,
        now_ms: 0,
    };
    ConservationValidator.validate(&build.batch, &graph, snapshot, &run, &oracles)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn p08_sums_are_equal_or_it_is_refused(steps in proptest::collection::vec(strategies::step(ALL), 1..30), bonus in prop_oneof![Just(0_i128), 1..9_i128]) {
        let mut build = from_steps(&steps, 6);
        if bonus > 0 {
            build.one(Kind::Bonus, "acct0", "acct1", bonus);
        }
        let snapshot = build.snapshot(50_000, &[]);
        if let Ok(run) = reference(&build.batch, &snapshot) {
            let sum = |values: &[i128]| -> i128 {
                let places = (0..values.len()).filter(|i| build.batch.asset_of(aethel_ir::PlaceId(*i as u32)).is_some());
                places.map(|i| values[i]).sum()
            };
            prop_assert_eq!(sum(&run.final_values) - sum(&snapshot), bonus);
            prop_assert_eq!(validate(&build, &snapshot).is_ok(), bonus == 0);
        }
    }
}

#[test]
fn created_value_is_named_with_its_transactions() {
    let mut build = Build::new("b");
    build.one(Kind::Pay, "a", "b", 5);
    build.rows(Kind::Bonus, &[("a", "b", 100), ("a", "c", 250)]);
    let diagnostic = validate(&build, &build.snapshot(1000, &[])).unwrap_err();
    assert_eq!(diagnostic.code.id(), "AE0701");
    assert_eq!(diagnostic.message, "the batch creates 3.50 USD");
    let said: Vec<&str> = diagnostic.labels.iter().map(|l| l.message.as_str()).collect();
    assert_eq!(
        said,
        [
            "`bonus row 1` creates 1.00 USD: b gains 1.00",
            "`bonus row 2` creates 2.50 USD: c gains 2.50"
        ]
    );
}

#[test]
fn destroyed_value_has_its_own_code() {
    let mut build = Build::new("b");
    build.one(Kind::Bonus, "a", "world", -100);
    let diagnostic = validate(&build, &build.snapshot(1000, &[])).unwrap_err();
    assert_eq!(
        (diagnostic.code.id(), diagnostic.message.as_str()),
        ("AE0702", "the batch destroys 1.00 USD")
    );
}

#[test]
fn sums_of_many_unbounded_accounts_are_exact() {
    let mut build = Build::new("b");
    let max = aethel_ir::MAX_MINOR_UNITS;
    let rows: Vec<(String, String)> = (0..300)
        .map(|i| (format!("world{i}"), format!("worlds{i}")))
        .collect();
    let rows: Vec<(&str, &str, i128)> = rows.iter().map(|(a, b)| (a.as_str(), b.as_str(), 1)).collect();
    build.rows(Kind::Move, &rows);
    let mut snapshot = build.snapshot(max - 1, &[]);
    snapshot[0] = max;
    let conservation = validate(&build, &snapshot).unwrap();
    assert_eq!(conservation.assets[0].before, conservation.assets[0].after);
    assert_eq!(conservation.assets[0].difference, "0.00");
}
