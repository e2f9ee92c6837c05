//! What is known of a shape: that every intent of it meets all its duties, or that this could not be shown at once.
//!
//! Only that is kept. Whether a guard can hold and every refutation depend on the constants of the intent at hand.

use super::CheckLimits;
use super::judge::{MAX_EACH, any_fails};
use super::report::{Check, IntentReport, Refutation, Verdict};
use super::subject::Subject;
use super::terms::{Duty, Terms, is_unbounded_range};
use crate::cache::LemmaCache;
use crate::encode::Claim;
use crate::shape::{Shape, SlotField};
use crate::solver::{Answer, Limits, Session};
use aethel_ir::{AssetId, Site};
use serde::{Deserialize, Serialize};

/// The cache's answer for a shape.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Known {
    /// Every duty is met by every intent of the shape.
    Proved(Lemma),
    /// Not that: each intent is asked about by itself.
    Open,
}

/// What was proved.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Lemma {
    duties: Vec<Kept>,
    /// Conditions of the guard that the others imply.
    redundant: Vec<u16>,
}

/// A duty as it is stored: with the shape's numbers of assets.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Kept {
    WholeLet(u16),
    WholeEffect(u16),
    RangeLet(u16),
    RangeEffect(u16),
    NotOverdrawn(u16),
    Postcondition(u16),
    Conserves(u16),
}

impl Kept {
    /// `None` for a divisor: it is named by a node, and the nodes of a shape have numbers of their own.
    fn of(duty: Duty) -> Option<Self> {
        Some(match duty {
            Duty::Claim(Claim::Whole(Site::Let(n))) => Kept::WholeLet(n),
            Duty::Claim(Claim::Whole(Site::Effect(n))) => Kept::WholeEffect(n),
            Duty::Claim(Claim::InRange(Site::Let(n))) => Kept::RangeLet(n),
            Duty::Claim(Claim::InRange(Site::Effect(n))) => Kept::RangeEffect(n),
            Duty::Claim(Claim::NotOverdrawn(n)) => Kept::NotOverdrawn(n),
            Duty::Claim(Claim::Postcondition(n)) => Kept::Postcondition(n),
            Duty::Conserves(asset) => Kept::Conserves(asset.0),
            Duty::Claim(_) => return None,
        })
    }

    fn check(self, shape: &Shape, subject: &Subject) -> Option<Check> {
        Some(match self {
            Kept::WholeLet(n) => Check::Exact(Site::Let(n)),
            Kept::WholeEffect(n) => Check::Exact(Site::Effect(n)),
            Kept::RangeLet(n) => Check::NoOverflow(Site::Let(n)),
            Kept::RangeEffect(n) => Check::NoOverflow(Site::Effect(n)),
            Kept::NotOverdrawn(n) => Check::NoOverdraft(n),
            Kept::Postcondition(n) => Check::Postcondition(n),
            Kept::Conserves(asset) => {
                let field = SlotField::Balance(AssetId(asset));
                let slot = shape.slots.iter().position(|slot| slot.field == field)?;
                match subject.slots().get(slot)?.field {
                    SlotField::Balance(asset) => Check::Conserves(asset),
                    _ => return None,
                }
            }
        })
    }
}

impl Lemma {
    /// Whether condition n of the guard follows from the others in every intent of the shape.
    pub fn implies(&self, n: usize) -> bool {
        self.redundant.iter().any(|one| usize::from(*one) == n)
    }

    /// What it says of the duties of an intent of the shape.
    pub fn tell(&self, shape: &Shape, subject: &Subject, report: &mut IntentReport) {
        let checks = self.duties.iter().filter_map(|duty| duty.check(shape, subject));
        for check in checks {
            report.push(check, Verdict::Proved);
        }
    }

    /// The conditions that it says are not needed.
    pub fn tell_implied(&self, report: &mut IntentReport) {
        for n in &self.redundant {
            report.push(Check::Needed(*n), Verdict::Refuted(Refutation::Implied));
        }
    }
}

/// What the answer for a shape is kept under.
pub fn key(shape: &Shape, limits: &CheckLimits) -> [u8; 32] {
    let limits = Limits {
        rlimit: limits.rlimit,
        time: limits.time,
    };
    blake3::derive_key("aethel check of an intent shape 1", &shape.key(&limits))
}

/// The answer in the cache.
pub fn get(cache: &LemmaCache, key: &[u8; 32]) -> Option<Known> {
    postcard::from_bytes(&cache.get(key)?).ok()
}

/// Keeps an answer.
pub fn put(cache: &LemmaCache, key: &[u8; 32], known: &Known) {
    if let Ok(bytes) = postcard::to_stdvec(known) {
        cache.put(key, &bytes);
    }
}

/// Asks about all duties of a shape at once, and whether conditions are implied that are not `needed` in one of its
/// intents. `None` when there is no answer worth keeping.
pub fn learn(session: &Session, shape: &Shape, needed: &[bool], rlimit: u64) -> Option<Known> {
    let terms = Terms::new(&shape.intent, &shape.slots, shape.premises()).ok()?;
    let asked: Vec<Duty> = (terms.duties.iter().map(|(duty, _)| *duty))
        .filter(|duty| !is_unbounded_range(*duty, &shape.intent, &shape.slots))
        .collect();
    let duties: Option<Vec<Kept>> = asked.iter().map(|duty| Kept::of(*duty)).collect();
    let mut lemma = Lemma {
        duties: duties?,
        redundant: Vec::new(),
    };
    let hypotheses = terms.hypotheses(false);
    if !asked.is_empty() {
        let mut all = hypotheses.clone();
        all.extend(terms.guard.iter().map(|(_, formula)| formula.clone()));
        all.push(any_fails(&terms, &asked));
        if !matches!(session.check_within(&all, rlimit), Answer::Unsat) {
            return Some(Known::Open);
        }
    }
    lemma.redundant = redundant(&hypotheses, &terms.guard, needed, |all| {
        session.check_within(all, rlimit)
    });
    Some(Known::Proved(lemma))
}

/// Conditions of a guard that the others imply; of two that say the same, the later one. Those that are known to be
/// `needed` are not asked about.
pub fn redundant(
    hypotheses: &[z3::ast::Bool],
    guard: &[(u16, z3::ast::Bool)],
    needed: &[bool],
    ask: impl Fn(&[z3::ast::Bool]) -> Answer,
) -> Vec<u16> {
    let mut kept = guard.to_vec();
    if guard.len() > MAX_EACH {
        return Vec::new();
    }
    let open = |n: u16| needed.get(usize::from(n)) != Some(&true);
    for (n, formula) in guard.iter().rev().filter(|(n, _)| open(*n)) {
        let mut all = hypotheses.to_vec();
        let others = kept.iter().filter(|(other, _)| other != n);
        all.extend(others.map(|(_, formula)| formula.clone()));
        all.push(!formula);
        // Anything else than a proof is no reason to bother anybody.
        if matches!(ask(&all), Answer::Unsat) {
            kept.retain(|(other, _)| other != n);
        }
    }
    let kept: Vec<u16> = kept.into_iter().map(|(n, _)| n).collect();
    let all = guard.iter().map(|(n, _)| *n);
    all.filter(|n| !kept.contains(n)).collect()
}
