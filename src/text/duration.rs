//! Durations as people write them: `200ms`, `90s`, `5m`, `24h`, `2d`.

use std::ops::RangeInclusive;
use std::time::Duration;

pub const SECOND: Duration = Duration::from_secs(1);
pub const MINUTE: Duration = Duration::from_secs(60);
pub const HOUR: Duration = Duration::from_secs(3600);
pub const DAY: Duration = Duration::from_secs(86_400);

/// Each with its milliseconds.
const UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// One whole number with its unit; `0` needs none.
pub fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || {
        format!(
            "`{text}` is not a duration: write a whole number with its unit, such as `90s`, `5m`, `24h` or `2d`"
        )
    };
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = &text[digits.len()..];
    let known = UNITS.into_iter().find(|(known, _)| *known == unit);
    let (_, size) = known.ok_or_else(wrong)?;
    if !digits.chars().all(|digit| digit.is_ascii_digit()) {
        return Err(wrong());
    }
    let count: u64 = digits.parse().map_err(|_| wrong())?;
    let total = count.checked_mul(size).ok_or_else(wrong)?;
    Ok(Duration::from_millis(total))
}

/// In the largest unit that leaves no remainder; a single day is `24h`.
pub fn spoken(duration: Duration) -> String {
    let total = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let fits = |(unit, size): &(&str, u64)| {
        total >= *size && total.is_multiple_of(*size) && (*unit != "d" || total > *size)
    };
    let (unit, size) = UNITS.into_iter().rev().find(fits).unwrap_or(("s", 1000));
    format!("{}{unit}", total / size)
}

/// Reads a duration of that range.
pub fn within(range: RangeInclusive<Duration>) -> impl Fn(&str) -> Result<Duration, String> {
    move |text| {
        let time = parse(text)?;
        if range.contains(&time) {
            return Ok(time);
        }
        let (least, most) = (*range.start(), *range.end());
        Err(format!(
            "`{text}` is not between {} and {}",
            spoken(least),
            spoken(most)
        ))
    }
}
