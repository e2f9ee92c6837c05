//! Plain decimal texts of a result, grouped for reading.

/// `-1234567.500000000` as `-1 234 567.50`; see [`aethel_ir::money::format_grouped`].
pub fn grouped(decimal: &str) -> String {
    let places = decimal.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    aethel_ir::money::format_grouped(minor(decimal), u8::try_from(places).unwrap_or(u8::MAX))
}

/// The amount behind a decimal text, in units of its last place; texts of a result always are numbers in range.
fn minor(decimal: &str) -> i128 {
    decimal
        .chars()
        .filter(|c| *c != '.')
        .collect::<String>()
        .parse()
        .unwrap_or(0)
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
    }
}
