//! A day as a terminal table.

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use rust_decimal::Decimal;

use crate::calendar::spoken;
use crate::entry::{Part, Value};
use crate::report::{Change, Report, Row, Severity};

use super::{Look, alerts, number, words};

const SPANS: [u32; 3] = [1, 7, 30];
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
        table.add_row([bold(&words::harmless(name), look.color)]);
        for row in rows {
            table.add_row(cells(row, look.color));
            if let Some(Value::Parts(parts)) = &row.value {
                table.add_rows(shares(parts));
            }
        }
    }
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
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

fn cells(row: &Row, color: bool) -> Vec<String> {
    let mut cells = vec![
        format!("  {}", words::harmless(&row.label)),
        words::harmless(&words::value(row)),
    ];
    let told = SPANS.into_iter().map(|days| match row.change(days) {
        Some(change) => {
            let text = words::harmless(&words::cell(change, row));
            match ink_of(change) {
                Some(ink) if color => mark(&text, ink),
                _ => text,
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
    vec![format!("    {label}"), number::count(count)]
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
        Severity::Critical => Ink::Critical,
        Severity::Warning => Ink::Warning,
    })
}

fn bold(text: &str, color: bool) -> String {
    if color {
        mark(text, Ink::Bold)
    } else {
        text.to_owned()
    }
}

/// Word by word, because cells wrap between words.
fn mark(text: &str, ink: Ink) -> String {
    let words = text.split(' ').map(|word| {
        let begin = ink.mark();
        format!("{begin}{word}{UNMARK}")
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Puts colours in the place of their marks; none runs over the end of its line.
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
            dyed.push(letter);
        }
    }
    if open {
        dyed.push_str(RESET);
    }
    dyed
}
