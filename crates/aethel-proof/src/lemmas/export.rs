//! Lemmas to be looked at: every one that is asked about an intent, whatever the answer, with its text.

use super::terms::{Negation, timed};
use super::{Verdict, access, conservation, escrow, short, solver_name, sums, text};
use crate::check::terms::{Duty, Terms, is_unbounded_range};
use crate::encode::Claim;
use crate::number::Malformed;
use crate::shape::{MalformedIntent, Shape, SlotContext};
use crate::solver::{self, Answer, Limits, Session};
use aethel_certificate::{LemmaRecord, LemmaVerdict};
use aethel_ir::access::{Access, Class};
use aethel_ir::{Intent, Site};
use std::sync::Arc;
use z3::ast::Bool;

/// What the lemma is called that is hoped to be refuted.
pub const NEVER_HOLDS: &str = "the guard can never hold";

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

/// Asks about every lemma of an intent: that it adds where it is claimed to, that it conserves, that its guard never
/// holds (which is hoped to be refuted), and everything that its guard promises. What is refuted of its shape is asked
/// again: slot by slot, and with its constants. The limits are for each lemma.
///
/// # Errors
/// When the intent is not well formed.
pub fn obligations(
    intent: &Intent,
    slots: &[SlotContext],
    limits: &Limits,
) -> Result<Vec<Obligation>, MalformedIntent> {
    let shape = Shape::new(intent, slots)?;
    let asked = Arc::new(Asked {
        claimed: Access::of(&shape.intent, &shape.fields()),
        intent: intent.clone(),
        slots: slots.to_vec(),
        shape,
    });
    let mut all = Vec::new();
    for question in asked.questions(limits) {
        let again = asked.narrower(&question);
        let first = ask(&asked, question, limits)?;
        let proved = first.record.verdict == LemmaVerdict::Proved;
        all.push(first);
        if !proved {
            for question in again {
                all.push(ask(&asked, question, limits)?);
            }
        }
    }
    Ok(all)
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

/// An intent and what is claimed of its shape.
struct Asked {
    intent: Intent,
    slots: Vec<SlotContext>,
    shape: Shape,
    claimed: Access,
}

/// What is asked about it.
#[derive(Clone, Debug)]
enum Question {
    /// It adds on these slots.
    Access(Vec<usize>),
    /// It is the forms that are read off it.
    Sums,
    /// It conserves; with its constants, or whatever they are.
    Conservation { instance: bool },
    /// No state and no arguments let its guard hold.
    Dead,
    /// Its guard implies this.
    Duty(Duty),
}

impl Asked {
    fn questions(self: &Arc<Self>, limits: &Limits) -> Vec<Question> {
        let adds = (self.claimed.slots.iter().enumerate())
            .filter(|(_, slot)| slot.class == Class::Add)
            .map(|(slot, _)| slot);
        let adds: Vec<usize> = adds.collect();
        let mut all = Vec::new();
        if !adds.is_empty() {
            all.push(Question::Access(adds));
        }
        if self.claimed.linear.is_some() {
            all.push(Question::Sums);
        }
        all.extend([Question::Conservation { instance: false }, Question::Dead]);
        let asked = Arc::clone(self);
        // Terms live in the solver's thread; which duties there are is the same everywhere.
        let duties = solver::run(limits, move |_| {
            let terms = asked.terms()?;
            let duties = terms.duties.into_iter().map(|(duty, _)| duty);
            Ok::<_, Malformed>(duties.collect::<Vec<Duty>>())
        });
        let duties = duties.into_iter().flatten().flatten();
        let open = |duty: &Duty| !is_unbounded_range(*duty, &self.intent, &self.slots);
        all.extend(duties.filter(open).map(Question::Duty));
        all
    }

    /// What to ask when it was not proved.
    fn narrower(&self, question: &Question) -> Vec<Question> {
        match question {
            Question::Access(slots) if slots.len() > 1 => {
                slots.iter().map(|slot| Question::Access(vec![*slot])).collect()
            }
            Question::Conservation { instance: false } if !self.shape.constants.is_empty() => {
                vec![Question::Conservation { instance: true }]
            }
            _ => Vec::new(),
        }
    }

    fn terms(&self) -> Result<Terms, Malformed> {
        Terms::new(&self.intent, &self.slots, std::iter::empty())
    }

    fn negation(&self, question: &Question) -> Result<Negation, Malformed> {
        let duty = match question {
            Question::Access(slots) => return access::negated_claim(&self.shape, &self.claimed, slots),
            Question::Sums => {
                let linear = self.claimed.linear.as_ref().ok_or(Malformed)?;
                return sums::negation(&self.shape, linear);
            }
            Question::Conservation { instance } => return conservation::negation(&self.shape, *instance),
            Question::Dead => None,
            Question::Duty(duty) => Some(duty),
        };
        let terms = self.terms()?;
        let mut assertions = terms.premises;
        assertions.extend(terms.guard.into_iter().map(|(_, formula)| formula));
        if let Some(duty) = duty {
            let (_, formula) = (terms.duties.iter().find(|(other, _)| other == duty)).ok_or(Malformed)?;
            assertions.push(!formula);
        }
        Ok(Negation {
            definitions: terms.encoded.definitions,
            assertions,
        })
    }

    fn words(&self, question: &Question) -> (String, String) {
        let (name, statement) = match question {
            Question::Access(slots) => return access::words(&self.shape, &self.claimed, slots),
            Question::Sums => return sums::words(&self.shape),
            Question::Conservation { instance } => return conservation::words(&self.shape, *instance),
            Question::Dead => (
                NEVER_HOLDS.to_owned(),
                "no state and no arguments let the guard hold".to_owned(),
            ),
            Question::Duty(duty) => {
                let name = duty_name(*duty);
                let statement = format!(
                    "for every state that a ledger can hold and all arguments in range: if the guard holds, {name}"
                );
                (name, statement)
            }
        };
        let constants = match self.shape.constants.as_slice() {
            [] => String::new(),
            constants => format!(" with constants {constants:?}"),
        };
        (format!("{name}: {}{constants}", short(&self.shape)), statement)
    }
}

fn duty_name(duty: Duty) -> String {
    let site = |site: Site| match site {
        Site::Let(n) => format!("named value {}", n + 1),
        Site::Effect(n) | Site::Supply(n) => format!("effect {}", n + 1),
        Site::Expr(id) => format!("expression {}", id.0),
    };
    match duty {
        Duty::Conserves(asset) => format!("asset {} is conserved", asset.0),
        Duty::Claim(Claim::Divisor(id)) => format!("expression {} divides by no zero", id.0),
        Duty::Claim(Claim::Whole(at)) => format!("{} is whole", site(at)),
        Duty::Claim(Claim::InRange(at)) => format!("{} is in range", site(at)),
        Duty::Claim(Claim::NotOverdrawn(n)) => format!("effect {} overdraws nothing", n + 1),
        Duty::Claim(Claim::Guard(n)) => format!("guard condition {} holds", n + 1),
        Duty::Claim(Claim::Postcondition(n)) => format!("postcondition {} holds", n + 1),
    }
}

/// Asks about a lemma, in a job of its own: one that takes too long costs no other its answer.
fn ask(asked: &Arc<Asked>, question: Question, limits: &Limits) -> Result<Obligation, MalformedIntent> {
    let (job, again) = (Arc::clone(asked), question.clone());
    let rlimit = limits.rlimit;
    let answer = solver::run(limits, move |session| {
        let negation = job.negation(&question)?;
        Ok(answered(session, rlimit, job.words(&question), negation))
    });
    let answer = answer.or_else(|reason| {
        // No answer in time: the text at least.
        let job = Arc::clone(asked);
        solver::run(limits, move |_| {
            let exact = job.negation(&again)?.attempts().pop().unwrap_or_default();
            Ok(Obligation {
                record: record(job.words(&again), &exact, LemmaVerdict::Undecided, 0),
                nanoseconds: 0,
                doubt: Some(reason),
            })
        })
    });
    answer
        .unwrap_or(Err(Malformed))
        .map_err(|Malformed| MalformedIntent)
}

/// Asks Z3 whether the negation of a lemma contradicts itself, and writes down what it says.
pub fn answered(session: &Session, rlimit: u64, words: (String, String), negation: Negation) -> Obligation {
    let budget = session.with_budget(rlimit);
    let (mut verdict, mut doubt) = (LemmaVerdict::Undecided, None);
    let mut asked = Vec::new();
    let ((), nanoseconds) = timed(|| {
        for assertions in negation.attempts() {
            (verdict, doubt) = match budget.check(&assertions) {
                Answer::Unsat => (LemmaVerdict::Proved, None),
                Answer::Sat(_) => (LemmaVerdict::Refuted, None),
                Answer::Unknown(reason) => (LemmaVerdict::Undecided, Some(reason)),
            };
            asked = assertions;
            if verdict == LemmaVerdict::Proved {
                break;
            }
        }
    });
    Obligation {
        record: record(words, &asked, verdict, budget.rlimit_used()),
        nanoseconds,
        doubt,
    }
}

fn record(
    (name, statement): (String, String),
    negation: &[Bool],
    verdict: LemmaVerdict,
    rlimit: u64,
) -> LemmaRecord {
    LemmaRecord {
        name,
        statement,
        smt2: text::script(negation, verdict),
        verdict,
        solver: solver_name(),
        rlimit,
        farkas: None,
    }
}
