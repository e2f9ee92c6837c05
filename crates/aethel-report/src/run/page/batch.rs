//! One batch: its head, and its sections.

use super::list::list;
use super::{Page, money, order, problem, proof, timeline, when, words};
use crate::escape::html;
use crate::html::{Column, Table, prose};
use aethel_ir::money::group_digits;
use aethel_runtime::{BatchResult, Details, TransactionDetail};
use std::fmt::Write;

/// Parameters have columns of their own where there are not more than these.
const COLUMNS: usize = 6;

/// How it ended, the sentence, and what became of it.
pub(super) fn head(run: &Page<'_>, result: &BatchResult, level: u8) -> String {
    let (class, status) = words::status(result);
    let consequence = words::consequence(result, run.ledger);
    let sentence = words::sentence(result);
    let sentence = match sentence.split_once(words::WHY) {
        Some((what, why)) if !result.success => format!(
            "{} <span class=\"why\">{}</span>",
            prose(what),
            prose(&words::capital(why))
        ),
        _ => prose(&sentence),
    };
    let help = result
        .diagnostic
        .as_ref()
        .and_then(|diagnostic| diagnostic.help.as_deref());
    let help = help.map_or(String::new(), |help| {
        format!(" {}.", prose(&words::capital(help)))
    });
    format!(
        "<p class=\"status {class}\">{status}</p>\n<h{level}>{sentence}</h{level}>\n<p class=\"lead\">{}.{help}</p>\n{}",
        prose(&consequence),
        if level == 1 { when(run) } else { String::new() }
    )
}

/// A section: its id, its heading, and what stands in it.
type Section = (&'static str, &'static str, String);

fn parts(run: &Page<'_>, result: &BatchResult, prefix: &str, level: u8) -> Vec<Section> {
    let below = level + 1;
    let mut notes = problem::all(&result.notices, run.sources, below);
    if let Some(measured) = measured(result) {
        notes += &format!("<p>{}</p>\n", html(&measured));
    }
    let conservation = money::conservation(result);
    let balances = money::balances(result, prefix);
    let ran = if result.already_committed || result.stages.is_empty() {
        String::new()
    } else {
        timeline::six_stages(run, result) + &timeline::threads(result, prefix)
    };
    let all = [
        ("problem", "What went wrong", failure(run, result, below)),
        ("balances", "Balances before and after", balances),
        ("conservation", "Nothing created, nothing lost", conservation),
        ("transactions", "Transactions", transactions(result, prefix)),
        ("approvals", "Approvals", proof::approvals(result)),
        (
            "proof",
            "Proof",
            if result.success {
                proof::proof(run, result)
            } else {
                String::new()
            },
        ),
        ("stages", "How it ran", ran),
        (
            "order",
            "Order and conflicts",
            order::order(result, prefix, below),
        ),
        ("notes", "Notes", notes),
    ];
    all.into_iter().filter(|(_, _, text)| !text.is_empty()).collect()
}

/// Links to the sections, and the sections.
pub(super) fn body(run: &Page<'_>, result: &BatchResult, prefix: &str, level: u8) -> (String, String) {
    let parts = parts(run, result, prefix, level);
    let link = |(id, title, _): &Section| format!("<a href=\"#{prefix}{id}\">{title}</a>\n");
    let links: String = parts.iter().map(link).collect();
    let mut out = match result.already_committed {
        true => String::new(),
        false => money::tiles(result),
    };
    for (id, title, text) in parts {
        let _ = writeln!(
            out,
            "<section aria-labelledby=\"{prefix}{id}\">\n<h{level} id=\"{prefix}{id}\">{title}</h{level}>\n{text}</section>"
        );
    }
    let of = match prefix {
        "" => String::new(),
        _ => format!(" of {}", html(&result.batch)),
    };
    (format!("<nav aria-label=\"Sections{of}\">\n{links}</nav>\n"), out)
}

/// The diagnostic, and the transaction that failed with its arguments.
fn failure(run: &Page<'_>, result: &BatchResult, level: u8) -> String {
    let Some(diagnostic) = &result.diagnostic else {
        return String::new();
    };
    let mut out = problem::one(diagnostic, run.sources, level, false);
    let failed = result
        .details
        .as_ref()
        .and_then(|details| details.failed.as_ref());
    if let Some(failed) = failed {
        let rows: Vec<Vec<String>> = failed
            .accounts
            .iter()
            .chain(&failed.values)
            .map(|(name, value)| vec![name.clone(), value.clone()])
            .collect();
        let caption = format!("The arguments of {}", failed.name);
        let _ = writeln!(out, "<h{level}>{}</h{level}>", html(&caption));
        out += &Table {
            caption: &caption,
            class: "",
            columns: &[Column::text("parameter"), Column::text("value")],
            rows: &rows,
        }
        .html();
    }
    out
}

/// Every transaction with its arguments.
fn transactions(result: &BatchResult, prefix: &str) -> String {
    let Some(details) = &result.details else {
        return String::new();
    };
    let listed = details.transactions.len();
    let all = result.graph.as_ref().map_or(listed, |graph| graph.transactions);
    let mut out = match result.success {
        true => {
            "<p>In the order of the program, which is the order that the proof is about.</p>\n".to_owned()
        }
        false => {
            "<p>What the batch asked for, in the order of the program. None of it was kept.</p>\n".to_owned()
        }
    };
    if listed < all {
        let _ = writeln!(
            out,
            "<p class=\"soft\">The first {} of {}.</p>",
            group_digits(&listed.to_string()),
            group_digits(&all.to_string())
        );
    }
    let parameters = Parameters::of(details);
    if !parameters.same.is_empty() {
        let told = |(name, value): &(&str, &str)| match name == value {
            true => (*name).to_owned(),
            false => format!("{name}: {value}"),
        };
        let same: Vec<String> = parameters.same.iter().map(told).collect();
        let _ = writeln!(
            out,
            "<p class=\"soft\">The same in all of them: {}.</p>",
            html(&same.join(", "))
        );
    }
    let thread = threads(result, listed);
    let mut columns = vec![Column::number("no."), Column::text("transaction")];
    columns.extend(parameters.columns());
    if thread.is_some() {
        columns.push(Column::number("thread"));
    }
    let row = |(number, detail): (usize, &TransactionDetail)| {
        let mut row = vec![(number + 1).to_string(), detail.name.clone()];
        row.extend(parameters.cells(detail));
        if let Some(thread) = &thread {
            row.push(thread.get(number).copied().unwrap_or(0).to_string());
        }
        row
    };
    let rows: Vec<Vec<String>> = details.transactions.iter().enumerate().map(row).collect();
    out += &list(
        &format!("{prefix}transactions"),
        "Transactions",
        "transactions",
        &columns,
        &rows,
    );
    if !details.solve.is_empty() {
        out += "<p>Said in <code>solve</code>, without effect:</p>\n<ul class=\"proof\">\n";
        for entry in &details.solve {
            let said = format!("{}: {} = {}", entry.intent, entry.key, entry.values.join(", "));
            let _ = writeln!(out, "<li>{}</li>", html(&said));
        }
        out += "</ul>\n";
    }
    out
}

/// How the parameters of all transactions are shown.
struct Parameters<'a> {
    /// Those that are the same everywhere, with their values: said once.
    same: Vec<(&'a str, &'a str)>,
    /// The others, accounts and values, where they are few enough for columns of their own.
    columns: Option<(Vec<&'a str>, Vec<&'a str>)>,
}

impl<'a> Parameters<'a> {
    fn of(details: &'a Details) -> Self {
        let all = &details.transactions;
        let arguments = |detail: &'a TransactionDetail| detail.accounts.iter().chain(&detail.values);
        let mut same: Vec<(&str, &str)> = match all.first() {
            Some(first) if all.len() > 1 => arguments(first)
                .map(|(name, value)| (&**name, &**value))
                .collect(),
            _ => Vec::new(),
        };
        for detail in all {
            same.retain(|(name, value)| arguments(detail).any(|one| one.0 == *name && one.1 == *value));
        }
        let is_same = |name: &str| same.iter().any(|(one, _)| *one == name);
        let (mut accounts, mut values) = (Vec::new(), Vec::new());
        let mut few = true;
        for detail in all {
            for (names, own) in [(&mut accounts, &detail.accounts), (&mut values, &detail.values)] {
                for (name, _) in own {
                    if !is_same(name) && !names.contains(&name.as_str()) {
                        names.push(name.as_str());
                    }
                }
            }
            few = accounts.len() + values.len() <= COLUMNS;
            if !few {
                break;
            }
        }
        Self {
            same,
            columns: few.then_some((accounts, values)),
        }
    }

    fn columns(&self) -> Vec<Column> {
        match &self.columns {
            Some((accounts, values)) => {
                let accounts = accounts.iter().map(|name| Column::text(*name));
                accounts
                    .chain(values.iter().map(|name| Column::number(*name)))
                    .collect()
            }
            None => vec![Column::text("accounts"), Column::text("values")],
        }
    }

    fn cells(&self, detail: &TransactionDetail) -> Vec<String> {
        let find = |all: &[(String, String)], name: &str| {
            let found = all.iter().find(|(one, _)| one == name);
            found.map_or(String::new(), |(_, value)| value.clone())
        };
        if let Some((accounts, values)) = &self.columns {
            let accounts = accounts.iter().map(|name| find(&detail.accounts, name));
            return accounts
                .chain(values.iter().map(|name| find(&detail.values, name)))
                .collect();
        }
        let told = |all: &[(String, String)]| {
            let other = all
                .iter()
                .filter(|(name, _)| !self.same.iter().any(|(same, _)| same == name));
            let told: Vec<String> = other.map(|(name, value)| format!("{name}: {value}")).collect();
            told.join(", ")
        };
        vec![told(&detail.accounts), told(&detail.values)]
    }
}

/// For each transaction its thread from 1, where there were several.
fn threads(result: &BatchResult, listed: usize) -> Option<Vec<u32>> {
    if result.thread_count < 2 {
        return None;
    }
    let mut threads = vec![0; listed];
    for chunk in &result.chunks {
        let first = chunk.first as usize;
        let ran = result
            .sequence_of_transactions
            .get(first..first + chunk.count as usize);
        for id in ran.unwrap_or(&[]) {
            if let Some(cell) = threads.get_mut(*id as usize) {
                *cell = chunk.thread + 1;
            }
        }
    }
    Some(threads)
}

/// What was measured besides, when that was asked for.
fn measured(result: &BatchResult) -> Option<String> {
    let text = super::super::human::measured(result);
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
