//! `aethel-certificate FILE`: checks a certificate with nothing but this crate and the evaluator.
//!
//! Exit codes: 0 accepted, 1 rejected, 2 usage, or the file cannot be read as a certificate.

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
    let certificate = match aethel_certificate::decode(&bytes) {
        Ok(certificate) => certificate,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    match certificate.check(None) {
        Ok(checked) => {
            println!(
                "accepted: {} transactions, {} accesses; the serial run in batch order ends in the same state",
                checked.transactions, checked.accesses
            );
            for sum in &checked.sums {
                println!("  {} {} before and after", sum.shown, sum.asset.escape_debug());
            }
            ExitCode::SUCCESS
        }
        Err(rejection) => {
            println!("rejected: {}", printable(&rejection.to_string()));
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
