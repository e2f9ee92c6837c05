//! `aethel check`: reads, types and meaning, then what is proved of every intent and batch for all states and inputs.
//!
//! Takes a [`Program`]; gives a [`CheckReport`]: diagnostics in the order of the file, and one [`Proof`] per intent and
//! batch. Nothing is proved of a program with errors: what it would mean is not known then.

mod batches;
mod gate;
mod intents;
mod proof;

pub(crate) use gate::before_run;

pub use aethel_proof::LemmaCache;
pub use aethel_proof::check::CheckLimits;

use self::intents::Intents;
use crate::fix;
use crate::lemmas::cache_directory;
use crate::program::{Program, intents, sort};
use aethel_ir::{Code, Diagnostic, Proof, Severity, SourceMap, Span};
use aethel_lower::{ForCheck, MAX_SHOWN};
use aethel_runtime::DependencyAnalyzer;
use aethel_syntax::ast;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How to check.
#[derive(Clone, Debug)]
pub struct CheckOptions {
    /// Further directories whose files programs may name.
    pub allow_path: Vec<PathBuf>,
    /// What may be spent on each intent and batch.
    pub limits: CheckLimits,
    /// What may be spent on all intents of a program; those that are left are undecided.
    pub time: Duration,
    /// What was proved before.
    pub cache: Arc<LemmaCache>,
    /// Set by another thread to end the check before the next intent or batch; what it reports then means nothing.
    pub stop: Arc<AtomicBool>,
}

impl Default for CheckOptions {
    fn default() -> Self {
        Self {
            allow_path: Vec::new(),
            limits: CheckLimits::default(),
            time: Duration::from_secs(300),
            cache: Arc::new(LemmaCache::in_memory()),
            stop: Arc::default(),
        }
    }
}

/// What a check found.
#[derive(Clone, Debug, Default)]
pub struct CheckReport {
    /// All problems, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
    /// What was proved, intents first.
    pub proofs: Vec<Proof>,
    /// Something that would be an error could not be decided. This is no success.
    pub undecided: bool,
}

/// How far a check is: so many of so many intents and batches, and which is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// How many are done.
    pub done: usize,
    /// Of how many.
    pub of: usize,
    /// The one that is judged now.
    pub name: &'a str,
}

/// What was proved before, in the user's cache directory where there is one.
pub fn user_cache() -> LemmaCache {
    cache_directory().map_or_else(LemmaCache::in_memory, |path| LemmaCache::at(&path))
}

impl Program {
    /// Judges the program: syntax, names, types, meaning, and proofs for all states and inputs.
    pub fn check(&self, sources: &mut SourceMap, options: &CheckOptions) -> CheckReport {
        self.check_with(sources, options, &mut |_| {})
    }

    /// The same, and says before each intent and batch how far it is.
    pub fn check_with(
        &self,
        sources: &mut SourceMap,
        options: &CheckOptions,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> CheckReport {
        let mut report = CheckReport {
            diagnostics: self.diagnostics.clone(),
            ..CheckReport::default()
        };
        let ForCheck {
            batches: lowered,
            alone,
        } = self.lower_for_check(sources, &options.allow_path, &mut report.diagnostics);
        let mut orders = Vec::with_capacity(lowered.len());
        for batch in &lowered {
            match DependencyAnalyzer.analyze(&batch.batch) {
                Ok(graph) => orders.push(graph.order),
                Err(cycle) => report.diagnostics.push(*cycle),
            }
        }
        if !report.diagnostics.iter().any(Diagnostic::is_error) {
            let mut intents = Intents::collect(&lowered, &alone);
            let of = intents.len() + lowered.len();
            intents.judge(options, &mut |done, name| progress(Progress { done, of, name }));
            let mut batches = Vec::with_capacity(lowered.len());
            for (index, (batch, order)) in lowered.iter().zip(&orders).enumerate() {
                if options.stop.load(Ordering::Relaxed) {
                    return report;
                }
                let (done, name) = (intents.len() + index, &*batch.batch.name);
                progress(Progress { done, of, name });
                batches.push(batches::judge(batch, order, index, &intents, options));
            }
            let mut found = CheckReport::default();
            intents.tell(&batches, sources, &mut found);
            for (batch, judged) in lowered.iter().zip(&batches) {
                batches::tell(batch, judged, &mut found);
            }
            report.diagnostics.extend(at_most(MAX_SHOWN, found.diagnostics));
            report.proofs = found.proofs;
            report.undecided = found.undecided;
        }
        tidy(&mut report.diagnostics, &self.tree);
        fix::offer(self, sources, &mut report.diagnostics);
        sort(&mut report.diagnostics);
        report
    }
}

/// The worst of them, and a last line when there are more.
fn at_most(count: usize, mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    if diagnostics.len() <= count {
        return diagnostics;
    }
    let all = diagnostics.len();
    diagnostics.sort_by_key(|d| std::cmp::Reverse(d.severity));
    diagnostics.truncate(count);
    if let Some(last) = diagnostics.last() {
        let message = format!("only {count} of {all} findings are shown");
        let mut more = Diagnostic::new(last.code, message).help("mend these first, then check again");
        more.severity = Severity::Note;
        diagnostics.push(more);
    }
    diagnostics
}

/// Where guards say `name >= 0`.
fn signs(tree: &ast::Program) -> HashSet<Span> {
    use ast::{BinaryOp, ExprKind, Statement};
    let lines = intents(tree).flat_map(|intent| &intent.guard);
    let conditions = lines.filter_map(|line| match line {
        Statement::Condition(expr) => Some(expr),
        _ => None,
    });
    let sign = |expr: &&ast::Expr| match &expr.kind {
        ExprKind::Binary(BinaryOp::GreaterEqual, _, name, zero) => {
            matches!(name.kind, ExprKind::Name(_)) && matches!(&zero.kind, ExprKind::Number(n) if n == "0")
        }
        _ => false,
    };
    conditions.filter(sign).map(|expr| expr.span).collect()
}

/// Leaves out what a proof says better, and that a guard need not keep an amount from being negative: without the
/// condition people would be reminded of it.
pub(crate) fn tidy(diagnostics: &mut Vec<Diagnostic>, tree: &ast::Program) {
    let signs = signs(tree);
    let at = |d: &Diagnostic| d.labels.first().map(|label| (label.source, label.span));
    let always: Vec<_> = (diagnostics.iter().filter(|d| d.code == Code::AE0310))
        .map(at)
        .collect();
    let overdrafts: Vec<_> = (diagnostics.iter().filter(|d| d.code == Code::AE1004))
        .map(|d| d.help.clone())
        .collect();
    diagnostics.retain(|d| match d.code {
        Code::AE1009 => {
            let plain = at(d).is_some_and(|(_, span)| signs.contains(&span));
            !always.contains(&at(d)) && !plain
        }
        Code::AE0311 => !overdrafts.contains(&d.help),
        _ => true,
    });
}
