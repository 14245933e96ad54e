//! Numbers as people read them: `1'234'567`, `−54 %`, `1.5 GB`, in the reader's format.

use rust_decimal::Decimal;

use crate::entry::Value;
use crate::locale::Numbers;

const MINUS: char = '\u{2212}';

/// A value with its unit. Without `decimals` it is shown as exactly as it is known.
pub fn value(value: &Value, unit: &str, decimals: Option<u32>, habit: Numbers) -> Option<String> {
    let digits = match value {
        Value::Parts(_) => return None,
        _ if unit == "bytes" => return value.number().map(|size| bytes(size, habit)),
        Value::Whole(whole) => whole_digits(*whole, decimals),
        Value::Decimal(decimal) => decimal_digits(*decimal, decimals),
    };
    Some(with_unit(&grouped(&digits, habit), unit))
}

/// A computed number with its unit, such as a previous value.
pub fn number(number: f64, unit: &str, decimals: Option<u32>, habit: Numbers) -> String {
    if unit == "bytes" {
        return bytes(number, habit);
    }
    let digits = match decimals {
        Some(decimals) => format!("{number:.*}", decimals as usize),
        None => match Value::from_binary(number) {
            Some(exact) => return value(&exact, unit, None, habit).unwrap_or_default(),
            None => number.to_string(),
        },
    };
    with_unit(&grouped(&digits, habit), unit)
}

/// A distribution's part, which is of its metric's unit.
pub fn part(part: Decimal, unit: &str, decimals: Option<u32>, habit: Numbers) -> String {
    let part = Value::from_decimal(part);
    value(&part, unit, decimals, habit).unwrap_or_default()
}

/// A mean, rounded to about three digits, and a small one to two.
pub fn mean(mean: f64) -> f64 {
    let scale = match mean.abs() {
        size if size >= 100.0 => 1.0,
        size if size >= 10.0 => 10.0,
        size if size >= 0.1 || size == 0.0 => 100.0,
        size => 10_f64.powi(1 - size.log10().floor() as i32),
    };
    (mean * scale).round() / scale
}

/// How many, without a unit.
pub fn count(count: Decimal, habit: Numbers) -> String {
    grouped(&count.normalize().to_string(), habit)
}

/// `+3.1 %`, `−54 %`: with one decimal unless that is zero.
pub fn percent(percent: f64, habit: Numbers) -> String {
    format!("{} %", points(percent, habit))
}

/// `+2.5`, of a change in points.
pub fn points(number: f64, habit: Numbers) -> String {
    let digits = format!("{:.1}", number.abs());
    let shown = match digits.strip_suffix(".0") {
        Some("0") if number != 0.0 => return signed(number, &format!("<0{}1", habit.point())),
        Some(whole) => whole,
        None => &digits,
    };
    signed(number, &grouped(shown, habit))
}

/// A change with its sign and unit; a percentage changes by points.
pub fn change(change: f64, unit: &str, decimals: Option<u32>, habit: Numbers) -> String {
    signed(change, &number(change.abs(), unit, decimals, habit))
}

fn signed(number: f64, size: &str) -> String {
    match number {
        0.0 => size.to_owned(),
        number if number > 0.0 => format!("+{size}"),
        _ => format!("{MINUS}{size}"),
    }
}

fn whole_digits(whole: i64, decimals: Option<u32>) -> String {
    match decimals {
        Some(decimals) if decimals > 0 => format!("{whole}.{}", "0".repeat(decimals as usize)),
        _ => whole.to_string(),
    }
}

fn decimal_digits(decimal: Decimal, decimals: Option<u32>) -> String {
    match decimals {
        // Formatting alone would cut digits off.
        Some(decimals) => format!("{:.*}", decimals as usize, decimal.round_dp(decimals)),
        None => decimal.normalize().to_string(),
    }
}

fn with_unit(digits: &str, unit: &str) -> String {
    if unit.is_empty() {
        digits.to_owned()
    } else {
        format!("{digits} {unit}")
    }
}

fn bytes(number: f64, habit: Numbers) -> String {
    let mut size = number;
    let mut scale = "B";
    for larger in ["kB", "MB", "GB", "TB"] {
        // What would round to 1000.0 is already one of the larger unit.
        if size.abs() < 999.95 {
            break;
        }
        size /= 1000.0;
        scale = larger;
    }
    let digits = if scale == "B" {
        size.to_string()
    } else {
        format!("{size:.1}")
    };
    with_unit(&grouped(&digits, habit), scale)
}

/// Sets the thousands apart, and a real minus in front; anything but digits passes as it is.
fn grouped(digits: &str, habit: Numbers) -> String {
    let (minus, size) = match digits.strip_prefix('-') {
        Some(size) => (true, size),
        None => (false, digits),
    };
    let (whole, fraction) = match size.find('.') {
        Some(point) if size.starts_with(|first: char| first.is_ascii_digit()) => {
            size.split_at(point)
        }
        _ => (size, ""),
    };
    let is_zero = size.chars().all(|digit| matches!(digit, '0' | '.'));
    let mut text = String::new();
    if minus && !is_zero {
        text.push(MINUS);
    }
    for (at, digit) in whole.chars().enumerate() {
        let left = whole.len() - at;
        if at > 0 && left.is_multiple_of(3) && digit.is_ascii_digit() {
            text.push_str(habit.separator());
        }
        text.push(digit);
    }
    match fraction.strip_prefix('.') {
        Some(digits) => text + habit.point() + digits,
        None => text + fraction,
    }
}
