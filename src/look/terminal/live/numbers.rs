//! Numbers as short as they are read in a moment.

use chrono::TimeDelta;

pub(super) const NOTHING: &str = "–";

/// With its thousands apart.
pub(super) fn whole(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    match number < 0.0 && digits != "0" {
        true => format!("-{text}"),
        false => text,
    }
}

pub(super) fn milliseconds(number: f64) -> String {
    match number {
        ..999.5 => format!("{number:.0} ms"),
        ..59_995.0 => format!("{:.2} s", number / 1000.0),
        ..3_597_000.0 => format!("{:.1} min", number / 60_000.0),
        _ => format!("{:.1} h", number / 3_600_000.0),
    }
}

pub(super) fn percent(number: f64) -> String {
    format!("{number:.1} %")
}

pub(super) fn bytes(number: f64) -> String {
    match number {
        ..1e6 => format!("{:.0} kB", number / 1e3),
        ..1e9 => format!("{:.0} MB", number / 1e6),
        _ => format!("{:.1} GB", number / 1e9),
    }
}

pub(super) fn with_unit(number: f64, unit: &str) -> String {
    let amount = match number {
        _ if unit == "ms" => return milliseconds(number),
        _ if unit == "%" => return percent(number),
        number if number.fract() == 0.0 || number.abs() >= 100.0 => whole(number),
        number => format!("{number:.2}"),
    };
    format!("{amount} {unit}").trim_end().to_owned()
}

pub(super) fn ago(time: TimeDelta) -> String {
    let seconds = time.num_seconds().max(0);
    let (number, unit) = match seconds {
        0..60 => (seconds, "s"),
        60..3600 => (seconds / 60, "min"),
        3600..86_400 => (seconds / 3600, "h"),
        _ => (seconds / 86_400, "d"),
    };
    format!("{number} {unit} ago")
}

pub(super) fn or_nothing(number: Option<f64>, text: impl Fn(f64) -> String) -> String {
    number.map_or_else(|| NOTHING.to_owned(), text)
}
