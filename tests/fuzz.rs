//! The corpora of the fuzzer, which hold what it once found, and a few mutants of each. Looking for more is a matter of
//! hours: `tests/fuzz/README.md`.

use crate::support::{Random, root};

#[path = "fuzz/survive.rs"]
mod survive;

#[test]
fn p24_corpora_are_survived() {
    for (name, survives) in survive::ALL {
        let directory = root().join("tests/fuzz/corpus").join(name);
        let mut seeds = 0;
        for entry in std::fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            survives(&bytes);
            seeds += 1;
            let mut random = Random(bytes.len() as u64);
            for _ in 0..10 {
                let mutant = crate::garbage::mutate(&mut random, &bytes);
                let outcome = std::panic::catch_unwind(|| survives(&mutant));
                assert!(
                    outcome.is_ok(),
                    "{} as {:?}",
                    path.display(),
                    String::from_utf8_lossy(&mutant)
                );
            }
        }
        assert!(seeds > 0, "no seeds in {}", directory.display());
    }
}
