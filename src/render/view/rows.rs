//! The tables: a row for each metric, with its changes, its trend or its parts.

use chrono::{DateTime, Days, Utc};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::entry::{Kind, Value};
use crate::render::axis::Extent;
use crate::render::parts::largest;
use crate::render::phrases::speech::Scale;
use crate::render::phrases::{Speech, fill};
use crate::render::{SPANS, clean};
use crate::report::{
    BrokenLimit, Change, Difference, Direction, Outcome, Report, Row, Severity, Suppression,
    TREND_DAYS,
};

use super::highlights::label;
use super::{CellView, PartView, RowView, SectionView, Tone};

/// What more rows than these have in common stands only in the notes.
pub(super) const FEW: usize = 5;

pub(super) fn sections(report: &Report, speech: &Speech) -> Vec<SectionView> {
    let heads = heads(report, speech);
    let remarks = Remarks::for_report(report);
    let section = |(name, rows): (&str, Vec<&Row>)| SectionView {
        name: clean::label(name),
        heads: heads.clone(),
        rows: rows
            .into_iter()
            .map(|row| self::row(row, remarks, report, speech))
            .collect(),
    };
    report.sections().into_iter().map(section).collect()
}

/// A row by itself, with every remark.
pub fn alone(row: &Row, report: &Report, speech: &Speech) -> RowView {
    let remarks = Remarks {
        late: true,
        recounted: true,
        nulls: true,
    };
    self::row(row, remarks, report, speech)
}

fn heads(report: &Report, speech: &Speech) -> [String; 6] {
    let before = |days: u32| {
        let date = speech.short_date(report.date - Days::new(u64::from(days)));
        let date = date.replace(' ', "\u{a0}");
        fill(speech.words.compared, &[("date", date)])
    };
    let [day, week, month] = SPANS.map(before);
    let trend = usize::try_from(TREND_DAYS).unwrap_or_default();
    [
        speech.words.metric.to_owned(),
        speech.short_date(report.date),
        day,
        week,
        month,
        speech.count(speech.words.days, trend),
    ]
}

/// Which remarks stand at single rows, and not only in the notes.
#[derive(Clone, Copy)]
struct Remarks {
    late: bool,
    recounted: bool,
    nulls: bool,
}

impl Remarks {
    fn for_report(report: &Report) -> Self {
        let few =
            |is: &dyn Fn(&Row) -> bool| report.rows.iter().filter(|row| is(row)).count() <= FEW;
        Self {
            late: few(&|row| row.provenance.observed_at.is_some()),
            recounted: few(&|row| row.provenance.kind == Kind::Reconstructed),
            nulls: few(&|row| nulls(row) > 0),
        }
    }
}

pub(super) fn nulls(row: &Row) -> usize {
    let nulls = row.provenance.nulls.unwrap_or_default();
    usize::try_from(nulls).unwrap_or_default()
}

fn row(row: &Row, remarks: Remarks, report: &Report, speech: &Speech) -> RowView {
    let broken = report.broken_limit(row);
    let trend = trend(row);
    // The usual range is that of whole days.
    let comparable = row.value.is_some() && !report.partial;
    let usual = row.usual.filter(|_| comparable).map(|usual| {
        let range = speech.range(&usual, row);
        fill(speech.words.usually, &[("range", range)])
    });
    RowView {
        key: row.key.clone(),
        label: label(row),
        value: speech.reading(row.value.as_ref(), row.provenance.kind, Scale::of_row(row)),
        value_tone: match (broken, row.provenance.kind) {
            (Some(broken), _) => tone_of(broken.severity),
            (None, Kind::Failed) => Tone::Warning,
            (None, Kind::Unavailable) => Tone::Muted,
            (None, _) => Tone::Plain,
        },
        value_note: value_note(row, broken, remarks, report, speech),
        changes: changes(row, report, speech),
        usual,
        trend_words: trend_words(&trend, row, speech),
        trend,
        parts: parts(row, speech),
    }
}

fn value_note(
    row: &Row,
    broken: Option<BrokenLimit>,
    remarks: Remarks,
    report: &Report,
    speech: &Speech,
) -> Option<String> {
    let words = speech.words;
    let mut notes = Vec::new();
    notes.extend(broken.map(|broken| speech.standing(broken.severity, broken.is_held)));
    if report.has_muted_limit(row) {
        notes.push(words.muted.to_owned());
    }
    if let Some(at) = row.provenance.observed_at.filter(|_| remarks.late) {
        notes.push(counted(at, report, speech));
    }
    match row.provenance.kind {
        Kind::Reconstructed if remarks.recounted => notes.push(words.reconstructed.to_owned()),
        Kind::Imported => notes.push(words.imported.to_owned()),
        _ => {}
    }
    if remarks.nulls && nulls(row) > 0 {
        notes.push(speech.count(words.rows_without_value, nulls(row)));
    }
    (!notes.is_empty()).then(|| notes.join(", "))
}

/// `counted 00:15`, with the date unless the day ended on it.
pub(super) fn counted(at: DateTime<Utc>, report: &Report, speech: &Speech) -> String {
    let zone = report.time_zone;
    let date = at.with_timezone(&zone).date_naive();
    let ended = report.day_end.with_timezone(&zone).date_naive();
    let clock = speech.clock(at, zone);
    let phrase = if date == ended {
        speech.words.counted
    } else {
        speech.words.counted_on
    };
    let date = speech.short_date(date);
    fill(phrase, &[("clock", clock), ("date", date)])
}

fn changes(row: &Row, report: &Report, speech: &Speech) -> Option<[CellView; 3]> {
    if row.changes.is_empty() {
        return None;
    }
    let cell = |days| Some(cell(row.change(days)?, row, report, speech));
    Some(SPANS.map(|days| cell(days).unwrap_or_default()))
}

pub fn cell(change: &Change, row: &Row, report: &Report, speech: &Speech) -> CellView {
    let words = speech.words;
    let muted = |text: &str| CellView {
        text: text.to_owned(),
        tone: Tone::Muted,
        ..CellView::default()
    };
    let difference = match &change.outcome {
        Outcome::Compared(difference) => difference,
        Outcome::NoneNow(_) => return muted("–"),
        // The summary says so once.
        Outcome::NoneThen(_) if report.first => return muted("–"),
        Outcome::NoneThen(gap) => return muted(words.gap(*gap)),
    };
    let arrow = match difference.direction {
        Direction::Up => "▲",
        Direction::Down => "▼",
        Direction::Unchanged => return muted(words.unchanged),
    };
    let change = speech.change(difference.change, difference.percent, Scale::of_row(row));
    CellView {
        arrow,
        // Of `+<0.1` the arrow is the sign.
        text: change.replace("+<", "<").replace("\u{2212}<", "<"),
        note: cell_note(difference, row, report, speech),
        tone: match difference.severity {
            Some(_) if row.muted.is_some() => Tone::Muted,
            Some(severity) if !difference.welcome => tone_of(severity),
            _ if difference.welcome && !report.partial => Tone::Good,
            _ => Tone::Muted,
        },
    }
}

fn cell_note(
    difference: &Difference,
    row: &Row,
    report: &Report,
    speech: &Speech,
) -> Option<String> {
    let words = speech.words;
    let note = match (difference.severity, difference.suppression) {
        // The masthead says so.
        (_, Some(Suppression::OpenDay)) if report.partial => return None,
        (Some(_), _) if row.muted.is_some() => words.muted,
        (Some(_), _) if difference.welcome => words.welcome,
        (Some(severity), _) => return Some(speech.standing(severity, difference.held.is_some())),
        (None, Some(suppression)) => words.suppression(suppression),
        (None, None) if difference.is_new() => words.new,
        (None, None) => return None,
    };
    Some(note.to_owned())
}

fn tone_of(severity: Severity) -> Tone {
    match severity {
        Severity::Warning => Tone::Warning,
        Severity::Critical => Tone::Critical,
    }
}

/// One point alone is no line.
fn trend(row: &Row) -> Vec<Option<f64>> {
    let known = row.trend.iter().flatten().count();
    if known < 2 {
        Vec::new()
    } else {
        row.trend.clone()
    }
}

/// `30 days: 4'100 to 4'900, lowest 2'214`
pub fn trend_words(trend: &[Option<f64>], row: &Row, speech: &Speech) -> String {
    let known: Vec<f64> = trend.iter().flatten().copied().collect();
    let extent = Extent::spanning(known.iter().copied());
    let (Some(first), Some(last), Some(extent)) = (known.first(), known.last(), extent) else {
        return String::new();
    };
    let Extent { lowest, highest } = extent;
    let words = speech.words;
    let written = |number: f64| speech.number(number, Scale::of_row(row));
    let before = trend.iter().take_while(|number| number.is_none()).count();
    let days = speech.count(words.days, trend.len() - before);
    if lowest == highest {
        let constant = [("days", days), ("value", written(*last))];
        return fill(words.trend_constant, &constant);
    }
    let ends = [
        ("days", days),
        ("first", written(*first)),
        ("last", written(*last)),
    ];
    let mut clauses = vec![fill(words.trend, &ends)];
    for (extreme, phrase) in [(lowest, words.trend_lowest), (highest, words.trend_highest)] {
        if extreme != *first && extreme != *last {
            clauses.push(fill(phrase, &[("value", written(extreme))]));
        }
    }
    clauses.join(", ")
}

/// The largest parts of a distribution, and all others as one.
fn parts(row: &Row, speech: &Speech) -> Vec<PartView> {
    let Some(Value::Parts(parts)) = &row.value else {
        return Vec::new();
    };
    let whole: Decimal = parts.iter().map(|part| part.count).sum();
    let part = |label: String, count: Decimal| PartView {
        label,
        value: speech.part(count, Scale::of_row(row)),
        share: share(count, whole),
    };
    let (named, others) = largest(parts);
    let mut shown: Vec<PartView> = named
        .into_iter()
        .map(|named| part(clean::part(named, speech.words.no_part), named.count))
        .collect();
    shown.extend(others.map(|others| part(speech.words.all_others.to_owned(), others)));
    shown
}

fn share(count: Decimal, whole: Decimal) -> f64 {
    let share = count.checked_div(whole).and_then(|share| share.to_f64());
    share.unwrap_or_default().clamp(0.0, 1.0)
}
