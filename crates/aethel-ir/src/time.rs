//! Times for people.

/// `2026-03-31` from milliseconds since 1970, in UTC.
pub fn utc_date(milliseconds: u64) -> String {
    let mut text = utc(milliseconds);
    text.truncate(text.find(' ').unwrap_or(text.len()));
    text
}

/// `2026-03-31 12:00:00 UTC` from milliseconds since 1970 (civil calendar after H. Hinnant, "chrono-compatible low-level
/// date algorithms", `civil_from_days`).
pub fn utc(milliseconds: u64) -> String {
    let seconds = milliseconds / 1_000;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 {
        month_index + 3
    } else {
        month_index - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest % 3_600 / 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::{utc, utc_date};

    #[test]
    fn dates() {
        assert_eq!(utc(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(utc(1_774_958_400_000), "2026-03-31 12:00:00 UTC");
        assert_eq!(utc_date(951_782_400_000), "2000-02-29");
        assert_eq!(utc(1_709_164_799_999), "2024-02-28 23:59:59 UTC");
    }
}
