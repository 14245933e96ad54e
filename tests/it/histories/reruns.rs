//! Whatever is run again, in whatever order and whatever fails meanwhile, no known value is lost.

use std::time::Duration;

use chrono::{Days, NaiveDate, TimeDelta};
use chrono_tz::Europe::Zurich;
use daybook::calendar::Day;
use daybook::catalog::{Catalog, Shape};
use daybook::entry::{Entry, Reading, is_wanting};
use daybook::nightly::{NightError, Orders, Which};
use proptest::prelude::*;

use super::{entries, on_a_thread};
use crate::world::{App, World, date, instant};

const SETTINGS: &str = r#"
    [app]
    database_url = "sqlite:app.db"

    [tables.users]
    name = "users"
    created_at = "joined"

    [tables.orders]
    name = "orders"
    created_at = "placed"
    deleted_at = "cancelled"

    [tables.stock]
    name = "stock"

    [[metrics]]
    key = "users"
    table = "users"
    count = "*"

    [[metrics]]
    key = "members"
    table = "users"
    count = "*"
    where = "member"
    history = "survivors"

    [[metrics]]
    key = "orders"
    table = "orders"
    count = "*"
    within = { column = "placed", days = [1, 7] }

    [[metrics]]
    key = "stock"
    table = "stock"
    sum = "pieces"

    [[metrics]]
    key = "members_pct"
    percent = { of = "members", in = "users" }

    [[metrics]]
    key = "stock_per_user"
    ratio = { of = "stock", per = "users" }
"#;

#[derive(Debug, Clone)]
enum Step {
    Collect {
        which: Asked,
        metric: Option<&'static str>,
        force: bool,
    },
    /// One number of a day that is over, from elsewhere.
    Import {
        days_back: u64,
        metric: &'static str,
    },
    /// The stock is called pieces from now on.
    Rename,
    /// A table is gone for a while: its metrics fail.
    Break(&'static str),
    Mend,
    Wait {
        hours: i64,
    },
}

/// Days back from today.
#[derive(Debug, Clone)]
enum Asked {
    Day(u64),
    Days(u64, u64),
    CatchUp,
    /// So many days, before today or before that one.
    Refresh(u32, Option<u64>),
}

fn steps() -> impl Strategy<Value = Step> {
    let which = prop_oneof![
        4 => (0_u64..5).prop_map(Asked::Day),
        2 => (0_u64..3, 1_u64..6).prop_map(|(last, more)| Asked::Days(last + more, last)),
        1 => Just(Asked::CatchUp),
        2 => (1_u32..6, prop::option::of(0_u64..3)).prop_map(|(days, with)| Asked::Refresh(days, with)),
    ];
    const METRICS: &[&str] = &["users", "orders", "stock", "members_pct", "stock_per_user"];
    let metric = prop::option::weighted(0.3, prop::sample::select(METRICS));
    prop_oneof![
        5 => (which, metric, any::<bool>())
            .prop_map(|(which, metric, force)| Step::Collect { which, metric, force }),
        1 => (1_u64..5, prop::sample::select(&["users", "stock"][..]))
            .prop_map(|(days_back, metric)| Step::Import { days_back, metric }),
        1 => Just(Step::Rename),
        1 => prop::sample::select(&["users", "orders", "stock"][..]).prop_map(Step::Break),
        1 => Just(Step::Mend),
        2 => prop::sample::select(&[1, 9, 25][..]).prop_map(|hours| Step::Wait { hours }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_runs_loses_a_known_value(steps in prop::collection::vec(steps(), 4..14)) {
        on_a_thread(no_step_loses_a_known_value(steps))?;
    }
}

async fn no_step_loses_a_known_value(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut now = instant("2025-10-26T10:00:00Z");
    let mut world = World::new("2025-10-26T10:00:00Z", SETTINGS);
    let app = shop(&world).await;
    let mut broken = Vec::new();
    for step in steps {
        let before = entries(&world).await;
        let mut overwrites = false;
        match step {
            Step::Wait { hours } => {
                now += TimeDelta::hours(hours);
                world.at(&now.to_rfc3339());
                grow(&app, &broken, now.timestamp()).await;
            }
            Step::Rename => world.write("daybook.toml", &renamed()),
            Step::Import { days_back, metric } => {
                let day = Day::containing(now, Zurich).date - Days::new(days_back);
                let metric = called(&world, metric);
                world.write("days.csv", &format!("date,key,value\n{day},{metric},400\n"));
                world.command(&["import", "days.csv"]).await.unwrap();
            }
            Step::Break(table) if !broken.contains(&table) => {
                app.execute(&format!("ALTER TABLE {table} RENAME TO {table}_away"))
                    .await;
                broken.push(table);
            }
            Step::Break(_) => {}
            Step::Mend => {
                for table in broken.drain(..) {
                    app.execute(&format!("ALTER TABLE {table}_away RENAME TO {table}"))
                        .await;
                }
            }
            Step::Collect {
                which,
                metric,
                force,
            } => {
                overwrites = force || matches!(which, Asked::Refresh(..));
                let today = Day::containing(now, Zurich).date;
                let metric = metric.map(|metric| called(&world, metric));
                collect(&world, orders(&which, metric.as_deref(), force, today)).await;
            }
        }
        let after = entries(&world).await;
        let catalog = &world.config().catalog;
        for (date, was) in &before {
            nothing_is_lost(catalog, (was, &after[date]), overwrites)?;
        }
        for entry in after.values() {
            consistent(catalog, entry)?;
        }
    }
    Ok(())
}

fn renamed() -> String {
    let stock = "key = \"stock\"\n";
    let pieces = "key = \"pieces\"\n    was = \"stock\"\n";
    SETTINGS
        .replace(stock, pieces)
        .replace("of = \"stock\"", "of = \"pieces\"")
}

fn called(world: &World, metric: &str) -> String {
    let is_renamed = metric == "stock" && world.config().catalog.metric(metric).is_none();
    if is_renamed { "pieces" } else { metric }.to_owned()
}

fn nothing_is_lost(
    catalog: &Catalog,
    (was, is): (&Entry, &Entry),
    overwrites: bool,
) -> Result<(), TestCaseError> {
    let date = was.date;
    prop_assert!(!is.partial || was.partial, "{} was complete", date);
    for metric in &catalog.metrics {
        let Some(old) = was.reading(metric).filter(|old| old.is_known()) else {
            continue;
        };
        let new = is.reading(metric);
        let place = format!("{date} {}", metric.key);
        prop_assert!(
            new.is_some_and(Reading::is_known),
            "{place} was {old:?}, is {new:?}"
        );
        // What only the open day could tell gives way to a number of the whole day.
        let is_final = !was.partial && !is_wanting(was, old);
        if is_final && !overwrites {
            prop_assert_eq!(Some(old), new, "{}", place);
        }
    }
    Ok(())
}

/// What is made of two known values of a complete day is known, and is their quotient.
fn consistent(catalog: &Catalog, entry: &Entry) -> Result<(), TestCaseError> {
    for metric in &catalog.metrics {
        let Shape::Derived(derived) = &metric.shape else {
            continue;
        };
        let read = |key: &str| entry.reading(catalog.metric(key)?);
        let known = |key: &str| read(key).filter(|reading| reading.is_known());
        let (Some(of), Some(per), Some(made)) =
            (known(&derived.of), known(&derived.per), read(&metric.key))
        else {
            continue;
        };
        let place = format!(
            "{} {}: {made:?} of {of:?} and {per:?}",
            entry.date, metric.key
        );
        prop_assert!(made.is_known(), "{place}");
        let factor = if derived.percent { 100.0 } else { 1.0 };
        if let (Some(of), Some(per), Some(made)) = (of.number(), per.number(), made.number()) {
            prop_assert!((made - of / per * factor).abs() < 0.0051, "{place}");
        }
    }
    Ok(())
}

async fn shop(world: &World) -> App {
    let app = world.sqlite("app.db").await;
    app.execute(
        "CREATE TABLE users (joined TEXT NOT NULL, member BOOLEAN NOT NULL);
         CREATE TABLE orders (placed TEXT NOT NULL, cancelled TEXT);
         CREATE TABLE stock (pieces INTEGER);
         INSERT INTO stock VALUES (500), (NULL);
         WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 299)
         INSERT INTO users SELECT datetime('2025-10-15', n || ' hours'), n % 3 = 0 FROM n;
         INSERT INTO orders SELECT joined, CASE WHEN rowid % 4 = 0 THEN datetime(joined, '30 hours') END FROM users;",
    )
    .await;
    app
}

/// Members leave for good and the stock moves: what cannot be recounted.
async fn grow(app: &App, broken: &[&str], seed: i64) {
    if !broken.contains(&"users") {
        app.execute(&format!(
            "DELETE FROM users WHERE member AND rowid % 7 = {}",
            seed % 7
        ))
        .await;
    }
    if !broken.contains(&"stock") {
        app.execute("UPDATE stock SET pieces = pieces + 1").await;
    }
}

fn orders(which: &Asked, metric: Option<&str>, force: bool, today: NaiveDate) -> Orders {
    let back = |days: &u64| today - Days::new(*days);
    Orders {
        which: match which {
            Asked::Day(day) => Which::One(back(day)),
            Asked::Days(first, last) => Which::Range(back(first), back(last)),
            Asked::CatchUp => Which::CatchUp,
            Asked::Refresh(days, with) => Which::Refresh {
                days: *days,
                with: with.as_ref().map(back),
            },
        },
        metric: metric.map(str::to_owned),
        force,
        dry_run: false,
        send: false,
        retry_for: Duration::ZERO,
    }
}

async fn collect(world: &World, orders: Orders) {
    match world.ordered(&orders).await {
        Ok(_) => {}
        Err(NightError::Stopped | NightError::Unavailable(_)) => panic!("the database is there"),
        Err(error) => panic!("{error}"),
    }
}

/// A metric was named and forced on a day that had been counted while open: the day is then counted
/// whole, or its other values would pass for those of its end.
#[tokio::test]
async fn a_forced_metric_does_not_make_an_open_day_look_complete() {
    let mut world = World::new("2025-10-25T10:00:00Z", SETTINGS);
    let app = shop(&world).await;
    world.night(Which::One(date("2025-10-25"))).await;
    app.execute("INSERT INTO users VALUES ('2025-10-25 18:00:00', 0)")
        .await;
    world.at("2025-10-26T10:00:00Z");
    let forced = orders(&Asked::Day(1), Some("orders"), true, date("2025-10-26"));
    world.ordered(&forced).await.unwrap();
    let entry = &entries(&world).await[&date("2025-10-25")];
    // 15 to 25 October in Zurich, an hour apart: 15 October has only 22 of them before its midnight.
    let by_hand = 10 * 24 + 22 + 1;
    assert!(
        entry.partial || entry.number("users") == Some(f64::from(by_hand)),
        "{entry:?}"
    );
}

/// The stock was counted after the day's end, the users failed then and are those of the open day: once they are
/// filled in, what was made of both is too.
#[tokio::test]
async fn a_value_made_in_part_of_the_open_days_is_made_anew_with_it() {
    let collect = |which| Step::Collect {
        which,
        metric: None,
        force: false,
    };
    let steps = vec![
        collect(Asked::Day(0)),
        Step::Break("users"),
        Step::Wait { hours: 25 },
        collect(Asked::Day(1)),
        Step::Mend,
        collect(Asked::Days(1, 0)),
    ];
    no_step_loses_a_known_value(steps).await.unwrap();
}
