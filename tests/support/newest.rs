//! The age of a table's newest row, counted by hand in every way that a column tells time.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use daybook::commands::Ended;
use daybook::nightly::Which;
use serde_json::{Value as Json, json};

use crate::world::{App, World, date, instant};

/// How a column tells time: what the table is called, the column's type, the catalog's word, and how a moment is
/// written in it.
struct Column {
    table: &'static str,
    declared: &'static str,
    time: &'static str,
    written: Written,
    /// What a row holds that has no time.
    none: &'static str,
}

#[derive(Clone, Copy)]
enum Written {
    Utc,
    Local,
    Seconds,
    Milliseconds,
    Zulu,
}

const fn column(
    table: &'static str,
    declared: &'static str,
    time: &'static str,
    written: Written,
) -> Column {
    Column {
        table,
        declared,
        time,
        written,
        none: "NULL",
    }
}

const SQLITE: [Column; 6] = [
    column("utc", "TEXT", "utc", Written::Utc),
    column("numeric", "DATETIME", "utc", Written::Utc),
    column("zulu", "TEXT", "utc", Written::Zulu),
    column("wall", "TEXT", "local", Written::Local),
    column("seconds", "INTEGER", "epoch_s", Written::Seconds),
    column("millis", "INTEGER", "epoch_ms", Written::Milliseconds),
];

const POSTGRES: [Column; 9] = [
    column("utc", "timestamp", "utc", Written::Utc),
    column("wall", "timestamp", "local", Written::Local),
    // The type is an instant, whatever the table's other times are.
    column("stamp", "timestamptz", "local", Written::Zulu),
    column("named", "timestamptz", "instant", Written::Zulu),
    column("seconds", "integer", "epoch_s", Written::Seconds),
    column("millis", "numeric", "epoch_ms", Written::Milliseconds),
    column("texts", "text", "utc", Written::Utc),
    column("zulu", "varchar(40)", "utc", Written::Zulu),
    column(
        "words",
        "text COLLATE \"en-x-icu\"",
        "local",
        Written::Local,
    ),
];

const MARIADB: [Column; 8] = [
    Column {
        none: "'0000-00-00'",
        ..column("utc", "datetime(6)", "utc", Written::Utc)
    },
    column("wall", "datetime", "local", Written::Local),
    column("stamp", "timestamp(6) NULL", "local", Written::Utc),
    column("seconds", "int unsigned", "epoch_s", Written::Seconds),
    column("millis", "bigint", "epoch_ms", Written::Milliseconds),
    column("texts", "varchar(40)", "utc", Written::Utc),
    column("zulu", "mediumtext", "utc", Written::Zulu),
    column(
        "words",
        "varchar(40) COLLATE utf8mb4_german2_ci",
        "local",
        Written::Local,
    ),
];

/// A moment in UTC, and what the wall clock of Zurich shows then.
type Moment = (&'static str, &'static str);

/// The hour from 2 to 3 comes twice in this night; the first is meant.
const TWICE: Moment = ("2025-10-26 00:30:00", "2025-10-26 02:30:00");

/// Birth, end, when it was last touched, and what it is.
const ROWS: [(Moment, Option<Moment>, Option<Moment>, &str); 5] = [
    (
        ("2025-10-25 03:06:00", "2025-10-25 05:06:00"),
        None,
        Some(("2025-10-26 12:00:00", "2025-10-26 13:00:00")),
        "x",
    ),
    (
        TWICE,
        None,
        Some(("2025-10-28 06:00:00", "2025-10-28 07:00:00")),
        "y",
    ),
    (
        ("2025-10-27 10:00:00", "2025-10-27 11:00:00"),
        Some(("2025-10-28 11:00:00", "2025-10-28 12:00:00")),
        None,
        "y",
    ),
    // With the end of 28 October 29 October has begun.
    (
        ("2025-10-28 23:00:00", "2025-10-29 00:00:00"),
        None,
        None,
        "y",
    ),
    // Just before the clocks go forward.
    (
        ("2026-03-29 00:59:24", "2026-03-29 01:59:24"),
        None,
        None,
        "y",
    ),
];

/// Hours at the day's end: since the newest row that was still there, since the newest `x`, and since one was touched.
fn by_hand() -> [(&'static str, [Json; 3]); 7] {
    let none = Json::Null;
    [
        ("2025-10-24", [none.clone(), none.clone(), none.clone()]),
        // From 03:06 to 22:00.
        ("2025-10-25", [json!(18.9), json!(18.9), none]),
        // The day ends at 23:00 and has 25 hours.
        ("2025-10-26", [json!(22.5), json!(43.9), json!(11.0)]),
        ("2025-10-27", [json!(13.0), json!(67.9), json!(35.0)]),
        // The newest row was deleted at noon.
        ("2025-10-28", [json!(70.5), json!(91.9), json!(17.0)]),
        ("2025-10-29", [json!(24.0), json!(115.9), json!(41.0)]),
        // The day ends at 22:00 and has 23 hours: 21 h 36 s; 155 days and 18.9 h; 152 days and 16 h.
        ("2026-03-29", [json!(21.0), json!(3738.9), json!(3664.0)]),
    ]
}

fn written(column: &Column, moment: Option<Moment>) -> String {
    let Some((utc, local)) = moment else {
        return column.none.to_owned();
    };
    let at = instant(&format!("{}Z", utc.replace(' ', "T")));
    match column.written {
        Written::Utc => format!("'{utc}'"),
        Written::Local => format!("'{local}'"),
        Written::Zulu => format!("'{}Z'", utc.replace(' ', "T")),
        Written::Seconds => at.timestamp().to_string(),
        Written::Milliseconds => at.timestamp_millis().to_string(),
    }
}

fn table(column: &Column) -> String {
    let (table, declared) = (column.table, column.declared);
    let rows = ROWS.map(|(born, gone, touched, kind)| {
        let [born, gone, touched] = [Some(born), gone, touched].map(|at| written(column, at));
        format!("({born}, {gone}, {touched}, '{kind}')")
    });
    // A row without a birth was always there, but has no age.
    let none = column.none;
    format!(
        "CREATE TABLE {table} (born {declared}, gone {declared}, touched {declared}, kind varchar(1));
         INSERT INTO {table} VALUES ({none}, {none}, {none}, 'x'), {};",
        rows.join(", ")
    )
}

fn settings(columns: &[Column]) -> String {
    let one = |column: &Column| {
        let Column { table, time, .. } = column;
        format!(
            "[tables.{table}]\nname = \"{table}\"\ncreated_at = \"born\"\ndeleted_at = \"gone\"\ntime = \"{time}\"\n\
             [[metrics]]\nkey = \"{table}\"\ntable = \"{table}\"\nnewest = \"born\"\n\
             [[metrics]]\nkey = \"{table}_x\"\ntable = \"{table}\"\nnewest = \"born\"\n\
             where = \"this.kind = 'x'\"\nhistory = \"interval\"\n\
             [[metrics]]\nkey = \"{table}_touched\"\ntable = \"{table}\"\nnewest = \"touched\"\nhistory = \"interval\"\n\
             [[metrics]]\nkey = \"{table}_rows\"\ntable = \"{table}\"\ncount = \"*\"\n"
        )
    };
    columns.iter().map(one).collect()
}

pub async fn rows_have_their_age_at_the_days_end(app: &App) {
    let columns = match app {
        App::Sqlite(_) => &SQLITE[..],
        App::Postgres(_) => &POSTGRES[..],
        App::Mysql(_) => &MARIADB[..],
    };
    for column in columns {
        app.execute(&table(column)).await;
    }
    for one_by_one in [true, false] {
        let mut world = World::new("2026-03-30T06:00:00Z", &settings(columns));
        world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
        match one_by_one {
            true => {
                for (day, _) in by_hand() {
                    world.night(Which::One(date(day))).await;
                }
            }
            false => {
                for (from, to) in [("2025-10-24", "2025-10-29"), ("2026-03-29", "2026-03-29")] {
                    world.night(Which::Range(date(from), date(to))).await;
                }
            }
        }
        let mut wrong = Vec::new();
        for (day, expected) in by_hand() {
            for Column { table, .. } in columns {
                for (what, expected) in ["", "_x", "_touched"].iter().zip(&expected) {
                    let key = format!("{table}{what}");
                    let found = world.value(day, &key).await;
                    if found != *expected {
                        let why = world.provenance(day, &key).await;
                        wrong.push(format!("{key} on {day}: {found}, not {expected}; {why}"));
                    }
                }
            }
        }
        let lines = wrong.join("\n");
        assert!(wrong.is_empty(), "one by one: {one_by_one}\n{lines}");
        let verified = world.command(&["verify", "--date", "2025-10-28"]).await;
        assert_eq!(verified.unwrap(), Ended::Done);
    }
    an_open_day_has_the_age_as_of_now(app, columns).await;
}

/// At noon in UTC the last row is one of the future, and the one before it was deleted an hour ago.
async fn an_open_day_has_the_age_as_of_now(app: &App, columns: &[Column]) {
    let mut world = World::new("2025-10-28T12:00:00Z", &settings(columns));
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    world.night(Which::One(date("2025-10-28"))).await;
    for Column { table, .. } in columns {
        let value = world.value("2025-10-28", table).await;
        assert_eq!(value, json!(59.5), "{table}");
    }
}
