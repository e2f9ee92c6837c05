//! The processor with its ledger: everything or nothing, once.

use crate::support::{Build, Kind, from_steps, reference, strategies};
use crate::{
    ALL, BatchProcessor, BatchRequest, BatchResult, Clock, Openings, OracleProof, ProcessorOptions,
    SystemClock,
};
use aethel_certificate::decode;
use aethel_ir::{AccountId, PlaceId, TransactionId};
use aethel_ledger::{
    BatchKey, BatchSummary, Columns, CommitOutcome, CommitRequest, Digest, Head, LedgerError, LedgerId,
    LedgerStore, LemmaRow, MemoryStore, OracleFeed, OracleKey, PlaceKey, Policy, PolicyChange, RedbStore,
    Rows, Versioned, verify,
};
use proptest::prelude::*;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn memory() -> MemoryStore<'static> {
    MemoryStore::new(LedgerId([1; 16]))
}

fn processor(threads: u32) -> BatchProcessor {
    let options = ProcessorOptions {
        threads: Some(threads),
        ..ProcessorOptions::default()
    };
    BatchProcessor::new(options, Arc::new(SystemClock::default()))
}

/// A request that opens every bounded balance with `money`.
fn request(build: &Build, money: i128) -> BatchRequest<'_> {
    let balances = (0..build.batch.places.len() as u32)
        .map(PlaceId)
        .filter(|place| build.batch.is_bounded(*place))
        .map(|place| (place, money))
        .collect();
    BatchRequest {
        openings: Openings {
            balances,
            ..Openings::default()
        },
        ..BatchRequest::new(build.batch.clone(), &build.sources)
    }
}

fn state(store: &dyn LedgerStore) -> (Head, Vec<(PlaceKey, Versioned)>, Policy) {
    let balances = store.balances().unwrap().map(Result::unwrap).collect();
    (store.head(), balances, store.policy().clone())
}

fn payroll() -> Build {
    let mut build = Build::new("payroll");
    build.rows(
        Kind::Pay,
        &[
            ("company", "alice", 100),
            ("company", "bob", 250),
            ("bob", "carol", 5),
        ],
    );
    build
}

fn code(result: &BatchResult) -> &str {
    result.error_code.unwrap_or("none")
}

#[test]
fn a_solver_that_cannot_decide_is_said_and_the_batch_runs_serially() {
    let (build, mut store) = (payroll(), memory());
    let direct: aethel_runtime::DirectProver = |_, _, _, _| aethel_runtime::DirectVerdict::Undecided {
        reason: "out of patience".into(),
    };
    let options = ProcessorOptions {
        direct: Some((direct, "a solver".into())),
        ..ProcessorOptions::default()
    };
    let processor = BatchProcessor::new(options, Arc::new(SystemClock::default()));
    let result = processor.execute_batch(&mut store, request(&build, 1000));
    assert!(result.success, "{:?}", result.error_message);
    let codes: Vec<&str> = result.notices.iter().map(|note| note.code.id()).collect();
    assert_eq!(codes, ["AE0603"]);
    let proof = result.linearizability_proof.unwrap();
    assert_eq!(
        (proof.way, proof.direct),
        ("serial after doubt", Some("undecided"))
    );
}

#[test]
fn a_batch_is_committed_with_everything_that_belongs_to_it() {
    let (build, mut store) = (payroll(), memory());
    let result = processor(2).execute_batch(&mut store, request(&build, 1000));
    assert!(result.success, "{:?}", result.error_message);
    assert_eq!(
        (result.transactions_executed, result.attempts, result.sequence),
        (3, 1, Some(1))
    );
    assert_eq!(result.throughput_improvement, None);
    assert_eq!(
        result.stages.iter().map(|s| s.number).collect::<Vec<_>>(),
        [1, 2, 3, 4, 5, 6]
    );
    let shown: Vec<String> = result
        .balances
        .iter()
        .map(|b| format!("{} {} {}", b.account, b.text(b.before), b.text(b.after)))
        .collect();
    assert_eq!(
        shown,
        [
            "company 10.00 6.50",
            "bob 10.00 12.45",
            "alice 10.00 11.00",
            "carol 10.00 10.05"
        ]
    );
    let certificate = decode(&store.certificate(1).unwrap().unwrap()).unwrap();
    assert!(certificate.check(None).is_ok());
    verify(&store, None).unwrap();
    let record = store.record(1).unwrap().unwrap();
    assert_eq!(record.body.transactions.name(1).as_deref(), Some("pay row 2"));
    // The result is plain data for programs.
    let json = serde_json::to_value(&result).unwrap();
    for field in [
        "success",
        "transactions_executed",
        "transactions_parallel",
        "execution_time",
        "throughput_improvement",
        "thread_count",
        "avg_parallelism",
        "linearizability_proof",
        "conservation_proof",
        "error_message",
        "error_type",
    ] {
        assert!(json.get(field).is_some(), "{field}");
    }
    assert_eq!(json["conservation_proof"]["assets"][0]["difference"], "0.00");
}

fn with<'a>(build: &'a Build, key: &str) -> BatchRequest<'a> {
    let mut request = request(build, 10_000);
    request.key = Some(BatchKey::User(key.into()));
    request
}

#[test]
fn repeating_pays_nothing_and_another_content_is_refused() {
    let (build, mut store) = (payroll(), memory());
    let first = processor(2).execute_batch(&mut store, with(&build, "2026-03"));
    assert!(first.success && !first.already_committed);
    let before = state(&store);
    let again = processor(2).execute_batch(&mut store, with(&build, "2026-03"));
    assert!(again.success && again.already_committed);
    assert_eq!((again.transactions_executed, &again.receipt), (0, &first.receipt));
    assert!(again.chunks.is_empty() && again.balances.is_empty());
    assert_eq!(again.stages.len(), 1);
    let headline = again.headline.unwrap();
    assert!(
        headline.starts_with("nothing paid: already committed on 20"),
        "{headline}"
    );
    let mut other = payroll();
    other.one(Kind::Pay, "alice", "bob", 1);
    let refused = processor(2).execute_batch(&mut store, with(&other, "2026-03"));
    assert_eq!(code(&refused), "AE0806");
    assert_eq!(state(&store), before);
    assert!(
        processor(2)
            .execute_batch(&mut store, with(&build, "2026-04"))
            .success
    );
    // Without a key the content is the key.
    assert!(processor(1).execute_batch(&mut store, request(&build, 0)).success);
    assert!(
        processor(1)
            .execute_batch(&mut store, request(&build, 0))
            .already_committed
    );
    assert_eq!(store.head().sequence, 3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn p07_p10_all_or_nothing_like_the_serial_run(
        steps in proptest::collection::vec(strategies::step(ALL), 1..30),
        money in prop_oneof![Just(200_i128), Just(80_000)],
        bonus in prop_oneof![4 => Just(0_i128), 1 => Just(7)],
        threads in 1..9_u32,
    ) {
        let mut build = from_steps(&steps, 6);
        if bonus != 0 {
            build.one(Kind::Bonus, "acct1", "acct2", bonus);
        }
        let mut store = memory();
        // Something must be there before that could be lost.
        prop_assert!(processor(1).execute_batch(&mut store, request(&payroll(), 1000)).success);
        let before = state(&store);
        let result = processor(threads).execute_batch(&mut store, request(&build, money));
        let expected = reference(&build.batch, &build.snapshot(money, &[]));
        match expected {
            Ok(run) if bonus == 0 => {
                prop_assert!(result.success, "{:?}", result.error_message);
                for (index, (account, field)) in build.batch.places.iter().enumerate() {
                    let name = build.batch.accounts[account.0 as usize].as_str();
                    let (_, balances, _) = state(&store);
                    let found = balances.iter().find(|(key, _)| {
                        key.account.as_str() == name && key.field.name().as_ref() == ["USD", "n", "flag"][usize::from(field.0)]
                    });
                    prop_assert_eq!(found.map_or(0, |(_, v)| v.value), run.final_values[index]);
                }
                verify(&store, None).unwrap();
            }
            Ok(_) => {
                prop_assert_eq!(code(&result), "AE0701");
                prop_assert_eq!(state(&store), before);
            }
            Err((id, _)) => {
                prop_assert!(!result.success);
                let name = aethel_runtime::failure::title(&build.batch, TransactionId(id as u32));
                let named = result.error_message.unwrap().starts_with(&format!("{name}: "));
                prop_assert!(named);
                prop_assert_eq!(state(&store), before);
            }
        }
    }

    #[test]
    fn p20_alone_or_in_a_batch_of_one(step in strategies::step(ALL), money in prop_oneof![Just(200_i128), Just(80_000)]) {
        let mut step = step;
        step.after.clear();
        let mut build = from_steps(&[step], 4);
        build.batch.groups[0].names = aethel_ir::Names::One("it".into());
        let (mut alone, mut batch) = (memory(), memory());
        let single = processor(2).execute_single_transaction(&mut alone, &request(&build, money), TransactionId(0));
        let whole = processor(2).execute_batch(&mut batch, request(&build, money));
        prop_assert_eq!(single.success, whole.success);
        prop_assert_eq!(&single.error_message, &whole.error_message);
        prop_assert_eq!(&single.content_hash, &whole.content_hash);
        prop_assert_eq!(single.balances.len(), whole.balances.len());
        prop_assert_eq!(state(&alone).1, state(&batch).1);
    }
}

#[test]
fn p07_a_file_is_left_as_it_was_byte_by_byte_in_what_it_says() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.redb");
    let mut store = RedbStore::open_or_new(&path, Duration::ZERO).unwrap();
    assert!(
        processor(2)
            .execute_batch(&mut store, request(&payroll(), 1000))
            .success
    );
    let before = state(&store);
    let mut poor = Build::new("poor");
    poor.rows(Kind::Pay, &[("company", "alice", 1), ("alice", "bob", 1 << 60)]);
    let result = processor(2).execute_batch(&mut store, request(&poor, 5));
    assert_eq!(code(&result), "AE0501");
    assert_eq!(state(&store), before);
    drop(store);
    let store = RedbStore::open_or_new(&path, Duration::ZERO).unwrap();
    assert_eq!(state(&store), before);
}

#[test]
fn p14_a_hundred_runs_say_the_same() {
    let mut build = payroll();
    build.rows(
        Kind::Mix,
        &[("alice", "bob", 3), ("bob", "carol", 4), ("carol", "alice", 5)],
    );
    let mut texts = std::collections::HashSet::new();
    for round in 0..100 {
        let mut store = memory();
        let mut result = processor(1 + round % 7).execute_batch(&mut store, request(&build, 1000));
        assert!(result.success);
        // Times, and what depends on threads.
        result.execution_time = 0.0;
        result.avg_parallelism = 0.0;
        (
            result.transactions_parallel,
            result.thread_count,
            result.threads_why,
        ) = (0, 0, None);
        result.chunks.clear();
        result.sequence_of_transactions.clear();
        result.receipt = None;
        for stage in &mut result.stages {
            stage.duration_ns = 0;
            stage.numbers.remove("threads");
            stage.threads = None;
        }
        if let Some(proof) = &mut result.linearizability_proof {
            proof.way = "";
        }
        texts.insert(serde_json::to_string(&result).unwrap());
    }
    assert_eq!(texts.len(), 1);
}

#[test]
fn p19_metrics_follow_from_the_chunks() {
    let mut build = Build::new("wide");
    let rows: Vec<_> = (0..3000)
        .map(|i| {
            (
                build.account(&format!("a{i}")),
                build.account(&format!("b{i}")),
                1,
            )
        })
        .collect();
    build.id_rows(Kind::Pay, &rows);
    let result = processor(2).execute_batch(&mut memory(), request(&build, 10));
    let overlaps = |a: &crate::Chunk| {
        let both = |b: &crate::Chunk| a.thread != b.thread && a.start_ns < b.end_ns && b.start_ns < a.end_ns;
        result.chunks.iter().any(both)
    };
    let parallel: u32 = result
        .chunks
        .iter()
        .filter(|c| overlaps(c))
        .map(|c| c.count)
        .sum();
    assert_eq!(result.transactions_parallel, parallel as usize);
    let threads: std::collections::BTreeSet<u32> = result.chunks.iter().map(|c| c.thread).collect();
    assert_eq!(result.thread_count, threads.len());
    assert!(result.avg_parallelism > 0.0 && result.avg_parallelism <= 2.0);
    assert_eq!(result.sequence_of_transactions.len(), 3000);
    assert!(result.execution_time > 0.0);
}

/// The graph is in the result however large the batch and however many work, and when it fails too.
#[test]
fn p14_the_graph_is_told_whoever_finds_it() {
    let mut build = Build::new("large");
    let rows: Vec<_> = (0..33_000)
        .map(|i| (build.account(&format!("a{}", i % 50)), build.account("b"), 1))
        .collect();
    build.id_rows(Kind::Pay, &rows);
    for money in [1000, 10] {
        let told = [1, 2].map(|threads| {
            let result = processor(threads).execute_batch(&mut memory(), request(&build, money));
            assert_eq!(result.success, money == 1000);
            let graph = result.graph.unwrap();
            (
                graph.edges,
                graph.depth,
                graph.width,
                graph.components.get(),
                result.stages[0].numbers.clone(),
            )
        });
        assert_eq!(told[0], told[1]);
        let (_, depth, width, components, numbers) = &told[0];
        assert_eq!((*depth, *width, *components), (33_000, 1, 1));
        assert_eq!(numbers.get("depth"), Some(&33_000));
    }
}

#[test]
fn accounts_that_nobody_opened() {
    let build = payroll();
    let mut request = request(&build, 1000);
    let carol = build.balance("carol");
    request.openings.balances.retain(|(place, _)| *place != carol);
    let mut store = memory();
    let result = processor(2).execute_batch(&mut store, request.clone());
    assert_eq!(code(&result), "AE0305");
    assert_eq!(
        result.error_message.as_deref(),
        Some("nobody opened the account `carol`")
    );
    assert_eq!(state(&store).1, vec![]);
    request.openings.open_accounts = true;
    let result = processor(2).execute_batch(&mut store, request.clone());
    assert!(result.success, "{:?}", result.error_message);
    // A misspelt one.
    let mut typo = Build::new("typo");
    typo.one(Kind::Pay, "company", "compny", 1);
    let result = processor(1).execute_batch(&mut store, BatchRequest::new(typo.batch, &typo.sources));
    assert_eq!(
        result.diagnostic.unwrap().help.as_deref(),
        Some("did you mean `company`?")
    );
    // Openings of known accounts are ignored, or, as expectations, refused.
    request.key = Some(BatchKey::User("second".into()));
    let result = processor(1).execute_batch(&mut store, request.clone());
    assert_eq!(result.notices[0].code.id(), "AE0315");
    assert_eq!(
        result.balances.iter().next().map(|company| company.before),
        Some(650)
    );
    request.key = Some(BatchKey::User("third".into()));
    request.openings.are_expectations = true;
    let result = processor(1).execute_batch(&mut store, request);
    assert_eq!(code(&result), "AE0306");
}

#[test]
fn the_ledger_decides_who_is_unbounded() {
    let mut store = memory();
    let mut build = Build::new("world");
    build.one(Kind::Move, "world", "alice", 500);
    let result = processor(1).execute_batch(&mut store, request(&build, 0));
    assert!(result.success, "{:?}", result.error_message);
    assert!(store.policy().is_unbounded("world"));
    // Silence inherits.
    let mut silent = Build::new("silent");
    silent.one(Kind::Move, "world", "alice", 500);
    silent.batch.unbounded[0] = false;
    let result = processor(1).execute_batch(
        &mut store,
        BatchRequest::new(silent.batch.clone(), &silent.sources),
    );
    assert!(result.success, "{:?}", result.error_message);
    // A contrary declaration is refused, both ways.
    let mut contrary = BatchRequest::new(silent.batch.clone(), &silent.sources);
    contrary.key = Some(BatchKey::User("x".into()));
    contrary.openings.bounded = vec![AccountId(0)];
    assert_eq!(
        code(&processor(1).execute_batch(&mut store, contrary.clone())),
        "AE0808"
    );
    contrary.openings.bounded.clear();
    contrary.batch.unbounded[1] = true;
    assert_eq!(
        code(&processor(1).execute_batch(&mut store, contrary.clone())),
        "AE0808"
    );
    contrary.batch.unbounded[1] = false;
    contrary.batch.assets[0].scale = 3;
    assert_eq!(code(&processor(1).execute_batch(&mut store, contrary)), "AE0808");
}

#[test]
fn a_dry_run_changes_nothing() {
    let (build, mut store) = (payroll(), memory());
    let before = state(&store);
    let mut dry = request(&build, 1000);
    dry.dry_run = true;
    let result = processor(2).execute_batch(&mut store, dry);
    assert!(result.success && result.dry_run && result.receipt.is_none());
    assert_eq!(
        result.balances.iter().next().map(|company| company.after),
        Some(650)
    );
    assert_eq!(state(&store), before);
}

/// A clock that jumps ahead by an hour when it has been read so often.
struct Jumping {
    inner: SystemClock,
    left: AtomicU64,
}

impl Clock for Jumping {
    fn now(&self) -> Duration {
        let left = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
        self.inner.now() + Duration::from_secs(if left.is_ok() { 0 } else { 3600 })
    }

    fn unix_ms(&self) -> i64 {
        self.inner.unix_ms()
    }
}

#[test]
fn p23_timeout_at_any_moment() {
    let build = payroll();
    let mut stages = std::collections::BTreeSet::new();
    for readings in 0..200 {
        let mut store = memory();
        let before = state(&store);
        let clock = Jumping {
            inner: SystemClock::default(),
            left: AtomicU64::new(readings),
        };
        let options = ProcessorOptions {
            threads: Some(2),
            ..ProcessorOptions::default()
        };
        let result =
            BatchProcessor::new(options, Arc::new(clock)).execute_batch(&mut store, request(&build, 1000));
        if result.success {
            assert_eq!(store.head().sequence, 1);
            continue;
        }
        assert_eq!(code(&result), "AE0508");
        assert_eq!(result.error_type, Some("TimeoutError"));
        assert_eq!(state(&store), before);
        stages.insert(result.error_message.unwrap());
    }
    let named: Vec<&str> = stages
        .iter()
        .map(|m| m.rsplit("during ").next().unwrap())
        .collect();
    assert_eq!(
        named,
        [
            "conflict detection",
            "conservation",
            "dependency analysis",
            "execution",
            "the commit",
            "the proof"
        ]
    );
}

#[test]
fn p23_cancel_before_the_commit() {
    let build = payroll();
    let cancel = AtomicBool::new(true);
    let mut request = request(&build, 1000);
    request.cancel = Some(&cancel);
    let result = processor(2).execute_batch(&mut memory(), request);
    assert_eq!(
        (code(&result), result.error_type),
        ("AE0509", Some("InterruptedError"))
    );
}

/// A store that answers as it is told before it goes on as usual.
struct Moody {
    inner: MemoryStore<'static>,
    answers: Mutex<Vec<Result<CommitOutcome, LedgerError>>>,
}

impl LedgerStore for Moody {
    fn name(&self) -> &Arc<str> {
        self.inner.name()
    }
    fn head(&self) -> Head {
        self.inner.head()
    }
    fn policy(&self) -> &Policy {
        self.inner.policy()
    }
    fn read_columns(&self, places: &[PlaceKey]) -> Result<Columns, LedgerError> {
        self.inner.read_columns(places)
    }
    fn balances(&self) -> Result<Rows<'_, (PlaceKey, Versioned)>, LedgerError> {
        self.inner.balances()
    }
    fn find(&self, batch: &str, key: &BatchKey) -> Result<Option<BatchSummary>, LedgerError> {
        self.inner.find(batch, key)
    }
    fn commit(&mut self, request: &CommitRequest) -> Result<CommitOutcome, LedgerError> {
        match self.answers.lock().unwrap().pop() {
            Some(answer) => answer,
            None => self.inner.commit(request),
        }
    }
    fn row(&self, sequence: u64) -> Result<Option<Vec<u8>>, LedgerError> {
        self.inner.row(sequence)
    }
    fn lemma(&self, digest: &Digest) -> Result<Option<Vec<u8>>, LedgerError> {
        self.inner.lemma(digest)
    }
    fn lemma_rows(&self) -> Result<Rows<'_, LemmaRow>, LedgerError> {
        self.inner.lemma_rows()
    }
    fn key_rows(&self) -> Result<Rows<'_, (Vec<u8>, u64)>, LedgerError> {
        self.inner.key_rows()
    }
    fn checkpoint_rows(&self) -> Result<(u64, Rows<'_, (PlaceKey, Versioned)>), LedgerError> {
        self.inner.checkpoint_rows()
    }
    fn checkpoint_due(&self) -> bool {
        self.inner.checkpoint_due()
    }
    fn checkpoint(&mut self) -> Result<(), LedgerError> {
        self.inner.checkpoint()
    }
    fn close(self: Box<Self>) -> Result<(), LedgerError> {
        Ok(())
    }
}

#[test]
fn a_conflict_runs_everything_again_but_not_for_ever() {
    let conflict = || Ok(CommitOutcome::Conflict { places: vec![] });
    let build = payroll();
    let mut store = Moody {
        inner: memory(),
        answers: Mutex::new(vec![conflict(), conflict()]),
    };
    let result = processor(2).execute_batch(&mut store, request(&build, 1000));
    assert!(result.success);
    assert_eq!((result.attempts, result.stages.len()), (3, 6));
    assert!(result.notes[0].contains("3 times"));
    let mut store = Moody {
        inner: memory(),
        answers: Mutex::new((0..20).map(|_| conflict()).collect()),
    };
    let result = processor(2).execute_batch(&mut store, request(&build, 1000));
    assert_eq!((code(&result), result.attempts), ("AE0812", 8));
    assert!(!result.success && result.receipt.is_none() && result.balances.is_empty());
}

#[test]
fn a_batch_that_somebody_else_commits_meanwhile_is_not_paid_twice() {
    let build = payroll();
    let mut elsewhere = memory();
    let first = processor(1).execute_batch(&mut elsewhere, request(&build, 1000));
    let known = elsewhere.summary(1).unwrap().unwrap();
    let mut store = Moody {
        inner: memory(),
        answers: Mutex::new(vec![Ok(CommitOutcome::AlreadyCommitted(known))]),
    };
    let result = processor(2).execute_batch(&mut store, request(&build, 1000));
    assert!(result.success && result.already_committed);
    assert_eq!(
        (result.transactions_executed, &result.receipt),
        (0, &first.receipt)
    );
    assert!(result.balances.is_empty());
}

#[test]
fn an_unknown_outcome_is_no_failure_and_no_success() {
    let build = payroll();
    let unknown = LedgerError::OutcomeUnknown {
        ledger: "x".into(),
        batch: "payroll".into(),
        reason: "gone".into(),
    };
    let mut store = Moody {
        inner: memory(),
        answers: Mutex::new(vec![Err(unknown)]),
    };
    let result = processor(2).execute_batch(&mut store, request(&build, 1000));
    assert_eq!(code(&result), "AE0811");
    assert!(result.outcome_unknown && !result.success);
}

#[test]
fn p09_external_values_are_verified_before_anything_runs() {
    let secret = [7; 32];
    let public_key = aethel_runtime::oracle::public_key(&secret);
    let clock = SystemClock::default();
    let now = clock.unix_ms() / 1000;
    let mut build = Build::new("external");
    build.one(Kind::Pay, "a", "b", 1250);
    build.batch.intents[0].values[0].external = true;
    let first_policy = vec![
        PolicyChange::AddOracleKey(OracleKey {
            key_id: aethel_runtime::oracle::key_id(&public_key),
            public_key,
            feeds: vec![],
        }),
        PolicyChange::SetOracleFeed(OracleFeed {
            feed: "amount".into(),
            max_age_ms: 60_000,
            max_future_skew_ms: 5_000,
            reference: None,
            max_deviation: None,
        }),
    ];
    let proof = |at: i64| aethel_runtime::oracle::sign(&secret, "amount", "USD", "2", "12.5", at).unwrap();
    let external = |proofs: Vec<OracleProof>, key: Option<&str>| BatchRequest {
        oracles: proofs,
        key: key.map(|key| BatchKey::User(key.into())),
        first_policy: first_policy.clone(),
        ..request(&build, 10_000)
    };
    let mut store = memory();
    let before = state(&store);
    assert_eq!(
        code(&processor(1).execute_batch(&mut store, external(vec![proof(now)], None))),
        "AE0313"
    );
    assert_eq!(
        code(&processor(1).execute_batch(&mut store, external(vec![], Some("k")))),
        "AE0703"
    );
    let stale = processor(1).execute_batch(&mut store, external(vec![proof(now - 3600)], Some("k")));
    assert_eq!((code(&stale), stale.chunks.len()), ("AE0706", 0));
    assert_eq!(state(&store), before);
    let good = processor(1).execute_batch(&mut store, external(vec![proof(now)], Some("k")));
    assert!(good.success, "{:?}", good.error_message);
    assert_eq!(good.conservation_proof.unwrap().oracle_proofs, 1);
    let record = store.record(1).unwrap().unwrap();
    assert_eq!(record.body.oracles.unwrap().proofs.len(), 1);
    assert_eq!(store.policy().oracle_keys().len(), 1);
    // The first batch made the policy; later wishes are ignored.
    assert!(
        processor(1)
            .execute_batch(&mut store, request(&payroll(), 1000))
            .success
    );
}

#[test]
fn openings_are_drawn_from_an_account_that_the_batch_writes_itself() {
    let mut build = Build::new("opening");
    build.one(Kind::Move, "equity:opening", "alice", 70);
    let mut store = memory();
    let mut request = request(&build, 0);
    request.openings.balances = vec![(build.balance("alice"), 30)];
    request.batch.unbounded[0] = true;
    let result = processor(1).execute_batch(&mut store, request);
    assert!(result.success, "{:?}", result.error_message);
    let (_, balances, _) = state(&store);
    let values: Vec<i128> = balances.iter().map(|(_, v)| v.value).collect();
    assert_eq!(values, [100, -100]);
    verify(&store, None).unwrap();
}
