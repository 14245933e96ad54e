//! Which columns the table has, and how wide each is.

use super::fit::widest;
use super::shown::{Day, Metric};
use super::words::Words;

/// The width of each part of a row; 0 leaves it out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Columns {
    /// For the selection and the sign.
    pub(super) gutter: usize,
    pub(super) label: usize,
    pub(super) value: usize,
    /// How many of the three changes there are.
    pub(super) changes: usize,
    pub(super) change: usize,
    /// For the words at a change; without them a sign stands there.
    pub(super) note: usize,
    pub(super) trend: usize,
}

/// Between two columns.
pub(super) const GAP: usize = 1;
/// For `!!` behind a change without words.
pub(super) const SIGN: usize = 2;
const TREND: usize = 30;

impl Columns {
    /// The richest columns that fit into the width, stretched to fill it.
    pub(super) fn fitting(day: &Day, words: &Words, width: usize) -> Self {
        let natural = Self {
            gutter: if width < 40 { 2 } else { 4 },
            changes: 3,
            trend: TREND,
            ..Self::natural(day, words)
        };
        let without_notes = |longest_label: usize, changes, trend| Self {
            label: natural.label.min(longest_label),
            note: 0,
            changes,
            trend,
            ..natural
        };
        let least = without_notes(0, 0, 0);
        let choices = [
            natural,
            without_notes(natural.label, 3, TREND),
            without_notes(30, 3, 10),
            without_notes(24, 3, 12),
            without_notes(18, 3, 8),
            without_notes(16, 3, 0),
            without_notes(16, 2, 0),
            without_notes(12, 1, 0),
            without_notes(8, 0, 0),
        ];
        let fitting = choices.into_iter().find(|columns| columns.total() <= width);
        fitting.unwrap_or(least).stretched(natural.label, width)
    }

    /// As wide as the texts.
    fn natural(day: &Day, words: &Words) -> Self {
        let rows = || day.metrics.iter().map(|metric| &metric.row);
        let cells = || rows().flat_map(|row| row.changes.iter().flatten());
        // Words without an arrow may stand where the sign would.
        let changes = cells().map(|cell| {
            let text = widest([&*cell.text].into_iter());
            match cell.arrow {
                "" => text.saturating_sub(SIGN),
                _ => text + 2,
            }
        });
        let heads = day.metrics.iter().take(1);
        let against = widest(words.against.into_iter());
        Self {
            label: widest(rows().map(|row| row.label.as_str())).clamp(8, 40),
            value: widest(rows().map(|row| row.value.as_str()))
                .max(widest(heads.map(|metric| metric.heads[1].as_str())))
                .clamp(4, 16),
            change: changes.max().unwrap_or_default().max(against).min(13),
            note: widest(cells().filter_map(|cell| cell.note.as_deref())).clamp(8, 16),
            ..Self::default()
        }
    }

    /// The width of everything behind the value.
    pub(super) fn beside(&self) -> usize {
        let change = match self.note {
            0 => GAP + self.change + SIGN,
            note => GAP * 2 + self.change + GAP + note,
        };
        let trend = if self.trend > 0 { GAP + self.trend } else { 0 };
        self.changes * change + trend
    }

    fn total(&self) -> usize {
        self.gutter + self.label + GAP + self.value + self.beside()
    }

    /// The room that is left goes to the trend, then to the labels.
    fn stretched(mut self, label: usize, width: usize) -> Self {
        let left = |columns: &Self| width.saturating_sub(columns.total());
        if self.trend > 0 {
            self.trend += left(&self).min(TREND - self.trend);
        }
        let more = label.saturating_sub(self.label);
        self.label += left(&self).min(more);
        let over = self.total().saturating_sub(width);
        self.value = self.value.saturating_sub(over);
        self
    }
}

/// The heads over the changes: with dates where there is room.
pub(super) fn heads(metric: &Metric, words: &Words, columns: &Columns) -> [String; 3] {
    let [_, _, compared @ .., _] = &metric.heads;
    match columns.note {
        0 => words.against.map(str::to_owned),
        _ => compared.clone(),
    }
}
