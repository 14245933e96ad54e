//! Four hundred days of as many metrics as are wanted: Beryl's sixty, over and over, with an alert now and then.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::Europe::Zurich;
use daybook::calendar::Day;
use daybook::catalog::{Catalog, Document, Metric};
use daybook::entry::{Entry, Reading, Value};
use daybook::report::{Around, Content, Letter, Report};
use daybook::text::mistake::Source;
use rust_decimal::Decimal;
use support::sample_letters::numbers;

const BERYL: &str = include_str!("../../tests/support/sample_letters/beryl.toml");

/// As many as a night judges.
const DAYS: u64 = 400;

/// Of so many metrics one is struck on the last day.
const STRUCK: usize = 12;

const SHOP: &str = "_shop";

pub(crate) struct Sample {
    pub(crate) catalog: Catalog,
    pub(crate) entries: Vec<Entry>,
    pub(crate) date: NaiveDate,
}

impl Sample {
    pub(crate) fn with_metrics(metrics: usize) -> Result<Self> {
        let source = Source {
            name: "beryl.toml".to_owned(),
            text: BERYL.to_owned(),
        };
        let document = Document::parse(&source).ok().context("it is TOML")?;
        let Ok(mut catalog) = Catalog::read(&[document], None) else {
            bail!("the sample's catalog has mistakes");
        };
        let own = std::mem::take(&mut catalog.metrics);
        let shown: Vec<&Metric> = own.iter().filter(|metric| !metric.hidden).collect();
        let copies = shown.iter().cycle().zip(0..metrics);
        catalog.metrics = copies
            .map(|(metric, at)| copy(metric, at / shown.len()))
            .collect();
        let date = "2025-10-03".parse()?;
        let first: NaiveDate = date - Days::new(DAYS);
        let dates = first.iter_days().take_while(|day| *day <= date);
        let entries: Result<Vec<Entry>> = dates.map(|day| entry(day, &catalog)).collect();
        let mut entries = entries?;
        if let Some(today) = entries.last_mut() {
            strike(today, &catalog);
        }
        Ok(Self {
            catalog,
            entries,
            date,
        })
    }

    pub(crate) fn letter(&self, report: Report) -> Letter {
        Letter {
            name: "Beryl".to_owned(),
            content: Content::Day(Box::new(report)),
            around: Around {
                next_due: Some(self.sent_at() + TimeDelta::days(1)),
                link: Some(format!("https://beryl.example/daybook/{}", self.date)),
                ..Around::default()
            },
        }
    }

    pub(crate) fn sent_at(&self) -> DateTime<Utc> {
        self.entries
            .last()
            .map_or(DateTime::UNIX_EPOCH, |entry| entry.collected_at)
    }
}

/// The first is the metric itself, the others belong to further shops.
fn copy(metric: &Metric, shop: usize) -> Metric {
    let mut copy = metric.clone();
    if shop > 0 {
        copy.key = format!("{}{SHOP}{shop}", metric.key);
        copy.family = format!("{}{SHOP}{shop}", metric.family);
        copy.section = format!("{}, shop {shop}", metric.section);
    }
    copy
}

fn entry(date: NaiveDate, catalog: &Catalog) -> Result<Entry> {
    let day = Day::new(date, Zurich).ok().context("the day exists")?;
    let collected_at = day.end + TimeDelta::minutes(15);
    let mut entry = Entry::empty(&day.close(), collected_at, "hash");
    entry.duration_ms = 412;
    let known: BTreeMap<&str, Reading> = numbers::of(date).into_iter().collect();
    for metric in &catalog.metrics {
        let own = metric.key.split(SHOP).next().unwrap_or_default();
        let reading = known
            .get(own)
            .with_context(|| format!("a number for {own}"))?;
        entry.readings.insert(metric.key.clone(), reading.clone());
    }
    Ok(entry)
}

/// Some lose a good part of their value.
fn strike(today: &mut Entry, catalog: &Catalog) {
    for metric in catalog.metrics.iter().skip(1).step_by(STRUCK) {
        let reading = today.readings.get_mut(&metric.key);
        match reading.and_then(|reading| reading.value.as_mut()) {
            Some(Value::Whole(whole)) => *whole = *whole * 6 / 10,
            Some(Value::Decimal(decimal)) => *decimal *= Decimal::new(6, 1),
            Some(Value::Parts(_)) | None => {}
        }
    }
}
