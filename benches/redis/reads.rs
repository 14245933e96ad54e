//! What questions about one host, and about all scans, take on Redis.

use std::ops::Range;
use std::time::Instant;

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use daybook::config::LiveSettings;
use daybook::live::compat::scan_hashes::Wanted;
use daybook::live::question::Order;
use daybook::live::redis::changes::Changes;
use daybook::live::redis::compact::Chains;
use daybook::live::redis::host_samples::samples;
use daybook::live::redis::scans::{scan_rollups, scan_summary};
use daybook::live::redis::shared::Shared;
use daybook::live::redis::{hosts as layout, moderation};
use support::redis::Server;

use super::{PREFIX, points, redis, sample, scan, send};

const ROUNDS: usize = 31;
/// Samples of a host in thirty days, one every 30 seconds.
const SAMPLES: usize = 86_400;

/// The median of several, in milliseconds.
fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

pub(super) async fn hosts(server: &Server, forms: &[(&str, &LiveSettings)]) -> Result<()> {
    println!("\n## One host of {SAMPLES} samples in 30 days\n");
    println!("| history | question | samples | median, ms | goal |");
    println!("|---|---|--:|--:|--:|");
    let now = Utc::now();
    for (words, settings) in forms {
        server.client(0).run(["FLUSHALL"]);
        let kind = &settings.kinds["host"];
        let events = (0..SAMPLES).map(|number| {
            let mut event = sample(1, number, now);
            event.at = Some(now - TimeDelta::seconds(30 * (SAMPLES - number) as i64));
            event
        });
        let filled = points(kind, events)?;
        let form = layout::Layout {
            retention_days: 31,
            history: redis(settings)?.history,
        };
        let mut chains = Chains::new(1);
        send(settings, &filled, |changes, points| {
            layout::add(changes, points, form, &mut chains);
        })
        .await?;
        let mut shared = Shared::connect(redis(settings)?, now).await?;
        let since = |time: TimeDelta| (now - time).timestamp_micros()..i64::MAX;
        let all = since(TimeDelta::days(31));
        for (question, window, order, most, goal) in [
            ("latest", all.clone(), Order::NewestFirst, 1, 1),
            ("newest 100", all.clone(), Order::NewestFirst, 100, 2),
            (
                "24 hours",
                since(TimeDelta::hours(24)),
                Order::OldestFirst,
                10_000,
                15,
            ),
            (
                "30 days, the first 10,000",
                all.clone(),
                Order::OldestFirst,
                10_000,
                60,
            ),
            ("30 days, all", all, Order::OldestFirst, SAMPLES, 60),
        ] {
            let (mut times, mut count) = (Vec::new(), 0);
            for _ in 0..ROUNDS {
                let begun = Instant::now();
                let asked: Range<i64> = window.clone();
                let found = samples(&mut shared, kind, "host-0001", asked, order, most).await?;
                times.push(begun.elapsed().as_secs_f64() * 1000.0);
                count = found.points.len();
            }
            println!(
                "| {words} | {question} | {count} | **{:.2}** | {goal} |",
                median(times)
            );
        }
    }
    Ok(())
}

/// A year of five content types of one guild, each scanned with one or all three accelerations.
pub(super) async fn scans(
    server: &Server,
    documented: &LiveSettings,
    later: &LiveSettings,
) -> Result<()> {
    println!("\n## 1,825 rollups of scans\n");
    println!("| form, scans of a rollup | question | rows | median, ms | goal |");
    println!("|---|---|--:|--:|--:|");
    let now: DateTime<Utc> = Utc::now();
    for (words, settings, is_later, each) in [
        ("documented, one", documented, false, 1),
        ("later, one", later, true, 1),
        ("later, three, one of each acceleration", later, true, 3),
    ] {
        let layout = moderation::Layout {
            prefix: PREFIX.to_owned(),
            stream: PREFIX.to_owned(),
            bound: None,
            later: is_later,
        };
        server.client(0).run(["FLUSHALL"]);
        let mut events = Vec::new();
        for number in 0..1_825 * each {
            let mut event = scan(number % 3, now)?;
            let rollup = number / each;
            event.at = Some(now - TimeDelta::days((rollup / 5) as i64));
            for (name, text) in &mut event.labels {
                match name.as_ref() {
                    "guild" => *text = "0".into(),
                    "content_type" => *text = format!("type-{}", rollup % 5).into(),
                    _ => {}
                }
            }
            events.push(event);
        }
        let filled = points(&settings.kinds["scan"], events.into_iter())?;
        send(settings, &filled, |changes: &mut Changes, points| {
            moderation::add(changes, points, &layout, now);
        })
        .await?;
        let mut shared = Shared::connect(redis(settings)?, now).await?;
        let wanted = Wanted::default();
        let (mut summaries, mut rows, mut counts) = (Vec::new(), Vec::new(), (0, 0));
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            counts.0 = scan_summary(&mut shared, &wanted).await?.len();
            summaries.push(begun.elapsed().as_secs_f64() * 1000.0);
            let begun = Instant::now();
            counts.1 = scan_rollups(&mut shared, &wanted, 1_825).await?.len();
            rows.push(begun.elapsed().as_secs_f64() * 1000.0);
        }
        println!(
            "| {words} | summary | {} | **{:.1}** | 15 |",
            counts.0,
            median(summaries)
        );
        println!(
            "| {words} | rollups | {} | **{:.1}** | 15 |",
            counts.1,
            median(rows)
        );
    }
    Ok(())
}
