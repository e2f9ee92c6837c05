//! Numbers for people: times, rates, ratios, sizes.

#![allow(clippy::float_arithmetic, reason = "metrics about time, not money")]

use aethel_ir::money::group_digits;

/// A time in the unit that fits, with three digits: `1.76 ns`, `14.2 µs`, `120 ms`.
pub fn time(nanoseconds: u64) -> String {
    scaled_time(nanoseconds as f64)
}

/// A time for each of `count` transactions.
pub fn time_each(nanoseconds: u64, count: u64) -> String {
    scaled_time(nanoseconds as f64 / count.max(1) as f64)
}

fn scaled_time(nanoseconds: f64) -> String {
    let (value, unit) = match nanoseconds {
        n if n < 999.5 => (n, "ns"),
        n if n < 999.5e3 => (n / 1e3, "µs"),
        n if n < 999.5e6 => (n / 1e6, "ms"),
        n => (n / 1e9, "s"),
    };
    format!("{} {unit}", digits(value))
}

/// A rate: `569 M/s`, `14.2 k/s`.
pub fn rate(per_second: u64) -> String {
    let n = per_second as f64;
    match n {
        n if n < 999.5 => format!("{} /s", digits(n)),
        n if n < 999.5e3 => format!("{} k/s", digits(n / 1e3)),
        n if n < 999.5e6 => format!("{} M/s", digits(n / 1e6)),
        n => format!("{} G/s", digits(n / 1e9)),
    }
}

/// A ratio: `1.96×`, `23.4×`, `1 280×`.
pub fn ratio(value: f64) -> String {
    format!("{}×", digits(value))
}

/// A number of bytes: `824 B`, `1.2 kB`, `24 MB`.
pub fn bytes(value: u64) -> String {
    let n = value as f64;
    match n {
        n if n < 999.5 => format!("{} B", digits(n)),
        n if n < 999.5e3 => format!("{} kB", digits(n / 1e3)),
        n if n < 999.5e6 => format!("{} MB", digits(n / 1e6)),
        n => format!("{} GB", digits(n / 1e9)),
    }
}

/// A whole number with its digits in groups.
pub fn count(value: u64) -> String {
    group_digits(&value.to_string())
}

/// Three digits that count; more where the number is larger.
pub fn digits(value: f64) -> String {
    match value {
        0.0 => "0".into(),
        v if v < 9.995 => format!("{v:.2}"),
        v if v < 99.95 => format!("{v:.1}"),
        v => group_digits(&format!("{v:.0}")),
    }
}

/// One number over another.
pub fn quotient(above: u64, below: u64) -> Option<f64> {
    (above > 0 && below > 0).then(|| above as f64 / below as f64)
}

/// How many a second, when `count` take so long.
pub fn per_second(count: u64, nanoseconds: u64) -> u64 {
    (count as f64 * 1e9 / nanoseconds.max(1) as f64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let times: Vec<String> = [0, 7, 1_764, 999_400, 999_600, 14_200_000, 2_000_000_000]
            .map(time)
            .into();
        assert_eq!(
            times,
            [
                "0 ns", "7.00 ns", "1.76 µs", "999 µs", "1.00 ms", "14.2 ms", "2.00 s"
            ]
        );
        assert_eq!(time_each(17_600, 10_000), "1.76 ns");
        assert_eq!(rate(569_000_000), "569 M/s");
        assert_eq!(
            [ratio(1.957), ratio(23.44), ratio(1280.2)],
            ["1.96×", "23.4×", "1 280×"]
        );
        assert_eq!([bytes(824), bytes(24_000_000)], ["824 B", "24.0 MB"]);
        assert_eq!(quotient(1, 0), None);
    }
}
