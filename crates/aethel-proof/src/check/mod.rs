//! `aethel check`: what holds of an intent and of a batch for all states and all inputs.
//!
//! Takes a [`Subject`], an intent with accounts of its own; gives an [`IntentReport`]: for each check *proved*,
//! *refuted* by an example that the evaluator has replayed, or *undecided*. Proved means: from every state in which
//! balances are in range and the bounded balances of an asset are together at most the largest amount, for all arguments
//! in range, and however accounts that are only read coincide, the guard implies the check.
//!
//! Questions are asked cheapest first: whether the guard can hold is tried on a few likely states before Z3 is asked,
//! and all universal checks are one query unless one of them fails. That query is asked of the intent's [`Shape`], and
//! when it is proved every other intent of the shape has its answer from a [`LemmaCache`].

mod batch;
mod chain;
mod example;
mod judge;
mod known;
mod moves;
mod report;
mod subject;
mod sums;
pub(crate) mod terms;
mod words;

pub use batch::{BatchReport, BatchSubject, BatchVerdict, MAX_CHAIN, check_batch};
pub use moves::only_moves;
pub use report::{Check, Finding, IntentReport, Refutation, Verdict};
pub use subject::{State, Subject};
pub use words::diagnostic;

use crate::cache::LemmaCache;
use crate::number::Malformed;
use crate::shape::Shape;
use crate::solver::{self, Limits, Session};
use example::Seen;
use judge::{Decision, Judge, MAX_EACH};
use known::Known;
use std::sync::Arc;
use std::time::{Duration, Instant};
use terms::Duty;

/// What may be spent on the checks of one intent or batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckLimits {
    /// Z3's resource limit for one lemma, a deterministic count of its steps; 5 million are about a second.
    pub rlimit: u64,
    /// The watchdog's time for all lemmas of an intent that multiply no unknowns.
    pub time: Duration,
    /// The watchdog's time for one lemma that does: Z3 counts no steps there. With none, it is not asked.
    pub product_time: Duration,
}

impl Default for CheckLimits {
    fn default() -> Self {
        Self {
            rlimit: 5_000_000,
            time: Duration::from_secs(20),
            product_time: Duration::from_secs(2),
        }
    }
}

impl CheckLimits {
    fn all(&self) -> Limits {
        Limits {
            rlimit: self.rlimit.saturating_mul(100),
            time: self.time,
        }
    }

    fn product(&self) -> Limits {
        Limits {
            rlimit: self.rlimit,
            time: self.product_time,
        }
    }
}

/// Judges one intent. What is proved of its shape is taken from the cache, and put there.
pub fn check_intent(subject: &Arc<Subject>, limits: &CheckLimits, cache: &LemmaCache) -> IntentReport {
    let start = Instant::now();
    let mut report = judge(subject, limits, cache);
    report.nanoseconds = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
    report
}

fn judge(subject: &Arc<Subject>, limits: &CheckLimits, cache: &LemmaCache) -> IntentReport {
    let mut report = IntentReport::default();
    let Ok(shape) = Shape::new(subject.intent(), subject.slots()) else {
        return IntentReport::undecided(&Malformed.to_string());
    };
    let key = known::key(&shape, limits);
    let Seen { alive, needed } = example::look(subject);
    let known = known::get(cache, &key);
    if let (true, Some(Known::Proved(lemma))) = (alive, &known)
        && (needed.len() > MAX_EACH
            || needed
                .iter()
                .enumerate()
                .all(|(n, needed)| *needed || lemma.implies(n)))
    {
        report.push(Check::GuardCanHold, Verdict::Proved);
        report.push(Check::CanCommit, Verdict::Proved);
        lemma.tell(&shape, subject, &mut report);
        lemma.tell_implied(&mut report);
        report.cached = true;
        return report;
    }
    let job = Job {
        subject: Arc::clone(subject),
        shape,
        known,
        alive,
        needed,
        rlimit: limits.rlimit,
    };
    match solver::run(&limits.all(), move |session| job.run(session)) {
        Ok((first, open, learned)) => {
            report = first;
            if let Some(learned) = learned {
                known::put(cache, &key, &learned);
            }
            settle(subject, limits, open, &mut report);
        }
        Err(reason) => return IntentReport::undecided(&reason),
    }
    report
}

/// The questions about one intent that need no product of unknowns.
struct Job {
    subject: Arc<Subject>,
    shape: Shape,
    /// What the cache says of the shape.
    known: Option<Known>,
    /// Whether a state is known in which the transaction goes through.
    alive: bool,
    /// For each condition of the guard, whether a state is known in which it alone fails.
    needed: Vec<bool>,
    rlimit: u64,
}

impl Job {
    /// The answers, what stays open, and what was learned of the shape.
    fn run(self, session: &Session) -> (IntentReport, Open, Option<Known>) {
        let mut report = IntentReport::default();
        let mut open = Open::default();
        let judge = match Judge::new(session, &self.subject, false, self.rlimit) {
            Ok(judge) => judge,
            Err(malformed) => {
                return (IntentReport::undecided(&malformed.to_string()), open, None);
            }
        };
        let mut learned = None;
        match if self.alive { None } else { judge.life() } {
            None => {
                report.push(Check::GuardCanHold, Verdict::Proved);
                report.push(Check::CanCommit, Verdict::Proved);
                if self.known.is_none() {
                    learned = known::learn(session, &self.shape, &self.needed, self.rlimit);
                }
                match learned.as_ref().or(self.known.as_ref()) {
                    Some(Known::Proved(lemma)) => lemma.tell(&self.shape, &self.subject, &mut report),
                    _ => open.duties = judge.duties(&mut report),
                }
                judge.redundant(&self.needed, &mut report);
            }
            // Nothing else is said of an intent that never runs.
            Some((check, Decision::Verdict(verdict))) => report.push(check, verdict),
            Some((_, Decision::Open)) => {
                open.life = true;
                open.duties = judge.duties(&mut report);
            }
        }
        report.queries = session.queries();
        (report, open, learned)
    }
}

/// What only the products of unknowns themselves can tell.
#[derive(Default)]
struct Open {
    life: bool,
    duties: Vec<Duty>,
}

/// Decides what products of unknowns left open: by trying many small states, then by asking Z3 with the products.
fn settle(subject: &Arc<Subject>, limits: &CheckLimits, open: Open, report: &mut IntentReport) {
    if open.life {
        let runs = |state: &State| subject.admits(state) && subject.run(state).is_ok();
        let decided = if example::many(subject).any(|state| runs(&state)) {
            None
        } else {
            let too_hard = || undecided("the products of unknowns are too hard");
            let asked = exactly(subject, limits, report, move |judge| {
                judge.life().map(|(check, decision)| match decision {
                    Decision::Verdict(verdict) => (check, verdict),
                    Decision::Open => (check, too_hard()),
                })
            });
            asked.unwrap_or_else(|reason| Some((Check::CanCommit, undecided(&reason))))
        };
        match decided {
            None => {
                report.push(Check::GuardCanHold, Verdict::Proved);
                report.push(Check::CanCommit, Verdict::Proved);
            }
            Some((check, verdict)) => {
                report.findings.clear();
                report.push(check, verdict);
                return;
            }
        }
    }
    for duty in open.duties {
        let shows = |state: &State| subject.admits(state) && example::shows(subject, duty, state);
        let found = example::many(subject).find(|state| shows(state));
        let verdict = match found {
            Some(state) => {
                let state = example::shrink(subject, state, |state| example::shows(subject, duty, state));
                Verdict::Refuted(Refutation::Example(state))
            }
            None => exactly(subject, limits, report, move |judge| match judge.duty(duty) {
                Decision::Verdict(verdict) => verdict,
                Decision::Open => undecided("the products of unknowns are too hard"),
            })
            .unwrap_or_else(|reason| undecided(&reason)),
        };
        report.push(Check::of(duty), verdict);
    }
}

/// Asks with the products of unknowns, under a watchdog of its own.
fn exactly<T: Send + 'static>(
    subject: &Arc<Subject>,
    limits: &CheckLimits,
    report: &mut IntentReport,
    ask: impl FnOnce(&Judge<'_>) -> T + Send + 'static,
) -> Result<T, String> {
    if limits.product_time.is_zero() {
        return Err("there is no time for the products of unknowns".to_owned());
    }
    let job = Arc::clone(subject);
    let rlimit = limits.rlimit;
    let outcome = solver::run(&limits.product(), move |session| {
        let judge = Judge::new(session, &job, true, rlimit).map_err(|malformed| malformed.to_string())?;
        Ok((ask(&judge), session.queries()))
    })?;
    outcome.map(|(answer, queries)| {
        report.queries += queries;
        answer
    })
}

fn undecided(reason: &str) -> Verdict {
    Verdict::Undecided {
        reason: reason.to_owned(),
    }
}
