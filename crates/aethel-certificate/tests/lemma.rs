//! Lemma records: what is checked without a solver, and that nothing in them can be changed unseen.

use aethel_certificate::{
    FarkasError, Grounds, Inequality, LemmaError, LemmaRecord, LemmaVerdict, LinearLemma, MAX_LEMMA_BYTES,
    Refutation,
};
use aethel_ir::Rational;
use proptest::prelude::*;

fn at_least(terms: &[(u16, i128)], bound: i128) -> Inequality {
    Inequality {
        terms: terms.to_vec(),
        bound,
    }
}

fn numbers(values: &[i128]) -> Vec<Rational> {
    values.iter().map(|n| Rational::Int(*n)).collect()
}

/// From x >= 3 and y >= 2x follow y >= 6 and 3y >= 4x + 6.
fn lemma() -> LinearLemma {
    LinearLemma {
        variables: vec!["x".into(), "y".into()],
        hypotheses: vec![at_least(&[(0, 1)], 3), at_least(&[(1, 1), (0, -2)], 0)],
        goals: vec![
            Refutation {
                negated_goal: at_least(&[(1, -1)], -5),
                multipliers: numbers(&[2, 1, 1]),
            },
            Refutation {
                negated_goal: at_least(&[(0, 4), (1, -3)], -5),
                multipliers: numbers(&[2, 3, 1]),
            },
        ],
    }
}

pub fn record() -> LemmaRecord {
    LemmaRecord {
        name: "test".into(),
        statement: "from x >= 3 and y >= 2x follow y >= 6 and 3y >= 4x + 6".into(),
        smt2: lemma().to_smt2(),
        verdict: LemmaVerdict::Proved,
        solver: "Z3 4.8.12".into(),
        rlimit: 17,
        farkas: Some(lemma()),
    }
}

#[test]
fn multipliers_that_refute() {
    assert_eq!(lemma().check(), Ok(()));
    assert_eq!(record().check(), Ok(Grounds::Arithmetic));
    assert_eq!(
        lemma().to_smt2(),
        "(set-logic QF_LIA)\n(set-info :status unsat)\n(declare-fun x () Int)\n(declare-fun y () Int)\n\
         (assert (>= x 3))\n(assert (>= (+ y (* (- 2) x)) 0))\n\
         (assert (or\n  (>= (- y) (- 5))\n  (>= (+ (* 4 x) (* (- 3) y)) (- 5))))\n(check-sat)\n"
    );
}

#[test]
fn multipliers_that_do_not() {
    type Change = fn(&mut LinearLemma);
    let cases: [(Change, FarkasError); 10] = [
        (|l| l.goals.clear(), FarkasError::NoGoal),
        (|l| l.variables[1] = "x".into(), FarkasError::Variable(1)),
        (
            |l| l.variables[0] = "x) (assert false".into(),
            FarkasError::Variable(0),
        ),
        (
            |l| l.hypotheses[0].terms.push((9, 1)),
            FarkasError::UnknownVariable(9),
        ),
        (
            |l| l.goals[1].multipliers.push(Rational::ZERO),
            FarkasError::Count(1),
        ),
        // Turning a hypothesis round would prove anything.
        (
            |l| l.goals[0].multipliers = numbers(&[-2, 1, 1]),
            FarkasError::Negative(0),
        ),
        (
            |l| l.goals[0].multipliers = numbers(&[1, 1, 1]),
            FarkasError::LeftSide(0),
        ),
        (
            |l| l.goals[0].multipliers = numbers(&[0, 0, 0]),
            FarkasError::RightSide(0),
        ),
        (|l| l.goals[0].negated_goal.bound = -6, FarkasError::RightSide(0)),
        (
            |l| l.hypotheses = vec![at_least(&[], 0); 300],
            FarkasError::TooLarge,
        ),
    ];
    for (change, expected) in cases {
        let mut lemma = lemma();
        change(&mut lemma);
        assert_eq!(lemma.check(), Err(expected));
    }
    let mut wide = lemma();
    let mut number = Rational::Int(i128::MAX);
    while let Ok(square) = number.mul(&number) {
        number = square;
    }
    wide.goals[0].multipliers[0] = number;
    wide.hypotheses[0].terms[0].1 = i128::MAX;
    wide.hypotheses[0].terms.push((0, i128::MAX));
    let found = wide.check();
    assert!(
        matches!(found, Err(FarkasError::TooWide(0) | FarkasError::LeftSide(0))),
        "{found:?}"
    );
}

#[test]
fn a_record_that_proves_nothing() {
    type Change = fn(&mut LemmaRecord);
    let cases: [(Change, LemmaError); 4] = [
        (
            |r| r.verdict = LemmaVerdict::Undecided,
            LemmaError::NotProved(LemmaVerdict::Undecided),
        ),
        // Another text than the one that the multipliers refute.
        (
            |r| r.smt2 = r.smt2.replace("(>= x 3)", "(>= x 4)"),
            LemmaError::Text,
        ),
        (
            |r| {
                r.farkas = None;
                r.smt2 = r.smt2.replace("unsat", "sat");
            },
            LemmaError::Text,
        ),
        (
            |r| r.farkas.as_mut().unwrap().goals[0].multipliers.clear(),
            LemmaError::Farkas(FarkasError::Count(0)),
        ),
    ];
    for (change, expected) in cases {
        let mut record = record();
        change(&mut record);
        assert_eq!(record.check(), Err(expected));
    }
    let mut unproved = record();
    unproved.farkas = None;
    assert_eq!(unproved.check(), Ok(Grounds::Solver));
}

#[test]
fn p12_a_change_of_any_field_changes_the_digest() {
    type Change = fn(&mut LemmaRecord);
    let digest = |record: &LemmaRecord| LemmaRecord::digest(&record.encode().unwrap());
    let changes: [Change; 7] = [
        |r| r.name.push('x'),
        |r| r.statement.push('x'),
        |r| r.smt2.push(' '),
        |r| r.verdict = LemmaVerdict::Undecided,
        |r| r.solver = "Z3 4.8.13".into(),
        |r| r.rlimit += 1,
        |r| r.farkas = None,
    ];
    for change in changes {
        let mut record = record();
        change(&mut record);
        assert_ne!(digest(&record), digest(&self::record()));
    }
}

#[test]
fn what_was_encoded_is_decoded_and_nothing_else() {
    let bytes = record().encode().unwrap();
    assert_eq!(LemmaRecord::decode(&bytes), Ok(record()));
    for end in 0..bytes.len() {
        assert!(LemmaRecord::decode(&bytes[..end]).is_err(), "prefix of {end}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(matches!(
        LemmaRecord::decode(&longer),
        Err(LemmaError::Damaged(_))
    ));
    assert_eq!(LemmaRecord::decode(b"something"), Err(LemmaError::NotALemma));
    let mut long = record();
    long.smt2 = "x".repeat(MAX_LEMMA_BYTES);
    assert!(matches!(long.encode(), Err(LemmaError::TooLong(_))));
    let huge = vec![0; MAX_LEMMA_BYTES + 1];
    assert!(matches!(LemmaRecord::decode(&huge), Err(LemmaError::TooLong(_))));
}

proptest! {
    #[test]
    fn p24_any_bytes_are_a_record_or_an_error(at in any::<prop::sample::Index>(), to in any::<u8>(), rest in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut bytes = record().encode().unwrap();
        let at = at.index(bytes.len());
        bytes[at] = to;
        let _ = LemmaRecord::decode(&bytes).map(|record| record.check());
        let mut random = bytes[..16].to_vec();
        random.extend(rest);
        let _ = LemmaRecord::decode(&random).map(|record| record.check());
    }
}

mod files {
    //! Proof files: a certificate and the lemmas it names.

    use super::*;
    use crate::certify;
    use crate::support::{Build, Kind};
    use aethel_certificate::{DecodeError, ProofError, ProofFile, encode};

    fn certificate(lemmas: &[&LemmaRecord]) -> Vec<u8> {
        let mut build = Build::new("b");
        build.rows(Kind::Pay, &[("a", "b", 60), ("a", "c", 40)]);
        let mut certificate = certify(&build, &build.snapshot(0, &[("a", 100)])).unwrap();
        let digest = |record: &&LemmaRecord| LemmaRecord::digest(&record.encode().unwrap());
        certificate.lemmas = lemmas.iter().map(digest).collect();
        encode(&certificate.view()).unwrap()
    }

    fn by_word() -> LemmaRecord {
        LemmaRecord {
            name: "by word".into(),
            farkas: None,
            ..record()
        }
    }

    fn check(certificate: &[u8], records: &[LemmaRecord]) -> Result<Vec<Grounds>, ProofError> {
        let bytes: Vec<Vec<u8>> = records.iter().map(|record| record.encode().unwrap()).collect();
        let file = ProofFile {
            certificate,
            lemmas: bytes.iter().map(Vec::as_slice).collect(),
        };
        let encoded = file.encode().unwrap();
        let decoded = ProofFile::decode(&encoded).unwrap();
        assert_eq!(decoded, file);
        let proof = decoded.check()?;
        assert_eq!(proof.checked.transactions, 2);
        Ok(proof.lemmas.iter().map(|(_, grounds)| *grounds).collect())
    }

    #[test]
    fn a_certificate_with_its_lemmas() {
        let alone = certificate(&[]);
        assert_eq!(check(&alone, &[]), Ok(vec![]));
        let two = certificate(&[&record(), &by_word()]);
        let grounds = [Grounds::Arithmetic, Grounds::Solver];
        assert_eq!(check(&two, &[record(), by_word()]), Ok(grounds.to_vec()));
    }

    #[test]
    fn lemmas_that_are_not_those_of_the_certificate() {
        let digest = |record: &LemmaRecord| LemmaRecord::digest(&record.encode().unwrap());
        let one = certificate(&[&record()]);
        assert_eq!(check(&one, &[]), Err(ProofError::MissingLemma(digest(&record()))));
        let mut changed = record();
        changed.solver.push('x');
        assert_eq!(
            check(&one, &[changed]),
            Err(ProofError::MissingLemma(digest(&record())))
        );
        assert_eq!(
            check(&one, &[record(), by_word()]),
            Err(ProofError::ForeignLemma(digest(&by_word())))
        );
        let mut refuted = record();
        refuted.verdict = LemmaVerdict::Refuted;
        let named = certificate(&[&refuted]);
        let error = LemmaError::NotProved(LemmaVerdict::Refuted);
        assert_eq!(
            check(&named, std::slice::from_ref(&refuted)),
            Err(ProofError::Lemma(digest(&refuted), error))
        );
    }

    #[test]
    fn p24_damaged_proof_files_are_errors() {
        let certificate = certificate(&[&record()]);
        let bytes = record().encode().unwrap();
        let file = ProofFile {
            certificate: &certificate,
            lemmas: vec![&bytes],
        };
        let good = file.encode().unwrap();
        for end in 0..good.len() {
            let read = ProofFile::decode(&good[..end]).map_err(ProofError::Decode);
            assert!(read.and_then(|file| file.check()).is_err(), "prefix of {end}");
        }
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            let _ = ProofFile::decode(&bad).map(|file| file.check());
        }
        let mut longer = good;
        longer.push(0);
        assert!(matches!(ProofFile::decode(&longer), Err(DecodeError::Damaged(_))));
    }
}
