//! Lemmas to be looked at: every one that is asked about an intent, whatever the answer, with its text.

use super::terms::timed;
use super::{Verdict, access, conservation, escrow, solver_name, text};
use crate::number::Malformed;
use crate::shape::{MalformedIntent, Shape, SlotContext};
use crate::solver::{self, Answer, Limits, Session};
use aethel_certificate::{LemmaRecord, LemmaVerdict};
use aethel_ir::Intent;
use aethel_ir::access::{Access, Class};
use z3::ast::Bool;

/// A lemma that was asked about, and what that took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obligation {
    /// The lemma; its verdict may be any.
    pub record: LemmaRecord,
    /// How long the solver took.
    pub nanoseconds: u64,
    /// Why there is no verdict, for people.
    pub doubt: Option<String>,
}

/// Asks about every lemma of an intent: that it adds where it is claimed to, and that it conserves. What is refuted of
/// its shape is asked again: slot by slot, and with its constants.
///
/// # Errors
/// When the intent is not well formed.
pub fn obligations(
    intent: &Intent,
    slots: &[SlotContext],
    limits: &Limits,
) -> Result<Vec<Obligation>, MalformedIntent> {
    let shape = Shape::new(intent, slots)?;
    let rlimit = limits.rlimit;
    let asked = solver::run(limits, move |session| {
        let mut all = accesses(session, rlimit, &shape)?;
        all.extend(conservations(session, rlimit, &shape)?);
        Ok::<_, Malformed>(all)
    });
    match asked {
        Ok(Ok(all)) => Ok(all),
        Ok(Err(Malformed)) => Err(MalformedIntent),
        // Without an answer in time there is no text either.
        Err(_) => Ok(Vec::new()),
    }
}

/// The two lemmas of escrow, which hold for every program.
pub fn escrow_obligations(limits: &Limits) -> Vec<Obligation> {
    let rlimit = limits.rlimit;
    let proved = solver::run(limits, move |session| {
        let (verdicts, nanoseconds) = timed(|| escrow::prove(session, rlimit));
        let half = nanoseconds / 2;
        verdicts.map(|verdict| match verdict {
            Verdict::Proved(lemma) => Some(Obligation {
                record: lemma.record,
                nanoseconds: half,
                doubt: None,
            }),
            Verdict::Refuted | Verdict::Undecided(_) => None,
        })
    });
    proved.into_iter().flatten().flatten().collect()
}

fn accesses(session: &Session, rlimit: u64, shape: &Shape) -> Result<Vec<Obligation>, Malformed> {
    let claimed = Access::of(&shape.intent, &shape.fields());
    let adds: Vec<usize> = (claimed.slots.iter().enumerate())
        .filter(|(_, slot)| slot.class == Class::Add)
        .map(|(slot, _)| slot)
        .collect();
    if adds.is_empty() {
        return Ok(Vec::new());
    }
    let ask = |slots: &[usize]| {
        let negation = access::negated_claim(shape, &claimed, slots)?;
        Ok(asked(
            session,
            rlimit,
            access::words(shape, &claimed, slots),
            &negation,
        ))
    };
    let together = ask(&adds)?;
    let mut all = vec![together];
    if all.iter().any(|one| one.record.verdict != LemmaVerdict::Proved) && adds.len() > 1 {
        for slot in adds {
            all.push(ask(&[slot])?);
        }
    }
    Ok(all)
}

fn conservations(session: &Session, rlimit: u64, shape: &Shape) -> Result<Vec<Obligation>, Malformed> {
    let ask = |instance: bool| {
        let negation = conservation::negation(shape, instance)?;
        Ok(asked(
            session,
            rlimit,
            conservation::words(shape, instance),
            &negation,
        ))
    };
    let mut all = vec![ask(false)?];
    let refuted = all.iter().any(|one| one.record.verdict == LemmaVerdict::Refuted);
    if refuted && !shape.constants.is_empty() {
        all.push(ask(true)?);
    }
    Ok(all)
}

/// Asks Z3 whether the negation of a lemma contradicts itself, and writes down what it says.
fn asked(
    session: &Session,
    rlimit: u64,
    (name, statement): (String, String),
    negation: &[Bool],
) -> Obligation {
    let budget = session.with_budget(rlimit);
    let (answer, nanoseconds) = timed(|| budget.check(negation));
    let (verdict, doubt) = match answer {
        Answer::Unsat => (LemmaVerdict::Proved, None),
        Answer::Sat(_) => (LemmaVerdict::Refuted, None),
        Answer::Unknown(reason) => (LemmaVerdict::Undecided, Some(reason)),
    };
    Obligation {
        record: LemmaRecord {
            name,
            statement,
            smt2: text::script(negation, verdict),
            verdict,
            solver: solver_name(),
            rlimit: budget.rlimit_used(),
            farkas: None,
        },
        nanoseconds,
        doubt,
    }
}
