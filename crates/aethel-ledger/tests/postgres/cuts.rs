//! The connection is lost at every step of a commit, in both directions, at and within messages.

use super::proxy::{Cut, Proxy, Way};
use super::server::{schema, shared, url};
use super::{limits, open_at, server_url};
use crate::support::*;
use aethel_ledger::*;
use std::time::Duration;

struct Setting {
    direct: String,
    through: ServerUrl,
    proxy: Proxy,
    limits: ServerLimits,
}

impl Setting {
    fn new(limits: ServerLimits) -> Self {
        let name = schema();
        let proxy = Proxy::new(shared().port);
        let direct = shared().url(&name);
        first(&mut open_at(&direct));
        let through = server_url(&url(&format!("127.0.0.1:{}", proxy.port), &name));
        Self {
            direct,
            through,
            proxy,
            limits,
        }
    }

    /// Commits with a cut; gives the answer and how often the batch is there.
    fn commit(&self, key: &str, cut: Option<Cut>) -> (Result<CommitOutcome, LedgerError>, bool) {
        let mut store = PostgresStore::open_or_new(&self.through, self.limits).unwrap();
        let before = store.head().sequence;
        let request = pay(&store, key, 1);
        self.proxy.arm(cut);
        let answer = store.commit(&request);
        self.proxy.release();
        let mut direct = open_at(&self.direct);
        // Whoever has the lock knows that nothing is under way any more.
        direct.begin(true).unwrap();
        let there = direct.head().sequence - before;
        assert!(there <= 1);
        assert_eq!(
            direct.find("pay", &BatchKey::User(key.into())).unwrap().is_some(),
            there == 1
        );
        drop(direct);
        if let Ok(CommitOutcome::Committed { sequence, receipt }) = &answer {
            assert_eq!((*sequence, store.head().receipt), (before + 1, *receipt));
        }
        drop(store);
        // Run again with the same key: paid once.
        self.proxy.arm(None);
        let mut store = PostgresStore::open_or_new(&self.through, self.limits).unwrap();
        let request = pay(&store, key, 1);
        match store.commit(&request).unwrap() {
            CommitOutcome::Committed { .. } => assert_eq!(there, 0),
            CommitOutcome::AlreadyCommitted(_) => assert_eq!(there, 1),
            other => panic!("{other:?}"),
        }
        assert_eq!(store.head().sequence, before + 1);
        (answer, there == 1)
    }

    /// The bytes at which a commit is to be cut: at each end of a message, and within it.
    fn places(&self, way: Way) -> Vec<usize> {
        let (answer, there) = self.commit(&format!("uncut {way:?}"), None);
        committed(answer.unwrap());
        assert!(there);
        // The proxy counted what came after too, so this takes another one.
        let mut store = PostgresStore::open_or_new(&self.through, self.limits).unwrap();
        let request = pay(&store, &format!("counted {way:?}"), 1);
        self.proxy.arm(None);
        committed(store.commit(&request).unwrap());
        let ends = self.proxy.ends(way);
        assert!(ends.len() >= 7, "{ends:?}");
        let within = ends
            .iter()
            .zip(std::iter::once(&0).chain(&ends))
            .map(|(end, begin)| (begin + end) / 2);
        let mut places: Vec<usize> = within.chain(ends.iter().copied()).chain([0, 1]).collect();
        places.sort_unstable();
        places.dedup();
        places
    }
}

fn fails(error: &LedgerError, code: &str) {
    assert_eq!(error.code().id(), code, "{error}");
    assert!(!error.to_string().contains(super::server::PASSWORD));
}

#[test]
fn a_lost_connection_is_found_out_about() {
    let setting = Setting::new(limits());
    let (mut done, mut lost, mut cuts) = (0, 0, 0);
    for way in [Way::Up, Way::Down] {
        for after in setting.places(way) {
            let cut = Cut {
                way,
                after,
                stall: false,
                close: false,
            };
            let (answer, there) = setting.commit(&format!("{way:?} {after}"), Some(cut));
            cuts += 1;
            match answer {
                Ok(CommitOutcome::Committed { .. }) => {
                    assert!(there, "{cut:?}: acknowledged and lost");
                    done += 1;
                }
                Err(error) => {
                    assert!(!there, "{cut:?}: {error}");
                    fails(&error, "AE0801");
                    lost += 1;
                }
                Ok(other) => panic!("{other:?}"),
            }
        }
    }
    println!("{cuts} cuts: {done} done all the same, {lost} not done");
    assert!(done > 3 && lost > 10);
    clean(&open_at(&setting.direct));
}

#[test]
fn what_cannot_be_found_out_is_said() {
    let setting = Setting::new(ServerLimits {
        wait: Duration::ZERO,
        settle: Duration::from_millis(300),
        ..limits()
    });
    let (mut unknown, mut unknown_there, mut lost) = (0, 0, 0);
    for way in [Way::Up, Way::Down] {
        for after in setting.places(way) {
            let cut = Cut {
                way,
                after,
                stall: false,
                close: true,
            };
            let (answer, there) = setting.commit(&format!("{way:?} {after}"), Some(cut));
            match answer {
                Err(error @ LedgerError::OutcomeUnknown { .. }) => {
                    fails(&error, "AE0811");
                    unknown += 1;
                    unknown_there += u32::from(there);
                }
                Err(error) => {
                    assert!(!there, "{cut:?}: {error}");
                    fails(&error, "AE0801");
                    lost += 1;
                }
                Ok(outcome) => assert!(there && !setting.proxy.made(), "{cut:?}: {outcome:?}"),
            }
        }
    }
    println!("{unknown} unknown, of which {unknown_there} done; {lost} not done");
    assert!(unknown_there > 0 && unknown > unknown_there && lost > 10);
}

/// The connection stays and nothing comes: neither program nor server learns of it from the network.
#[test]
fn a_silent_connection_is_given_up() {
    let setting = Setting::new(ServerLimits {
        statement: Duration::from_millis(300),
        commit: Duration::from_millis(300),
        idle: Duration::from_millis(700),
        ..limits()
    });
    for way in [Way::Up, Way::Down] {
        let places = setting.places(way);
        // The last messages are about `COMMIT`; of the others every third shows the same.
        let last = places.len().saturating_sub(3);
        for (_, after) in places
            .into_iter()
            .enumerate()
            .filter(|(i, _)| i % 4 == 0 || *i >= last)
        {
            let cut = Cut {
                way,
                after,
                stall: true,
                close: false,
            };
            let (answer, there) = setting.commit(&format!("{way:?} {after}"), Some(cut));
            match answer {
                Ok(CommitOutcome::Committed { .. }) => assert!(there, "{cut:?}"),
                Err(error) => {
                    assert!(!there, "{cut:?}: {error}");
                    fails(&error, "AE0801");
                }
                Ok(other) => panic!("{other:?}"),
            }
        }
    }
    clean(&open_at(&setting.direct));
}
