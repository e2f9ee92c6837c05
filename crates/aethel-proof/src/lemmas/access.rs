//! The access lemma: *on these slots the intent adds*.
//!
//! For all arguments and all states s, s' that differ only in the slots: each slot changes by the same amount, every
//! other effect is equal, every condition that is not listed as a bound has the same truth, and a listed one holds in s'
//! exactly when its difference in s plus the factors times what the slots differ by is not below (or is above) zero.
//! The engine's checks of range and overdraft of effects are left out: the two inequalities of escrow cover them.
//!
//! Where a division by zero leaves values undefined nothing is said of them, only that both states or none divide.

use super::terms::{Negation, arguments, signs, state};
use super::{Decided, Verdict, ask, short};
use crate::definitions::Definitions;
use crate::encode::{Claim, Encoded, Inputs, Term, comparison, encode_watching};
use crate::joined::all_of;
use crate::number::{Malformed, Number};
use crate::shape::Shape;
use crate::solver::Session;
use aethel_ir::access::{Access, Bound, ConditionRef};
use aethel_ir::intent::BinaryOp;
use aethel_ir::{Condition, Expr, ExprId, Intent, Site};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use z3::ast::{Bool, Int};

/// What the lemma asserts: a contradiction when the intent adds on all of these slots.
pub fn negated_claim(shape: &Shape, access: &Access, slots: &[usize]) -> Result<Negation, Malformed> {
    let values = arguments("v", &shape.intent);
    let first = state("s", shape.slots.len());
    let mut second = first.clone();
    for slot in slots {
        *second.get_mut(*slot).ok_or(Malformed)? = Int::new_const(format!("t{slot}"));
    }
    let bounds = Bounds::of(shape, access, slots)?;
    let watched = bounds.watched(&shape.intent)?;
    let bounded: Vec<bool> = shape.slots.iter().map(|slot| slot.bounded).collect();
    let encode = |before: &[Int], definitions: Definitions| {
        let inputs = Inputs {
            before,
            values: &values,
            bounded: &bounded,
        };
        let (encoded, seen) = encode_watching(&shape.intent, inputs, &watched, definitions)?;
        let count = seen.len();
        let seen: BTreeMap<u32, Term> = seen.into_iter().map(|(id, term)| (id.0, term)).collect();
        // An expression that stands in two places could mean two things.
        if seen.len() != count {
            return Err(Malformed);
        }
        Ok(Copy {
            before: before.to_vec(),
            encoded,
            seen,
        })
    };
    let first = encode(&first, Definitions::default())?;
    let second = encode(&second, first.encoded.definitions.clone())?;
    let pair = Pair {
        intent: &shape.intent,
        slots,
        bounds,
        first,
        second,
    };
    let mut assertions = signs(shape, &values);
    assertions.push(!pair.claim()?);
    // The definitions of the second go on from those of the first.
    Ok(Negation {
        definitions: pair.second.encoded.definitions,
        assertions,
    })
}

/// The conditions that bound a slot in question from below, with the comparisons that do.
struct Bounds<'a> {
    by_condition: BTreeMap<ConditionRef, Vec<(usize, &'a Bound)>>,
}

impl<'a> Bounds<'a> {
    fn of(shape: &Shape, access: &'a Access, slots: &[usize]) -> Result<Self, Malformed> {
        let mut by_condition: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for slot in slots {
            for bound in &access.slots.get(*slot).ok_or(Malformed)?.bounds {
                let condition = bound.condition.of(&shape.intent).ok_or(Malformed)?;
                if is_tested(shape, condition)? {
                    by_condition
                        .entry(bound.condition)
                        .or_default()
                        .push((*slot, bound));
                }
            }
        }
        Ok(Self { by_condition })
    }

    /// The expressions whose values the claim is about.
    fn watched(&self, intent: &Intent) -> Result<Vec<ExprId>, Malformed> {
        let mut watched = Vec::new();
        for condition in self.by_condition.keys() {
            for leaf in leaves(intent, condition.of(intent).ok_or(Malformed)?) {
                watched.push(leaf);
                if let Some(Expr::Binary(op, a, b)) = intent.node(leaf).map(|node| &node.expr)
                    && comparison(*op).is_some()
                {
                    watched.extend([*a, *b]);
                }
            }
        }
        Ok(watched)
    }
}

fn is_tested(shape: &Shape, condition: &Condition) -> Result<bool, Malformed> {
    match condition.if_bounded {
        None => Ok(true),
        Some(slot) => {
            let slot = shape.slots.get(usize::from(slot.0)).ok_or(Malformed)?;
            Ok(slot.bounded)
        }
    }
}

/// The parts of a condition between `&&`.
fn leaves(intent: &Intent, condition: &Condition) -> Vec<ExprId> {
    let mut open = vec![condition.expr];
    let mut leaves = Vec::new();
    while let Some(id) = open.pop() {
        match intent.node(id).map(|node| &node.expr) {
            Some(Expr::Binary(BinaryOp::And, a, b)) => open.extend([*b, *a]),
            _ => leaves.push(id),
        }
    }
    leaves
}

/// The intent on one of the two states.
struct Copy {
    before: Vec<Int>,
    encoded: Encoded,
    seen: BTreeMap<u32, Term>,
}

impl Copy {
    fn number(&self, id: ExprId) -> Result<&Number, Malformed> {
        match self.seen.get(&id.0) {
            Some(Term::Number(number)) => Ok(number),
            _ => Err(Malformed),
        }
    }

    fn truth(&self, id: ExprId) -> Result<&Bool, Malformed> {
        match self.seen.get(&id.0) {
            Some(Term::Bool(flag)) => Ok(flag),
            _ => Err(Malformed),
        }
    }
}

struct Pair<'a> {
    intent: &'a Intent,
    slots: &'a [usize],
    bounds: Bounds<'a>,
    first: Copy,
    second: Copy,
}

impl Pair<'_> {
    fn claim(&self) -> Result<Bool, Malformed> {
        let (one, other) = (&self.first.encoded, &self.second.encoded);
        if one.obligations.len() != other.obligations.len() {
            return Err(Malformed);
        }
        let mut divides = Vec::new();
        let mut equal_divisions = Vec::new();
        let mut parts = self.effects()?;
        for (a, b) in one.obligations.iter().zip(&other.obligations) {
            if a.claim != b.claim {
                return Err(Malformed);
            }
            let condition = match a.claim {
                Claim::Divisor(_) => {
                    let same = a.formula.iff(&b.formula);
                    equal_divisions.push(all_of(&divides).implies(same));
                    divides.extend([a.formula.clone(), b.formula.clone()]);
                    continue;
                }
                Claim::InRange(Site::Effect(_)) | Claim::NotOverdrawn(_) => continue,
                Claim::Guard(n) => Some(ConditionRef::Guard(n)),
                Claim::Postcondition(n) => Some(ConditionRef::Postcondition(n)),
                Claim::InRange(_) | Claim::Whole(_) => None,
            };
            match condition.and_then(|at| Some((at, self.bounds.by_condition.get(&at)?))) {
                Some((at, bounds)) => self.condition(at, bounds, &mut parts)?,
                None => parts.push(a.formula.iff(&b.formula)),
            }
        }
        equal_divisions.push(all_of(&divides).implies(all_of(&parts)));
        Ok(all_of(&equal_divisions))
    }

    /// The slots in question change alike, the others end alike.
    fn effects(&self) -> Result<Vec<Bool>, Malformed> {
        let mut parts = Vec::new();
        for effect in &self.intent.effects {
            let slot = usize::from(effect.slot.0);
            let after = |copy: &Copy| copy.encoded.after.get(slot).cloned().ok_or(Malformed);
            let (one, other) = (after(&self.first)?, after(&self.second)?);
            parts.push(if self.slots.contains(&slot) {
                (one + self.moved(slot)?).eq(other)
            } else {
                one.eq(other)
            });
        }
        Ok(parts)
    }

    /// What a slot differs by.
    fn moved(&self, slot: usize) -> Result<Int, Malformed> {
        let one = self.first.before.get(slot).ok_or(Malformed)?;
        let other = self.second.before.get(slot).ok_or(Malformed)?;
        Ok(other - one)
    }

    /// The parts of a condition that bounds slots: bounds move with the slots, the rest is unmoved.
    fn condition(
        &self,
        at: ConditionRef,
        bounds: &[(usize, &Bound)],
        parts: &mut Vec<Bool>,
    ) -> Result<(), Malformed> {
        for leaf in leaves(self.intent, at.of(self.intent).ok_or(Malformed)?) {
            let mine: Vec<_> = bounds
                .iter()
                .filter(|(_, bound)| bound.comparison == leaf)
                .collect();
            let Some((_, bound)) = mine.first() else {
                parts.push(self.first.truth(leaf)?.iff(self.second.truth(leaf)?));
                continue;
            };
            let Some(Expr::Binary(op, a, b)) = self.intent.node(leaf).map(|node| &node.expr) else {
                return Err(Malformed);
            };
            let test = comparison(*op).ok_or(Malformed)?;
            let (large, small) = if bound.left_is_larger { (a, b) } else { (b, a) };
            let mut difference = self.first.number(*large)?.sub(self.first.number(*small)?);
            for (slot, bound) in mine {
                let factor = Number::constant(&bound.factor)?;
                difference = difference.add(&Number::whole(self.moved(*slot)?).mul(&factor));
            }
            let zero = Number::whole(Int::from_i64(0));
            let accepts = if bound.strict {
                Ordering::is_gt
            } else {
                Ordering::is_ge
            };
            let holds = self.second.number(*a)?.compare(self.second.number(*b)?, test);
            parts.push(holds.iff(difference.compare(&zero, accepts)));
        }
        Ok(())
    }
}

/// Decides the claimed slots: all together, which is one query where it holds, else one by one.
pub fn decide(session: &Session, rlimit: u64, shape: &Shape, access: &Access, adds: &[usize]) -> Decided {
    let ask_for = |slots: &[usize]| {
        let words = words(shape, access, slots);
        ask(session, rlimit, words, negated_claim(shape, access, slots))
    };
    let together = ask_for(adds);
    let mut of_slot = vec![None; shape.slots.len()];
    let mut verdicts = vec![together];
    let proved = matches!(verdicts.first(), Some(Verdict::Proved(_)));
    for slot in adds {
        if !proved && adds.len() > 1 {
            verdicts.push(ask_for(&[*slot]));
        }
        if let Some(entry) = of_slot.get_mut(*slot) {
            *entry = u16::try_from(verdicts.len() - 1).ok();
        }
    }
    Decided {
        verdicts,
        slots: of_slot,
    }
}

/// `0-3, 5`
fn runs(slots: &[usize]) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for slot in slots {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *slot => *last = *slot,
            _ => runs.push((*slot, *slot)),
        }
    }
    let shown = runs.iter().map(|(first, last)| match last - first {
        0 => first.to_string(),
        _ => format!("{first}-{last}"),
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// Its name, and what it says.
pub fn words(shape: &Shape, access: &Access, slots: &[usize]) -> (String, String) {
    let mut bounds = Vec::new();
    for slot in slots {
        for bound in access.slots.get(*slot).map_or(&[][..], |access| &access.bounds) {
            let (kind, n) = match bound.condition {
                ConditionRef::Guard(n) => ("guard", n + 1),
                ConditionRef::Postcondition(n) => ("postcondition", n + 1),
            };
            let sign = if bound.strict { ">" } else { ">=" };
            bounds.push(format!(
                "{kind} {n} says {} * slot {slot} {sign} the rest",
                bound.factor
            ));
        }
    }
    let bounds = if bounds.is_empty() {
        "no condition depends on them".to_owned()
    } else {
        format!(
            "no condition depends on them but as a lower bound ({})",
            bounds.join("; ")
        )
    };
    let list = runs(slots);
    let name = format!("access {list} of {}", short(shape));
    let statement = format!(
        "for all arguments and all states that differ only in slots {list}: each of these slots changes by the same \
         amount, every other effect is equal, and {bounds}"
    );
    (name, statement)
}
