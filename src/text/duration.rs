//! Durations as people write them: `90s`, `5m`, `24h`, `2d`.

use std::ops::RangeInclusive;
use std::time::Duration;

pub const SECOND: Duration = Duration::from_secs(1);
pub const MINUTE: Duration = Duration::from_secs(60);
pub const HOUR: Duration = Duration::from_secs(3600);
pub const DAY: Duration = Duration::from_secs(86_400);

const UNITS: [(char, u64); 4] = [('s', 1), ('m', 60), ('h', 3600), ('d', 86400)];

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
    let (_, seconds) = UNITS
        .into_iter()
        .find(|(letter, _)| unit.chars().eq([*letter]))
        .ok_or_else(wrong)?;
    if !digits.chars().all(|digit| digit.is_ascii_digit()) {
        return Err(wrong());
    }
    let count: u64 = digits.parse().map_err(|_| wrong())?;
    let total = count.checked_mul(seconds).ok_or_else(wrong)?;
    Ok(Duration::from_secs(total))
}

/// In the largest unit that leaves no remainder; a single day is `24h`.
pub fn spoken(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (letter, size) = UNITS
        .into_iter()
        .rev()
        .find(|(letter, size)| {
            seconds >= *size && seconds.is_multiple_of(*size) && (*letter != 'd' || seconds > *size)
        })
        .unwrap_or(('s', 1));
    format!("{}{letter}", seconds / size)
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
