//! What a run relies on: lemmas about the intents of its batch, out of the user's cache or proved now.

use crate::check::user_cache;
use aethel_certificate::accesses;
use aethel_ir::{Access, Batch, Column, Group, Intent, Place, PlaceId};
use aethel_proof::{LEMMA_LIMITS, LemmaCache, Lemmas, SlotContext, SlotField, z3_version};
use aethel_runtime::{AccessProver, Lemma, ProvedAccess};
use std::collections::{HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

/// An intent that is called with so many mixtures of bounded and unbounded accounts is not worth a lemma for each.
const MAX_MIXTURES: usize = 16;

/// How many intents are remembered.
const RECENT: usize = 32;

/// Proves what stage ② relies on with Z3.
#[derive(Debug)]
pub(crate) struct Z3Prover {
    lemmas: Lemmas,
    /// What was proved last, so that batches of the same intents do not decode and check their lemmas each time.
    recent: Mutex<VecDeque<Proved>>,
    /// The lemmas of escrow, once they are proved.
    escrow: OnceLock<Vec<Lemma>>,
}

/// What was proved of an intent in a context.
#[derive(Clone, Debug)]
struct Proved {
    intent: Intent,
    context: Vec<SlotContext>,
    claimed: Access,
    access: Access,
    lemmas: Vec<Lemma>,
}

impl Z3Prover {
    /// A prover that remembers in the user's cache directory, where there is one.
    pub fn new() -> Self {
        Self::with_cache(user_cache())
    }

    /// A prover with this memory.
    pub fn with_cache(cache: impl Into<Arc<LemmaCache>>) -> Self {
        Self::with(Lemmas::new(cache, LEMMA_LIMITS))
    }

    fn with(lemmas: Lemmas) -> Self {
        Self {
            lemmas,
            recent: Mutex::default(),
            escrow: OnceLock::new(),
        }
    }
}

/// `AETHEL_CACHE_DIR`, else `aethel` in the user's cache directory. A cache only: without it lemmas are proved again.
pub(crate) fn cache_directory() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(directory) = variable("AETHEL_CACHE_DIR") {
        return Some(directory.into());
    }
    let user = variable("XDG_CACHE_HOME").map(PathBuf::from);
    let user = user.or_else(|| variable("HOME").map(|home| PathBuf::from(home).join(".cache")));
    user.map(|directory| directory.join("aethel"))
}

impl AccessProver for Z3Prover {
    fn prove(&self, batch: &Batch) -> ProvedAccess {
        let mut proved = ProvedAccess {
            access: accesses(batch),
            solver: format!("Z3 {}", z3_version()),
            ..ProvedAccess::default()
        };
        let mut known = HashSet::new();
        for (index, intent) in batch.intents.iter().enumerate() {
            let Some(contexts) = contexts(batch, index) else {
                distrust_all(&mut proved.access[index]);
                continue;
            };
            for context in &contexts {
                self.prove_one(intent, context, &mut proved, index, &mut known);
            }
        }
        if proved.lemmas.is_empty() {
            return proved;
        }
        match self.escrow() {
            Some(lemmas) => proved.lemmas.extend_from_slice(&lemmas),
            // Without the induction step nothing follows from sums.
            None => {
                proved.access.iter_mut().for_each(distrust_all);
                proved.lemmas.clear();
                proved
                    .doubts
                    .push("the escrow lemma could not be proved".to_owned());
            }
        }
        proved
    }
}

impl Z3Prover {
    /// The lemmas of escrow; `None` when they could not be proved.
    fn escrow(&self) -> Option<Vec<Lemma>> {
        if let Some(known) = self.escrow.get() {
            return Some(known.clone());
        }
        let verdicts = self.lemmas.escrow();
        let lemmas = verdicts.iter().map(|one| one.lemma().map(as_stored));
        let lemmas: Vec<Lemma> = lemmas.collect::<Option<_>>()?;
        Some(self.escrow.get_or_init(|| lemmas).clone())
    }

    fn prove_one(
        &self,
        intent: &Intent,
        context: &[SlotContext],
        proved: &mut ProvedAccess,
        index: usize,
        known: &mut HashSet<[u8; 32]>,
    ) {
        let access = &mut proved.access[index];
        let claimed = access.clone();
        if let Some(before) = self.recent(intent, context, &claimed) {
            *access = before.access;
            let new = before
                .lemmas
                .into_iter()
                .filter(|lemma| known.insert(lemma.digest));
            proved.lemmas.extend(new);
            return;
        }
        let Ok(verdict) = self.lemmas.access(intent, context, access) else {
            distrust_all(access);
            return;
        };
        for (slot, verdict) in verdict.slots.iter().enumerate() {
            if access
                .slots
                .get(slot)
                .is_some_and(|claimed| claimed.class != verdict.class)
            {
                access.distrust(slot);
            }
            if let Some(doubt) = &verdict.doubt {
                proved.doubts.push(format!("`{}`: {doubt}", intent.name));
            }
        }
        if !verdict.linear {
            access.linear = None;
        }
        let lemmas: Vec<Lemma> = verdict.lemmas.iter().map(as_stored).collect();
        if verdict.slots.iter().all(|slot| slot.doubt.is_none()) {
            self.remember(Proved {
                intent: intent.clone(),
                context: context.to_vec(),
                claimed,
                access: access.clone(),
                lemmas: lemmas.clone(),
            });
        }
        let new = lemmas.into_iter().filter(|lemma| known.insert(lemma.digest));
        proved.lemmas.extend(new);
    }

    fn recent(&self, intent: &Intent, context: &[SlotContext], claimed: &Access) -> Option<Proved> {
        let recent = self.recent.lock().ok()?;
        let same = |one: &&Proved| one.context == context && one.claimed == *claimed && one.intent == *intent;
        recent.iter().find(same).cloned()
    }

    fn remember(&self, proved: Proved) {
        if let Ok(mut recent) = self.recent.lock() {
            recent.truncate(RECENT - 1);
            recent.push_front(proved);
        }
    }
}

fn as_stored(lemma: &aethel_proof::Lemma) -> Lemma {
    Lemma {
        name: lemma.record.name.clone(),
        digest: lemma.digest,
        record: lemma.bytes.clone(),
    }
}

fn distrust_all(access: &mut Access) {
    for slot in 0..access.slots.len() {
        access.distrust(slot);
    }
}

/// What the slots of an intent may hold in a batch: every mixture of bounded and unbounded accounts that it may be called
/// with; `None` when there are too many, or there is no such intent. One that is not called has bounded ones.
pub(crate) fn contexts(batch: &Batch, index: usize) -> Option<Vec<Vec<SlotContext>>> {
    let intent = batch.intents.get(index)?;
    let mut found: Vec<Vec<SlotContext>> = Vec::new();
    for group in batch.groups.iter().filter(|group| group.intent as usize == index) {
        mixtures(batch, intent, group, &mut found)?;
    }
    if found.is_empty() {
        let slot = |place: &Place| {
            let field = SlotField::of(batch.fields.get(usize::from(place.field.0))?);
            let bounded = matches!(field, SlotField::Balance(_));
            Some(SlotContext { field, bounded })
        };
        found.push(intent.places.iter().map(slot).collect::<Option<_>>()?);
    }
    Some(found)
}

/// Every mixture of bounded and unbounded accounts that a group may call its intent with; `None` when there are too
/// many. Adds to those that are known.
fn mixtures(batch: &Batch, intent: &Intent, group: &Group, known: &mut Vec<Vec<SlotContext>>) -> Option<()> {
    // All of them are looked at, because that is quicker than asking after each whether to go on.
    let someone_owes = batch.unbounded.iter().fold(false, |any, owes| any | owes);
    let mut here: Vec<Vec<SlotContext>> = vec![Vec::new()];
    for (place, column) in intent.places.iter().zip(&group.places) {
        let field = SlotField::of(batch.fields.get(usize::from(place.field.0))?);
        let mut longer = Vec::new();
        let found = match field {
            // Whoever it is.
            SlotField::Balance(_) if group.rows > 0 && !someone_owes => vec![true],
            _ => boundedness(batch, group, column),
        };
        for bounded in found {
            for one in &here {
                let mut one = one.clone();
                one.push(SlotContext { field, bounded });
                longer.push(one);
            }
        }
        here = longer;
        if here.len() > MAX_MIXTURES {
            return None;
        }
    }
    for one in here {
        if !known.contains(&one) {
            known.push(one);
        }
    }
    (known.len() <= MAX_MIXTURES).then_some(())
}

fn boundedness(batch: &Batch, group: &Group, column: &Column<PlaceId>) -> Vec<bool> {
    match column {
        Column::Same(place) if group.rows > 0 => vec![batch.is_bounded(*place)],
        Column::Same(_) => Vec::new(),
        Column::Each(places) => {
            let mut found: Vec<bool> = Vec::new();
            for place in places {
                let bounded = batch.is_bounded(*place);
                if !found.contains(&bounded) {
                    found.push(bounded);
                    if found.len() == 2 {
                        break;
                    }
                }
            }
            found
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aethel_ir::Class;

    #[test]
    fn a_class_is_never_better_than_its_lemma() {
        // A prover without any budget proves nothing, and nothing is relied on.
        let limits = aethel_proof::Limits {
            rlimit: 1,
            ..LEMMA_LIMITS
        };
        let prover = Z3Prover::with(Lemmas::new(LemmaCache::in_memory(), limits));
        let batch = &pay("b.balance + amount");
        let proved = prover.prove(batch);
        assert!(proved.lemmas.is_empty());
        assert!(proved.access[0].slots.iter().all(|slot| slot.class != Class::Add));
        assert!(proved.access[0].linear.is_none());
        assert!(!proved.doubts.is_empty());

        let prover = Z3Prover::with_cache(LemmaCache::in_memory());
        let proved = prover.prove(batch);
        // What is remembered is the same.
        let again = prover.prove(batch);
        assert_eq!((&again.access, &again.lemmas), (&proved.access, &proved.lemmas));
        assert!(proved.access[0].slots.iter().all(|slot| slot.class == Class::Add));
        assert!(proved.access[0].linear.is_some());
        assert!(proved.lemmas.len() >= 3, "{:?}", proved.lemmas.len());
    }

    fn lowered(text: &str) -> Batch {
        let mut sources = aethel_ir::SourceMap::default();
        let source = sources.add("b.ae", text);
        let program = crate::Program::parse(source, text, PathBuf::from("."));
        let mut lowered = program.lower(
            &aethel_lower::Selection::All,
            &aethel_lower::Inputs::default(),
            aethel_lower::Purpose::Run,
            &mut sources,
            &[],
            &mut Vec::new(),
        );
        lowered.remove(0).batch
    }

    fn pay(credit: &str) -> Batch {
        let text = "atomic_batch b { intent pay(a: Account, b: Account, amount: Balance) {
            guard { a.balance >= amount; amount == 10; }
            verify { a.balance == a.balance - amount; b.balance == CREDIT; } } }";
        lowered(&text.replace("CREDIT", credit))
    }

    /// What is remembered is only used for the same intent, the same kinds of accounts and the same claims.
    #[test]
    fn a_memory_changes_nothing() {
        let plain = pay("b.balance + amount");
        let turned = pay("amount + b.balance");
        let mut owing = plain.clone();
        owing.unbounded[0] = true;
        let prover = Z3Prover::with_cache(LemmaCache::in_memory());
        for batch in [&plain, &owing, &turned, &plain, &owing, &turned] {
            let fresh = Z3Prover::with_cache(LemmaCache::in_memory()).prove(batch);
            let proved = prover.prove(batch);
            assert!(proved.access == fresh.access);
            // A digest counts the solver's steps too; a name says which intent and kinds of accounts.
            let names = |all: &[Lemma]| all.iter().map(|one| one.name.clone()).collect::<Vec<_>>();
            assert_eq!(names(&proved.lemmas), names(&fresh.lemmas));
        }
        // A claim that is already given up does not come back.
        let context = &contexts(&plain, 0).unwrap_or_default()[0];
        let mut proved = prover.prove(&plain);
        distrust_all(&mut proved.access[0]);
        prover.prove_one(&plain.intents[0], context, &mut proved, 0, &mut HashSet::new());
        assert!(proved.access[0].slots.iter().all(|slot| slot.class != Class::Add));
        // What was not proved is not remembered, and doubts are said again.
        let limits = aethel_proof::Limits {
            rlimit: 1,
            ..LEMMA_LIMITS
        };
        let prover = Z3Prover::with(Lemmas::new(LemmaCache::in_memory(), limits));
        assert!((0..2).all(|_| !prover.prove(&plain).doubts.is_empty()));
    }

    #[test]
    fn every_mixture_of_accounts_is_a_context() {
        let mut batch = pay("b.balance + amount");
        let bounded = |batch: &Batch| -> Vec<Vec<bool>> {
            let contexts = contexts(batch, 0).unwrap_or_default();
            let kinds = contexts
                .iter()
                .map(|one| one.iter().map(|slot| slot.bounded).collect());
            kinds.collect()
        };
        assert_eq!(bounded(&batch), [[true, true]]);
        batch.unbounded[0] = true;
        assert_eq!(bounded(&batch), [[false, true]]);
        // Both accounts pay.
        batch.groups[0].rows = 2;
        batch.groups[0].places[0] = Column::Each(vec![PlaceId(0), PlaceId(1)]);
        assert_eq!(bounded(&batch), [[false, true], [true, true]]);
    }
}
