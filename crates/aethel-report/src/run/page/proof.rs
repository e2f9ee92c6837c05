//! Why the outcome is right, in words, and how to check that.

use super::super::IN_MEMORY;
use super::super::human::counted;
use super::Page;
use crate::escape::{html, terminal};
use crate::html::prose;
use aethel_ir::money::group_digits;
use aethel_runtime::{BatchResult, LinearizabilityProof};
use std::fmt::Write;

/// What is proved about the run, and the commands that check it again.
pub(super) fn proof(run: &Page<'_>, result: &BatchResult) -> String {
    let mut out = String::new();
    if let Some(proof) = &result.linearizability_proof {
        out += "<ul class=\"proof\">\n";
        for line in lines(result, proof) {
            let _ = writeln!(out, "<li>{}</li>", prose(&line));
        }
        out += "</ul>\n";
        let lemmas = result
            .conflicts
            .as_ref()
            .map_or(&[][..], |conflicts| &conflicts.lemmas);
        if !proof.lemmas.is_empty() && !lemmas.is_empty() {
            out += "<p>It rests on these lemmas, which are stored with the batch; <code>aethel prove</code> shows what \
                    each says:</p>\n<ul class=\"proof\">\n";
            for name in lemmas {
                let _ = writeln!(out, "<li><code>{}</code>{}</li>", html(name), html(meaning(name)));
            }
            out += "</ul>\n";
        }
    }
    out += &again(run, result);
    out + &identity(result)
}

fn lines(result: &BatchResult, proof: &LinearizabilityProof) -> Vec<String> {
    let count = result.graph.as_ref().map_or(0, |graph| graph.transactions);
    let group = |n: usize| group_digits(&n.to_string());
    let mut lines = vec![match count {
        1 => "The outcome is exactly what the one transaction says.".to_owned(),
        _ => format!(
            "The outcome is exactly that of {} one after the other, in the order of the program.",
            counted(count, "transaction")
        ),
    }];
    lines.push(match proof.way {
        _ if proof.by_sums => "Every order of them gives the same result, so an independent checker, which knows neither the \
             executor nor the solver, had to compare sums only."
            .to_owned(),
        "serial" if count == 1 => "An independent checker held the run to its certificate.".to_owned(),
        "serial" => "They were run one after the other in that order; an independent checker held the run to its certificate."
            .to_owned(),
        "serial after doubt" => "A parallel run was not accepted, so they were run again one after the other.".to_owned(),
        _ => format!(
            "An independent checker, which knows neither the executor nor the solver, computed {} again and compared {} seen \
             or written.",
            counted(proof.transactions_checked, "transaction"),
            counted(proof.accesses_checked, "value")
        ),
    });
    if let Some(reason) = &proof.fallback {
        lines.push(format!(
            "Why the parallel run was not accepted: {}.",
            terminal(reason)
        ));
    }
    if proof.replay_equal == Some(true) {
        lines.push("A serial replay ended in the same values, bit for bit.".to_owned());
    }
    match proof.direct {
        Some("proved") => lines.push(format!(
            "{} proved the whole run directly as well.",
            terminal(&proof.solver)
        )),
        _ if !proof.lemmas.is_empty() => lines.push(format!(
            "{} proved the {} that it relies on.",
            terminal(&proof.solver),
            counted(proof.lemmas.len(), "lemma")
        )),
        _ => {}
    }
    if let Some(conflicts) = &result.conflicts
        && conflicts.any_order
        && conflicts.commuting.total() > 0
    {
        let total = usize::try_from(conflicts.commuting.total()).unwrap_or(usize::MAX);
        lines.push(format!(
            "All {} conflicts were proved to need no order.",
            group(total)
        ));
    }
    lines
}

/// What a lemma says, by the beginning of its name.
fn meaning(name: &str) -> &'static str {
    match name {
        "escrow debit" => {
            ": payments out of an account may be made in any order when it holds enough for all of them"
        }
        "escrow credit" => ": payments into an account may be made in any order",
        name if name.starts_with("access") => {
            ": an intent only adds to or takes from these balances, by amounts that do not depend on them"
        }
        name if name.starts_with("sums") => ": what an intent does to balances is a sum of its arguments",
        name if name.starts_with("commutation") => ": two intents give the same result in both orders",
        _ => "",
    }
}

/// The commands that check the proof again.
fn again(run: &Page<'_>, result: &BatchResult) -> String {
    let Some(sequence) = result.sequence else {
        return match result.dry_run {
            true => "<p class=\"soft\">A dry run stores no proof.</p>\n".to_owned(),
            false => String::new(),
        };
    };
    // A ledger in memory is gone when the process is.
    if run.ledger.is_empty() || run.ledger == IN_MEMORY {
        return String::new();
    }
    format!(
        "<p>Check it yourself, now or in years. The last command needs nothing but the file:</p>\n\
         <pre tabindex=\"0\"><code>aethel ledger proof {sequence} --ledger {0} --out batch-{sequence}.proof\n\
         aethel verify-proof batch-{sequence}.proof</code></pre>\n",
        html(&quoted(run.ledger))
    )
}

/// A word for a shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-:@".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

/// What makes the batch this batch.
fn identity(result: &BatchResult) -> String {
    let rows = [
        ("Receipt", result.receipt.as_deref()),
        ("Content", result.content_hash.as_deref()),
        ("Key", result.key.as_deref()),
    ];
    let rows: Vec<String> = rows
        .iter()
        .filter_map(|(name, value)| {
            Some(format!(
                "<dt>{name}</dt><dd><code>{}</code></dd>\n",
                html((*value)?)
            ))
        })
        .collect();
    match rows.is_empty() {
        true => String::new(),
        false => format!("<dl>\n{}</dl>\n", rows.concat()),
    }
}

/// What the ledger's rules about approvals ask for.
pub(super) fn approvals(result: &BatchResult) -> String {
    let Some(approval) = &result.approval else {
        return String::new();
    };
    let mut out = String::from("<ul class=\"proof\">\n");
    for line in super::super::human::needs(approval).lines() {
        let _ = writeln!(out, "<li>{}</li>", prose(line.trim()));
    }
    let _ = writeln!(
        out,
        "</ul>\n<p class=\"soft\">Plan <code>{}</code></p>",
        html(&approval.plan_hash)
    );
    out
}
