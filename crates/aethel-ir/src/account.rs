//! Account names: what is allowed, and why not.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use unicode_normalization::is_nfc;

/// The longest account name, in bytes of UTF-8.
pub const MAX_ACCOUNT_BYTES: usize = 128;

/// The unbounded account that opening balances come from.
pub const OPENING_ACCOUNT: &str = "equity:opening";

/// A valid account name: 1 to 128 bytes of UTF-8 in NFC, no control or format characters, no space at either end.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct AccountName(Arc<str>);

/// Why a text cannot be an account name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountNameError {
    /// No characters at all.
    Empty,
    /// More than [`MAX_ACCOUNT_BYTES`] bytes.
    TooLong(usize),
    /// Not in Unicode normalisation form C.
    NotNfc,
    /// A control or format character, which would be invisible or worse.
    Hidden(char),
    /// White space at an end.
    Padded,
}

impl fmt::Display for AccountNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "an account name needs at least one character"),
            Self::TooLong(n) => write!(
                f,
                "an account name has at most {MAX_ACCOUNT_BYTES} bytes, this has {n}"
            ),
            Self::NotNfc => write!(f, "an account name must be in Unicode form NFC"),
            Self::Hidden(c) => write!(
                f,
                "an account name must not contain the hidden character {}",
                c.escape_unicode()
            ),
            Self::Padded => write!(f, "an account name must not begin or end with a space"),
        }
    }
}

impl std::error::Error for AccountNameError {}

impl AccountName {
    /// Checks a text and makes it a name.
    ///
    /// # Errors
    /// Says which rule the text breaks.
    pub fn new(text: &str) -> Result<Self, AccountNameError> {
        Self::check(text)?;
        Ok(Self(text.into()))
    }

    /// Checks whether a text could be a name.
    ///
    /// # Errors
    /// Says which rule the text breaks.
    pub fn check(text: &str) -> Result<(), AccountNameError> {
        if text.is_empty() {
            return Err(AccountNameError::Empty);
        }
        if text.len() > MAX_ACCOUNT_BYTES {
            return Err(AccountNameError::TooLong(text.len()));
        }
        if is_plain(text) {
            return Ok(());
        }
        check_characters(text)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The rules beyond length.
fn check_characters(text: &str) -> Result<(), AccountNameError> {
    if let Some(hidden) = text.chars().find(|c| c.is_control() || is_format_character(*c)) {
        return Err(AccountNameError::Hidden(hidden));
    }
    if text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace) {
        return Err(AccountNameError::Padded);
    }
    if !text.is_ascii() && !is_nfc(text) {
        return Err(AccountNameError::NotNfc);
    }
    Ok(())
}

/// Whether a text has visible ASCII characters only, as nearly all names do: nothing can be wrong with those.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

impl<'de> Deserialize<'de> for AccountName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for AccountName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for AccountName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// Whether a character is in Unicode category Cf, Zl or Zp: invisible, or it changes the order of what is shown.
pub fn is_format_character(c: char) -> bool {
    matches!(u32::from(c),
        0x00AD | 0x0600..=0x0605 | 0x061C | 0x06DD | 0x070F | 0x0890..=0x0891 | 0x08E2 | 0x180E
        | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0xFEFF | 0xFFF9..=0xFFFB
        | 0x110BD | 0x110CD | 0x13430..=0x1343F | 0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A
        | 0xE0001 | 0xE0020..=0xE007F)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nothing_is_wrong_with_plain_names(text in "[ -~]{1,6}|[!-~]{1,20}|\\PC{1,4}|[\\x00-\\x7f]{1,3}") {
            prop_assert_eq!(AccountName::check(&text), check_characters(&text));
            prop_assert_eq!(AccountName::new(&text).map(|name| name.as_str() == text), check_characters(&text).map(|()| true));
        }
    }

    #[test]
    fn rules() {
        assert!(AccountName::new("acct:main 2").is_ok());
        assert!(AccountName::new("Zoë").is_ok());
        assert_eq!(AccountName::new(""), Err(AccountNameError::Empty));
        assert_eq!(AccountName::new(" a"), Err(AccountNameError::Padded));
        assert_eq!(
            AccountName::new("a\u{202e}b"),
            Err(AccountNameError::Hidden('\u{202e}'))
        );
        assert_eq!(AccountName::new("Zoe\u{308}"), Err(AccountNameError::NotNfc));
        assert_eq!(
            AccountName::new(&"x".repeat(129)),
            Err(AccountNameError::TooLong(129))
        );
    }
}
