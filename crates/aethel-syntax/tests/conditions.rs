//! Single expressions, as JSON batches have them.

use crate::support::{expr, render};
use aethel_ir::SourceId;
use aethel_syntax::parse_condition;

fn good(text: &str, tree: &str) {
    let (found, problems) = parse_condition(SourceId(0), text);
    assert_eq!(render(text, &problems), "");
    assert_eq!(found.map(|e| expr(&e)).as_deref(), Some(tree));
}

fn bad(text: &str, start: &str) {
    let (found, problems) = parse_condition(SourceId(0), text);
    let said = render(text, &problems);
    assert!(
        found.is_none() && problems.len() == 1 && said.starts_with(start),
        "{said}"
    );
}

#[test]
fn right_ones() {
    good("alice.balance >= 0", "(>= alice.balance 0)");
    good("a\n  && b # why\n", "(&& a b)");
    good(
        "a.balance == old(a.balance) - 5",
        "(== a.balance (- (old a.balance) 5))",
    );
}

#[test]
fn wrong_ones() {
    bad("", "1:1 AE0101 unexpected end of the text");
    bad("a >= 0;", "1:7 AE0101 unexpected `;`");
    bad("a >= 0 } b", "1:8 AE0104 stray `}`");
    bad("a\nb", "2:1 AE0101 unexpected `b`");
    bad("a => 0", "1:3 AE0101 `=>` is not an operator");
    bad("a < b < c", "1:7 AE0101 comparisons cannot be chained");
    bad("a == \"x", "1:6 AE0113");
    bad("let x = 5", "1:1 AE0115");
    bad("x = 5", "1:3 AE0101 unexpected `=`");
    bad(&"(".repeat(1000), "1:129 AE0107");
}
