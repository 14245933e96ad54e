//! Dates, times and numbers in a reader's locale. No line breaks between a number and its unit.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;

use crate::catalog::{KnownDay, Limit, Metric, Mute};
use crate::entry::{Kind, Value};
use crate::locale::{Language, Locale, Numbers};
use crate::report::{AlertedPart, Row, Severity, Twin, Usual, Week};

use super::super::clean;
use super::super::number;
use super::{Phrases, Plural, fill, unfill};

#[derive(Debug, Clone, Copy)]
pub struct Speech {
    pub language: Language,
    pub words: &'static Phrases,
    pub numbers: Numbers,
}

/// What makes a number of a metric readable.
#[derive(Debug, Clone, Copy)]
pub struct Scale<'a> {
    pub unit: &'a str,
    pub decimals: Option<u32>,
    pub in_points: bool,
}

impl<'a> Scale<'a> {
    pub fn of_metric(metric: &'a Metric) -> Self {
        Self {
            unit: &metric.unit,
            decimals: metric.decimals,
            in_points: metric.moves_in_points(),
        }
    }

    pub fn of_twin(twin: &'a Twin) -> Self {
        Self {
            unit: &twin.unit,
            decimals: twin.decimals,
            in_points: false,
        }
    }

    pub fn of_row(row: &'a Row) -> Self {
        Self {
            unit: &row.unit,
            decimals: row.decimals,
            in_points: row.in_points,
        }
    }
}

impl Speech {
    pub fn new(locale: Locale) -> Self {
        Self {
            language: locale.language,
            words: Phrases::in_language(locale.language),
            numbers: locale.numbers,
        }
    }

    /// `Friday 3 October 2025`
    pub fn long_date(&self, date: NaiveDate) -> String {
        self.date(self.words.long_date, date, false)
    }

    /// `Friday 3 October`
    pub fn day_and_month(&self, date: NaiveDate) -> String {
        self.date(self.words.day_and_month, date, false)
    }

    /// `Fri 3 Oct`
    pub fn short_date(&self, date: NaiveDate) -> String {
        self.date(self.words.short_date, date, true)
    }

    /// `Fri 3 Oct 2025`
    pub fn short_date_with_year(&self, date: NaiveDate) -> String {
        self.date(self.words.short_date_with_year, date, true)
    }

    /// `3 Oct`
    pub fn day_of_month(&self, date: NaiveDate) -> String {
        self.date(self.words.day_of_month, date, true)
    }

    /// `3 October`
    pub fn long_day_of_month(&self, date: NaiveDate) -> String {
        self.date(self.words.day_of_month, date, false)
    }

    /// `Oct`; of January its year.
    pub fn month_or_year(&self, date: NaiveDate) -> String {
        match date.month0() {
            0 => date.year().to_string(),
            month => self.words.short_months[month as usize].to_owned(),
        }
    }

    /// `5 Oct 2025, 00:15`
    pub fn moment(&self, at: DateTime<Utc>, zone: Tz) -> String {
        let date = self.short_date_with_year(at.with_timezone(&zone).date_naive());
        format!("{date}, {}", self.clock(at, zone))
    }

    pub fn weekday(&self, date: NaiveDate) -> &'static str {
        self.words.weekdays[weekday(date)]
    }

    /// `usual for a Friday`
    pub fn usual(&self, date: NaiveDate) -> &'static str {
        self.words.usual[weekday(date)]
    }

    /// `Friday’s`, before a range.
    pub fn usual_of(&self, date: NaiveDate) -> &'static str {
        self.words.usual_of[weekday(date)]
    }

    /// The name of a day that is known to be different.
    pub fn known(&self, known: &KnownDay) -> String {
        clean::label(match self.language {
            Language::English => &known.name,
            Language::German => known.german(),
        })
    }

    /// `Muted until Fri 10 Oct: migration of the warehouse`
    pub fn muted_until(&self, mute: &Mute) -> String {
        let words = [
            ("date", self.short_date(mute.until)),
            ("because", clean::reason(&mute.because)),
        ];
        fill(self.words.muted_until, &words)
    }

    fn date(&self, phrase: &str, date: NaiveDate, short: bool) -> String {
        let words = self.words;
        let (weekdays, months) = if short {
            (&words.short_weekdays, &words.short_months)
        } else {
            (&words.weekdays, &words.months)
        };
        fill(
            phrase,
            &[
                ("weekday", weekdays[weekday(date)]),
                ("day", &date.day().to_string()),
                ("month", months[date.month0() as usize]),
                ("year", &date.year().to_string()),
            ],
        )
    }

    /// `00:15`
    pub fn clock(&self, at: DateTime<Utc>, zone: Tz) -> String {
        at.with_timezone(&zone).format("%H:%M").to_string()
    }

    /// How many, in the phrase for one or for many.
    pub fn count(&self, plural: Plural, count: usize) -> String {
        self.count_with(plural, count, &[])
    }

    /// `2 critical`, `3 warnings`: the counts that are not zero.
    pub fn tally(&self, counts: &[(Plural, usize)]) -> Vec<String> {
        let counts = counts.iter().filter(|(_, count)| *count > 0);
        let words = counts.map(|(plural, count)| self.count(*plural, *count));
        words.collect()
    }

    pub fn count_with(&self, plural: Plural, count: usize, more: &[(&str, &str)]) -> String {
        let n = self.whole(count);
        let words = [&[("n", n.as_str())], more].concat();
        fill(plural.agreeing(count), &words)
    }

    pub fn whole(&self, count: usize) -> String {
        number::count(Decimal::from(count), self.numbers)
    }

    /// A metric's value; a distribution's parts added up.
    pub fn value(&self, value: &Value, scale: Scale<'_>) -> String {
        if let Value::Parts(parts) = value {
            return self.part(parts.iter().map(|part| part.count).sum(), scale);
        }
        let written = |unit| {
            let number = number::value(value, unit, scale.decimals, self.numbers);
            unbroken(&number.unwrap_or_default())
        };
        match scale.unit {
            "bytes" => written("bytes"),
            unit => with_unit(&written(""), unit),
        }
    }

    /// A value, or why there is none.
    pub fn reading(&self, value: Option<&Value>, kind: Kind, scale: Scale<'_>) -> String {
        match (value, kind) {
            (Some(value), _) => self.value(value, scale),
            (None, Kind::Failed) => self.words.failed.to_owned(),
            (None, Kind::Unavailable) => self.words.unavailable.to_owned(),
            (None, _) => self.words.no_value.to_owned(),
        }
    }

    /// `critical`, or `still critical` where only the alert's history makes it so severe.
    pub fn standing(&self, severity: Severity, is_held: bool) -> String {
        let word = self.words.severity(severity);
        match is_held {
            true => fill(self.words.still, &[("severity", word)]),
            false => word.to_owned(),
        }
    }

    /// `“paid”`, `(none)`
    pub fn part_name(&self, part: &AlertedPart) -> String {
        match part.key.value() {
            Some(key) => {
                let name = clean::part_name(key, &part.label);
                fill(self.words.part, &[("part", name)])
            }
            None => self.words.no_part.to_owned(),
        }
    }

    /// `12`, `at most 12`
    pub fn part_value(&self, part: &AlertedPart, value: f64, scale: Scale<'_>) -> String {
        let value = self.number(value, scale);
        match part.at_most {
            true => fill(self.words.at_most, &[("value", value)]),
            false => value,
        }
    }

    pub fn part(&self, part: Decimal, scale: Scale<'_>) -> String {
        self.value(&Value::from_decimal(part), scale)
    }

    pub fn number(&self, number: f64, scale: Scale<'_>) -> String {
        let written = |unit| number::number(number, unit, scale.decimals, self.numbers);
        match scale.unit {
            "bytes" => unbroken(&written("bytes")),
            unit => with_unit(&written(""), unit),
        }
    }

    /// A number of the last while. Of large ones nobody reads the digits behind the point, and percentages have as few as
    /// they need.
    pub fn measured(&self, number: f64, scale: Scale<'_>) -> String {
        let decimals = match (scale.unit, scale.decimals) {
            ("%", Some(decimals)) => {
                let size = 10_f64.powi(decimals as i32);
                let rounded = (number * size).round() / size;
                return self.number(
                    rounded,
                    Scale {
                        decimals: None,
                        ..scale
                    },
                );
            }
            _ if number.abs() >= 100.0 => Some(0),
            (_, None) => return self.number(number::mean(number), scale),
            (_, decimals) => decimals,
        };
        self.number(number, Scale { decimals, ..scale })
    }

    /// `> 2,000 ms`
    pub fn bound(&self, limit: Limit, scale: Scale<'_>) -> String {
        let text = limit.to_string();
        let sign = text.split(' ').next().unwrap_or_default();
        let as_written = Scale {
            decimals: None,
            ..scale
        };
        format!("{sign}\u{a0}{}", self.number(limit.bound, as_written))
    }

    /// `−54 %`, `+2.5 points` or, from zero, `+3`.
    pub fn change(&self, change: f64, percent: Option<f64>, scale: Scale<'_>) -> String {
        match percent {
            _ if scale.in_points => self.points(change),
            Some(percent) => unbroken(&number::percent(percent, self.numbers)),
            None => self.amount(change, scale),
        }
    }

    /// The change of a week's mean against the weeks before.
    pub fn week_change(&self, week: Week, scale: Scale<'_>) -> String {
        let change = week.mean - week.before;
        let percent = (week.before != 0.0).then(|| change * 100.0 / week.before.abs());
        self.change(change, percent, scale)
    }

    /// `20 %` or `2 points`, without a sign.
    pub fn level(&self, level: f64, scale: Scale<'_>) -> String {
        let level = self.change(level, Some(level), scale);
        level.trim_start_matches('+').to_owned()
    }

    /// `−2'312`, a change with its sign and unit.
    pub fn amount(&self, change: f64, scale: Scale<'_>) -> String {
        if scale.in_points {
            return self.points(change);
        }
        let sign = match change {
            0.0 => "",
            change if change > 0.0 => "+",
            _ => "\u{2212}",
        };
        sign.to_owned() + &self.number(change.abs(), scale)
    }

    fn points(&self, points: f64) -> String {
        let size = number::points(points, self.numbers);
        let plural = self.words.points;
        let is_one = size.trim_start_matches(['+', '\u{2212}']) == "1";
        let phrase = if is_one { plural.one } else { plural.many };
        unbroken(&fill(phrase, &[("n", &size)]))
    }

    /// `4'410–5'020`
    pub fn range(&self, usual: &Usual, row: &Row) -> String {
        let is_whole = matches!(row.value, Some(Value::Whole(_)));
        self.range_of(usual, is_whole, Scale::of_row(row))
    }

    pub fn range_of(&self, usual: &Usual, is_whole: bool, scale: Scale<'_>) -> String {
        let scale = Scale {
            decimals: scale.decimals.or(Some(if is_whole { 0 } else { 2 })),
            ..scale
        };
        let [low, high] = [usual.low, usual.high].map(|bound| self.number(bound, scale));
        if low == high {
            return low;
        }
        if usual.low < 0.0 {
            let words = [("low", low.as_str()), ("high", high.as_str())];
            return fill(self.words.between, &words);
        }
        // Shows a common unit once.
        let low = match (low.rsplit_once(GLUE), high.rsplit_once(GLUE)) {
            (Some((number, unit)), Some((_, same))) if unit == same => number,
            _ => &low,
        };
        format!("{low}–{high}")
    }

    /// `0.4 s`, `3 min 5 s`
    pub fn duration(&self, milliseconds: i64) -> String {
        let milliseconds = milliseconds.max(0);
        let (minutes, seconds) = (milliseconds / 60_000, milliseconds % 60_000 / 1_000);
        let duration = match milliseconds {
            0..50 => format!("<0{}1 s", self.numbers.point()),
            50..9_950 => {
                let tenths = (milliseconds + 50) / 100;
                format!("{}{}{} s", tenths / 10, self.numbers.point(), tenths % 10)
            }
            9_950..60_000 => format!("{} s", milliseconds / 1_000),
            _ => format!("{minutes} min {seconds} s"),
        };
        unbroken(&duration)
    }

    /// Why a value is as it is: Daybook's own words translated, errors as they are.
    pub fn reason(&self, reason: &str) -> String {
        let known = Phrases::in_language(Language::English);
        let pairs = [
            (known.reason_deleted, self.words.reason_deleted),
            (known.reason_now, self.words.reason_now),
            (known.reason_no_birth, self.words.reason_no_birth),
            (known.reason_window, self.words.reason_window),
            (known.reason_sql, self.words.reason_sql),
            (known.reason_declared, self.words.reason_declared),
            (known.reason_later, self.words.reason_later),
            (known.reason_absent, self.words.reason_absent),
            (known.reason_no_event, self.words.reason_no_event),
            (known.reason_first_event, self.words.reason_first_event),
            (known.reason_not_grouped, self.words.reason_not_grouped),
            (known.reason_not_whole, self.words.reason_not_whole),
            (known.reason_no_rollups, self.words.reason_no_rollups),
            (known.reason_other_hours, self.words.reason_other_hours),
            (known.reason_estimate, self.words.reason_estimate),
        ];
        let found = pairs
            .into_iter()
            .find_map(|(known, translated)| Some((unfill(known, reason)?, translated)));
        let Some((words, translated)) = found else {
            return clean::reason(reason);
        };
        let said = |(hole, word): (&'static str, &str)| {
            let date = NaiveDate::parse_from_str(word, "%a %-d %b %Y");
            let date = date.map(|date| self.short_date_with_year(date));
            (hole, date.unwrap_or_else(|_| clean::reason(word)))
        };
        let words: Vec<(&str, String)> = words.into_iter().map(said).collect();
        fill(translated, &words)
    }

    /// `25`, `23.5`
    pub fn hours(&self, hours: f64) -> String {
        number::number(hours, "", None, self.numbers)
    }
}

/// A space at which no line breaks.
const GLUE: char = '\u{a0}';

fn unbroken(text: &str) -> String {
    text.replace(' ', "\u{a0}")
}

/// Cleans the unit, which is text from data too.
fn with_unit(number: &str, unit: &str) -> String {
    let unit = clean::unit(unit);
    if unit.is_empty() {
        number.to_owned()
    } else {
        format!("{number}{GLUE}{unit}")
    }
}

fn weekday(date: NaiveDate) -> usize {
    date.weekday().num_days_from_monday() as usize
}
