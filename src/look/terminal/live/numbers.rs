//! Numbers as short as they are read in a moment.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::locale::Numbers;
use crate::render::number::number as written;

pub(super) const NOTHING: &str = "–";

/// How numbers and times are written for a reader.
#[derive(Debug, Clone, Copy)]
pub(super) struct Format {
    pub(super) numbers: Numbers,
    pub(super) zone: Tz,
    pub(super) now: DateTime<Utc>,
}

impl Format {
    fn fixed(self, number: f64, decimals: u32) -> String {
        written(number, "", Some(decimals), self.numbers)
    }

    pub(super) fn whole(self, number: f64) -> String {
        self.fixed(number, 0)
    }

    pub(super) fn milliseconds(self, number: f64) -> String {
        match number {
            ..999.5 => format!("{} ms", self.fixed(number, 0)),
            ..59_995.0 => format!("{} s", self.fixed(number / 1000.0, 2)),
            ..3_597_000.0 => format!("{} min", self.fixed(number / 60_000.0, 1)),
            _ => format!("{} h", self.fixed(number / 3_600_000.0, 1)),
        }
    }

    pub(super) fn percent(self, number: f64) -> String {
        format!("{} %", self.fixed(number, 1))
    }

    pub(super) fn bytes(self, number: f64) -> String {
        match number {
            ..1e6 => format!("{} kB", self.fixed(number / 1e3, 0)),
            ..1e9 => format!("{} MB", self.fixed(number / 1e6, 0)),
            _ => format!("{} GB", self.fixed(number / 1e9, 1)),
        }
    }

    pub(super) fn with_unit(self, number: f64, unit: &str) -> String {
        let amount = match number {
            _ if unit == "ms" => return self.milliseconds(number),
            _ if unit == "%" => return self.percent(number),
            number if number.fract() == 0.0 || number.abs() >= 100.0 => self.whole(number),
            number => self.fixed(number, 2),
        };
        format!("{amount} {unit}").trim_end().to_owned()
    }

    pub(super) fn clock(self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.zone).format("%H:%M").to_string()
    }

    pub(super) fn ago(self, at: DateTime<Utc>) -> String {
        let seconds = (self.now - at).num_seconds().max(0);
        let (number, unit) = match seconds {
            0..60 => (seconds, "s"),
            60..3600 => (seconds / 60, "min"),
            3600..86_400 => (seconds / 3600, "h"),
            _ => (seconds / 86_400, "d"),
        };
        format!("{number} {unit} ago")
    }
}

pub(super) fn or_nothing(number: Option<f64>, text: impl Fn(f64) -> String) -> String {
    number.map_or_else(|| NOTHING.to_owned(), text)
}
