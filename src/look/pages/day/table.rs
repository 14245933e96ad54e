//! A section's table: a row for each metric.

use chrono::{Days, NaiveDate};

use crate::look::pages::Scene;
use crate::look::pages::spark::{self, Spark};
use crate::render::view::{RowView, SectionView, Tone, View};
use crate::report::Report;

pub(super) struct Table<'a> {
    pub(super) section: &'a SectionView,
    /// The heads of the day and the days compared with: words and date.
    pub(super) heads: [(&'static str, String); 4],
    pub(super) rows: Vec<Row<'a>>,
}

pub(super) struct Row<'a> {
    pub(super) view: &'a RowView,
    pub(super) address: String,
    pub(super) spark: Option<Spark>,
    /// Of the row's most severe alert.
    pub(super) tone: Tone,
}

pub(super) fn tables<'a>(
    report: &Report,
    view: &'a View,
    scene: &Scene<'_>,
    address: &impl Fn(&str) -> String,
) -> Vec<Table<'a>> {
    let heads = heads(report.date, scene);
    let row = |view: &'a RowView| Row {
        address: address(&view.key),
        spark: spark::spark(&view.trend),
        tone: view.tone(),
        view,
    };
    let table = |section: &'a SectionView| Table {
        heads: heads.clone(),
        rows: section.rows.iter().map(row).collect(),
        section,
    };
    view.sections.iter().map(table).collect()
}

fn heads(date: NaiveDate, scene: &Scene<'_>) -> [(&'static str, String); 4] {
    let words = scene.words;
    let heads = [
        (words.current, 0),
        (words.vs_day, 1),
        (words.vs_week, 7),
        (words.vs_month, 30),
    ];
    heads.map(|(word, days)| {
        let then = date.checked_sub_days(Days::new(days)).unwrap_or(date);
        (word, scene.speech.short_date(then))
    })
}
