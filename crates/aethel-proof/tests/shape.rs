//! Shapes: the lifted intent with its constants does what the intent does, and what may share a shape does.

use crate::random::runs;
use crate::support::*;
use aethel_ir::intent::BinaryOp;
use aethel_ir::*;
use aethel_proof::{Limits, Shape, Sign, SlotContext, SlotField};
use proptest::prelude::*;

/// The builder types every literal as a plain number; a program's literals beside money are amounts.
fn with_amounts(mut intent: Intent) -> Intent {
    for node in &mut intent.nodes {
        if let Expr::Number(n) = &node.expr
            && n.is_integer()
        {
            node.ty = Type::Amount(AssetId(0));
        }
    }
    intent
}

fn slots(intent: &Intent) -> Vec<SlotContext> {
    let balance = SlotContext {
        field: SlotField::Balance(AssetId(0)),
        bounded: true,
    };
    vec![balance; intent.places.len()]
}

fn shape(intent: IntentBuilder) -> Shape {
    let intent = with_amounts(intent.build());
    Shape::new(&intent, &slots(&intent)).unwrap()
}

/// A result without the numbers of expressions, which a shape counts anew.
fn outcome(result: Result<&[i128], Failure>) -> Result<Vec<i128>, Failure> {
    result.map(<[i128]>::to_vec).map_err(|failure| match failure {
        Failure::DivisionByZero(_) => Failure::DivisionByZero(ExprId(0)),
        Failure::Overflow { site: Site::Expr(_) } => Failure::Overflow {
            site: Site::Expr(ExprId(0)),
        },
        other => other,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn a_shape_with_its_constants_is_the_intent((mut batch, start, ..) in runs()) {
        batch.intents = batch.intents.into_iter().map(with_amounts).collect();
        let mut lifted = batch.clone();
        let shapes: Vec<Shape> = batch.intents.iter().map(|i| Shape::new(i, &slots(i)).unwrap()).collect();
        lifted.intents = shapes.iter().map(|shape| shape.intent.clone()).collect();
        // The fields of a shape have numbers of their own; the places of the batch are what the evaluator looks at.
        for group in &mut lifted.groups {
            let constants = &shapes[group.intent as usize].constants;
            group.values.extend(constants.iter().map(|c| ValueColumn::Whole(Wholes::Same(*c))));
        }
        lifted.validate().unwrap();
        for shape in &shapes {
            for ((_, sign), constant) in shape.premises().zip(&shape.constants) {
                prop_assert_eq!(sign == Sign::Positive, *constant > 0);
                prop_assert!(*constant != 0);
            }
        }
        let (mut first, mut second) = (Evaluator::default(), Evaluator::default());
        for id in source_order(&batch) {
            let want = outcome(first.execute(batch.transaction(id).unwrap(), &start));
            let got = outcome(second.execute(lifted.transaction(id).unwrap(), &start));
            prop_assert_eq!(got, want);
        }
    }
}

/// `a` pays `b` an amount that the guard fixes.
fn fixed(amount: i128, limit: i128) -> IntentBuilder {
    IntentBuilder::new("fixed", 2, &[(0, USD), (1, USD)], 0)
        .bind(E::Num(Rational::Int(amount)), true)
        .guard(E::Before(0).ge(E::Let(0).add(E::Num(Rational::Int(limit)))))
        .effect(0, E::Before(0).sub(E::Let(0)))
        .effect(1, E::Before(1).add(E::Let(0)))
}

#[test]
fn constants_of_a_sign_share_a_shape() {
    let (first, second) = (shape(fixed(1000, 5)), shape(fixed(1500, 20)));
    assert_eq!(first.constants, [1000, 5]);
    assert_eq!(first.signs, [Sign::Positive, Sign::Positive]);
    let limits = Limits::default();
    assert_eq!(first.key(&limits), second.key(&limits));
    assert_eq!(first.intent, second.intent);
    // Not: another sign, zero, equal constants, another resource limit.
    let others = [fixed(-1000, 5), fixed(1000, 0), fixed(1000, 1000)];
    for other in others {
        assert_ne!(shape(other).key(&limits), first.key(&limits));
    }
    let less = Limits {
        rlimit: 1000,
        ..limits
    };
    assert_ne!(first.key(&less), first.key(&limits));
    assert_eq!(shape(fixed(7, 7)).constants, [7]);
}

#[test]
fn names_and_the_order_of_the_arena_do_not_matter() {
    let mut intent = with_amounts(fixed(1000, 5).build());
    let before = Shape::new(&intent, &slots(&intent)).unwrap();
    intent.name = "another".into();
    intent.accounts[0].name = "company".into();
    intent.lets[0].name = "amount".into();
    intent.nodes.push(intent.nodes[0].clone());
    intent.guard[0].expr = {
        // The same tree again, further back in the arena.
        let copy = intent.nodes.len() as u32;
        let nodes: Vec<_> = (intent.nodes.iter())
            .map(|node| {
                let mut node = node.clone();
                if let Expr::Binary(_, a, b) = &mut node.expr {
                    (a.0, b.0) = (a.0 + copy, b.0 + copy);
                }
                node
            })
            .collect();
        intent.nodes.extend(nodes);
        ExprId(intent.guard[0].expr.0 + copy)
    };
    assert_eq!(Shape::new(&intent, &slots(&intent)).unwrap(), before);
    let mut unbounded = slots(&intent);
    unbounded[0].bounded = false;
    let other = Shape::new(&intent, &unbounded).unwrap();
    assert_ne!(other.key(&Limits::default()), before.key(&Limits::default()));
}

#[test]
fn factors_and_what_they_look_at_are_not_lifted() {
    let tax = |factor: i128, amount: i128| {
        IntentBuilder::new("tax", 1, &[(0, USD)], 0)
            .bind(E::Num(Rational::Int(amount)), false)
            .bind(E::Let(0).add(E::Num(Rational::Int(3))), false)
            .effect(
                0,
                E::Before(0).sub(bin(BinaryOp::Multiply, E::Let(1), E::Num(Rational::Int(factor)))),
            )
            .guard(E::Before(0).ge(E::Num(Rational::Int(amount))))
    };
    assert_eq!(shape(tax(2, 50)).constants, [50]);
    // The named value keeps its constant: it is part of a product.
    let intent = shape(tax(2, 50)).intent;
    let value = intent.node(intent.lets[0].value).unwrap();
    assert_eq!(value.expr, Expr::Number(Rational::Int(50)));
    let limits = Limits::default();
    assert_ne!(shape(tax(2, 50)).key(&limits), shape(tax(3, 50)).key(&limits));
    assert_ne!(shape(tax(2, 50)).key(&limits), shape(tax(2, 60)).key(&limits));
    // A constant that no amount can be stays what it is.
    let huge = IntentBuilder::new("huge", 1, &[(0, USD)], 0)
        .guard(E::Before(0).ge(E::Num(Rational::Int(MAX_MINOR_UNITS + 1))));
    assert!(shape(huge).constants.is_empty());
}

#[test]
fn assets_are_numbered_as_they_are_met() {
    let intent = transfer().build();
    let of = |asset| SlotContext {
        field: SlotField::Balance(AssetId(asset)),
        bounded: true,
    };
    let mut usd = intent.clone();
    let mut eur = intent;
    for (intent, asset) in [(&mut usd, 3), (&mut eur, 9)] {
        for node in &mut intent.nodes {
            if let Type::Amount(id) = &mut node.ty {
                *id = AssetId(asset);
            }
        }
    }
    let first = Shape::new(&usd, &[of(3), of(3)]).unwrap();
    assert_eq!(first, Shape::new(&eur, &[of(9), of(9)]).unwrap());
    assert_ne!(first, Shape::new(&eur, &[of(9), of(3)]).unwrap());
}
