//! The intents of a program, each judged once for each way in which its accounts are bounded.

use super::proof::of_intent;
use super::{CheckOptions, CheckReport};
use crate::check::batches::Judged;
use aethel_ir::{AssetId, Code, Diagnostic, Severity, SourceMap, Span};
use aethel_lower::LoweredBatch;
use aethel_proof::check::{BatchVerdict, Check, IntentReport, Subject, Verdict, check_intent, diagnostic};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// An intent as one batch calls it.
struct Called {
    subject: Arc<Subject>,
    /// The batches that call it so, and its number there.
    by: Vec<(usize, usize)>,
    report: IntentReport,
}

/// One intent of the program.
struct Declared {
    /// Where its name stands.
    span: Span,
    name: String,
    called: Vec<Called>,
}

/// All intents in the order of the file.
pub(super) struct Intents {
    list: Vec<Declared>,
}

impl Intents {
    /// Takes the intents out of the batches, and out of those that stand for intents that no batch calls.
    pub fn collect(batches: &[LoweredBatch], alone: &[LoweredBatch]) -> Self {
        Self::collect_where(batches, alone, |_| true)
    }

    /// The same, of those intents alone that `wanted` accepts.
    pub fn collect_where(
        batches: &[LoweredBatch],
        alone: &[LoweredBatch],
        wanted: impl Fn(&Subject) -> bool,
    ) -> Self {
        let mut list: Vec<Declared> = Vec::new();
        let mut known: HashMap<Span, usize> = HashMap::new();
        for (index, lowered) in batches.iter().chain(alone).enumerate() {
            let subjects = Subject::of_batch(&lowered.batch);
            for (intent, subject) in subjects.into_iter().filter(|(_, subject)| wanted(subject)) {
                let (span, name) = (subject.intent().span, subject.intent().name.to_string());
                let at = *known.entry(span).or_insert_with(|| {
                    list.push(Declared {
                        span,
                        name,
                        called: Vec::new(),
                    });
                    list.len() - 1
                });
                let called = &mut list[at].called;
                match called.iter_mut().find(|one| *one.subject == subject) {
                    Some(one) => one.by.push((index, intent)),
                    None => called.push(Called {
                        subject: Arc::new(subject),
                        by: vec![(index, intent)],
                        report: IntentReport::default(),
                    }),
                }
            }
        }
        list.sort_by_key(|declared| declared.span.start);
        Self { list }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Asks about each; `next` is told how many are done and which is next.
    pub fn judge(&mut self, options: &CheckOptions, next: &mut dyn FnMut(usize, &str)) {
        let begun = Instant::now();
        for (done, declared) in self.list.iter_mut().enumerate() {
            next(done, &declared.name);
            for called in &mut declared.called {
                let stopped = options.stop.load(Ordering::Relaxed);
                called.report = if !stopped && begun.elapsed() < options.time {
                    check_intent(&called.subject, &options.limits, &options.cache)
                } else {
                    IntentReport::undecided("the time for this program is over")
                };
            }
        }
    }

    fn of_batch(&self, batch: usize) -> impl Iterator<Item = &Called> {
        let called = self.list.iter().flat_map(|declared| &declared.called);
        called.filter(move |one| one.by.iter().any(|(index, _)| *index == batch))
    }

    /// Whether an intent of a batch never goes through, so that the batch does not either.
    pub fn dead(&self, batch: usize) -> bool {
        let never = |called: &Called| {
            [Check::GuardCanHold, Check::CanCommit]
                .iter()
                .any(|check| matches!(called.report.verdict(*check), Some(Verdict::Refuted(_))))
        };
        self.of_batch(batch).any(never)
    }

    /// The assets that some intent of a batch does not provably conserve.
    pub fn leaks(&self, batch: usize) -> Vec<AssetId> {
        let mut leaks: Vec<AssetId> = Vec::new();
        for called in self.of_batch(batch) {
            for finding in &called.report.findings {
                if let (Check::Conserves(asset), false) = (finding.check, finding.verdict == Verdict::Proved)
                {
                    leaks.push(asset);
                }
            }
            // Nothing was asked about an intent of which it is not known whether it ever runs.
            if called.report.verdict(Check::CanCommit) != Some(&Verdict::Proved) {
                let batch = called.subject.batch();
                leaks.extend((0..batch.assets.len()).map(|n| AssetId(n as u16)));
            }
        }
        leaks.sort_unstable();
        leaks.dedup();
        leaks
    }

    /// Adds diagnostics and proofs. A leak is an error where some batch that calls the intent creates or destroys value,
    /// or none calls it.
    pub fn tell(&self, batches: &[Judged], sources: &SourceMap, report: &mut CheckReport) {
        for declared in &self.list {
            let mut told: Vec<Diagnostic> = Vec::new();
            for called in &declared.called {
                for finding in &called.report.findings {
                    let excuse = match finding.check {
                        Check::Conserves(asset) => called.excuse(asset, batches),
                        _ => None,
                    };
                    let undecided = matches!(finding.verdict, Verdict::Undecided { .. });
                    report.undecided |= undecided && finding.check.is_fatal() && excuse.is_none();
                    if let Some(mut told_of) = diagnostic(&called.subject, finding, sources) {
                        if let (Some(excuse), true) = (excuse, told_of.is_error()) {
                            told_of.severity = Severity::Warning;
                            told_of.help = Some(excuse.into());
                        }
                        told.push(told_of);
                    }
                }
            }
            let ways = declared.called.len();
            keep_one_of_each(&mut told, ways);
            report.diagnostics.extend(told);
            let reports: Vec<&IntentReport> = declared.called.iter().map(|one| &one.report).collect();
            if let Some(first) = declared.called.first() {
                let batch = first.subject.batch();
                report.proofs.push(of_intent(
                    &declared.name,
                    first.subject.intent().source,
                    batch,
                    &reports,
                ));
            }
        }
    }
}

impl Called {
    /// Why a leak of an asset is no error, when no batch that calls the intent creates or destroys value by it.
    fn excuse(&self, asset: AssetId, batches: &[Judged]) -> Option<&'static str> {
        let mut excuse = "the batches that call it make up for it; it cannot run alone";
        for (index, _) in &self.by {
            let report = batches.get(*index)?.report.as_ref();
            let verdict = report.and_then(|report| {
                let mut asked = report.conserves.iter();
                asked
                    .find(|(known, _)| *known == asset)
                    .map(|(_, verdict)| verdict)
            });
            match verdict {
                Some(BatchVerdict::Proved) => {}
                Some(BatchVerdict::Refuted) => return None,
                _ => {
                    excuse =
                        "whether the batches that call it make up for it is not known; it cannot run alone"
                }
            }
        }
        Some(excuse)
    }
}

/// What is found in several ways of calling an intent is said once, and that a condition is not needed only if that is
/// so in all of them.
fn keep_one_of_each(told: &mut Vec<Diagnostic>, ways: usize) {
    let at = |d: &Diagnostic| (d.code, d.labels.first().map(|label| label.span));
    let all: Vec<_> = told.iter().map(at).collect();
    let mut seen = Vec::new();
    told.retain(|diagnostic| {
        let place = at(diagnostic);
        let times = all.iter().filter(|one| **one == place).count();
        let needed = diagnostic.code == Code::AE1009 && times < ways;
        let first = !seen.contains(&place);
        seen.push(place);
        first && !needed
    });
}
