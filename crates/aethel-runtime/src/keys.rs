//! What makes a batch the same batch again, and what it is told then.

use crate::Refusal;
use crate::request::BatchRequest;
use crate::result::BatchResult;
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
            Err(Box::new(Diagnostic::new(Code::AE0313, message).help(help)))
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
    let (date, receipt) = (date(known.time_ms), known.receipt.short());
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

/// The day, in UTC, as `2026-03-31`.
fn date(time_ms: u64) -> String {
    // Days since 0000-03-01 of the proleptic Gregorian calendar, in eras of 400 years.
    let days = time_ms / 86_400_000 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (month, day) = (
        if month < 10 { month + 3 } else { month - 9 },
        day - (153 * month + 2) / 5 + 1,
    );
    let year = year + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn dates() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(951_782_400_000), "2000-02-29");
        assert_eq!(date(1_774_915_200_000), "2026-03-31");
        assert_eq!(date(1_767_225_599_999), "2025-12-31");
    }
}
