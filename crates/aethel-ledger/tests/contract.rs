//! What every store keeps.

use crate::support::*;
use aethel_ledger::*;

macro_rules! for_every_store {
    ($($name:ident)*) => {
        mod memory {
            $(#[test] fn $name() { super::$name(&mut aethel_ledger::MemoryStore::new(aethel_ledger::LedgerId([7; 16]))); })*
        }
        mod overlay {
            $(#[test] fn $name() {
                let base = aethel_ledger::MemoryStore::new(aethel_ledger::LedgerId([7; 16]));
                super::$name(&mut aethel_ledger::MemoryStore::snapshot_of(&base));
            })*
        }
        mod redb {
            $(#[test] fn $name() {
                let directory = tempfile::tempdir().unwrap();
                super::$name(&mut crate::support::open(&directory.path().join("ledger.redb")));
            })*
        }
        mod postgres {
            $(#[test] fn $name() { super::$name(&mut crate::postgres::fresh()); })*
        }
    };
}

for_every_store! {
    commits_and_reads
    same_key_is_committed_once
    stale_reads_conflict
    sums_are_checked_again
    policy_is_kept
    fields_are_written
    receipts_are_found
    history_of_accounts
    imports_once
    openings_balance
    stated_equity
    lemmas_are_kept_once
}

fn lemmas_are_kept_once(store: &mut dyn LedgerStore) {
    let lemma = |text: &str| (lemma_digest(text.as_bytes()), text.as_bytes().to_vec());
    let digests = |store: &dyn LedgerStore| -> Vec<Vec<u8>> {
        let rows = store.lemma_rows().unwrap();
        let mut digests: Vec<_> = rows.map(|row| row.unwrap().0).collect();
        digests.sort();
        digests
    };
    let mut request = Batch::new("first", "k1")
        .open(store, usd("company"), 100_000)
        .open(store, usd("alice"), 0)
        .build();
    request.lemmas = vec![lemma("access")];
    assert!(store.lemma(&lemma("access").0).unwrap().is_none());
    committed(store.commit(&request).unwrap());
    assert_eq!(store.lemma(&lemma("access").0).unwrap(), Some(b"access".to_vec()));
    // A commit without any, then one with a known and a new one.
    let request = pay(store, "k2", 1);
    committed(store.commit(&request).unwrap());
    let mut request = pay(store, "k3", 1);
    request.lemmas = vec![lemma("access"), lemma("escrow")];
    committed(store.commit(&request).unwrap());
    assert_eq!(store.lemma(&lemma("escrow").0).unwrap(), Some(b"escrow".to_vec()));
    assert_eq!(digests(store).len(), 2);
    assert_eq!(clean(store).lemmas, 2);
    // One that is not what its digest says, and nothing is committed.
    let mut request = pay(store, "k4", 1);
    request.lemmas = vec![lemma("other"), (lemma("mono").0, b"something else".to_vec())];
    assert_eq!(
        store.commit(&request),
        Err(LedgerError::Refused(Refusal::Malformed(
            "a lemma is not the one of its digest"
        )))
    );
    // Nor is a lemma without its batch.
    let mut stale = pay(store, "k5", 1);
    stale.lemmas = vec![lemma("other")];
    stale.expected[0].1 = Some(77);
    assert!(matches!(store.commit(&stale), Ok(CommitOutcome::Conflict { .. })));
    assert_eq!((store.head().sequence, digests(store).len()), (3, 2));
}

fn commits_and_reads(store: &mut dyn LedgerStore) {
    assert_eq!(store.head().sequence, 0);
    assert_eq!(store.head().receipt, store.head().ledger_id.genesis());
    assert_eq!(value(store, "company"), None);
    let (sequence, receipt) = first(store);
    assert_eq!((sequence, receipt), (1, store.head().receipt));
    assert_eq!(value(store, "company"), Some(98_766));
    assert_eq!(value(store, "alice"), Some(1234));
    assert_eq!(value(store, "equity:opening"), Some(-100_000));
    assert_eq!(store.policy().scale("USD"), Some(2));
    let rows: Vec<_> = store
        .balances()
        .unwrap()
        .map(|row| row.unwrap().0.to_string())
        .collect();
    assert_eq!(rows, ["alice USD", "company USD", "equity:opening USD"]);
    let record = store.record(1).unwrap().unwrap();
    assert_eq!(record.previous, store.head().ledger_id.genesis());
    assert_eq!(record.body.transactions.name(0).as_deref(), Some("pay#1"));
    assert_eq!(store.certificate(1).unwrap().unwrap(), b"certificate");
    assert!(store.record(0).unwrap().is_none() && store.record(2).unwrap().is_none());
    let request = pay(store, "k2", 66);
    assert_eq!(committed(store.commit(&request).unwrap()).0, 2);
    assert_eq!(
        store.read(&[usd("alice")]).unwrap()[0],
        Some(Versioned {
            value: 1300,
            version: 2
        })
    );
    assert_eq!(clean(store).records, 2);
    store.checkpoint().unwrap();
    assert_eq!(value(store, "alice"), Some(1300));
    assert_eq!(clean(store).places, 3);
}

fn same_key_is_committed_once(store: &mut dyn LedgerStore) {
    first(store);
    let request = pay(store, "march", 100);
    let (sequence, receipt) = committed(store.commit(&request).unwrap());
    // The same request, although its versions are now old: the key is looked up first.
    let again = store.commit(&request).unwrap();
    assert!(
        matches!(again, CommitOutcome::AlreadyCommitted(known) if (known.sequence, known.receipt) == (sequence, receipt))
    );
    let other = pay(store, "march", 200);
    assert!(
        matches!(store.commit(&other).unwrap(), CommitOutcome::KeyReused(known) if known.sequence == sequence)
    );
    let mut renamed = pay(store, "march", 100);
    renamed.body.batch = "bonus".into();
    assert_eq!(committed(store.commit(&renamed).unwrap()).0, 3);
    // A user's key that spells out a content hash is not that content's key.
    let mut spelled = pay(store, "x", 300);
    spelled.body.key = BatchKey::Content(spelled.body.content);
    committed(store.commit(&spelled).unwrap());
    let text = spelled.body.content.to_string();
    assert!(
        store
            .find("pay", &BatchKey::User(text.as_str().into()))
            .unwrap()
            .is_none()
    );
    assert_eq!(store.find("pay", &spelled.body.key).unwrap().unwrap().sequence, 4);
    assert_eq!(value(store, "alice"), Some(1234 + 100 + 100 + 300));
    clean(store);
}

fn stale_reads_conflict(store: &mut dyn LedgerStore) {
    first(store);
    let early = pay(store, "early", 1);
    let late = pay(store, "late", 2);
    committed(store.commit(&late).unwrap());
    let places = vec![usd("alice"), usd("company")];
    assert_eq!(store.commit(&early).unwrap(), CommitOutcome::Conflict { places });
    // A place that was only read counts too.
    let mut reader = Batch::new("reader", "k").open(store, usd("bob"), 5).build();
    reader.expected.push((usd("alice"), Some(1)));
    assert_eq!(
        store.commit(&reader).unwrap(),
        CommitOutcome::Conflict {
            places: vec![usd("alice")]
        }
    );
    // So does an account that somebody else opened.
    let mut opener = Batch::new("opener", "k").open(store, usd("carol"), 5).build();
    committed(
        store
            .commit(&Batch::new("other", "k").open(store, usd("carol"), 6).build())
            .unwrap(),
    );
    let conflict = CommitOutcome::Conflict {
        places: vec![usd("carol")],
    };
    assert_eq!(store.commit(&opener).unwrap(), conflict);
    opener.expected.clear();
    assert_eq!(store.commit(&opener).unwrap(), conflict);
    assert_eq!(store.head().sequence, 3);
    assert_eq!(value(store, "alice"), Some(1236));
    // Versions as a column say the same.
    let mut column = pay(store, "column", 3);
    column.expected.clear();
    let places = column.body.places.clone();
    column.versions = vec![store.read(&places[..1]).unwrap()[0].unwrap().version, 1];
    let conflict = CommitOutcome::Conflict {
        places: places[1..].to_vec(),
    };
    assert_eq!(store.commit(&column).unwrap(), conflict);
    column.versions.pop();
    assert!(matches!(refused(&column, store), Refusal::Malformed(_)));
    column.versions = store.read_columns(&places).unwrap().versions;
    assert!(matches!(
        store.commit(&column),
        Ok(CommitOutcome::Committed { .. })
    ));
}

fn refused(request: &CommitRequest, store: &mut dyn LedgerStore) -> Refusal {
    let before = (store.head(), store.policy().clone());
    match store.commit(request) {
        Err(LedgerError::Refused(refusal)) => {
            assert_eq!(before, (store.head(), store.policy().clone()));
            refusal
        }
        other => panic!("not refused: {other:?}"),
    }
}

fn sums_are_checked_again(store: &mut dyn LedgerStore) {
    first(store);
    let good = pay(store, "k", 10);
    let with = |change: &dyn Fn(&mut Body)| {
        let mut request = good.clone();
        change(&mut request.body);
        request
    };
    let r = refused(&with(&|b| b.values[0] += 1), store);
    assert!(matches!(
        r,
        Refusal::WrongValue {
            computed: 98_756,
            stated: 98_757,
            ..
        }
    ));
    let r = refused(
        &with(&|b| {
            b.entries.amount = b
                .entries
                .amount
                .iter()
                .zip(0..)
                .map(|(n, at)| n + i128::from(at == 1))
                .collect::<Vec<_>>()
                .into();
            b.values[1] += 1;
        }),
        store,
    );
    assert_eq!(
        r,
        Refusal::NotConserved {
            asset: "USD".into(),
            sum: 1
        }
    );
    let r = refused(&pay(store, "k", 98_767), store);
    assert_eq!(
        r,
        Refusal::BelowZero {
            place: usd("company"),
            value: -1
        }
    );
    let r = refused(
        &Batch::new("k", "k")
            .transfer(store, usd("company"), usd("nobody"), 1)
            .build(),
        store,
    );
    assert_eq!(r, Refusal::NotOpen(usd("nobody")));
    let btc = |name| PlaceKey::balance(account(name), "BTC");
    let r = refused(&Batch::new("k", "k").open(store, btc("alice"), 1).build(), store);
    assert_eq!(r, Refusal::UnknownAsset("BTC".into()));
    let r = refused(
        &Batch::new("k", "k")
            .open(store, usd("rich"), MAX_MINOR_UNITS)
            .build(),
        store,
    );
    assert!(matches!(r, Refusal::OutOfRange(place) if place == usd("equity:opening")));
    let r = refused(
        &Batch::new("k", "k")
            .open(store, usd("rich"), MAX_MINOR_UNITS + 1)
            .build(),
        store,
    );
    assert_eq!(r, Refusal::OutOfRange(usd("rich")));
    let r = refused(&Batch::new("k", "k").open(store, usd("poor"), -1).build(), store);
    assert_eq!(
        r,
        Refusal::BelowZero {
            place: usd("poor"),
            value: -1
        }
    );
    let r = refused(&with(&|b| b.places[1] = b.places[0].clone()), store);
    assert_eq!(r, Refusal::DuplicatePlace(usd("company")));
    for broken in [
        with(&|b| b.entries.place[0] = 9),
        with(&|b| b.entries.position[0] = 1),
        with(&|b| b.entries.amount = vec![b.entries.amount.get(0).unwrap()].into()),
        with(&|b| b.values.truncate(1)),
        with(&|b| b.batch = String::new()),
        with(&|b| b.key = BatchKey::User("a\0b".into())),
        with(&|b| b.openings.push(Opening { place: 7, amount: 0 })),
    ] {
        assert!(matches!(refused(&broken, store), Refusal::Malformed(_)));
    }
    committed(store.commit(&good).unwrap());
    assert_eq!(clean(store).records, 2);
}

fn policy_is_kept(store: &mut dyn LedgerStore) {
    first(store);
    let policy_batch = |key: &str, change: PolicyChange| {
        let mut request = Batch::new("policy", key).change(change).build();
        request.body.kind = RecordKind::Policy;
        request.body.content = Digest::of("test content", key.as_bytes());
        request
    };
    let version = store.policy().version();
    let unbound = policy_batch("1", PolicyChange::Unbounded(account("alice")));
    committed(store.commit(&unbound).unwrap());
    assert_eq!(store.policy().version(), version + 1);
    let overdraw = Batch::new("draw", "1")
        .transfer(store, usd("alice"), usd("company"), 2000)
        .build();
    committed(store.commit(&overdraw).unwrap());
    assert_eq!(value(store, "alice"), Some(1234 - 2000));
    let bound = PolicyChange::Bounded(account("alice"));
    let refusal = store.commit(&policy_batch("2", bound.clone())).unwrap_err();
    assert_eq!(
        refusal,
        LedgerError::Policy(PolicyRefused::CannotBound(account("alice")))
    );
    let rescale = PolicyChange::AssetScale {
        asset: "USD".into(),
        scale: 3,
    };
    assert!(matches!(
        store.commit(&policy_batch("3", rescale)).unwrap_err(),
        LedgerError::Policy(PolicyRefused::ScaleInUse {
            recorded: 2,
            asked: 3,
            ..
        })
    ));
    // Paid back in the same record, alice may be bounded.
    let back = Batch::new("back", "1")
        .change(bound)
        .transfer(store, usd("company"), usd("alice"), 766)
        .build();
    committed(store.commit(&back).unwrap());
    assert!(!store.policy().is_unbounded("alice"));
    assert_eq!(value(store, "alice"), Some(0));
    let unused = policy_batch(
        "4",
        PolicyChange::AssetScale {
            asset: "EUR".into(),
            scale: 3,
        },
    );
    committed(store.commit(&unused).unwrap());
    let changed = policy_batch(
        "5",
        PolicyChange::AssetScale {
            asset: "EUR".into(),
            scale: 2,
        },
    );
    committed(store.commit(&changed).unwrap());
    assert_eq!(store.policy().scale("EUR"), Some(2));
    clean(store);
}

fn fields_are_written(store: &mut dyn LedgerStore) {
    first(store);
    let limit = PlaceKey {
        account: account("alice"),
        field: FieldKey::Integer { name: "limit".into() },
    };
    let frozen = PlaceKey {
        account: account("alice"),
        field: FieldKey::Bool {
            name: "frozen".into(),
        },
    };
    let set = |store: &dyn LedgerStore, key: &str, n: i128, flag: i128| {
        let mut batch = Batch::new("set", key)
            .change(PolicyChange::Field {
                name: "limit".into(),
                kind: FieldKind::Integer,
            })
            .change(PolicyChange::Field {
                name: "frozen".into(),
                kind: FieldKind::Bool,
            });
        batch.request.body.transactions.push("set");
        batch
            .entry(store, limit.clone(), 1, 0)
            .entry(store, limit.clone(), n, 0)
            .entry(store, frozen.clone(), flag, 0)
            .build()
    };
    let request = set(store, "1", -5, 1);
    committed(store.commit(&request).unwrap());
    let read = store.read(&[limit.clone(), frozen.clone()]).unwrap();
    assert_eq!(read.iter().map(|v| v.unwrap().value).collect::<Vec<_>>(), [-5, 1]);
    let wrong = set(store, "2", 0, 2);
    assert_eq!(refused(&wrong, store), Refusal::OutOfRange(frozen.clone()));
    let mut unknown = set(store, "3", 0, 0);
    unknown.body.places[0].field = FieldKey::Integer {
        name: "frozen".into(),
    };
    unknown.expected.clear();
    assert_eq!(refused(&unknown, store), Refusal::UnknownField("frozen".into()));
    clean(store);
    store.checkpoint().unwrap();
    assert_eq!(store.read(&[limit]).unwrap()[0].unwrap().value, -5);
}

fn receipts_are_found(store: &mut dyn LedgerStore) {
    let (_, one) = first(store);
    let request = pay(store, "k", 10);
    let (_, two) = committed(store.commit(&request).unwrap());
    assert_eq!(
        store
            .find_receipt(&one.short().parse().unwrap())
            .unwrap()
            .sequence,
        1
    );
    assert_eq!(store.find_receipt(&two.into()).unwrap().sequence, 2);
    let unknown = store.find_receipt(&Digest([1; 32]).into()).unwrap_err();
    assert!(matches!(unknown, LedgerError::ReceiptUnknown { .. }));
    // Sixteen digits, and more receipts than that: some first digit is shared.
    for i in 0..20 {
        let request = pay(store, &format!("more {i}"), 1);
        committed(store.commit(&request).unwrap());
    }
    let ambiguous = (0..16).any(|digit| {
        matches!(
            store.find_receipt(&format!("{digit:x}").parse().unwrap()),
            Err(LedgerError::ReceiptAmbiguous { .. })
        )
    });
    assert!(ambiguous);
    assert!(verify(store, Some(one)).unwrap().anchored);
    assert!(!verify(store, None).unwrap().anchored);
    assert_eq!(
        verify(store, Some(Digest([1; 32]))),
        Err(VerifyFailure::HeadMissing(Digest([1; 32])))
    );
}

fn history_of_accounts(store: &mut dyn LedgerStore) {
    first(store);
    let request = pay(store, "k", 10);
    committed(store.commit(&request).unwrap());
    let lines = |name: &str| -> Vec<_> {
        let account = account(name);
        let lines: Vec<_> = history(store, &account).map(Result::unwrap).collect();
        lines
            .into_iter()
            .map(|l| (l.sequence, l.transaction.unwrap_or_default(), l.delta, l.after))
            .collect()
    };
    let name = |text: &str| text.to_owned();
    assert_eq!(
        lines("company"),
        [
            (1, name(""), 100_000, 100_000),
            (1, name("pay#1"), -1234, 98_766),
            (2, name("pay#1"), -10, 98_756)
        ]
    );
    assert_eq!(
        lines("equity:opening"),
        [(1, name(""), -100_000, -100_000), (1, name(""), 0, -100_000)]
    );
    assert_eq!(lines("nobody"), []);
}

fn imports_once(store: &mut dyn LedgerStore) {
    let line = |name: &str, amount| ImportLine {
        account: account(name),
        asset: "USD".into(),
        amount,
    };
    let scale = vec![PolicyChange::AssetScale {
        asset: "USD".into(),
        scale: 2,
    }];
    let lines = [line("b", 2), line("a", 1)];
    let request = import("opening", 5, &lines, scale.clone());
    let (sequence, _) = committed(store.commit(&request).unwrap());
    let turned = import("opening", 6, &[line("a", 1), line("b", 2)], Vec::new());
    assert!(
        matches!(store.commit(&turned).unwrap(), CommitOutcome::AlreadyCommitted(s) if s.sequence == sequence)
    );
    let other = import("opening", 6, &[line("a", 9)], Vec::new());
    assert_eq!(
        store.commit(&other).unwrap(),
        CommitOutcome::Conflict {
            places: vec![usd("a")]
        }
    );
    let twice = import("opening", 6, &[line("c", 9), line("c", 9)], Vec::new());
    assert_eq!(refused(&twice, store), Refusal::DuplicatePlace(usd("c")));
    assert_eq!(value(store, "equity:opening"), Some(-3));
    clean(store);
}

fn openings_balance(store: &mut dyn LedgerStore) {
    first(store);
    let request = Batch::new("more", "k")
        .open(store, usd("bob"), 7)
        .transfer(store, usd("company"), usd("bob"), 1)
        .open(store, usd("carol"), 0)
        .build();
    committed(store.commit(&request).unwrap());
    assert_eq!(value(store, "equity:opening"), Some(-100_007));
    assert_eq!(value(store, "bob"), Some(8));
    assert_eq!(value(store, "carol"), Some(0));
    let record = store.record(2).unwrap().unwrap();
    assert_eq!(record.body.places.last(), Some(&usd("equity:opening")));
    assert_eq!(record.body.values.last(), Some(&-100_007));
    clean(store);
}

fn stated_equity(store: &mut dyn LedgerStore) {
    first(store);
    // A batch may pay from the account of openings like from any unbounded one, and open others besides.
    let batch = Batch::new("more", "k").transfer(store, usd("equity:opening"), usd("alice"), 6);
    let mut request = batch.open(store, usd("bob"), 7).build();
    assert!(matches!(refused(&request, store), Refusal::WrongValue { .. }));
    request.body.values[0] -= 7;
    committed(store.commit(&request).unwrap());
    assert_eq!(value(store, "equity:opening"), Some(-100_013));
    clean(store);
}

#[test]
fn dry_run_leaves_the_ledger_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.redb");
    let mut real = open(&path);
    {
        let mut dry = MemoryStore::snapshot_of(&real);
        first(&mut dry);
        assert_eq!(value(&dry, "alice"), Some(1234));
    }
    assert!(!path.exists());
    first(&mut real);
    let head = real.head();
    let mut dry = MemoryStore::snapshot_of(&real);
    let request = pay(&dry, "dry", 66);
    assert_eq!(committed(dry.commit(&request).unwrap()).0, 2);
    assert_eq!(value(&dry, "alice"), Some(1300));
    assert!(matches!(
        dry.commit(&request).unwrap(),
        CommitOutcome::AlreadyCommitted(_)
    ));
    assert_eq!(clean(&dry).records, 2);
    assert_eq!((real.head(), value(&real, "alice")), (head, Some(1234)));
    let (sequence, receipt) = committed(real.commit(&request).unwrap());
    assert_eq!(sequence, 2);
    assert_ne!(receipt, head.receipt);
}
