//! How often the alert rules cry wolf, and what they catch: each folder holds `days.csv` (date,key,value) and
//! `incidents.csv` (date,key,kind,size) as `benches/alerts/days.py` writes them. The last 180 days are judged.
//!
//!     python3 benches/alerts/days.py --out target/days/1 --seed 1
//!     cargo bench --bench alerts -- target/days/1 …

#![expect(clippy::print_stdout, reason = "it reports")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use chrono::{Days, NaiveDate};
use chrono_tz::Europe::Zurich;
use daybook::calendar::Day;
use daybook::catalog::{Catalog, Document, Judge};
use daybook::compare::{History, State};
use daybook::entry::{Entry, Reading, Value};
use daybook::text::mistake::Source;

const JUDGED: u64 = 180;
/// How often the judging of one day is timed; the quickest counts.
const ROUNDS: usize = 20;

fn main() -> Result<()> {
    let folders: Vec<PathBuf> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .map(PathBuf::from)
        .collect();
    if folders.is_empty() {
        println!("alerts: name folders with days: cargo bench --bench alerts -- FOLDER …");
        return Ok(());
    }
    for judge in [Judge::Usual, Judge::Thresholds] {
        let mut found = Found::default();
        for folder in &folders {
            look(folder, judge, &mut found).with_context(|| folder.display().to_string())?;
        }
        found.print(judge, folders.len());
    }
    Ok(())
}

/// What was planted into a metric's days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Planted {
    First,
    GoesOn,
    Slide,
    Level,
}

#[derive(Default)]
struct Found {
    mornings: Vec<usize>,
    false_days: BTreeMap<String, usize>,
    /// Incidents found on their first day, and all.
    incidents: BTreeMap<String, (usize, usize)>,
    outages: (usize, usize),
    /// After how many days; none where it was never found.
    slow: BTreeMap<String, Vec<Option<u64>>>,
    milliseconds: Vec<f64>,
}

fn look(folder: &Path, judge: Judge, found: &mut Found) -> Result<()> {
    let (entries, keys) = days(&std::fs::read_to_string(folder.join("days.csv"))?)?;
    let planted = incidents(&std::fs::read_to_string(folder.join("incidents.csv"))?)?;
    let catalog = catalog(&keys, judge)?;
    let history = History::from_entries(&entries, &catalog);
    let last = entries.last().context("no days")?.date;
    let first = last - Days::new(JUDGED - 1);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        std::hint::black_box(history.judge_day(last, &catalog));
        found
            .milliseconds
            .push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    let judgement = history.judge_days(first..=last, &catalog);
    let mut alerts: BTreeSet<(NaiveDate, &str)> = BTreeSet::new();
    for day in &judgement.days {
        for metric in &day.metrics {
            let standing = metric
                .alerts
                .iter()
                .any(|alert| alert.state != State::Recovered);
            if standing {
                alerts.insert((day.date, &metric.key));
            }
        }
    }
    let mut mornings = BTreeSet::new();
    for (date, key) in &alerts {
        if !planted.contains_key(&(*date, (*key).to_owned())) {
            mornings.insert(*date);
            *found.false_days.entry(kind(key)).or_default() += 1;
        }
    }
    found.mornings.push(mornings.len());
    let mut slow: BTreeMap<(&str, &str), NaiveDate> = BTreeMap::new();
    for ((date, key), (what, size)) in &planted {
        let hit = alerts.contains(&(*date, key.as_str()));
        match what {
            Planted::First => {
                count(found.incidents.entry(kind(key)).or_default(), hit);
                if *size == 0.0 {
                    count(&mut found.outages, hit);
                }
            }
            Planted::GoesOn => {}
            Planted::Slide | Planted::Level => {
                let what = if *what == Planted::Slide {
                    "slide"
                } else {
                    "level"
                };
                let begun = slow.entry((key.as_str(), what)).or_insert(*date);
                *begun = (*begun).min(*date);
            }
        }
    }
    for ((key, what), begun) in slow {
        let hit = begun.iter_days().take(60).position(|date| {
            alerts.contains(&(date, key)) && planted.contains_key(&(date, key.to_owned()))
        });
        let of = format!("{what} of a {} metric", kind(key));
        found
            .slow
            .entry(of)
            .or_default()
            .push(hit.map(|days| days as u64));
    }
    Ok(())
}

fn count(of: &mut (usize, usize), hit: bool) {
    of.0 += usize::from(hit);
    of.1 += 1;
}

fn kind(key: &str) -> String {
    key.split('_').next().unwrap_or(key).to_owned()
}

type Planting = BTreeMap<(NaiveDate, String), (Planted, f64)>;

fn days(text: &str) -> Result<(Vec<Entry>, Vec<String>)> {
    let mut entries: BTreeMap<NaiveDate, Entry> = BTreeMap::new();
    let mut keys: Vec<String> = Vec::new();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let [date, key, value] = cells[..] else {
            bail!("`{line}` is not date,key,value");
        };
        let date: NaiveDate = date.parse()?;
        if !keys.iter().any(|known| known == key) {
            keys.push(key.to_owned());
        }
        let day = Day::new(date, Zurich).context("a day in Zurich")?;
        let entry = entries
            .entry(date)
            .or_insert_with(|| Entry::empty(&day.close(), day.end, "bench"));
        let value = Value::from_decimal(value.parse()?);
        entry
            .readings
            .insert(key.to_owned(), Reading::observed(Some(value)));
    }
    Ok((entries.into_values().collect(), keys))
}

fn incidents(text: &str) -> Result<Planting> {
    let mut planted = Planting::new();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let [date, key, what, size] = cells[..] else {
            bail!("`{line}` is not date,key,kind,size");
        };
        let what = match what {
            "first" => Planted::First,
            "goes on" => Planted::GoesOn,
            "slide" => Planted::Slide,
            _ => Planted::Level,
        };
        let place = (date.parse()?, key.to_owned());
        // Where two incidents overlap, the one that begins counts.
        if what == Planted::First || !planted.contains_key(&place) {
            planted.insert(place, (what, size.parse()?));
        }
    }
    Ok(planted)
}

fn catalog(keys: &[String], judge: Judge) -> Result<Catalog> {
    let metric = |key: &String| {
        if kind(key) == "rate" {
            format!(
                "[[metrics]]\nkey = \"{key}\"\npercent = {{ of = \"whole\", in = \"whole\" }}\n"
            )
        } else {
            format!("[[metrics]]\nkey = \"{key}\"\nsql = \"SELECT 1\"\n")
        }
    };
    let whole = "[[metrics]]\nkey = \"whole\"\nsql = \"SELECT 1\"\nhidden = true\n".to_owned();
    let text: String = std::iter::once(whole)
        .chain(keys.iter().map(metric))
        .collect();
    let source = Source {
        name: "bench.toml".to_owned(),
        text,
    };
    let document = Document::parse(&source).map_err(|mistakes| anyhow::anyhow!("{mistakes:?}"))?;
    let mut catalog =
        Catalog::read(&[document], None).map_err(|mistakes| anyhow::anyhow!("{mistakes:?}"))?;
    catalog.thresholds.judge = judge;
    Ok(catalog)
}

impl Found {
    fn print(&self, judge: Judge, folders: usize) {
        let name = match judge {
            Judge::Usual => "Outside what is usual",
            Judge::Thresholds => "Plain thresholds",
        };
        let mean = self.mornings.iter().sum::<usize>() as f64 / folders as f64;
        let (hit, all) = self
            .incidents
            .values()
            .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        println!("\n## {name}\n");
        println!("| what | |\n|---|--:|");
        println!(
            "| mornings of {JUDGED} with a false alert | {mean:.1} ({:?}) |",
            self.mornings
        );
        println!(
            "| incidents found on their first day | {hit} of {all} ({:.1} %) |",
            percent(hit, all)
        );
        println!(
            "| outages among them | {} of {} |",
            self.outages.0, self.outages.1
        );
        let quickest = self
            .milliseconds
            .iter()
            .copied()
            .fold(f64::INFINITY, f64::min);
        println!("| judging one day | {quickest:.1} ms |\n");
        println!("| kind of metric | false metric-days | incidents found |\n|---|--:|--:|");
        let kinds: BTreeSet<&String> = self
            .false_days
            .keys()
            .chain(self.incidents.keys())
            .collect();
        for kind in kinds {
            let days = self.false_days.get(kind).copied().unwrap_or_default();
            let found = self
                .incidents
                .get(kind)
                .map_or_else(String::new, |(hit, all)| format!("{hit} of {all}"));
            println!("| {kind} | {days} | {found} |");
        }
        println!("\n| slow | found after so many days |\n|---|---|");
        for (what, after) in &self.slow {
            let mut after: Vec<String> = after
                .iter()
                .map(|days| days.map_or("never".to_owned(), |days| format!("{days:>2}")))
                .collect();
            after.sort();
            println!("| {what} | {} |", after.join(" · "));
        }
    }
}

fn percent(part: usize, whole: usize) -> f64 {
    part as f64 * 100.0 / whole.max(1) as f64
}
