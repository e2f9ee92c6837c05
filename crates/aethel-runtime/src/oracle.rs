//! Oracle proofs: signed statements about the world, and the policy that says whose word is taken.
//!
//! What is signed (all lengths are 4 bytes, little endian, before the bytes they count):
//!
//! ```text
//! "aethel-oracle-v1"  len feed  len asset  len scale  len value  timestamp (8 bytes, little endian, two's complement)
//! ```
//!
//! `asset` is empty for a plain number, `USD` for an amount, `BTC/USD` for a price of BTC in USD; `scale` likewise is
//! empty, `2`, or `8/2`. `value` is a plain decimal in units without needless zeros (`65000.5`, never `65000.50`, `-0`
//! or `1e3`); `timestamp` counts seconds since 1970-01-01T00:00:00Z. An oracle that signs this for BTC at scale 8
//! cannot be quoted for an asset of another scale.

use crate::Refusal;
use aethel_ir::money::amount_from_units;
use aethel_ir::{Batch, Code, Diagnostic, Group, Intent, Rational, Type, Value, quote};
use aethel_ledger::{OracleFeed, Policy};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use std::collections::{HashMap, HashSet};

/// The domain of the signatures.
const DOMAIN: &[u8; 16] = b"aethel-oracle-v1";

/// One signed statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OracleProof {
    /// What it is about; by itself the name of the external parameter it is for.
    pub feed: String,
    /// A plain decimal in units.
    pub value: String,
    /// When it was so, in seconds since 1970-01-01T00:00:00Z.
    pub timestamp: i64,
    /// The key that signed, see [`key_id`].
    pub key_id: String,
    /// Ed25519.
    pub signature: [u8; 64],
}

/// The feeds of external parameters that are not called like their parameter, by intent and value parameter (indices
/// into `Batch::intents` and `Intent::values`).
pub type Feeds = HashMap<(u32, u16), String>;

/// Everything that decides about the external values of a batch.
#[derive(Clone, Copy, Debug)]
pub struct OracleCheck<'a> {
    /// The proofs that were given.
    pub proofs: &'a [OracleProof],
    /// Feeds with other names than their parameters.
    pub feeds: &'a Feeds,
    /// Whose word is taken.
    pub policy: &'a Policy,
    /// The one clock reading of the batch, in milliseconds since 1970-01-01T00:00:00Z.
    pub now_ms: i64,
}

/// The name of a public key: the first 16 hexadecimal digits of its BLAKE3 hash.
pub fn key_id(public_key: &[u8; 32]) -> String {
    blake3::hash(public_key)
        .to_hex()
        .as_str()
        .chars()
        .take(16)
        .collect()
}

/// The public key of a secret one (32 random bytes that the caller brings).
pub fn public_key(secret: &[u8; 32]) -> [u8; 32] {
    SigningKey::from_bytes(secret).verifying_key().to_bytes()
}

/// A value as it is signed: without needless zeros. `None` when the text is no plain decimal.
pub fn canonical_value(text: &str) -> Option<String> {
    let number = Rational::parse_decimal(text)?;
    if number.is_zero() {
        return Some("0".to_owned());
    }
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let digits = digits.replace('_', "");
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}"))
}

/// How an asset and its scale are written in the message for a type.
pub fn unit_texts(batch: &Batch, ty: Type) -> (String, String) {
    let asset = |id: aethel_ir::AssetId| batch.assets.get(usize::from(id.0));
    match ty {
        Type::Amount(id) => {
            asset(id).map_or_else(Default::default, |a| (a.name.to_string(), a.scale.to_string()))
        }
        Type::Price(base, quote) => match (asset(base), asset(quote)) {
            (Some(b), Some(q)) => (
                format!("{}/{}", b.name, q.name),
                format!("{}/{}", b.scale, q.scale),
            ),
            _ => Default::default(),
        },
        Type::Bool | Type::Number | Type::Integer | Type::Time => Default::default(),
    }
}

/// The bytes that are signed; see the module's documentation.
pub fn message(feed: &str, asset: &str, scale: &str, value: &str, timestamp: i64) -> Vec<u8> {
    let mut bytes = DOMAIN.to_vec();
    for part in [feed, asset, scale, value] {
        bytes.extend_from_slice(&(part.len() as u32).to_le_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes.extend_from_slice(&timestamp.to_le_bytes());
    bytes
}

/// Signs a statement. `asset` and `scale` are as in the message, see the module's documentation. `None` when the value
/// is no plain decimal.
pub fn sign(
    secret: &[u8; 32],
    feed: &str,
    asset: &str,
    scale: &str,
    value: &str,
    timestamp: i64,
) -> Option<OracleProof> {
    let value = canonical_value(value)?;
    let key = SigningKey::from_bytes(secret);
    let signature = key
        .sign(&message(feed, asset, scale, &value, timestamp))
        .to_bytes();
    Some(OracleProof {
        feed: feed.to_owned(),
        value,
        timestamp,
        key_id: key_id(&key.verifying_key().to_bytes()),
        signature,
    })
}

/// Verifies one proof against the ledger's policy: key, feed, signature, age, tolerance; in this order.
///
/// # Errors
/// AE0704 to AE0708.
pub fn verify(
    proof: &OracleProof,
    asset: &str,
    scale: &str,
    policy: &Policy,
    now_ms: i64,
) -> Result<(), Refusal> {
    let feed = quote(&proof.feed);
    let refuse = |code, message: String, help: &str| Err(Box::new(Diagnostic::new(code, message).help(help)));
    let key = policy.oracle_keys().get(&proof.key_id);
    let Some(key) = key.filter(|key| key_id(&key.public_key) == proof.key_id) else {
        let message = format!(
            "the ledger does not trust key `{}`, which signed `{feed}`",
            quote(&proof.key_id)
        );
        return refuse(
            Code::AE0704,
            message,
            "add the key with `aethel ledger policy`, if it is to be trusted",
        );
    };
    let Some(demands) = policy
        .oracle_feeds()
        .get(&proof.feed)
        .filter(|_| key.feeds.is_empty() || key.feeds.contains(&proof.feed))
    else {
        let message = format!(
            "the ledger does not let key `{}` speak about `{feed}`",
            quote(&proof.key_id)
        );
        return refuse(
            Code::AE0704,
            message,
            "allow the feed for the key with `aethel ledger policy`",
        );
    };
    let signed = message(&proof.feed, asset, scale, &proof.value, proof.timestamp);
    let canonical = canonical_value(&proof.value).is_some_and(|value| value == proof.value);
    let valid = VerifyingKey::from_bytes(&key.public_key)
        .and_then(|key| key.verify_strict(&signed, &Signature::from_bytes(&proof.signature)));
    if valid.is_err() || !canonical {
        let message = format!("the signature of `{feed}` does not fit its value, asset, scale and time");
        return refuse(
            Code::AE0705,
            message,
            "ask the oracle for a fresh proof and pass it on unchanged",
        );
    }
    let age = i128::from(now_ms) - i128::from(proof.timestamp) * 1000;
    if age > i128::from(demands.max_age_ms) {
        let message = format!(
            "the proof of `{feed}` is {} s old, the ledger takes at most {} s",
            age / 1000,
            demands.max_age_ms / 1000
        );
        return refuse(Code::AE0706, message, "ask the oracle for a fresh proof");
    }
    if -age > i128::from(demands.max_future_skew_ms) {
        let message = format!(
            "the proof of `{feed}` is {} s ahead of this machine's clock, the ledger takes at most {} s",
            -age / 1000,
            demands.max_future_skew_ms / 1000
        );
        return refuse(
            Code::AE0707,
            message,
            "set the clock of this machine or of the oracle",
        );
    }
    check_tolerance(proof, demands)
}

/// |value − reference| is at most the deviation times |reference|, where the ledger has a reference.
fn check_tolerance(proof: &OracleProof, demands: &OracleFeed) -> Result<(), Refusal> {
    let (Some(reference), Some(deviation)) = (&demands.reference, &demands.max_deviation) else {
        return Ok(());
    };
    let within = || {
        let (value, reference) = (
            Rational::parse_decimal(&proof.value)?,
            Rational::parse_decimal(reference)?,
        );
        let away = absolute(&value.sub(&reference).ok()?)?;
        let most = absolute(&reference)?
            .mul(&Rational::parse_decimal(deviation)?)
            .ok()?;
        Some(away <= most)
    };
    if within() == Some(true) {
        return Ok(());
    }
    let message = format!(
        "`{}` is {}, too far from the reference {reference}",
        quote(&proof.feed),
        proof.value
    );
    let help = format!(
        "the ledger takes a deviation of {deviation} times the reference; look at the market before you raise it"
    );
    Err(Box::new(Diagnostic::new(Code::AE0708, message).help(help)))
}

fn absolute(number: &Rational) -> Option<Rational> {
    if number.signum() < 0 {
        number.neg().ok()
    } else {
        Some(number.clone())
    }
}

/// Verifies every proof that was given, and that every external value of the batch is the one that a proof states.
/// Gives how many proofs that were. Called once before the batch runs, and again by stage ⑤.
///
/// The proof for an external parameter has the feed of [`OracleCheck::feeds`], else one of the parameter's name;
/// external truth values (`p_verified`, `p_fresh`) come with it and must be true. A proof that no parameter asks for
/// (transaction lists carry such) is one of a plain number.
///
/// # Errors
/// AE0703 to AE0708, with a label at the parameter.
pub fn verify_batch(batch: &Batch, check: &OracleCheck<'_>) -> Result<usize, Refusal> {
    let mut verified: HashMap<(&str, Type), Rational> = HashMap::new();
    for group in &batch.groups {
        let Some(intent) = batch.intents.get(group.intent as usize) else {
            continue;
        };
        for (index, parameter) in intent.values.iter().enumerate().filter(|(_, p)| p.external) {
            if parameter.ty == Type::Bool {
                all_true(intent, group, index)?;
                continue;
            }
            let bound = check.feeds.get(&(group.intent, index as u16));
            let feed = bound.map_or(&*parameter.name, String::as_str);
            let known = verified.get(&(feed, parameter.ty)).cloned();
            let value = match known {
                Some(value) => value,
                None => {
                    let value = verified_value(batch, intent, index, feed, check)?;
                    verified.insert((feed, parameter.ty), value.clone());
                    value
                }
            };
            let value = Value::Number(value);
            if (0..group.rows).any(|row| group.values[index].get(row).as_ref() != Some(&value)) {
                let message = format!(
                    "the value of `{}` is not the one that its proof states",
                    parameter.name
                );
                return Err(at_parameter(
                    Diagnostic::new(Code::AE0703, message),
                    intent,
                    index,
                ));
            }
        }
    }
    let asked: HashSet<&str> = verified.keys().map(|(feed, _)| *feed).collect();
    let others = check
        .proofs
        .iter()
        .filter(|proof| !asked.contains(proof.feed.as_str()));
    let mut count = verified.len();
    for proof in others {
        verify(proof, "", "", check.policy, check.now_ms)?;
        count += 1;
    }
    Ok(count)
}

/// The value of an external parameter in the unit of the batch, from a proof that holds.
fn verified_value(
    batch: &Batch,
    intent: &Intent,
    index: usize,
    feed: &str,
    check: &OracleCheck<'_>,
) -> Result<Rational, Refusal> {
    let parameter = &intent.values[index];
    let Some(proof) = check.proofs.iter().find(|proof| proof.feed == feed) else {
        let diagnostic = Diagnostic::new(Code::AE0703, format!("there is no proof for `{}`", quote(feed)))
            .help(
                "an `external` value comes only from an oracle; put its proof under `oracles` in the inputs",
            );
        return Err(at_parameter(diagnostic, intent, index));
    };
    let (asset, scale) = unit_texts(batch, parameter.ty);
    verify(proof, &asset, &scale, check.policy, check.now_ms).map_err(|d| at_parameter(*d, intent, index))?;
    proof_value(batch, parameter.ty, &proof.value).ok_or_else(|| {
        let message = format!("`{}` cannot be `{}`", parameter.name, quote(&proof.value));
        at_parameter(Diagnostic::new(Code::AE0703, message), intent, index)
    })
}

/// A proof's value in the unit that a batch counts in; `None` when it is no value of the type.
pub fn proof_value(batch: &Batch, ty: Type, text: &str) -> Option<Rational> {
    let units = Rational::parse_decimal(text)?;
    let scale = |id: aethel_ir::AssetId| batch.assets.get(usize::from(id.0)).map(|a| a.scale);
    match ty {
        Type::Amount(id) => amount_from_units(&units, scale(id)?).ok().map(Rational::Int),
        Type::Price(base, quote) => {
            let shift = i32::from(scale(quote)?) - i32::from(scale(base)?);
            units.mul(&Rational::power_of_ten(shift)).ok()
        }
        Type::Integer | Type::Time => units.to_i128().map(Rational::Int),
        Type::Number => Some(units),
        Type::Bool => None,
    }
}

fn all_true(intent: &Intent, group: &Group, index: usize) -> Result<(), Refusal> {
    if (0..group.rows).all(|row| group.values[index].get(row) == Some(Value::Bool(true))) {
        return Ok(());
    }
    let name = &intent.values[index].name;
    let diagnostic = Diagnostic::new(Code::AE0703, format!("`{name}` is false: its value has no proof"));
    Err(at_parameter(diagnostic, intent, index))
}

fn at_parameter(diagnostic: Diagnostic, intent: &Intent, index: usize) -> Refusal {
    let span = intent.values[index].span;
    Box::new(diagnostic.label(intent.source, span, "supplied by an oracle"))
}
