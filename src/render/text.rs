//! The view as plain text in lines of 78 columns.

use askama::Template;

use super::view::{CellView, NoteView, RowView, SectionView, Tone, View};
use super::wrap;

const WIDTH: usize = 78;
/// Between two columns.
const GAP: usize = 2;
/// A change with its arrow: `▼ +10 points`.
const CHANGE: usize = 12;
const LEAST_VALUE: usize = 6;
const MOST_VALUE: usize = 18;
const INDENT: usize = 2;

pub fn text(view: &View) -> String {
    let value = value_width(view);
    let page = Page {
        view,
        masthead: lines(&masthead(view), 0),
        verdict: lines(&view.verdict, 0),
        underline: "=".repeat(wrap::columns(&view.verdict).min(WIDTH)),
        summary: lines(&view.summary, 0),
        highlights: view
            .highlights
            .iter()
            .map(|highlight| {
                let text = format!("{}: {} {}", highlight.word, highlight.head, highlight.rest);
                lines(&text, INDENT)
            })
            .collect(),
        sections: view
            .sections
            .iter()
            .map(|section| table(section, value))
            .collect(),
        notes: view.notes.iter().map(note).collect(),
        footer: lines(&view.footer.join(" "), 0),
    };
    let text = page.render().expect("a String takes everything");
    tidy(&text)
}

/// No spaces at the ends of lines, and never two empty lines.
fn tidy(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.dedup_by(|line, before| line.is_empty() && before.is_empty());
    lines.join("\n").trim().to_owned() + "\n"
}

#[derive(Template)]
#[template(path = "report.txt")]
struct Page<'a> {
    view: &'a View,
    masthead: Vec<String>,
    verdict: Vec<String>,
    underline: String,
    summary: Vec<String>,
    highlights: Vec<Vec<String>>,
    sections: Vec<Vec<String>>,
    notes: Vec<Vec<String>>,
    footer: Vec<String>,
}

fn masthead(view: &View) -> String {
    format!("{} · {} · {}", view.name, view.date, view.span)
}

fn lines(text: &str, hang: usize) -> Vec<String> {
    wrap::hanging(text, WIDTH, hang)
}

/// As wide as the widest value or part, within reason: a table stays a table.
fn value_width(view: &View) -> usize {
    let rows = view.sections.iter().flat_map(|section| &section.rows);
    let values = rows.flat_map(|row| {
        let parts = row.parts.iter().map(|part| &part.value);
        std::iter::once(&row.value).chain(parts)
    });
    let heads = view.sections.iter().map(|section| &section.heads[1]);
    let widest = values.chain(heads).map(|value| wrap::columns(value)).max();
    widest.unwrap_or_default().clamp(LEAST_VALUE, MOST_VALUE)
}

/// A section with its heads, a line under them, and its rows.
fn table(section: &SectionView, value: usize) -> Vec<String> {
    let [_, day, compared @ .., _] = &section.heads;
    let [first, second, third] = compared.each_ref().map(|head| head.replacen(' ', "\n", 1));
    let mut table = lines(&section.name, INDENT);
    let heads = [format!("\n{day}"), first, second, third];
    table.extend(columns("", heads, value));
    table.push("-".repeat(WIDTH));
    for row in &section.rows {
        table.extend(self::row(row, value));
    }
    table
}

fn row(row: &RowView, value: usize) -> Vec<String> {
    let [day, week, month] = match &row.changes {
        Some(changes) => changes.each_ref().map(cell),
        None => Default::default(),
    };
    let mut lines = columns(&row.label, [row.value.clone(), day, week, month], value);
    let usual = row.usual.as_deref().filter(|_| row.tone() != Tone::Plain);
    let remarks = [row.value_note.as_deref(), usual].into_iter().flatten();
    let remarks: Vec<&str> = remarks.collect();
    if !remarks.is_empty() {
        lines.extend(indented(&format!("({})", remarks.join("; "))));
    }
    for part in &row.parts {
        let share = format!("{:.0}\u{a0}%", part.share * 100.0);
        let cells = [part.value.clone(), share, String::new(), String::new()];
        let part = columns(&format!("-\u{a0}{}", part.label), cells, value);
        lines.extend(part);
    }
    lines
}

/// The change, and its note on a line of its own. If the change is too long, its unit goes below.
fn cell(cell: &CellView) -> String {
    let mut change = format!("{} {}", cell.arrow, cell.text);
    if wrap::columns(change.trim_start()) > CHANGE {
        change = change.replace('\u{a0}', " ");
    }
    match &cell.note {
        Some(note) => format!("{}\n{note}", change.trim_start()),
        None => change.trim_start().to_owned(),
    }
}

/// A label at the left, a value and three changes at the right of their columns, each on as many lines as it takes.
fn columns(label: &str, cells: [String; 4], value: usize) -> Vec<String> {
    let widths = [value, CHANGE, CHANGE, CHANGE];
    let others: usize = widths.iter().map(|width| width + GAP).sum();
    let room = WIDTH - others;
    let label = wrap::hanging(label, room, INDENT);
    let cells: Vec<Vec<String>> = cells
        .iter()
        .zip(widths)
        .map(|(cell, width)| {
            let lines = cell.split('\n');
            lines
                .flat_map(|line| wrap::hanging(line, width, 0))
                .collect()
        })
        .collect();
    let height = cells.iter().map(Vec::len).chain([label.len()]).max();
    let line = |at: usize| {
        let text = |lines: &[String]| lines.get(at).cloned().unwrap_or_default();
        let space =
            |text: &str, width: usize| " ".repeat(width.saturating_sub(wrap::columns(text)));
        let mut line = text(&label);
        line.push_str(&space(&line, room));
        for (cell, width) in cells.iter().zip(widths) {
            let cell = text(cell);
            line.push_str(&space(&cell, GAP + width));
            line.push_str(&cell);
        }
        line
    };
    (0..height.unwrap_or_default()).map(line).collect()
}

fn indented(text: &str) -> Vec<String> {
    let lines = wrap::hanging(text, WIDTH - INDENT, 1);
    let indent = " ".repeat(INDENT);
    lines
        .into_iter()
        .map(|line| format!("{indent}{line}"))
        .collect()
}

fn note(note: &NoteView) -> Vec<String> {
    let items = note.lines.iter().map(|line| match line.mark {
        Some((_, word)) => format!("-\u{a0}{word}: {}", line.text),
        None => format!("-\u{a0}{}", line.text),
    });
    let items = items.flat_map(|item| lines(&item, INDENT));
    lines(&note.title, 0).into_iter().chain(items).collect()
}
