//! Plain decimal texts of a result: grouped for reading, and summed.

use aethel_ir::Rational;
use aethel_ir::money::group_digits;

/// `-1234567.500000000` as `-1 234 567.50`: digits in groups of three, zeros behind the second place left out.
pub fn grouped(decimal: &str) -> String {
    let (sign, digits) = decimal
        .strip_prefix('-')
        .map_or(("", decimal), |rest| ("-", rest));
    match digits.split_once('.') {
        None => format!("{sign}{}", group_digits(digits)),
        Some((whole, fraction)) => {
            let keep = fraction.trim_end_matches('0').len().max(2.min(fraction.len()));
            format!("{sign}{}.{}", group_digits(whole), &fraction[..keep])
        }
    }
}

/// The number behind a decimal text; texts of a result always are numbers.
pub fn number(decimal: &str) -> Rational {
    Rational::parse_decimal(decimal).unwrap_or(Rational::ZERO)
}

/// A sum of amounts with as many places as the amounts have.
pub fn with_places(sum: &Rational, like: &str) -> String {
    let places = like.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let minor = sum
        .mul(&Rational::power_of_ten(places as i32))
        .ok()
        .and_then(|n| n.to_i128());
    minor.map_or_else(
        || sum.to_string(),
        |minor| aethel_ir::money::format_amount(minor, places as u8),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        assert_eq!(grouped("-1234567.500000000"), "-1 234 567.50");
        assert_eq!(grouped("1000"), "1 000");
        assert_eq!(grouped("0.00000333"), "0.00000333");
        assert_eq!(
            with_places(&number("1.5").add(&number("2")).unwrap(), "0.00"),
            "3.50"
        );
    }
}
