//! Values from text: arguments, CSV cells, oracle values, each read exactly in the type of its parameter.

use crate::tables::Tables;
use aethel_ir::money::{AmountError, amount_from_units, in_range, parse_amount};
use aethel_ir::{AssetId, Column, Rational, Type, ValueColumn, Wholes};

/// One argument, in minor units where it is an amount or a price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    Whole(i128),
    Exact(Rational),
    Bool(bool),
}

impl Scalar {
    /// A column that has this value in every row.
    pub(crate) fn same(self) -> ValueColumn {
        match self {
            Scalar::Whole(n) => ValueColumn::Whole(Wholes::Same(n)),
            Scalar::Exact(n) => ValueColumn::Exact(Column::Same(n)),
            Scalar::Bool(b) => ValueColumn::Bool(Column::Same(b)),
        }
    }
}

/// Reads a text as a value of `ty`; an error says what was expected.
pub(crate) fn from_text(tables: &Tables, text: &str, ty: Type) -> Result<Scalar, String> {
    match ty {
        Type::Bool => match text {
            "true" => Ok(Scalar::Bool(true)),
            "false" => Ok(Scalar::Bool(false)),
            _ => Err("expected `true` or `false`".into()),
        },
        Type::Time if text.contains('T') => time(text)
            .map(Scalar::Whole)
            .ok_or_else(|| "expected a time such as `2026-03-31T12:00:00Z`".into()),
        Type::Amount(asset) => parse_amount(text, tables.scale(asset))
            .map(Scalar::Whole)
            .map_err(|error| amount_error(tables, asset, error)),
        _ => match Rational::parse_decimal(text) {
            Some(number) => from_units(tables, &number, ty),
            None => Err("expected a plain decimal number such as `0.25`".into()),
        },
    }
}

/// A number in units as a value of `ty`.
pub(crate) fn from_units(tables: &Tables, number: &Rational, ty: Type) -> Result<Scalar, String> {
    match ty {
        Type::Amount(asset) => amount_from_units(number, tables.scale(asset))
            .map(Scalar::Whole)
            .map_err(|error| amount_error(tables, asset, error)),
        Type::Integer | Type::Time => match number.to_i128().filter(|n| in_range(*n)) {
            Some(whole) => Ok(Scalar::Whole(whole)),
            None => Err("expected a whole number".into()),
        },
        Type::Number => Ok(Scalar::Exact(number.clone())),
        Type::Price(base, quote) => {
            let shift = i32::from(tables.scale(quote)) - i32::from(tables.scale(base));
            let minor = number.mul(&Rational::power_of_ten(shift));
            minor.map(Scalar::Exact).map_err(|_| "too large".into())
        }
        Type::Bool => Err("expected `true` or `false`".into()),
    }
}

fn amount_error(tables: &Tables, asset: AssetId, error: AmountError) -> String {
    let name = tables.asset_name(asset);
    match error {
        AmountError::TooPrecise(scale) => format!("{name} has {scale} decimal places, this has more"),
        other => format!("expected an amount of {name}: {other}"),
    }
}

/// Seconds since 1970 of `YYYY-MM-DDThh:mm:ssZ` (days from the civil calendar after H. Hinnant, "chrono-compatible
/// low-level date algorithms", `days_from_civil`).
fn time(text: &str) -> Option<i128> {
    let bytes = text.as_bytes();
    if bytes.len() != 20 || bytes[4] != b'-' || bytes[7] != b'-' || bytes[10] != b'T' {
        return None;
    }
    if bytes[13] != b':' || bytes[16] != b':' || bytes[19] != b'Z' {
        return None;
    }
    let part = |range: std::ops::Range<usize>| {
        let digits = text.get(range)?;
        digits
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| digits.parse::<i64>().ok())
            .flatten()
    };
    let (year, month, day) = (part(0..4)?, part(5..7)?, part(8..10)?);
    let (hour, minute, second) = (part(11..13)?, part(14..16)?, part(17..19)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let month_days = [
        31,
        if leap { 29 } else { 28 },
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let last = month_days.get(usize::try_from(month).ok()?.checked_sub(1)?)?;
    if !(1..=*last).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    Some(i128::from(days * 86_400 + hour * 3_600 + minute * 60 + second))
}

#[cfg(test)]
mod tests {
    use super::time;

    #[test]
    fn times() {
        assert_eq!(time("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(time("2026-03-31T12:00:00Z"), Some(1_774_958_400));
        assert_eq!(time("2024-02-29T00:00:00Z"), Some(1_709_164_800));
        assert_eq!(time("2026-02-29T00:00:00Z"), None);
        assert_eq!(time("2026-13-01T00:00:00Z"), None);
        assert_eq!(time("2026-03-31 12:00:00Z"), None);
    }
}
