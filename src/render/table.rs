//! A day as a terminal table.

use crate::text::plain;
use comfy_table::{
    CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle, Width,
};
use rust_decimal::Decimal;

use crate::calendar::spoken;
use crate::entry::{PartKey, Value};
use crate::report::{BrokenLimit, Change, Report, Row, Severity};

use super::ink::{self, Ink};
use super::parts::largest;
use super::{Look, SPANS, alerts, clean, number, words, wrap};

/// The last column; the metric and its value stand before the spans.
const LAST: usize = SPANS.len() + 1;
const PADDING: u16 = 2;
/// What stands between two columns: the padding and the separator.
const GAP: usize = PADDING as usize + 1;
/// Narrower, and `unavailable` wraps.
const LEAST_SPAN: usize = 11;
const LEAST_LABEL: usize = 12;
/// A note about more metrics does not name them.
const NAMED: usize = 5;
const STYLE: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// `daybook show`: title, alerts, a table of all sections, notes.
pub fn show(report: &Report, look: Look) -> String {
    let mut lines = vec![plain::printable(&words::title(report))];
    if !report.alerts.is_empty() {
        lines.push(String::new());
        lines.push(format!("Alerts: {}", alerts::tally(report)));
        lines.extend(alerts::lines(report, look));
    }
    lines.push(String::new());
    lines.extend(
        table(report, look)
            .lines()
            .map(|line| ink::dye(line.trim_end())),
    );
    let notes = notes(report, look);
    if !notes.is_empty() {
        lines.push(String::new());
        lines.push("Notes".to_owned());
        lines.extend(notes);
    }
    lines.join("\n") + "\n"
}

fn table(report: &Report, look: Look) -> Table {
    let lines = lines(report, look.color);
    let room = room_for_labels(&lines, look);
    let mut table = Table::new();
    table
        .load_style(STYLE)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(look.width)
        .set_header(heads(report));
    for line in &lines {
        let label = indented(line, room, look.color);
        table.add_row(std::iter::once(&label).chain(&line.cells));
    }
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, if at == LAST { 0 } else { PADDING }));
        match at {
            0 => {
                let width = u16::try_from(room).map_or(look.width, |room| room + PADDING);
                column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width)));
            }
            1 => {
                column.set_cell_alignment(CellAlignment::Right);
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
            _ => {}
        }
    }
    table
}

/// A line of the table before it is laid out.
#[derive(Default)]
struct Line {
    /// How far it is indented; a section's name is not.
    steps: usize,
    label: String,
    cells: Vec<String>,
}

fn lines(report: &Report, color: bool) -> Vec<Line> {
    let mut lines = Vec::new();
    for (at, (name, rows)) in report.sections().into_iter().enumerate() {
        if at > 0 {
            lines.push(Line::default());
        }
        lines.push(Line {
            label: plain::printable(name),
            ..Line::default()
        });
        for row in rows {
            lines.push(Line {
                steps: 1,
                label: plain::printable(&row.label),
                cells: cells(row, report.broken_limit(row), color),
            });
            lines.extend(shares(row));
        }
    }
    lines
}

/// The width of the longest label, as far as the other columns leave room.
fn room_for_labels(lines: &[Line], look: Look) -> usize {
    let label = |line: &Line| columns(line.steps) + wrap::columns(&line.label);
    let value = |line: &Line| line.cells.first().map_or(0, |value| wrap::columns(value));
    let longest = lines.iter().map(label).max().unwrap_or(0);
    let values = lines.iter().map(value).max().unwrap_or(0);
    let width = usize::from(look.width);
    let others = values + SPANS.len() * (GAP + LEAST_SPAN) + GAP;
    let left = width.saturating_sub(others).max(LEAST_LABEL);
    longest.min(width * 2 / 5).min(left)
}

/// A label in lines that fit, all of them indented and all but the first a little more.
fn indented(line: &Line, room: usize, color: bool) -> String {
    let room = room.saturating_sub(columns(line.steps));
    let lines = wrap::hanging(&line.label, room, columns(1));
    let line = |text: String| match line.steps {
        0 if text.is_empty() => text,
        0 => ink::mark(&text, Ink::Bold, color),
        steps => format!("{}{}", INDENT.repeat(steps), text.replace(' ', "\u{a0}")),
    };
    lines.into_iter().map(line).collect::<Vec<_>>().join("\n")
}

fn columns(steps: usize) -> usize {
    INDENT.chars().count() * steps
}

/// Every row is compared with the same days, so the heads name them.
fn heads(report: &Report) -> Vec<String> {
    let mut heads = vec!["Metric".to_owned(), "Value".to_owned()];
    for days in SPANS {
        let against = format!("vs {}", words::days(days));
        let date = report.rows.iter().find_map(|row| row.change(days));
        heads.push(match date {
            Some(change) => {
                let date = spoken(change.date);
                let without_year = date.rsplit_once(' ').map_or(date.as_str(), |(day, _)| day);
                format!("{against}\n{without_year}")
            }
            None => against,
        });
    }
    heads
}

fn cells(row: &Row, broken: Option<BrokenLimit>, color: bool) -> Vec<String> {
    let value = plain::printable(&words::value(row));
    let value = match broken {
        Some(BrokenLimit { severity, is_held }) => {
            let text = format!("{} {value}", words::speech().standing(severity, is_held));
            ink::mark(&text, ink_for(severity), color)
        }
        None => value,
    };
    let mut cells = vec![value];
    let changes = SPANS.into_iter().map(|days| match row.change(days) {
        Some(change) => {
            let text = plain::printable(&words::cell(change, row));
            match ink_of(change) {
                Some(ink) => ink::mark(&text, ink, color),
                None => text,
            }
        }
        None => String::new(),
    });
    cells.extend(changes);
    cells
}

/// The largest parts of a distribution, and all others as one.
fn shares(row: &Row) -> Vec<Line> {
    let Some(Value::Parts(parts)) = &row.value else {
        return Vec::new();
    };
    let share = |label: String, count: Decimal| Line {
        steps: 2,
        label,
        cells: vec![plain::printable(&number::part(
            count,
            &row.unit,
            row.decimals,
            words::HABIT,
        ))],
    };
    let (named, others) = largest(parts);
    let mut shares: Vec<Line> = named
        .into_iter()
        .map(|part| share(clean::part(part, PartKey::NO_VALUE), part.count))
        .collect();
    shares.extend(others.map(|others| share("(all others)".to_owned(), others)));
    shares
}

/// Each note once, with the metrics it is about, or their number if they are many.
fn notes(report: &Report, look: Look) -> Vec<String> {
    let mut notes: Vec<(String, Vec<&str>)> = Vec::new();
    for row in &report.rows {
        for note in words::provenance(row, report) {
            match notes.iter_mut().find(|(known, _)| *known == note) {
                Some((_, labels)) => labels.push(&row.label),
                None => notes.push((note, vec![&row.label])),
            }
        }
    }
    for (row, twin) in report.differing() {
        notes.push((words::differs(row, twin), vec![&row.label]));
    }
    for one in &report.unlisted {
        notes.push((words::unlisted(one), vec![&one.split]));
    }
    let lines = |(note, labels): &(String, Vec<&str>)| {
        let whose = match labels.len() {
            0..=NAMED => labels.join("; "),
            many => format!("{many} metrics"),
        };
        let text = plain::printable(&format!("{whose}: {note}"));
        let lines = wrap::hanging(&text, usize::from(look.width).saturating_sub(2), 2);
        lines.into_iter().map(|line| format!("  {line}"))
    };
    notes.iter().flat_map(lines).collect()
}

/// Spaces at which no cell wraps.
const INDENT: &str = "\u{a0}\u{a0}";

fn ink_of(change: &Change) -> Option<Ink> {
    let difference = change.difference()?;
    Some(match difference.severity? {
        _ if difference.welcome => Ink::Good,
        severity => ink_for(severity),
    })
}

fn ink_for(severity: Severity) -> Ink {
    match severity {
        Severity::Critical => Ink::Critical,
        Severity::Warning => Ink::Warning,
    }
}
