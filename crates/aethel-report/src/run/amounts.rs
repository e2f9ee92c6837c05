//! Plain decimal texts of a result: grouped for reading, and summed.

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

/// The amount behind a decimal text, in units of its last place; texts of a result always are numbers in range.
pub fn minor(decimal: &str) -> i128 {
    decimal
        .chars()
        .filter(|c| *c != '.')
        .collect::<String>()
        .parse()
        .unwrap_or(0)
}

/// An amount in units of the last place of `like`, with as many places.
pub fn with_places(amount: i128, like: &str) -> String {
    let places = like.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    aethel_ir::money::format_amount(amount, u8::try_from(places).unwrap_or(u8::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        assert_eq!(grouped("-1234567.500000000"), "-1 234 567.50");
        assert_eq!(grouped("1000"), "1 000");
        assert_eq!(grouped("0.00000333"), "0.00000333");
        assert_eq!(minor("-0.05"), -5);
        assert_eq!(with_places(350, "0.00"), "3.50");
    }
}
