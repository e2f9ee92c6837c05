//! Names that are there twice.

use crate::support::lower;
use aethel_ir::{Code, Severity};
use aethel_lower::Purpose;
use proptest::prelude::*;
use std::collections::HashSet;

/// Items of a program and what the items of a batch are called: a kind, and one of few names.
fn names() -> impl Strategy<Value = Vec<(u8, u8)>> {
    prop::collection::vec((0..6_u8, 0..6_u8), 0..12)
}

/// A program that declares each of them in this order.
fn program(names: &[(u8, u8)]) -> String {
    let body = "(a: Account<USD>) { guard { a.balance >= 0; } }";
    let (mut items, mut inside) = (String::new(), String::new());
    for (kind, name) in names {
        match kind {
            0 => items += &format!("asset A{name} {{ scale: 2; }}\n"),
            1 => items += &format!("field f{name}: Integer;\n"),
            2 => items += &format!("const C{name} = 1;\n"),
            3 => items += &format!("intent i{name}{body}\n"),
            4 => items += &format!("atomic_batch b{name} {{ look(x); }}\n"),
            _ => inside += &format!("l{name}: look(x);\n"),
        }
    }
    format!(
        "asset USD {{ scale: 2; }}\nintent look{body}\n{items}atomic_batch labels {{ look(x);\n{inside}}}\n"
    )
}

proptest! {
    #[test]
    fn p17_each_repeated_name_is_refused_and_both_places_shown(names in names()) {
        let text = program(&names);
        let (_, diagnostics, _) = lower(&text, "{}", &[], Purpose::Check);
        let mut known = HashSet::new();
        let repeated = names.iter().filter(|name| !known.insert(**name)).count();
        let told: Vec<_> = diagnostics.iter().filter(|one| one.code == Code::AE0202).collect();
        prop_assert_eq!(told.len(), repeated, "{}\n{:?}", text, diagnostics);
        for one in told {
            prop_assert_eq!(one.severity, Severity::Error);
            let [second, first] = &one.labels[..] else {
                return Err(TestCaseError::fail(format!("{:?}", one.labels)));
            };
            let at = |label: &aethel_ir::Label| &text[label.span.start as usize..label.span.end as usize];
            prop_assert_eq!(at(second), at(first));
            prop_assert!(first.span.start < second.span.start);
        }
    }
}
