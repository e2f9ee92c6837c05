//! Reading a text again after changes gives what reading it afresh does.

use crate::properties::{SOUP, program};
use aethel_ir::SourceId;
use aethel_syntax::{Reader, parse};
use proptest::prelude::*;
use proptest::sample::Index;

/// Reads a version both ways.
fn check(reader: &mut Reader, source: SourceId, text: &str) {
    let (again, afresh) = (reader.parse(source, text), parse(source, text));
    assert_eq!(again.program, afresh.program, "trees of {text:?}");
    assert_eq!(again.diagnostics, afresh.diagnostics, "problems of {text:?}");
}

#[test]
fn what_moves_keeps_its_places() {
    let head = "intent pay(external a: Account<USD>, secret b: Account) after x, y";
    let lines = "let v = -old(a.balance) + max(b, (1)); a = b; w: pay(z: 1, row.c) after q;";
    let one = format!("atomic_batch b {{ {head} {{ guard {{ {lines} }} }} }}");
    let two = format!("# Moved\nconst C = 1;\n\n{one}{one}");
    let mut reader = Reader::default();
    for text in [&one, &two, &one, &"".to_owned(), &one] {
        check(&mut reader, SourceId(0), text);
        check(&mut reader, SourceId(1), text);
    }
}

#[test]
fn a_problem_is_told_anew_where_the_text_around_it_changed() {
    let mut reader = Reader::default();
    for text in [
        "intent a() { guard { a == } verify { } }",
        "intent a() { guard { a ==\n} verify { } }",
        "intent a() { guard { a ==\n    verify { } }",
        "intent a() { guard { a == 1 } verify { } }",
        "intent a() { guard { a == 1; } verify { } }",
    ] {
        check(&mut reader, SourceId(0), text);
    }
}

proptest! {
    #[test]
    fn any_edits_read_as_afresh(
        (mut text, _) in program(),
        (other, _) in program(),
        edits in prop::collection::vec((any::<Index>(), any::<Index>(), 0_usize..40, prop::sample::select(SOUP), 0_u8..4), 1..8),
    ) {
        let mut reader = Reader::default();
        check(&mut reader, SourceId(0), &text);
        let mut undo = text.clone();
        for (at, from, length, insert, how) in edits {
            let before = text.clone();
            let edge = |text: &str, index: &Index| {
                let mut at = index.index(text.len() + 1);
                while !text.is_char_boundary(at) {
                    at -= 1;
                }
                at
            };
            let start = edge(&text, &at);
            let end = edge(&text, &at).max((start + length).min(text.len()));
            let end = (end..=text.len()).find(|end| text.is_char_boundary(*end)).unwrap_or(start);
            match how {
                // A typed word, something pasted from elsewhere, something deleted, and going back.
                0 => text.insert_str(start, insert),
                1 => text.insert_str(start, other.get(edge(&other, &from)..).unwrap_or("")),
                2 => text.replace_range(start..end, ""),
                _ => text.clone_from(&undo),
            }
            undo = before;
            check(&mut reader, SourceId(0), &text);
        }
    }
}
