//! What was found, held against what a case expects.

use super::Found;
use super::world::Held;
use aethel_ir::{Code, Diagnostic, Label, SourceId, Span, did_you_mean, quote};
use aethel_lower::{Case, Expect, ExpectedPlace, ExpectedValue, Given, Outcome};
use aethel_report::cases::{CaseReport, Difference};
use std::collections::HashSet;

/// How many wrong balances of a case are shown at their lines.
const MAX_LABELS: usize = 12;

/// Writes into the report whether the case passed, and what differs.
pub(super) fn judge(case: &Case, expected: &Expect, found: &Found, report: &mut CaseReport) {
    let name = quote(&case.name.text);
    if let Some(problem) = outcome(&name, expected, found) {
        report.diagnostics.push(problem);
        report.diagnostics.extend(found.errors.iter().cloned());
    } else if found.began {
        let (differences, labels, first) = balances(expected, found);
        if let Some(first) = first {
            let more = match differences.len() {
                1 => String::new(),
                count => format!("; and {} more", count - 1),
            };
            let mut problem = Diagnostic::new(Code::AE1101, format!("`{name}`: {first}{more}"));
            problem.labels = labels;
            problem = match differences.iter().any(|one| one.expected.is_none()) {
                true => problem.help(
                    "name every balance that changes, or write \"others\": \"any\" where the others do not matter",
                ),
                false => problem.help("mend the program, or the expectation"),
            };
            report.diagnostics.push(problem);
        }
        report.differences = differences;
    } else if let Some(first) = expected.balances.first() {
        let message = format!("`{name}`: the program was refused before it ran, so there are no balances");
        let problem = Diagnostic::new(Code::AE1101, message).label_at(given(first).at, "nothing holds this");
        report
            .diagnostics
            .push(problem.help("leave `balances` out of this case"));
    }
    report.passed = report.diagnostics.is_empty();
}

/// The beginning of an expectation: all of it would be many lines.
fn head((source, span): (SourceId, Span)) -> Label {
    Label {
        source,
        span: Span {
            end: span.start + 1,
            ..span
        },
        message: String::new(),
    }
}

/// Whether it ended as it should.
fn outcome(name: &str, expected: &Expect, found: &Found) -> Option<Diagnostic> {
    let fail = |message: String, mut label: Label, said: &str| {
        said.clone_into(&mut label.message);
        let mut problem = Diagnostic::new(Code::AE1101, format!("`{name}`: {message}"));
        problem.labels.push(label);
        problem
    };
    match (&expected.outcome, found.errors.first()) {
        (Outcome::Committed, None) => None,
        (Outcome::Committed, Some(error)) => {
            let message = format!("should be committed, and ended with {}", error.code.id());
            let problem = fail(message, head(expected.at), "committed was expected");
            Some(problem.help("what went wrong follows; mend the program, or the expectation"))
        }
        (Outcome::Error { at, code, .. }, None) => {
            let what = code.map_or("an error", Code::id);
            let message = format!("should end with {what}, and was committed");
            let at = Label {
                source: at.0,
                span: at.1,
                message: String::new(),
            };
            let problem = fail(message, at, "did not happen");
            Some(problem.help("a guard may be missing; mend the program, or the expectation"))
        }
        (
            Outcome::Error {
                at,
                code,
                transaction,
                message,
            },
            Some(first),
        ) => {
            let fits = |error: &Diagnostic| {
                // Messages begin with "`pay` row 7: ".
                let plain = error.message.replace('`', "");
                let begins = |name: &String| {
                    let rest = plain.strip_prefix(&name.replace('`', ""));
                    rest.is_some_and(|rest| rest.starts_with(':'))
                };
                code.is_none_or(|code| code == error.code)
                    && transaction.as_ref().is_none_or(begins)
                    && message.as_ref().is_none_or(|part| {
                        error.message.contains(part.as_str()) || plain.contains(&part.replace('`', ""))
                    })
            };
            if found.errors.iter().any(fits) {
                return None;
            }
            let at = Label {
                source: at.0,
                span: at.1,
                message: String::new(),
            };
            let message = match code {
                Some(code) if *code != first.code => {
                    format!(
                        "should end with {}, and ended with {}",
                        code.id(),
                        first.code.id()
                    )
                }
                _ => format!("ended with {}, but not as expected", first.code.id()),
            };
            let said = format!("found {}", first.code.id());
            Some(
                fail(message, at, &said)
                    .help("what went wrong follows; mend the program, or the expectation"),
            )
        }
    }
}

fn given(expected: &ExpectedPlace) -> &Given {
    match &expected.value {
        ExpectedValue::Balance(given) | ExpectedValue::Asset(_, given) | ExpectedValue::Field(_, given) => {
            given
        }
    }
}

/// Every place that holds what it should not, with a label for each, and the first in words.
fn balances(expected: &Expect, found: &Found) -> (Vec<Difference>, Vec<Label>, Option<String>) {
    let (mut differences, mut labels, mut first) = (Vec::new(), Vec::new(), None);
    let mut named = HashSet::new();
    let mut differs =
        |difference: Difference, at: Option<(SourceId, Span)>, message: String, words: String| {
            first.get_or_insert(words);
            if labels.len() < MAX_LABELS
                && let Some((source, span)) = at
            {
                labels.push(Label {
                    source,
                    span,
                    message,
                });
            }
            differences.push(difference);
        };
    for place in &expected.balances {
        let given = given(place);
        match find(place, found) {
            Ok((is_field, part, held)) => {
                named.insert((place.account.as_str(), is_field, part));
                let account = quote(&place.account);
                let difference = |expected: String| Difference {
                    account: place.account.clone(),
                    part: part.to_owned(),
                    before: held.text(held.before),
                    expected: Some(expected),
                    found: held.text(held.after),
                };
                match held.parse(&given.text) {
                    Ok(value) if value == held.after => {}
                    Ok(value) => {
                        let message = format!("found {}", held.shown(held.after));
                        let (now, wanted) = (held.shown(held.after), held.shown(value));
                        let words = format!("`{account}` holds {now}, not {wanted} {}", quote(part));
                        differs(difference(held.text(value)), given.at, message, words);
                    }
                    Err(why) => {
                        let words = format!("`{}` is {why}", quote(&given.text));
                        differs(difference(given.text.clone()), given.at, why, words);
                    }
                }
            }
            Err(why) => {
                let difference = Difference {
                    account: place.account.clone(),
                    part: match &place.value {
                        ExpectedValue::Balance(_) => String::new(),
                        ExpectedValue::Asset(name, _) | ExpectedValue::Field(name, _) => name.clone(),
                    },
                    before: String::new(),
                    expected: Some(given.text.clone()),
                    found: String::new(),
                };
                differs(difference, given.at, why.clone(), why);
            }
        }
    }
    if expected.others_unchanged {
        let head = head(expected.at);
        let changed = found.world.all().filter(|(account, is_field, part, held)| {
            held.before != held.after && !named.contains(&(*account, *is_field, *part))
        });
        for (account, _, part, held) in changed {
            let message = format!(
                "`{}` changed from {} to {} {}",
                quote(account),
                held.shown(held.before),
                held.shown(held.after),
                quote(part)
            );
            let difference = Difference {
                account: account.to_owned(),
                part: part.to_owned(),
                before: held.text(held.before),
                expected: None,
                found: held.text(held.after),
            };
            let words = format!("{message}, and is not named");
            differs(difference, Some((head.source, head.span)), message, words);
        }
    }
    (differences, labels, first)
}

/// The place that an expectation means.
fn find<'f>(place: &'f ExpectedPlace, found: &'f Found) -> Result<(bool, &'f str, &'f Held), String> {
    let (world, account) = (&found.world, place.account.as_str());
    if !world.accounts().any(|name| name == account) {
        let help = did_you_mean(account, world.accounts());
        let help = help.map_or_else(String::new, |help| format!("; {help}"));
        return Err(format!("the case touches no account `{}`{help}", quote(account)));
    }
    let (is_field, part) = match &place.value {
        ExpectedValue::Balance(_) => match world.parts(account, false).as_slice() {
            [one] => (false, *one),
            [] => return Err("the account has no balance in this case".to_owned()),
            several => {
                let several = several.join(", ");
                return Err(format!("it holds {several}; write {{\"balances\": {{..}}}}"));
            }
        },
        ExpectedValue::Asset(asset, _) => (false, asset.as_str()),
        ExpectedValue::Field(field, _) => (true, field.as_str()),
    };
    let held = world.place(account, is_field, part);
    held.map(|held| (is_field, part, held)).ok_or_else(|| {
        let known = world.parts(account, is_field);
        let help = did_you_mean(part, known.iter().copied());
        let help = help.unwrap_or_else(|| match known.as_slice() {
            [] => "it has none".to_owned(),
            known => format!("it has {}", known.join(", ")),
        });
        let what = if is_field { "field" } else { "balance in" };
        format!("the account has no {what} `{}`: {help}", quote(part))
    })
}
