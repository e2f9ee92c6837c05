//! What must hold for every program, right or broken.

use super::*;
use aethel_syntax::ast::ExprKind;
use proptest::prelude::*;
use std::sync::LazyLock;

const NEST: &str = "
asset USD { scale: 2; }
asset BTC { scale: 8; }
field frozen: Bool;
const FEE = 0.25;
intent pay(from: Account<USD>, to: Account<USD>, amount: Balance<USD>, external rate: Rate) {
    guard {
        rate_verified && rate_fresh;
        old_to == to_balance;
        !from.frozen && amount == 10;
        net = round(amount - FEE, USD, half_even);
        from_btc_balance >= 0;
    }
    verify {
        from_balance == old_from - amount;
        to.balance == to.balance + net;
        old_to <= to.balance;
    }
}
intent flat(sender: Balance<USD>, receiver: Balance<USD>, n: Balance<USD>) {
    guard { n > 0; old_sender == sender; sender >= n; }
    verify { sender == old_sender - n; receiver == old_receiver + n; }
}
atomic_batch b {
    intent own(ann: Account<USD>) { guard { ann.balance > 0; } }
    x: pay(ann, \"bob\", 5) after own;
    flat(ann, bob, FEE) after x;
}
";

/// Every example, and a program with every way to write a name.
static PROGRAMS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
    let mut all = vec![NEST.to_owned()];
    for entry in std::fs::read_dir(examples).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "ae") {
            all.push(std::fs::read_to_string(path).unwrap());
        }
    }
    all
});

fn analysis(text: &str) -> Analysis {
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
    Analysis::new("test.ae", text.into(), Path::new(examples))
}

/// Errors and what they say, without places.
fn messages(analysis: &Analysis) -> Vec<String> {
    let errors = analysis.diagnostics.iter().filter(|d| d.is_error());
    errors.map(|d| d.message.clone()).collect()
}

#[test]
fn every_name_that_the_lowering_knows_is_found() {
    for text in PROGRAMS.iter() {
        let analysis = analysis(text);
        assert_eq!(messages(&analysis), [] as [&str; 0]);
        let names = analysis.names();
        let mut modes = Vec::new();
        analysis.expressions(&mut |expr, _| {
            if let ExprKind::Call(_, args) = &expr.kind {
                modes.extend(args.last().map(|mode| mode.span));
            }
        });
        analysis.expressions(&mut |expr, intent| {
            if let (ExprKind::Name(name), Some(_)) = (&expr.kind, intent)
                && !modes.contains(&expr.span)
            {
                let mut inside = (expr.span.start..expr.span.end).filter_map(|at| names.at(at as usize));
                assert!(inside.next().is_some(), "`{name}` refers to nothing in\n{text}");
            }
        });
    }
}

#[test]
fn names_are_renamed_everywhere_and_back() {
    for text in PROGRAMS.iter() {
        let before = analysis(text);
        for found in before.names().occurrences.clone() {
            let at = found.span.start as usize;
            let Ok(renamed) = before.rename(at, "zz_fresh") else {
                let kind = before.names().symbol(found.symbol).unwrap().kind;
                assert_eq!(kind, SymbolKind::Account);
                continue;
            };
            let new = apply(text, &renamed.edits);
            let after = analysis(&new);
            assert_eq!(messages(&after), [] as [&str; 0], "{new}");
            let first = renamed.edits.first().unwrap().span.start as usize;
            let symbol = before.names().symbol(found.symbol).unwrap();
            let back = after.rename(first, &symbol.name).unwrap();
            assert_eq!(apply(&new, &back.edits), *text);
        }
    }
}

#[test]
fn a_new_name_never_changes_what_another_name_means() {
    let before = analysis(NEST);
    let at = |piece: &str| NEST.find(piece).unwrap();
    // Each would capture a name, or be captured.
    for (piece, new) in [
        ("from: Acc", "to"),
        ("net = ", "FEE"),
        ("net = ", "old_from"),
        ("FEE = ", "amount"),
        ("to: Acc", "from_btc"),
        ("USD {", "btc"),
        ("pay(from", "flat"),
        ("own(ann", "x"),
        ("frozen:", "balance"),
    ] {
        let renamed = before.rename(at(piece), new);
        assert!(renamed.is_err(), "{piece} to {new}: {renamed:?}");
    }
}

/// Asks everything about one place.
fn ask_everything(analysis: &Analysis, offset: usize) {
    let hover = analysis.hover(offset, None);
    hover
        .iter()
        .for_each(|hover| assert!(hover.span.end as usize <= analysis.text.len()));
    for one in analysis.complete(offset) {
        assert!(one.replaces.end as usize == offset.min(analysis.text.len()));
    }
    analysis.signature(offset);
    let _ = analysis.rename(offset, "zz");
    analysis.file_at(offset);
    let selections = analysis.selections(offset);
    let nested = |pair: &[Span]| pair[1].start <= pair[0].start && pair[0].end <= pair[1].end;
    assert!(selections.windows(2).all(nested), "{selections:?}");
}

fn ask_about_text(analysis: &Analysis) {
    let tokens = analysis.tokens(Span::new(0, analysis.text.len()));
    assert!(
        tokens
            .windows(2)
            .all(|pair| pair[0].span.end <= pair[1].span.start)
    );
    assert!(
        tokens
            .iter()
            .all(|token| !analysis.slice(token.span).contains('\n'))
    );
    for line in analysis.outline() {
        assert!(line.span.start <= line.name_span.start && line.name_span.end <= line.span.end);
    }
    for fold in analysis.folds() {
        assert!(fold.first < fold.last && (fold.last as usize) < analysis.lines.count());
    }
    analysis.hints();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn p24_no_text_and_no_place_is_too_strange(
        program in 0..PROGRAMS.len(),
        cut in any::<prop::sample::Index>(),
        gone in 0usize..30,
        new in "[a-z_ (){};:=.,<>\"0-9\u{e9}\u{1d538}\r\n#]{0,8}",
        at in any::<prop::sample::Index>(),
    ) {
        let text = &PROGRAMS[program];
        let mut start = cut.index(text.len() + 1);
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let mut end = (start + gone).min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let broken = format!("{}{new}{}", &text[..start], &text[end..]);
        let analysis = analysis(&broken);
        ask_about_text(&analysis);
        let mut place = at.index(broken.len() + 1);
        while !broken.is_char_boundary(place) {
            place -= 1;
        }
        ask_everything(&analysis, place);
        ask_everything(&analysis, start + new.len());
    }
}
