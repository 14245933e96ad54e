//! A day as a terminal table.

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use rust_decimal::Decimal;

use crate::calendar::spoken;
use crate::entry::{Part, Value};
use crate::report::{Change, Report, Row, Rule, Severity, State};

use super::{Look, alerts, number, words};

const SPANS: [u32; 3] = [1, 7, 30];
/// The last column; the metric and its value stand before the spans.
const LAST: usize = SPANS.len() + 1;
/// A distribution's parts beyond these are added up.
const PARTS: usize = 5;
const STYLE: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// `daybook show`: title, alerts, a table of all sections, notes.
pub fn show(report: &Report, look: Look) -> String {
    let mut lines = vec![words::harmless(&words::title(report))];
    if !report.alerts.is_empty() {
        lines.push(String::new());
        lines.push(format!("Alerts: {}", alerts::tally(report.counts)));
        lines.extend(alerts::lines(report, look));
    }
    lines.push(String::new());
    lines.extend(table(report, look).lines().map(|line| dye(line.trim_end())));
    let notes = notes(report);
    if !notes.is_empty() {
        lines.push(String::new());
        lines.push("Notes".to_owned());
        lines.extend(notes);
    }
    lines.join("\n") + "\n"
}

fn table(report: &Report, look: Look) -> Table {
    let mut table = Table::new();
    table
        .load_style(STYLE)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(look.width)
        .set_header(heads(report));
    for (at, (name, rows)) in report.sections().into_iter().enumerate() {
        if at > 0 {
            table.add_row([""]);
        }
        table.add_row([mark(&words::harmless(name), Ink::Bold, look.color)]);
        for row in rows {
            table.add_row(cells(row, standing(report, row), look.color));
            if let Some(Value::Parts(parts)) = &row.value {
                table.add_rows(shares(parts));
            }
        }
    }
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, if at == LAST { 0 } else { 2 }));
        if at == 1 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Every row is compared with the same days, so the heads tell them.
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

/// The severity of the limit that the value itself breaks.
fn standing(report: &Report, row: &Row) -> Option<Severity> {
    let alerts = report.alerts.iter().map(|notice| &notice.alert);
    let mut broken = alerts.filter(|alert| {
        alert.key == row.key
            && matches!(alert.rule, Rule::Absolute(_))
            && alert.state != State::Recovered
    });
    broken.next().map(|alert| alert.severity)
}

fn cells(row: &Row, broken: Option<Severity>, color: bool) -> Vec<String> {
    let value = words::harmless(&words::value(row));
    let value = match broken {
        Some(severity) => {
            let text = format!("{value} {}", words::severity(severity));
            mark(&text, ink_for(severity), color)
        }
        None => value,
    };
    let label = words::harmless(&row.label);
    let mut cells = vec![format!("{INDENT}{label}"), value];
    let told = SPANS.into_iter().map(|days| match row.change(days) {
        Some(change) => {
            let text = words::harmless(&words::cell(change, row));
            match ink_of(change) {
                Some(ink) => mark(&text, ink, color),
                None => text,
            }
        }
        None => String::new(),
    });
    cells.extend(told);
    cells
}

/// The largest parts, and all others as one.
fn shares(parts: &[Part]) -> Vec<Vec<String>> {
    let mut named: Vec<&Part> = parts.iter().filter(|part| part.key.is_some()).collect();
    named.sort_by_key(|part| std::cmp::Reverse(part.count));
    let (top, rest) = named.split_at(named.len().min(PARTS));
    let mut shares: Vec<Vec<String>> = top
        .iter()
        .map(|part| share(&words::harmless(&part.label), part.count))
        .collect();
    let other = parts.iter().filter(|part| part.key.is_none());
    let others: Vec<Decimal> = other
        .chain(rest.iter().copied())
        .map(|part| part.count)
        .collect();
    if !others.is_empty() {
        shares.push(share("(all others)", others.iter().sum()));
    }
    shares
}

fn share(label: &str, count: Decimal) -> Vec<String> {
    vec![format!("{INDENT}{INDENT}{label}"), number::count(count)]
}

/// Each note once, with the metrics it is about.
fn notes(report: &Report) -> Vec<String> {
    let mut notes: Vec<(String, Vec<&str>)> = Vec::new();
    for row in &report.rows {
        for note in words::provenance(row, report) {
            match notes.iter_mut().find(|(known, _)| *known == note) {
                Some((_, labels)) => labels.push(&row.label),
                None => notes.push((note, vec![&row.label])),
            }
        }
    }
    let line = |(note, labels): &(String, Vec<&str>)| {
        words::harmless(&format!("  {}: {note}", labels.join(", ")))
    };
    notes.iter().map(line).collect()
}

/// Spaces at which no cell wraps.
const INDENT: &str = "\u{a0}\u{a0}";

/// What a colour says; words say it as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    Critical,
    Warning,
    Good,
    Bold,
}

const INKS: [Ink; 4] = [Ink::Critical, Ink::Warning, Ink::Good, Ink::Bold];
const RESET: &str = "\u{1b}[0m";
/// Ends what a mark began.
const UNMARK: char = '\u{2060}';

impl Ink {
    fn code(self) -> &'static str {
        match self {
            Self::Critical => "\u{1b}[1;31m",
            Self::Warning => "\u{1b}[33m",
            Self::Good => "\u{1b}[32m",
            Self::Bold => "\u{1b}[1m",
        }
    }

    /// Stands for the colour while the table is laid out: it has no width, and text from data
    /// never holds it (see [`words::harmless`]).
    fn mark(self) -> char {
        match self {
            Self::Critical => '\u{2061}',
            Self::Warning => '\u{2062}',
            Self::Good => '\u{2063}',
            Self::Bold => '\u{2064}',
        }
    }
}

pub fn ink(text: &str, ink: Ink, color: bool) -> String {
    if color {
        format!("{}{text}{RESET}", ink.code())
    } else {
        text.to_owned()
    }
}

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

/// Word by word, because cells wrap between words.
fn mark(text: &str, ink: Ink, color: bool) -> String {
    if !color {
        return text.to_owned();
    }
    let words = text.split(' ').map(|word| {
        let begin = ink.mark();
        format!("{begin}{word}{UNMARK}")
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Puts colours in the place of their marks, and plain spaces in that of the unbroken ones; none runs over the end of its line.
fn dye(line: &str) -> String {
    let mut dyed = String::new();
    let mut open = false;
    for letter in line.chars() {
        if let Some(ink) = INKS.into_iter().find(|ink| ink.mark() == letter) {
            dyed.push_str(ink.code());
            open = true;
        } else if letter == UNMARK {
            if std::mem::take(&mut open) {
                dyed.push_str(RESET);
            }
        } else {
            dyed.push(if letter == '\u{a0}' { ' ' } else { letter });
        }
    }
    if open {
        dyed.push_str(RESET);
    }
    dyed
}
