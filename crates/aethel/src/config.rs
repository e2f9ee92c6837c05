//! `aethel.toml`: where the ledger is, how runs go, which oracles are trusted.
//!
//! `[run]` is taken from the file found walking up from the current directory. Trust in oracle keys is taken only from
//! the file beside the ledger or the one named with `--config`, so that a program cannot bring its own.

use crate::files;
use crate::ledger::LedgerName;
use aethel_ir::{Code, Diagnostic, SourceMap, Span};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The file's name.
pub const FILE_NAME: &str = "aethel.toml";

/// The largest configuration that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// A configuration file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How runs go.
    #[serde(default)]
    pub run: RunSection,
    /// Which oracles are trusted.
    #[serde(default)]
    pub oracle: OracleSection,
}

/// `[run]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunSection {
    /// The ledger: a file, relative to the configuration file, or the URL of a server.
    pub ledger: Option<LedgerName>,
    /// Worker threads.
    pub threads: Option<usize>,
    /// The limit for a batch, such as `300s`.
    pub timeout: Option<HumanDuration>,
}

/// `[oracle]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OracleSection {
    /// Trusted keys.
    #[serde(default)]
    pub keys: Vec<OracleKey>,
    /// Limits by feed.
    #[serde(default)]
    pub feeds: BTreeMap<String, OracleFeed>,
}

/// `[[oracle.keys]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OracleKey {
    /// The public key, 64 hexadecimal digits.
    pub public: String,
    /// The feeds it may sign; empty means all.
    #[serde(default)]
    pub feeds: Vec<String>,
}

/// `[oracle.feeds.NAME]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OracleFeed {
    /// How old a value may be.
    pub max_age: HumanDuration,
    /// How far in the future its time may lie, for clocks that differ.
    pub max_future_skew: Option<HumanDuration>,
    /// A value that this one is compared with.
    pub reference: Option<String>,
    /// How far it may be from the reference, as a fraction such as `0.05`.
    pub max_deviation: Option<String>,
}

/// A duration as people write it: `250ms`, `60s`, `5m`, `1h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HumanDuration(pub Duration);

impl std::str::FromStr for HumanDuration {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{}` is not a duration; write 250ms, 60s, 5m or 1h",
                aethel_ir::quote(text)
            )
        };
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let number: u64 = text[..digits].parse().map_err(|_| wrong())?;
        let milliseconds = match &text[digits..] {
            "ms" => 1,
            "s" | "" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(wrong()),
        };
        number
            .checked_mul(milliseconds)
            .map(|ms| Self(Duration::from_millis(ms)))
            .ok_or_else(wrong)
    }
}

impl<'de> Deserialize<'de> for HumanDuration {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Config {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// AE0901 when it cannot be read, AE0910 with the place when it is wrong.
    pub fn open(path: &Path, sources: &mut SourceMap) -> Result<Config, Diagnostic> {
        let (source, text) = files::read_text(path, MAX_BYTES, sources)?;
        toml::from_str(&text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            Diagnostic::new(
                Code::AE0910,
                format!("the configuration is wrong: {}", error.message()),
            )
            .label(source, Span::new(span.start, span.end), "here")
            .help("the sections are [run], [[oracle.keys]] and [oracle.feeds.NAME]")
        })
    }

    /// Finds and reads the configuration for `[run]`, walking up from `directory`; the second part is its directory.
    ///
    /// # Errors
    /// As [`Config::open`].
    pub fn find(directory: &Path, sources: &mut SourceMap) -> Result<Option<(Config, PathBuf)>, Diagnostic> {
        let mut current = Some(directory);
        while let Some(directory) = current {
            let path = directory.join(FILE_NAME);
            if path.is_file() {
                return Ok(Some((Self::open(&path, sources)?, directory.to_owned())));
            }
            current = directory.parent();
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let parse = |text: &str| text.parse::<HumanDuration>().map(|d| d.0.as_millis());
        assert_eq!(parse("250ms"), Ok(250));
        assert_eq!(parse("5m"), Ok(300_000));
        assert_eq!(parse("30"), Ok(30_000));
        for bad in ["", "s", "5 m", "-1s", "1.5h", "99999999999999999999h"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
