//! The questions about one intent, asked of Z3.

use super::example::{self, BOUNDS};
use super::known;
use super::report::{Check, IntentReport, Refutation, Verdict};
use super::subject::{State, Subject};
use super::terms::{Duty, Terms, is_unbounded_range};
use crate::encode::Claim;
use crate::number::Malformed;
use crate::solver::{Answer, Session};
use z3::ast::Bool;

/// What became of a question that products of unknowns may leave open.
pub enum Decision {
    /// There is an answer.
    Verdict(Verdict),
    /// Only the products themselves can tell.
    Open,
}

/// One intent in the solver's thread.
pub struct Judge<'a> {
    pub session: &'a Session,
    pub subject: &'a Subject,
    pub terms: Terms,
    /// Whether products of unknowns are what they are, or any number of the right sign.
    pub exact: bool,
    /// The resource limit of each query.
    pub rlimit: u64,
}

impl<'a> Judge<'a> {
    /// Encodes the intent.
    ///
    /// # Errors
    /// When it is not well formed.
    pub fn new(
        session: &'a Session,
        subject: &'a Subject,
        exact: bool,
        rlimit: u64,
    ) -> Result<Self, Malformed> {
        let terms = Terms::new(subject.intent(), subject.slots(), std::iter::empty())?;
        // Without products the two ways are one.
        let exact = exact || !terms.encoded.definitions.multiply();
        Ok(Self {
            session,
            subject,
            terms,
            exact,
            rlimit,
        })
    }

    fn ask(&self, assertions: &[Bool]) -> Answer {
        self.session.check_within(assertions, self.rlimit)
    }

    fn hypotheses(&self) -> Vec<Bool> {
        self.terms.hypotheses(self.exact)
    }

    fn with_guard(&self) -> Vec<Bool> {
        let mut all = self.hypotheses();
        all.extend(self.terms.guard.iter().map(|(_, formula)| formula.clone()));
        all
    }

    /// Whether the guard can hold and the transaction go through. `None` when it can.
    pub fn life(&self) -> Option<(Check, Decision)> {
        let mut all = self.with_guard();
        let guard = all.len();
        let claims = self
            .terms
            .duties
            .iter()
            .filter(|(duty, _)| matches!(duty, Duty::Claim(_)));
        all.extend(claims.map(|(_, formula)| formula.clone()));
        let commits = |state: &State| self.subject.admits(state) && self.subject.run(state).is_ok();
        match self.ask(&all) {
            Answer::Sat(_) => {
                return match self.smallest(&all, &commits) {
                    Some(_) => None,
                    None if !self.exact => Some((Check::CanCommit, Decision::Open)),
                    // Perhaps accounts that are only read would have to be one, which no example shows.
                    None => Some((
                        Check::CanCommit,
                        undecided("no example of a run was found".to_owned()),
                    )),
                };
            }
            Answer::Unknown(reason) => return Some((Check::CanCommit, undecided(reason))),
            Answer::Unsat => {}
        }
        all.truncate(guard);
        match self.ask(&all) {
            Answer::Unsat => {
                let core = Refutation::Contradiction(self.core());
                Some((Check::GuardCanHold, Decision::Verdict(Verdict::Refuted(core))))
            }
            Answer::Unknown(reason) => Some((Check::GuardCanHold, undecided(reason))),
            Answer::Sat(_) => {
                let stopped = |state: &State| {
                    self.subject
                        .run(state)
                        .is_err_and(|failure| !matches!(failure, aethel_ir::Failure::Guard(_)))
                };
                let state = self.smallest(&all, &stopped);
                Some((
                    Check::CanCommit,
                    match state {
                        Some(state) => Decision::Verdict(Verdict::Refuted(Refutation::Stopped(state))),
                        None => undecided("no example of a stopped run was found".to_owned()),
                    },
                ))
            }
        }
    }

    /// Conditions of the guard that contradict each other; each of them is needed for that, unless there are very many.
    fn core(&self) -> Vec<u16> {
        let mut kept: Vec<&(u16, Bool)> = self.terms.guard.iter().collect();
        let mut at = 0;
        while at < kept.len() && self.terms.guard.len() <= MAX_EACH {
            let mut all = self.hypotheses();
            let others = kept.iter().enumerate().filter(|(n, _)| *n != at);
            all.extend(others.map(|(_, (_, formula))| formula.clone()));
            if matches!(self.ask(&all), Answer::Unsat) {
                kept.remove(at);
            } else {
                at += 1;
            }
        }
        kept.into_iter().map(|(n, _)| *n).collect()
    }

    /// Everything that must hold whenever the guard does; duties that stay open are given back.
    pub fn duties(&self, report: &mut IntentReport) -> Vec<Duty> {
        let asked = |duty: Duty| !is_unbounded_range(duty, self.subject.intent(), self.subject.slots());
        let mut asked: Vec<Duty> = (self.terms.duties.iter())
            .map(|(duty, _)| *duty)
            .filter(|duty| asked(*duty))
            .collect();
        if asked.is_empty() {
            return Vec::new();
        }
        let mut all = self.with_guard();
        all.push(any_fails(&self.terms, &asked));
        if matches!(self.ask(&all), Answer::Unsat) {
            for duty in asked {
                report.push(Check::of(duty), Verdict::Proved);
            }
            return Vec::new();
        }
        // Ranges last: when something else fails, an overflow beside it is no news.
        asked.sort_by_key(|duty| matches!(duty, Duty::Claim(Claim::InRange(_))));
        let mut open = Vec::new();
        let mut sound = true;
        for duty in asked {
            if matches!(duty, Duty::Claim(Claim::InRange(_))) && !sound {
                continue;
            }
            match self.duty(duty) {
                Decision::Verdict(verdict) => {
                    sound &= verdict == Verdict::Proved;
                    report.push(Check::of(duty), verdict);
                }
                Decision::Open => open.push(duty),
            }
        }
        open
    }

    /// One duty: whether it is the first that fails in some state that passes the guard.
    pub fn duty(&self, duty: Duty) -> Decision {
        let mut all = self.with_guard();
        let Some(at) = self.terms.duties.iter().position(|(one, _)| *one == duty) else {
            return undecided("it is not claimed of this intent".to_owned());
        };
        let earlier = self.terms.duties.iter().take(at);
        let claims = earlier.filter(|(one, _)| matches!(one, Duty::Claim(_)));
        all.extend(claims.map(|(_, formula)| formula.clone()));
        all.push(!&self.terms.duties[at].1);
        let model = match self.ask(&all) {
            Answer::Unsat => return Decision::Verdict(Verdict::Proved),
            Answer::Unknown(_) if !self.exact => return Decision::Open,
            Answer::Unknown(reason) => return undecided(reason),
            Answer::Sat(model) => model,
        };
        let shows = |state: &State| example::shows(self.subject, duty, state);
        if let Some(state) = self.smallest(&all, &shows) {
            return Decision::Verdict(Verdict::Refuted(Refutation::Example(state)));
        }
        if !self.exact {
            return Decision::Open;
        }
        match example::of_model(self.subject, &self.terms, &model) {
            Some(state) if !self.subject.admits(&state) => {
                undecided("it fails only when accounts that are read are the same one".to_owned())
            }
            // The search for a small one can run out of time; the first one is an example too.
            Some(state) if shows(&state) => {
                let state = example::shrink(self.subject, state, shows);
                Decision::Verdict(Verdict::Refuted(Refutation::Example(state)))
            }
            Some(state) => Decision::Verdict(Verdict::Disagreement { state }),
            None => undecided("Z3 gave an example that is no state".to_owned()),
        }
    }

    /// The smallest example that the evaluator shows.
    fn smallest(&self, assertions: &[Bool], shows: &dyn Fn(&State) -> bool) -> Option<State> {
        for bound in BOUNDS {
            let mut all = assertions.to_vec();
            all.extend(self.terms.apart.iter().cloned());
            all.extend(bound.premises(self.subject, &self.terms));
            let Answer::Sat(model) = self.ask(&all) else {
                continue;
            };
            let state = example::of_model(self.subject, &self.terms, &model);
            match state.filter(|state| self.subject.admits(state) && shows(state)) {
                Some(state) => return Some(example::shrink(self.subject, state, shows)),
                // One wrong guess at a product is seldom followed by a right one.
                None if !self.exact => return None,
                None => {}
            }
        }
        None
    }

    /// Conditions of the guard that the others imply, of those that are not known to be needed.
    pub fn redundant(&self, needed: &[bool], report: &mut IntentReport) {
        for n in known::redundant(&self.hypotheses(), &self.terms.guard, needed, |all| self.ask(all)) {
            report.push(Check::Needed(n), Verdict::Refuted(Refutation::Implied));
        }
    }
}

/// The largest guard whose conditions are asked about one by one: each question holds all of them.
pub const MAX_EACH: usize = 64;

/// That one of the duties is not met.
pub fn any_fails(terms: &Terms, asked: &[Duty]) -> Bool {
    let formulas = terms.duties.iter().filter(|(duty, _)| asked.contains(duty));
    let formulas: Vec<Bool> = formulas.map(|(_, formula)| formula.clone()).collect();
    !Bool::and(&formulas)
}

fn undecided(reason: String) -> Decision {
    Decision::Verdict(Verdict::Undecided { reason })
}
