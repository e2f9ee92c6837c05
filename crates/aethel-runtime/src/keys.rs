//! What makes a batch the same batch again, and what it is told then.

use crate::Refusal;
use crate::request::BatchRequest;
use crate::result::BatchResult;
use aethel_ir::time::utc_date;
use aethel_ir::{Code, Diagnostic};
use aethel_ledger::{BatchKey, BatchSummary, Digest};

/// The given key, else the content; a batch with external values needs one, since its content does not hold them.
pub(crate) fn key_of(request: &BatchRequest<'_>, content: Digest) -> Result<BatchKey, Refusal> {
    match &request.key {
        Some(key) => Ok(key.clone()),
        None if request
            .batch
            .intents
            .iter()
            .any(|intent| intent.values.iter().any(|value| value.external)) =>
        {
            let message = format!(
                "the batch `{}` uses external values, so it needs a key",
                request.batch.name
            );
            let help = "give it one that says which run it is, such as `--key 2026-03`";
            let mut diagnostic = Diagnostic::new(Code::AE0313, message).help(help);
            for intent in &request.batch.intents {
                if let Some(external) = intent.values.iter().find(|value| value.external) {
                    diagnostic = diagnostic.label(intent.source, external.span, "supplied by an oracle");
                    break;
                }
            }
            Err(Box::new(diagnostic))
        }
        None => Ok(BatchKey::Content(content)),
    }
}

/// The key is known to the ledger.
pub(crate) fn repeated(
    result: &mut BatchResult,
    known: &BatchSummary,
    content: Digest,
) -> Result<(), Refusal> {
    let (date, receipt) = (utc_date(known.time_ms), known.receipt.short());
    if known.content != content {
        let message = format!("the key was used on {date} for another content, see receipt {receipt}");
        let help = "give this batch a key of its own, or run exactly what was committed";
        return Err(Box::new(Diagnostic::new(Code::AE0806, message).help(help)));
    }
    result.success = true;
    result.already_committed = true;
    result.forget_changes();
    result.receipt = Some(known.receipt.to_string());
    result.sequence = Some(known.sequence);
    result.headline = Some(format!("nothing paid: already committed on {date} as {receipt}"));
    Ok(())
}
