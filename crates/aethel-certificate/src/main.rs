//! `aethel-certificate FILE`: checks a proof file, or a certificate, with nothing but this crate and the evaluator.
//!
//! Exit codes: 0 accepted, 1 rejected, 2 usage, or the file cannot be read as a proof.

use aethel_certificate::{Grounds, ProofError, ProofFile};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(path), None) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: aethel-certificate FILE");
        return ExitCode::from(2);
    };
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) => {
            eprintln!("cannot read {}: {error}", path.to_string_lossy().escape_debug());
            return ExitCode::from(2);
        }
    };
    let checked = match ProofFile::decode(&bytes) {
        Ok(file) => file.check(),
        Err(error) => Err(ProofError::Decode(error)),
    };
    match checked {
        Ok(proof) => {
            println!(
                "accepted: {} transactions, {} accesses; the serial run in batch order ends in the same state",
                proof.checked.transactions, proof.checked.accesses
            );
            for sum in &proof.checked.sums {
                println!("  {} {} before and after", sum.shown, sum.asset.escape_debug());
            }
            for (lemma, grounds) in &proof.lemmas {
                let grounds = match grounds {
                    Grounds::Arithmetic => "checked by its multipliers".to_owned(),
                    Grounds::Solver => format!("on the word of {}", printable(&lemma.solver)),
                };
                println!("  lemma {}: {grounds}", printable(&lemma.name));
            }
            ExitCode::SUCCESS
        }
        Err(ProofError::Decode(error)) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
        Err(error) => {
            println!("rejected: {}", printable(&error.to_string()));
            ExitCode::FAILURE
        }
    }
}

/// Names in a certificate may come from anybody: nothing in them may act on the terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() || aethel_ir::account::is_format_character(c) {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}
