//! The same numbers, counted in several ways by turns.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use chrono::{DateTime, TimeDelta, Utc};
use daybook::calendar::{AsOf, Day, days_between};
use daybook::collect::{self, Cost, Request, Strategy, Work};
use daybook::config::{AppDatabase, Config};
use daybook::database::Limits;
use daybook::entry::{Entry, derive};
use tokio_util::sync::CancellationToken;

use crate::floor::Floor;
use crate::table::{self, median};

const ROUNDS: usize = 5;

/// The instant up to which the data is counted, and its day.
pub(crate) struct Moment {
    pub now: DateTime<Utc>,
    pub day: Day,
}

impl Moment {
    pub(crate) fn of_the_data() -> Result<Self> {
        let now: DateTime<Utc> = "2026-11-20T18:00:00Z".parse()?;
        Ok(Self {
            now,
            day: Day::containing(now, chrono_tz::Europe::Zurich),
        })
    }

    pub(crate) fn as_of(&self) -> AsOf {
        self.day.as_of(self.now)
    }

    /// Yesterday is not among them: within its grace a day is counted as a night of its own.
    fn past_year(&self) -> Vec<Day> {
        let last = self.day.previous().previous().date;
        days_between(last - chrono::Days::new(364), last, self.day.zone)
    }
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Contender {
    Night,
    ByHand,
    ByHandWithoutJit,
    OneByOne,
    Year,
}

/// The night first.
pub(crate) const CONTENDERS: [(Contender, &str); 5] = [
    (Contender::Night, "Daybook's night"),
    (Contender::ByHand, "by hand, about one pass a table"),
    (Contender::ByHandWithoutJit, "by hand, `jit = off`"),
    (Contender::OneByOne, "the same metrics, a statement each"),
    (Contender::Year, "365 past days at once"),
];

pub(crate) async fn hold(
    config: &Config,
    moment: &Moment,
    contenders: &[(Contender, &str)],
) -> Result<()> {
    let app = config.app("")?;
    let floor = Floor::new(app, &moment.as_of());
    let entry = night_entry(config, moment).await?;
    floor.agrees_with(&entry).await?;
    one_by_one(config, moment).await?;
    let contenders: Vec<&(Contender, &str)> = contenders
        .iter()
        .filter(|(contender, _)| *contender != Contender::ByHandWithoutJit || floor.has_jit())
        .collect();
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); contenders.len()];
    for round in 0..ROUNDS {
        eprintln!("round {} of {ROUNDS}", round + 1);
        for ((contender, _), taken) in contenders.iter().zip(&mut times) {
            let begun = Instant::now();
            match contender {
                Contender::Night => {
                    drop(counted(config, moment, Work::Night(moment.as_of())).await?);
                }
                Contender::Year => {
                    drop(counted(config, moment, Work::Range(moment.past_year())).await?);
                }
                Contender::ByHand => drop(floor.rows(true).await?),
                Contender::ByHandWithoutJit => drop(floor.rows(false).await?),
                Contender::OneByOne => one_by_one(config, moment).await?,
            }
            taken.push(begun.elapsed());
        }
    }
    let night = median(&times[0]);
    let rows = contenders.iter().zip(&times).map(|((_, name), taken)| {
        let middle = median(taken);
        let beside = night.as_secs_f64() / middle.as_secs_f64();
        [
            (*name).to_owned(),
            table::seconds(middle),
            table::spread(taken),
            format!("{beside:.2}"),
            format!("{:.2}", 1.0 / beside),
        ]
    });
    table::print(
        [
            "what",
            "median",
            "fastest … slowest",
            "night ÷ this",
            "this ÷ night",
        ],
        rows,
    );
    println!(
        "\nNight and hand-written SQL agree on {} numbers.",
        floor.agreed()
    );
    Ok(())
}

async fn counted(config: &Config, moment: &Moment, work: Work) -> Result<collect::Collected> {
    let collected = collect::collect(&config.apps, &request(config, moment, work)).await;
    if let Some(lost) = collected.unreachable.first() {
        bail!("{lost}");
    }
    Ok(collected)
}

async fn night_entry(config: &Config, moment: &Moment) -> Result<Entry> {
    let collected = counted(config, moment, Work::Night(moment.as_of())).await?;
    let (_, readings) = collected
        .days
        .into_iter()
        .next()
        .context("a night has one day")?;
    let mut entry = Entry::empty(&moment.as_of(), moment.now, "");
    entry.readings = readings;
    derive(&mut entry, &config.catalog);
    if let Some((key, error)) = entry.failures().next() {
        bail!("{key} failed: {error}");
    }
    Ok(entry)
}

/// Every metric by a statement of its own, on one connection.
async fn one_by_one(config: &Config, moment: &Moment) -> Result<()> {
    let request = request(config, moment, Work::Night(moment.as_of()));
    let app = AppDatabase {
        connections: 1,
        ..config.app("")?.clone()
    };
    let apps = BTreeMap::from([(String::new(), app)]);
    let mut each_way = collect::with_strategies(&apps, &request, &[Strategy::Alone]).await;
    let collected = each_way.pop().context("one way of counting")?;
    let failed = |cost: &Cost| cost.error.clone();
    match collected.statements.iter().find_map(failed) {
        Some(error) => bail!("{error}"),
        None => Ok(()),
    }
}

fn request<'a>(config: &'a Config, moment: &Moment, work: Work) -> Request<'a> {
    Request {
        catalog: &config.catalog,
        keys: config
            .catalog
            .metrics
            .iter()
            .map(|metric| metric.key.clone())
            .collect(),
        work,
        now: moment.now,
        grace: TimeDelta::hours(24),
        retry_for: Duration::ZERO,
        follower_timeout: Duration::ZERO,
        limits: Limits {
            statement_timeout: Duration::from_secs(600),
            lock_timeout: Duration::from_secs(10),
            stop: CancellationToken::new(),
        },
        recipients: None,
        progress: &|_, _| {},
        retrying: &|_, _| {},
    }
}
