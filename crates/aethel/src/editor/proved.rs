//! What a check in the background found, while the text goes on changing.

use super::Analysis;
use crate::check::{CheckReport, tidy};
use crate::program::sort;
use aethel_ir::{Diagnostic, Proof, ProofKind, SourceId, SourceMap, Span};
use aethel_syntax::ast::{BatchItem, Item};
use std::sync::Arc;

/// The result of a check, with the text that was checked.
#[derive(Clone, Debug)]
pub struct Proved {
    /// The text.
    pub text: Arc<str>,
    /// The program among the sources.
    pub source: SourceId,
    /// The program and the files it read.
    pub sources: SourceMap,
    /// What was found.
    pub report: CheckReport,
    /// What only the check finds: by the solver, or far down in a file of rows.
    more: Vec<Diagnostic>,
    /// Where each intent and batch stands, with its proof.
    proofs: Vec<(Span, Proof)>,
}

/// Where two texts differ: the bytes of the old one, and how long the new part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Change {
    start: usize,
    old_end: usize,
    new_end: usize,
}

impl Proved {
    /// Keeps the result of a check of this program; `quick` is what can be said of it without the solver.
    pub fn new(
        program: &crate::Program,
        text: Arc<str>,
        sources: SourceMap,
        report: CheckReport,
        quick: &[Diagnostic],
    ) -> Self {
        let more = report.diagnostics.iter().filter(|d| !quick.contains(d));
        let more = more.cloned().collect();
        let mut open = report.proofs.clone().into_iter().peekable();
        let mut proofs = Vec::new();
        let (mut intents, mut batches) = (Vec::new(), Vec::new());
        for item in &program.tree.items {
            match item {
                Item::Intent(intent) => intents.push((&intent.name.text, intent.span)),
                Item::Batch(batch) => {
                    batches.push((&batch.name.text, batch.span));
                    for item in &batch.items {
                        if let BatchItem::Intent(own) = item {
                            intents.push((&own.name.text, own.span));
                        }
                    }
                }
                _ => {}
            }
        }
        // Proofs come in the order of the file, those of intents first.
        let intents = intents
            .into_iter()
            .map(|(name, span)| (ProofKind::Intent, name, span));
        let batches = batches
            .into_iter()
            .map(|(name, span)| (ProofKind::Batch, name, span));
        for (kind, name, span) in intents.chain(batches) {
            if let Some(proof) = open.next_if(|proof| proof.kind == kind && proof.name == *name) {
                proofs.push((span, proof));
            }
        }
        Self {
            text,
            source: program.source,
            sources,
            report,
            more,
            proofs,
        }
    }

    /// The proof of the intent or batch that stands here now, unless it has changed since.
    pub fn proof_of(&self, now: &Analysis, span: Span) -> Option<&Proof> {
        let change = Change::between(&self.text, &now.text);
        let same = |(old, _): &&(Span, Proof)| change.moved(*old) == Some(span);
        self.proofs.iter().find(same).map(|(_, proof)| proof)
    }

    /// All problems to show for a text: what is wrong with it now, and what was found in the parts of it that have not
    /// changed since the check. Labels point into the sources of `now` or, for text that has not changed, into ours.
    pub fn diagnostics(&self, now: &Analysis) -> Vec<Diagnostic> {
        let change = Change::between(&self.text, &now.text);
        if change.is_none() {
            return self.report.diagnostics.clone();
        }
        let touched = now
            .tree
            .items
            .iter()
            .map(item_span)
            .filter(|span| change.touches(*span));
        let touched: Vec<Span> = touched.collect();
        let mut all = now.diagnostics.clone();
        let same_file = |id| match (self.sources.get(id), now.sources.get(id)) {
            (Some(old), Some(new)) => old.name == new.name,
            _ => false,
        };
        for diagnostic in &self.more {
            let mut moved = diagnostic.clone();
            let mut whole = true;
            for label in &mut moved.labels {
                let span = match label.source == self.source {
                    true => change.moved(label.span),
                    false => same_file(label.source).then_some(label.span),
                };
                whole &= span.is_some();
                label.span = span.unwrap_or_default();
            }
            let inside = |at: Span| {
                touched
                    .iter()
                    .any(|span| span.start <= at.start && at.end <= span.end)
            };
            let labels = moved.labels.iter().filter(|label| label.source == self.source);
            let inside = labels.map(|label| label.span).any(inside);
            if whole && !inside && !moved.labels.is_empty() {
                // What they would mend may be mended already.
                moved.fixes.clear();
                all.push(moved);
            }
        }
        tidy(&mut all, &now.tree);
        sort(&mut all);
        all
    }
}

fn item_span(item: &Item) -> Span {
    match item {
        Item::Asset(one) => one.span,
        Item::Account(one) => one.span,
        Item::Field(one) => one.span,
        Item::Const(one) => one.span,
        Item::Intent(one) => one.span,
        Item::Batch(one) => one.span,
    }
}

impl Change {
    fn between(old: &str, new: &str) -> Self {
        let (a, b) = (old.as_bytes(), new.as_bytes());
        let start = a.iter().zip(b).take_while(|(x, y)| x == y).count();
        let most = a.len().min(b.len()) - start;
        let same = a
            .iter()
            .rev()
            .zip(b.iter().rev())
            .take(most)
            .take_while(|(x, y)| x == y);
        let same = same.count();
        Self {
            start,
            old_end: a.len() - same,
            new_end: b.len() - same,
        }
    }

    fn is_none(self) -> bool {
        self.start == self.old_end && self.start == self.new_end
    }

    /// Whether a part of the new text has changed.
    fn touches(self, span: Span) -> bool {
        (span.start as usize) < self.new_end && self.start < span.end as usize
    }

    /// Where a part of the old text is now, if nothing of it has changed.
    fn moved(self, span: Span) -> Option<Span> {
        if span.end as usize <= self.start {
            return Some(span);
        }
        let start = (span.start as usize).checked_sub(self.old_end)?;
        let end = (span.end as usize).checked_sub(self.old_end)?;
        Some(Span::new(self.new_end + start, self.new_end + end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_not_changed_is_found_again() {
        let change = Change::between("aa bb cc", "aa bxb cc");
        assert_eq!((change.start, change.old_end, change.new_end), (4, 4, 5));
        assert_eq!(change.moved(Span::new(0, 2)), Some(Span::new(0, 2)));
        assert_eq!(change.moved(Span::new(3, 5)), None);
        assert_eq!(change.moved(Span::new(6, 8)), Some(Span::new(7, 9)));
        let none = Change::between("same", "same");
        assert!(none.is_none());
        assert_eq!(none.moved(Span::new(0, 4)), Some(Span::new(0, 4)));
    }
}
