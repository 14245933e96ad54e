//! DuckDB, SQLite, and Python's readers of CSV and JSON find in exports what was recorded.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::path::Path;
use std::process::Command;

use chrono::{DateTime, TimeDelta, Utc};
use daybook::config::LiveSettings;
use daybook::config::live::Durable;
use daybook::live::batch::Batch;
use daybook::live::event::Event;
use daybook::live::keep::{Rules, prune_all};
use daybook::live::store::{Known, Store};
use serde_json::{Value as Json, json};

use crate::world::World;

const SETTINGS: &str = r#"
[live]
[live.kinds.checkout]
shape = "span"
labels = { shop = { most = 50 }, order = { find = true } }
values = { amount = { unit = "CHF", decimals = 2 } }
by = [["shop"]]
details = { bytes = 200 }
[[metrics]]
key = "checkouts"
live = { kind = "checkout", value = "count" }
"#;

/// Of each reader: how many events, the sum of their amounts, how many went well, and the texts of some orders.
const READ: &str = r#"
import csv, decimal, duckdb, glob, json, sqlite3, sys
folder = sys.argv[1]
sums = 'count(*), CAST(sum(CAST({amount} AS DECIMAL(18, 2))) AS VARCHAR), count(*) FILTER (WHERE {ok})'
texts = 'list({order} ORDER BY {order}) FILTER (WHERE {shop} = \'texts\')'
def duck(source, **names):
    names = {"amount": "amount", "ok": "ok", "order": '"order"', "shop": "shop"} | names
    row = duckdb.sql(f"SELECT {sums.format(**names)}, {texts.format(**names)} FROM {source}").fetchall()[0]
    return [row[0], row[1], row[2], sorted(row[3])]
def rows(all):
    total = sum((decimal.Decimal(amount) for amount, _, _, _ in all), decimal.Decimal(0))
    texts = sorted(order for _, _, order, shop in all if shop == "texts")
    return [len(all), str(total), sum(ok in ("true", 1, True) for _, ok, _, _ in all), texts]
inner = {"amount": 'values.amount', "order": 'labels."order"', "shop": "labels.shop"}
document = f"(SELECT unnest(checkout, recursive := false) AS one FROM read_json('{folder}/x.json', maximum_object_size = 100000000))"
of_one = {name: f"one.{text}" for name, text in (inner | {"ok": "ok"}).items()}
with open(f"{folder}/x.csv", newline="") as file:
    table = [(row["amount"], row["ok"], row["order"], row["shop"]) for row in csv.DictReader(file)]
with open(f"{folder}/x.jsonl") as file:
    lines = [json.loads(line, parse_float=decimal.Decimal) for line in file]
base = sqlite3.connect(f"file:{folder}/x.db?mode=ro", uri=True)
base = base.execute('SELECT printf("%.2f", amount), ok, "order", shop FROM checkout').fetchall()
print(json.dumps({
    "duckdb parquet": duck(f"read_parquet('{folder}/x.parquet')"),
    "duckdb archive": duck(f"read_parquet('{folder}/live-archive/checkout/*.parquet')"),
    "duckdb csv": duck(f"read_csv('{folder}/x.csv', header = true, quote = '\"', escape = '\"')"),
    "duckdb jsonl": duck(f"read_json('{folder}/x.jsonl', format = 'newline_delimited')", **inner),
    "duckdb json": duck(document, **of_one),
    "python csv": rows(table),
    "python jsonl": rows([(str(one["values"]["amount"]), one["ok"], one["labels"]["order"], one["labels"]["shop"]) for one in lines]),
    "sqlite": rows(base),
}))
"#;

/// What spreadsheets, terminals and readers of CSV trip over.
const TEXTS: [&str; 6] = [
    "=HYPERLINK(\"x\")",
    "a,b;c\td",
    "back\\slash 'and' \"quotes\"",
    "two\nlines\r\nand more",
    "Grüezi 👋",
    "\u{9b}2J\u{202e}",
];

fn noon() -> DateTime<Utc> {
    "2026-11-20T11:00:00Z".parse().unwrap()
}

/// The n-th has n cents and fails if n is a multiple of three.
async fn record(live: &LiveSettings, count: usize) {
    let mut batch = Batch::default();
    for number in 0..count {
        let text = TEXTS.get(number);
        let order = text.map_or_else(|| format!("order-{number}"), |text| (*text).to_owned());
        let event = Event::new("checkout")
            .at(noon() - TimeDelta::seconds(number as i64))
            .label("shop", text.map_or("zh", |_| "texts"))
            .label("order", order)
            .value("amount", number as f64 / 100.0)
            .ok(number % 3 != 0);
        batch.add(number, &event, &live.kinds, noon());
    }
    assert!(!batch.has_refused(), "{:?}", batch.reply());
    let mut store = Store::open(&live.database, Durable::Commit).await.unwrap();
    let known = &mut Known::new(1000, false);
    let mut batches = [batch];
    let commit = store.commit(&mut batches, &live.kinds, noon(), known);
    commit.await.unwrap();
    store.close().await.unwrap();
}

/// Moves all of it into the archive.
async fn archive(world: &World, live: &LiveSettings) {
    let rules = Rules {
        kinds: live.kinds.clone(),
        zone: chrono_tz::Tz::Europe__Zurich,
        archive: Some(world.path("live-archive")),
        backlog: None,
    };
    let mut store = Store::open(&live.database, Durable::Commit).await.unwrap();
    let later = noon() + TimeDelta::days(9);
    prune_all(&mut store, &rules, later, false).await.unwrap();
    store.close().await.unwrap();
}

fn python() -> Command {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/judges/bin/python");
    Command::new(if own.exists() { own } else { "python3".into() })
}

#[tokio::test]
async fn every_reader_finds_all_events_their_exact_sum_and_their_texts() {
    let world = World::new("2026-11-20T11:00:00Z", SETTINGS);
    let live = world.config().live.unwrap();
    record(&live, 3000).await;
    for format in ["parquet", "csv", "jsonl", "json", "sqlite"] {
        let name = format!("x.{}", format.replace("sqlite", "db"));
        let words = [
            "live",
            "export",
            "checkout",
            "--format",
            format,
            "--to",
            "2026-11-21",
            "--output",
            &name,
        ];
        let ended = world.binary(&words);
        assert!(ended.status.success(), "{format}: {ended:?}");
    }
    archive(&world, &live).await;
    let read = python().args(["-c", READ]).arg(world.path("")).output();
    let read = read.unwrap_or_else(|error| panic!("python3: {error}; `make test` installs it"));
    let said = String::from_utf8_lossy(&read.stderr);
    assert!(read.status.success(), "{said}; `make test` installs DuckDB");
    let read: Json = serde_json::from_slice(&read.stdout).unwrap();
    let sorted = |texts: &[&str]| {
        let mut texts = texts.to_vec();
        texts.sort_unstable();
        json!(texts)
    };
    // In CSV a formula begins with `'`, and control characters but line feeds are spelled out.
    let mut in_csv = TEXTS;
    in_csv[0] = "'=HYPERLINK(\"x\")";
    in_csv[1] = "a,b;c\\u0009d";
    in_csv[3] = "two\nlines\\u000d\nand more";
    in_csv[5] = "\\u009b2J\\u202e";
    // 0 + 1 + … + 2999 cents.
    for (reader, found) in read.as_object().unwrap() {
        let texts = if reader.ends_with("csv") {
            &in_csv
        } else {
            &TEXTS
        };
        let expected = json!([3000, "44985.00", 2000, sorted(texts)]);
        assert_eq!(*found, expected, "{reader}");
    }
    assert_eq!(read.as_object().unwrap().len(), 8);
}
