//! How intents treat their places: which accesses may run in any order, and which only seem to.

use crate::support::lower;
use aethel_ir::{Access, Class, Form, Intent, Slot, Test};
use aethel_lower::Purpose;

/// The body of an intent over three accounts, two amounts and a field, in a word per slot and its linear forms.
fn treat(body: &str) -> String {
    let text = format!(
        "asset USD {{ scale: 2; }} field n: Integer; field used: Bool;
         intent t(a: Account, b: Account, c: Account, amount: Balance, other: Balance, rate: Rate) {{ {body} }}
         atomic_batch x {{ t(a, b, c, 1, 2, 0.05); }}"
    );
    let (lowered, diagnostics, sources) = lower(&text, "{}", &[], Purpose::Run);
    let errors: Vec<_> = diagnostics
        .iter()
        .filter(|d| d.is_error())
        .map(|d| crate::support::show(d, &sources))
        .collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    let batch = &lowered[0].batch;
    let intent = &batch.intents[0];
    let access = Access::of(intent, &batch.fields);
    let name = |slot: Slot| {
        let place = intent.places[usize::from(slot.0)];
        let account = &intent.accounts[usize::from(place.account)].name;
        match &batch.fields[usize::from(place.field.0)] {
            aethel_ir::Field::Balance(_) => account.to_string(),
            aethel_ir::Field::Integer(field) | aethel_ir::Field::Bool(field) => format!("{account}.{field}"),
        }
    };
    let mut lines: Vec<String> = (access.slots.iter().enumerate())
        .map(|(slot, access)| {
            let class = match access.class {
                Class::Add => "add",
                Class::Read => "read",
                Class::General => "general",
            };
            let needs: Vec<String> = access.needs.iter().map(|slot| name(*slot)).collect();
            let bounds: Vec<String> = access
                .bounds
                .iter()
                .map(|bound| format!("{}{}x", if bound.strict { ">" } else { ">=" }, bound.factor))
                .collect();
            format!(
                "{}: {class} {} {}",
                name(Slot(slot as u16)),
                bounds.join(","),
                needs.join(",")
            )
            .trim_end()
            .to_owned()
        })
        .collect();
    lines.sort();
    lines.push(match &access.linear {
        None => "not linear".to_owned(),
        Some(linear) => {
            let mut parts: Vec<String> = Vec::new();
            for (slot, form) in &linear.deltas {
                parts.push(format!("{} += {}", name(*slot), show(intent, form, &name)));
            }
            for (slot, form, _) in &linear.bounds {
                parts.push(format!("{} >= {}", name(*slot), show(intent, form, &name)));
            }
            for (form, test, _) in &linear.tests {
                let test = match test {
                    Test::AtLeastZero => ">= 0",
                    Test::Zero => "== 0",
                    Test::NotZero => "!= 0",
                };
                parts.push(format!("{} {test}", show(intent, form, &name)));
            }
            for form in &linear.ranges {
                parts.push(format!("{} in range", show(intent, form, &name)));
            }
            parts.join("; ")
        }
    });
    lines.join("\n")
}

fn show(intent: &Intent, form: &Form, name: &dyn Fn(Slot) -> String) -> String {
    let mut text = form.constant.to_string();
    for (n, factor) in &form.values {
        text += &format!(" {factor:+}*{}", intent.values[usize::from(*n)].name);
    }
    for (slot, factor) in &form.slots {
        text += &format!(" {factor:+}*{}", name(*slot));
    }
    text
}

#[track_caller]
fn treats(body: &str, wanted: &str) {
    let wanted: Vec<&str> = wanted
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    assert_eq!(treat(body), wanted.join("\n"), "{body}");
}

#[test]
fn a_guarded_transfer_adds() {
    treats(
        "guard { a.balance >= amount; amount > 0; }
         verify { a.balance == a.balance - amount; b.balance == b.balance + amount; }",
        "a: add >=1x
         b: add
         a += 0 -1*amount; b += 0 +1*amount; a >= 0 +1*amount; -1 +1*amount >= 0",
    );
}

#[test]
fn the_larger_side_may_stand_on_the_right_and_factors_may_be_any() {
    treats(
        "guard { amount < a.balance; 2 * a.balance >= other && 0 <= amount; }
         verify { a.balance == a.balance * 2 - amount - a.balance; }",
        "a: add >1x,>=2x
         not linear",
    );
    treats(
        "guard { amount < a.balance; 0.5 * amount > 0.2 * other; }
         verify { a.balance == a.balance - amount; }",
        "a: add >1x
         a += 0 -1*amount; a >= 1 +1*amount; -1 +5*amount -2*other >= 0",
    );
}

#[test]
fn postconditions_that_cancel_say_nothing_about_a_place() {
    treats(
        "verify { a.balance == a.balance - amount; b.balance == b.balance + amount;
                  b.balance >= old(b.balance); a.balance + b.balance == old(a.balance) + old(b.balance);
                  a.balance >= other; }",
        "a: add >=1x
         b: add
         a += 0 -1*amount; b += 0 +1*amount; a >= 0 +1*amount +1*other; 0 +1*amount >= 0; 0 == 0",
    );
}

#[test]
fn what_is_no_lower_bound_needs_an_order() {
    // An equality guard.
    treats(
        "guard { a.balance == 100; } verify { a.balance == a.balance - amount; }",
        "a: general
         not linear",
    );
    // An upper bound after a credit.
    treats(
        "verify { b.balance == b.balance + amount; b.balance <= 100; }",
        "b: general
         not linear",
    );
    // A guard over two written accounts bounds each, as long as nobody writes the other.
    treats(
        "guard { a.balance + b.balance >= 150; }
         verify { a.balance == a.balance - amount; b.balance == b.balance - other; }",
        "a: add >=1x b
         b: add >=1x a
         a += 0 -1*amount; b += 0 -1*other; a >= 15000 -1*b; b >= 15000 -1*a",
    );
    // Alternatives.
    treats(
        "guard { a.balance >= amount || amount == 0; } verify { a.balance == a.balance - amount; }",
        "a: general
         not linear",
    );
    treats(
        "guard { !(a.balance < amount); } verify { a.balance == a.balance - amount; }",
        "a: general
         not linear",
    );
}

#[test]
fn a_change_that_depends_on_the_state_is_no_addition() {
    // An amount fixed from the state.
    treats(
        "guard { let all = a.balance; } verify { a.balance == a.balance - all; b.balance == b.balance + all; }",
        "a: general
         b: add  a
         not linear",
    );
    // A change that depends on another account, which adds itself.
    treats(
        "verify { a.balance == a.balance + amount; b.balance == b.balance + a.balance; }",
        "a: general
         b: add  a
         not linear",
    );
    treats(
        "verify { b.balance == b.balance + c.balance; }",
        "b: add  c
         c: read
         b += 0 +1*c",
    );
    treats(
        "verify { a.balance == a.balance + round(a.balance * rate, half_even); }",
        "a: general
         not linear",
    );
}

#[test]
fn changes_that_are_no_sums_add_too() {
    treats(
        "guard { a.balance >= amount; }
         verify { a.balance == a.balance - round(amount * rate, half_even); }",
        "a: add >=1x
         not linear",
    );
}

#[test]
fn fields_need_an_order_once_they_are_written() {
    treats(
        "guard { !a.used; a.n >= 3; } verify { a.used == true; }",
        "a.n: read
         a.used: general
         not linear",
    );
    treats("verify { a.n == a.n + 1; }", "a.n: general\nnot linear");
}

#[test]
fn what_divides_by_a_place_depends_on_it() {
    treats(
        "guard { 0 * (amount / a.balance) >= 0; } verify { a.balance == a.balance - amount; }",
        "a: general
         not linear",
    );
    treats(
        "guard { let share = amount / a.balance; } verify { a.balance == a.balance - amount; }",
        "a: general
         not linear",
    );
}

#[test]
fn a_place_that_is_only_bounded_adds_nothing() {
    treats(
        "guard { c.balance >= 10; } verify { a.balance == a.balance - amount; }",
        "a: add
         c: add >=1x
         a += 0 -1*amount; c >= 1000",
    );
}
