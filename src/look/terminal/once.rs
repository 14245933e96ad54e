//! The page as plain text, as wide as asked and as long as it takes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::render::view::NoteView;
use crate::render::wrap;

use super::lines::{alerts, empty, header, summary};
use super::shown::{Day, Shown};
use super::table::{divider, table};

pub fn once(shown: &Shown, width: u16) -> String {
    let columns = usize::from(width);
    let mut lines = header(shown, columns, false);
    match &shown.day {
        Some(day) => lines.extend(day_lines(day, shown, columns)),
        None => lines.extend(empty(shown)),
    }
    text(&lines, width)
}

fn day_lines(day: &Day, shown: &Shown, width: usize) -> Vec<Line<'static>> {
    let mut lines = summary(day, width, usize::MAX);
    if !day.alerts.is_empty() {
        lines.push(Line::default());
        lines.push(divider(shown.words.alerts, width));
        let nowhere = day.alerts.len();
        lines.extend(alerts(day, &day.alerts, nowhere, (width, false)).0);
    }
    let all: Vec<usize> = (0..day.metrics.len()).collect();
    let table = table((day, shown.words), &all, None, (width, false));
    lines.extend([Line::default(), table.head]);
    lines.extend(table.lines);
    for note in &day.notes {
        lines.push(Line::default());
        lines.extend(self::note(note, width));
    }
    lines
}

fn note(note: &NoteView, width: usize) -> Vec<Line<'static>> {
    let told = note.lines.iter().flat_map(|line| {
        let line = wrap::hanging(line, width.saturating_sub(4).max(1), 0);
        line.into_iter()
            .map(|line| Line::raw(format!("    {line}")))
    });
    std::iter::once(divider(&note.title, width))
        .chain(told)
        .collect()
}

/// Without blanks at the ends of lines.
fn text(lines: &[Line<'_>], width: u16) -> String {
    let mut text = String::new();
    for line in lines {
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, 1));
        buffer.set_line(0, 0, line, width);
        text.push_str(written(&buffer).trim_end());
        text.push('\n');
    }
    text
}

/// A wide letter has the cell behind its own, too.
fn written(buffer: &Buffer) -> String {
    let mut line = String::new();
    let mut covered = 0;
    for cell in buffer.content() {
        if covered == 0 {
            line.push_str(cell.symbol());
            covered = wrap::columns(cell.symbol()).max(1);
        }
        covered -= 1;
    }
    line
}
