//! Money: whole minor units of an asset, and its text forms.

use crate::rational::Rational;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// The largest magnitude, in minor units, of an amount, a balance or the supply of an asset: 2^120.
pub const MAX_MINOR_UNITS: i128 = 1 << 120;

/// The most decimal places an asset may have.
pub const MAX_SCALE: u8 = 18;

/// The asset of a program that declares none, and its scale.
pub const DEFAULT_ASSET: (&str, u8) = ("unit", 9);

/// A kind of value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Asset {
    /// Its name, an identifier.
    pub name: Arc<str>,
    /// Decimal places: 1 unit is 10^scale minor units.
    pub scale: u8,
}

/// The index of an asset in [`crate::Batch::assets`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AssetId(pub u16);

/// Why a text or number is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AmountError {
    /// Not a plain decimal number.
    NotANumber,
    /// More decimal places than the asset has.
    TooPrecise(u8),
    /// Beyond [`MAX_MINOR_UNITS`].
    TooLarge,
}

impl fmt::Display for AmountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotANumber => write!(f, "not a plain decimal number such as `1234.50`"),
            Self::TooPrecise(scale) => write!(f, "more than {scale} decimal places"),
            Self::TooLarge => write!(f, "larger than 2^120 minor units"),
        }
    }
}

impl std::error::Error for AmountError {}

/// Reads a decimal in units of an asset as minor units, exactly.
///
/// # Errors
/// When the text is no number, has more places than `scale`, or is beyond the range.
pub fn parse_amount(text: &str, scale: u8) -> Result<i128, AmountError> {
    match plain_amount(text, scale) {
        Some(minor) => Ok(minor),
        None => parse_any_amount(text, scale),
    }
}

/// The everyday form, `-1234.50` with at most 18 digits and no more places than the asset has; `None` leaves everything
/// else, right or wrong, to the exact numbers.
fn plain_amount(text: &str, scale: u8) -> Option<i128> {
    const DIGITS: usize = 18;
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let digits = unsigned.as_bytes();
    let whole = digits
        .iter()
        .position(|byte| *byte == b'.')
        .unwrap_or(digits.len());
    let places = digits.len().saturating_sub(whole + 1);
    let missing = usize::from(scale).checked_sub(places)?;
    let empty = whole == 0 || (whole < digits.len() && places == 0);
    if empty || whole + usize::from(scale) > DIGITS {
        return None;
    }
    let mut minor = 0_u64;
    for (index, byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => minor = minor * 10 + u64::from(byte - b'0'),
            b'.' if index == whole => {}
            _ => return None,
        }
    }
    minor *= 10_u64.checked_pow(u32::try_from(missing).ok()?)?;
    Some(if negative {
        -i128::from(minor)
    } else {
        i128::from(minor)
    })
}

fn parse_any_amount(text: &str, scale: u8) -> Result<i128, AmountError> {
    let units = Rational::parse_decimal(text).ok_or(AmountError::NotANumber)?;
    amount_from_units(&units, scale)
}

/// Turns an exact number of units into minor units.
///
/// # Errors
/// When it is not a whole number of minor units, or beyond the range.
pub fn amount_from_units(units: &Rational, scale: u8) -> Result<i128, AmountError> {
    let minor = units
        .mul(&Rational::power_of_ten(scale.into()))
        .map_err(|_| AmountError::TooLarge)?;
    if !minor.is_integer() {
        return Err(AmountError::TooPrecise(scale));
    }
    minor
        .to_i128()
        .filter(|n| in_range(*n))
        .ok_or(AmountError::TooLarge)
}

/// Whether |minor units| is at most [`MAX_MINOR_UNITS`].
pub fn in_range(minor: i128) -> bool {
    (-MAX_MINOR_UNITS..=MAX_MINOR_UNITS).contains(&minor)
}

/// A plain decimal text, all places shown: `-1234.50`.
pub fn format_amount(minor: i128, scale: u8) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    let digits = minor.unsigned_abs().to_string();
    if scale == 0 {
        return format!("{sign}{digits}");
    }
    let scale = usize::from(scale);
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    format!("{sign}{whole}.{fraction}")
}

/// For people: digits in groups of three, `1 234.50`; with more than eight places, zeros beyond the second are left out.
pub fn format_grouped(minor: i128, scale: u8) -> String {
    let plain = format_amount(minor, scale);
    let (number, fraction) = match plain.split_once('.') {
        Some((whole, fraction)) => (whole.to_owned(), trim_places(fraction)),
        None => (plain, String::new()),
    };
    let (sign, whole) = number
        .strip_prefix('-')
        .map_or(("", number.as_str()), |rest| ("-", rest));
    format!("{sign}{}{fraction}", group_digits(whole))
}

/// Cuts zeros behind the second decimal place where there are more places than anybody wants to read.
fn trim_places(fraction: &str) -> String {
    let keep = match fraction.len() {
        0..=8 => fraction.len(),
        _ => fraction.trim_end_matches('0').len().max(2),
    };
    format!(".{}", &fraction[..keep])
}

/// `1234567` as `1 234 567`.
pub fn group_digits(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(c);
    }
    out
}

/// `1 transaction`, `1 000 transactions`.
pub fn counted(number: usize, one: &str, more: &str) -> String {
    let word = if number == 1 { one } else { more };
    format!("{} {word}", group_digits(&number.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts() {
        assert_eq!(parse_amount("1000", 2), Ok(100_000));
        assert_eq!(parse_amount("0.05", 2), Ok(5));
        assert_eq!(parse_amount("0.005", 2), Err(AmountError::TooPrecise(2)));
        assert_eq!(parse_amount("1e3", 2), Err(AmountError::NotANumber));
        assert_eq!(
            parse_amount("9999999999999999999999999999999999999999", 2),
            Err(AmountError::TooLarge)
        );
        assert_eq!(format_amount(-5, 2), "-0.05");
        assert_eq!(format_grouped(1_000_000_000, 2), "10 000 000.00");
        assert_eq!(format_grouped(1_000_000_000, 9), "1.00");
        assert_eq!(format_grouped(1_500_000, 9), "0.0015");
        assert_eq!(format_grouped(-1234, 0), "-1 234");
    }

    proptest! {
        #[test]
        fn p30_text_amount_text_is_exact(minor in -MAX_MINOR_UNITS..=MAX_MINOR_UNITS, scale in 0..=MAX_SCALE) {
            prop_assert_eq!(parse_amount(&format_amount(minor, scale), scale), Ok(minor));
        }

        #[test]
        fn plain_amounts_are_read_as_the_exact_numbers_say(
            text in "-?[0-9_]{0,20}[.]?[0-9_]{0,20}|[-+0-9._e ]{0,6}|-?[0-9]{1,17}([.][0-9]{1,6}0{0,3})?",
            scale in 0..=MAX_SCALE,
        ) {
            if let Some(minor) = plain_amount(&text, scale) {
                prop_assert_eq!(Ok(minor), parse_any_amount(&text, scale));
            }
            prop_assert_eq!(parse_amount(&text, scale), parse_any_amount(&text, scale));
        }

        #[test]
        fn everyday_amounts_take_the_short_way(minor in 0..1_000_000_000_000_i128, scale in 0..=6_u8) {
            prop_assert_eq!(plain_amount(&format_amount(minor, scale), scale), Some(minor));
        }
    }
}
