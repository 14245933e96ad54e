//! What the dashboard costs on a book of ten years: pages built and cached, the answer that nothing has changed,
//! Prometheus' series, and the memory after a million pages. Prints a table; BENCHMARKS.md has the results.

#![expect(clippy::print_stdout, reason = "it reports")]

#[path = "../export/book.rs"]
mod book;
#[expect(dead_code, reason = "this one only reads")]
mod client;
#[path = "../night/program.rs"]
#[expect(dead_code, reason = "a server does not end by itself")]
mod program;
mod server;
#[path = "../night/table.rs"]
mod table;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use chrono::{Days, NaiveDate};

use client::{Answer, Client};
use server::Server;
use table::{median, seconds, spread};

const YEARS: u64 = 10;
const LAST_DAY: (i32, u32, u32) = (2024, 12, 28);
const PAGES: u64 = 101;
const MILLION: u64 = 1_000_000;
const CLIENTS: u64 = 2;
const LONGEST: Duration = Duration::from_secs(300);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let folder = std::env::temp_dir().join(format!("daybook-dashboard-{}", std::process::id()));
    fs::create_dir(&folder)?;
    let done = measure(&folder).await;
    fs::remove_dir_all(&folder)?;
    done
}

async fn measure(folder: &Path) -> Result<()> {
    fs::write(folder.join("daybook.toml"), book::settings())?;
    book::fill(&folder.join("daybook.db"), YEARS * 365).await?;
    let server = Server::start(&folder.join("daybook.toml"))?;
    let mut client = Client::connect(&server)?;
    let first = client.get("/sys/metrics", None)?;
    let mut rows = vec![row("the first page: ten years are read", &[first.took], "")];
    rows.extend(built(&mut client)?);
    rows.extend(unchanged(&mut client, &first)?);
    rows.extend(cached(&server, first.bytes)?);
    println!(
        "\n## The dashboard, {} metrics, {YEARS} years\n",
        book::METRICS
    );
    let heads = ["what", "median", "fastest … slowest", "goal"];
    table::print(heads, rows);
    Ok(())
}

type Row = [String; 4];

/// The address of the page with this number.
type Address<'a> = &'a dyn Fn(u64) -> String;

/// Every address once, so that none of the pages is cached.
fn built(client: &mut Client) -> Result<Vec<Row>> {
    let (year, month, day) = LAST_DAY;
    let last = NaiveDate::from_ymd_opt(year, month, day).context("a date")?;
    let day = |at: u64| last - Days::new(at * 7);
    let kinds: [(&str, &str, Address<'_>); 3] = [
        ("a day's page", "5 ms", &|at| {
            format!("/sys/metrics?date={}", day(at))
        }),
        ("a metric's page, 365 days", "", &|at| {
            format!(
                "/sys/metrics/metric/metric_{:02}?days=365&date={}",
                10 + at % 50,
                day(at)
            )
        }),
        ("the alerts' page", "", &|at| {
            format!("/sys/metrics/alerts?date={}", day(at * 4))
        }),
    ];
    let mut rows = Vec::new();
    for (what, goal, address) in kinds {
        let mut times = Vec::new();
        for at in 0..PAGES {
            times.push(client.get(&address(at), None)?.took);
        }
        rows.push(row(
            &format!("{what}, not kept, whole request"),
            &times,
            goal,
        ));
    }
    Ok(rows)
}

fn unchanged(client: &mut Client, page: &Answer) -> Result<Vec<Row>> {
    let tag = page.tag.as_deref().context("a page has a tag")?;
    let (mut same, mut series) = (Vec::new(), Vec::new());
    for _ in 0..1_000 {
        let answer = client.get("/sys/metrics", Some(tag))?;
        ensure!(answer.status == 304, "a page that did not change was sent");
        same.push(answer.took);
    }
    for _ in 0..100 {
        series.push(client.get("/metrics", None)?.took);
    }
    Ok(vec![
        row("304, whole request", &same, "0.3 ms"),
        row("`/metrics`, whole request", &series, "1 ms"),
    ])
}

/// A million pages over a few connections, then the memory.
fn cached(server: &Server, bytes: usize) -> Result<Vec<Row>> {
    let begun = Instant::now();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let mut client = Client::connect(server)?;
            Ok(std::thread::spawn(move || -> Result<u64> {
                let mut asked = 0;
                while asked < MILLION / CLIENTS && begun.elapsed() < LONGEST {
                    client.get("/sys/metrics", None)?;
                    asked += 1;
                }
                Ok(asked)
            }))
        })
        .collect::<Result<_>>()?;
    let mut asked = 0;
    for client in clients {
        asked += client
            .join()
            .map_err(|_| anyhow::anyhow!("a client broke"))??;
    }
    let a_second = asked as f64 / begun.elapsed().as_secs_f64();
    let measured =
        |what: String, number: String, goal: &str| [what, number, String::new(), goal.to_owned()];
    Ok(vec![
        measured(
            format!("a kept page, {CLIENTS} connections"),
            format!("{a_second:.0} a second"),
            "5,000 a second",
        ),
        measured(
            format!("resident memory after {asked} pages"),
            program::megabytes(server.resident()?),
            "30 MB",
        ),
        measured(
            "the newest day's page".to_owned(),
            format!("{:.0} KB", bytes as f64 / 1000.0),
            "100 KB",
        ),
    ])
}

fn row(what: &str, times: &[Duration], goal: &str) -> Row {
    [
        what.to_owned(),
        seconds(median(times)),
        spread(times),
        goal.to_owned(),
    ]
}
