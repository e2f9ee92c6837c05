//! Cases for people: a line each, and a table of balances where one failed.

use super::{CaseCounts, CaseReport, FileReport};
use crate::escape::terminal;
use crate::run::grouped;
use crate::table::{Align, table};
use aethel_ir::money::counted;

/// How many balances of a case are listed.
const LISTED: usize = 20;

/// `  ok    both are paid · committed, 2 transactions`, and what differs.
pub fn case(report: &CaseReport) -> String {
    let mark = match (report.passed, report.written) {
        (true, true) => "new ",
        (true, false) => "ok  ",
        (false, _) => "FAIL",
    };
    let outcome = match report.outcome.as_str() {
        "committed" => format!(
            "committed, {}",
            counted(report.transactions, "transaction", "transactions")
        ),
        other => other.to_owned(),
    };
    let mut text = format!("  {mark}  {} · {outcome}\n", terminal(&report.name));
    if report.differences.is_empty() {
        return text;
    }
    let head = ["account", "", "before", "expected", "found"].map(str::to_owned);
    let mut rows = vec![head.to_vec()];
    rows.extend(report.differences.iter().take(LISTED).map(|one| {
        let expected = one
            .expected
            .as_ref()
            .map_or("unchanged".to_owned(), |text| shown(text));
        vec![
            one.account.clone(),
            one.part.clone(),
            shown(&one.before),
            expected,
            shown(&one.found),
        ]
    }));
    let right = Align::Right;
    for line in table(&[Align::Left, Align::Left, right, right, right], &rows).lines() {
        text += &format!("        {}\n", line.trim_end());
    }
    if let Some(more) = report
        .differences
        .len()
        .checked_sub(LISTED)
        .filter(|more| *more > 0)
    {
        text += &format!("        and {more} more\n");
    }
    text
}

/// Amounts in groups of digits; what is no number stays as it is.
fn shown(text: &str) -> String {
    match text {
        "" => "–".to_owned(),
        text if text.replacen('.', "", 1).parse::<i128>().is_ok() => grouped(text),
        text => text.to_owned(),
    }
}

/// `3 cases of 2 files · 2 passed, 1 failed`
pub fn summary(files: &[FileReport]) -> String {
    let counts = CaseCounts::of(files);
    let cases: usize = files.iter().map(|file| file.cases.len()).sum();
    let cases = format!("{cases} {}", if cases == 1 { "case" } else { "cases" });
    let of = match files.len() {
        1 => String::new(),
        count => format!(" of {count} files"),
    };
    let written = match counts.written {
        0 => String::new(),
        count => format!(", {count} of them written now"),
    };
    let broken = files.iter().filter(|file| !file.problems.is_empty()).count();
    let unread = match broken {
        0 => String::new(),
        1 => " · 1 file could not be run".to_owned(),
        count => format!(" · {count} files could not be run"),
    };
    format!(
        "{cases}{of} · {} passed{written}, {} failed{unread}\n",
        counts.passed,
        counts.failed - broken
    )
}
