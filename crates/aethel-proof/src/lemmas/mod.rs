//! Lemmas: what Z3 proves once per shape, so that a run needs no solver.
//!
//! Takes an intent and what its slots hold, gives verdicts with records ([`LemmaRecord`]) that a run can name by digest.
//! What was decided before comes out of the cache, and then Z3 is not started at all.

mod access;
mod claims;
mod commute;
mod commute_query;
mod conservation;
mod cycle;
mod escrow;
mod export;
mod linear;
mod replay;
mod sums;
mod terms;
#[cfg(test)]
mod tests;
mod text;

pub use commute::{Commutes, Counterexample, Pair, Premise};
pub use cycle::{CycleVerdict, confirm_cycle};
pub use export::{NEVER_HOLDS, Obligation, escrow_obligations, obligations};

use self::claims::{access_verdict, same_claim};
use self::export::answered;
use self::terms::Negation;
use crate::cache::LemmaCache;
use crate::number::Malformed;
use crate::shape::{ENCODER_VERSION, MalformedIntent, Shape, SlotContext};
use crate::solver::{self, Limits, Session, z3_version};
use aethel_certificate::{LemmaRecord, LemmaVerdict, LinearLemma};
use aethel_ir::Intent;
use aethel_ir::access::{Access, Class};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// What may be spent on one lemma; the time is that of all lemmas of one call.
pub const LEMMA_LIMITS: Limits = Limits {
    rlimit: 5_000_000,
    time: Duration::from_secs(30),
};

/// A lemma that was proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lemma {
    /// What certificates name it by.
    pub digest: [u8; 32],
    /// The encoded [`LemmaRecord`].
    pub bytes: Vec<u8>,
    /// The record.
    pub record: LemmaRecord,
}

impl Lemma {
    /// A record that was kept; `None` when it proves nothing.
    fn read(bytes: Vec<u8>) -> Option<Self> {
        let record = LemmaRecord::decode(&bytes).ok()?;
        record.check().ok()?;
        Some(Self {
            digest: LemmaRecord::digest(&bytes),
            bytes,
            record,
        })
    }
}

/// Whether a lemma holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "there are few, and most are proved")]
pub enum Verdict {
    /// It does.
    Proved(Lemma),
    /// It does not, in this instance.
    Refuted,
    /// A budget is spent, or Z3 could not decide it; why, for people.
    Undecided(String),
}

impl Verdict {
    /// The lemma, if it was proved.
    pub fn lemma(&self) -> Option<&Lemma> {
        match self {
            Verdict::Proved(lemma) => Some(lemma),
            Verdict::Refuted | Verdict::Undecided(_) => None,
        }
    }
}

/// How an intent may treat a slot, as far as it was proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotVerdict {
    /// The class to rely on: [`Class::Add`] only where that was proved.
    pub class: Class,
    /// For a proved [`Class::Add`], the lemma among [`AccessVerdict::lemmas`].
    pub lemma: Option<usize>,
    /// Why a claimed [`Class::Add`] is not relied on, for people.
    pub doubt: Option<String>,
}

/// What was proved of an intent's accesses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessVerdict {
    /// For each slot.
    pub slots: Vec<SlotVerdict>,
    /// The intent is the forms of [`Access::linear`], for every state and all arguments.
    pub linear: bool,
    /// The lemmas that this relies on.
    pub lemmas: Vec<Lemma>,
}

/// Proves lemmas, or remembers that it did.
#[derive(Debug)]
pub struct Lemmas {
    cache: Arc<LemmaCache>,
    limits: Limits,
}

/// What the cache keeps of a lemma.
#[derive(Serialize, Deserialize)]
enum Kept {
    Proved(Vec<u8>),
    Refuted,
    Undecided(String),
}

/// What the cache keeps under a key: lemmas, and for each slot the lemma it is about.
#[derive(Serialize, Deserialize)]
struct Entry {
    lemmas: Vec<Kept>,
    slots: Vec<Option<u16>>,
}

impl Lemmas {
    /// Proves within `limits`, usually [`LEMMA_LIMITS`], what is not in the cache.
    pub fn new(cache: impl Into<Arc<LemmaCache>>, limits: Limits) -> Self {
        Self {
            cache: cache.into(),
            limits,
        }
    }

    /// Decides which slots an intent really adds on. `access` is the claim, read off the same intent; Z3 decides from
    /// the meaning. A slot whose claim is refuted or undecided is [`Class::General`] if it is written, else
    /// [`Class::Read`].
    ///
    /// # Errors
    /// When the intent is not well formed.
    pub fn access(
        &self,
        intent: &Intent,
        slots: &[SlotContext],
        access: &Access,
    ) -> Result<AccessVerdict, MalformedIntent> {
        let shape = Shape::new(intent, slots)?;
        let claimed = Access::of(&shape.intent, &shape.fields());
        let adds: Vec<usize> = (claimed.slots.iter().zip(&access.slots).enumerate())
            .filter(|(_, (of_shape, of_intent))| {
                of_shape.class == Class::Add && same_claim(of_shape, of_intent)
            })
            .map(|(slot, _)| slot)
            .collect();
        let entry = if adds.is_empty() {
            (Vec::new(), vec![None; slots.len()])
        } else {
            let key = self.key(&shape.key(&self.limits), "access");
            let of_shape = shape.clone();
            self.decide(&key, move |session, rlimit| {
                access::decide(session, rlimit, &of_shape, &claimed, &adds)
            })
        };
        let mut verdict = access_verdict(access, entry);
        if let Some(Verdict::Proved(lemma)) = self.sums(&shape, access) {
            verdict.linear = true;
            verdict.lemmas.push(lemma);
        }
        Ok(verdict)
    }

    /// Whether an intent is the forms that are read off it; `None` when there are none, or not those of its shape.
    fn sums(&self, shape: &Shape, access: &Access) -> Option<Verdict> {
        let linear = Access::of(&shape.intent, &shape.fields()).linear?;
        if sums::of_instance(shape, &linear) != access.linear {
            return None;
        }
        let key = self.key(&shape.key(&self.limits), "sums");
        let of_shape = shape.clone();
        let (verdicts, _) = self.decide(&key, move |session, rlimit| Decided {
            verdicts: vec![ask(
                session,
                rlimit,
                sums::words(&of_shape),
                sums::negation(&of_shape, &linear),
            )],
            slots: Vec::new(),
        });
        verdicts.into_iter().next()
    }

    /// The induction steps of escrow: of debits, and of credits. They hold for every program.
    pub fn escrow(&self) -> [Verdict; 2] {
        let key = self.key(&[0; 32], "escrow");
        let (verdicts, _) = self.decide(&key, |session, rlimit| Decided {
            verdicts: escrow::prove(session, rlimit).into(),
            slots: Vec::new(),
        });
        let mut verdicts = verdicts.into_iter();
        let missing = || Verdict::Undecided("no answer".to_owned());
        [
            verdicts.next().unwrap_or_else(missing),
            verdicts.next().unwrap_or_else(missing),
        ]
    }

    /// Whether an intent, wherever it goes through, leaves the sum of each asset as it is.
    ///
    /// # Errors
    /// When the intent is not well formed.
    pub fn conservation(&self, intent: &Intent, slots: &[SlotContext]) -> Result<Verdict, MalformedIntent> {
        let shape = Shape::new(intent, slots)?;
        let key = self.key(&shape.key(&self.limits), "conservation");
        let of_shape = shape.clone();
        let (verdicts, _) = self.decide(&key, move |session, rlimit| Decided {
            verdicts: vec![conservation::prove(session, rlimit, &of_shape, false)],
            slots: Vec::new(),
        });
        let verdict = verdicts.into_iter().next();
        match verdict.unwrap_or_else(|| Verdict::Undecided("no answer".to_owned())) {
            // Of the shape it is refuted; with the constants of this instance it may hold.
            Verdict::Refuted if !shape.constants.is_empty() => {
                let mut hasher = blake3::Hasher::new_keyed(&key);
                for constant in &shape.constants {
                    hasher.update(&constant.to_le_bytes());
                }
                let (verdicts, _) =
                    self.decide(hasher.finalize().as_bytes(), move |session, rlimit| Decided {
                        verdicts: vec![conservation::prove(session, rlimit, &shape, true)],
                        slots: Vec::new(),
                    });
                let first = verdicts.into_iter().next();
                Ok(first.unwrap_or_else(|| Verdict::Undecided("no answer".to_owned())))
            }
            verdict => Ok(verdict),
        }
    }

    /// The key of lemmas of a kind about a shape.
    fn key(&self, shape: &[u8; 32], kind: &str) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("aethel lemma 1");
        hasher.update(shape);
        hasher.update(&ENCODER_VERSION.to_le_bytes());
        hasher.update(&self.limits.rlimit.to_le_bytes());
        hasher.update(z3_version().as_bytes());
        hasher.update(kind.as_bytes());
        *hasher.finalize().as_bytes()
    }

    /// Looks a key up, or has Z3 decide and keeps the answer.
    fn decide(
        &self,
        key: &[u8; 32],
        job: impl FnOnce(&Session, u64) -> Decided + Send + 'static,
    ) -> (Vec<Verdict>, Vec<Option<u16>>) {
        if let Some(found) = self.cache.get(key).and_then(|bytes| read(&bytes)) {
            return found;
        }
        let limits = self.limits;
        let decided = match solver::run(&limits, move |session| job(session, limits.rlimit)) {
            Ok(decided) => decided,
            Err(reason) => return (vec![Verdict::Undecided(reason)], Vec::new()),
        };
        // How far a solver comes in a given time is no property of the lemma.
        let timely =
            |verdict: &Verdict| matches!(verdict, Verdict::Undecided(why) if why == solver::TIME_IS_OVER);
        if !decided.verdicts.iter().any(timely) {
            let kept = decided.verdicts.iter().map(|verdict| match verdict {
                Verdict::Proved(lemma) => Kept::Proved(lemma.bytes.clone()),
                Verdict::Refuted => Kept::Refuted,
                Verdict::Undecided(why) => Kept::Undecided(why.clone()),
            });
            let entry = Entry {
                lemmas: kept.collect(),
                slots: decided.slots.clone(),
            };
            if let Ok(bytes) = postcard::to_stdvec(&entry) {
                self.cache.put(key, &bytes);
            }
        }
        (decided.verdicts, decided.slots)
    }
}

/// What a job decided: lemmas, and for each slot the lemma it is about.
struct Decided {
    verdicts: Vec<Verdict>,
    slots: Vec<Option<u16>>,
}

fn read(bytes: &[u8]) -> Option<(Vec<Verdict>, Vec<Option<u16>>)> {
    let entry: Entry = postcard::from_bytes(bytes).ok()?;
    let verdict = |kept: Kept| match kept {
        Kept::Proved(bytes) => Lemma::read(bytes).map(Verdict::Proved),
        Kept::Refuted => Some(Verdict::Refuted),
        Kept::Undecided(why) => Some(Verdict::Undecided(why)),
    };
    let verdicts: Option<Vec<Verdict>> = entry.lemmas.into_iter().map(verdict).collect();
    Some((verdicts?, entry.slots))
}

/// Who decided, for the records.
fn solver_name() -> String {
    format!("Z3 {}", z3_version())
}

fn sealed(record: LemmaRecord) -> Verdict {
    match record.encode() {
        Ok(bytes) => Verdict::Proved(Lemma {
            digest: LemmaRecord::digest(&bytes),
            bytes,
            record,
        }),
        Err(error) => Verdict::Undecided(error.to_string()),
    }
}

/// Asks Z3 whether the negation of a lemma contradicts itself.
fn ask(
    session: &Session,
    rlimit: u64,
    words: (String, String),
    negation: Result<Negation, Malformed>,
) -> Verdict {
    let Ok(negation) = negation else {
        return Verdict::Undecided("its intent is not well formed".to_owned());
    };
    let one = answered(session, rlimit, words, negation);
    match one.record.verdict {
        LemmaVerdict::Proved => sealed(one.record),
        LemmaVerdict::Refuted => Verdict::Refuted,
        LemmaVerdict::Undecided => Verdict::Undecided(one.doubt.unwrap_or_default()),
    }
}

/// A lemma with its multipliers.
fn with_multipliers((name, statement): (String, String), lemma: LinearLemma, rlimit: u64) -> Verdict {
    sealed(LemmaRecord {
        name,
        statement,
        smt2: lemma.to_smt2(),
        verdict: LemmaVerdict::Proved,
        solver: solver_name(),
        rlimit,
        farkas: Some(lemma),
    })
}

/// The beginning of a shape's digest, which tells lemmas of different shapes apart for people.
fn short(shape: &Shape) -> String {
    let hex = blake3::Hash::from_bytes(shape.digest()).to_hex();
    hex.as_str().chars().take(12).collect()
}
