//! Each way of telling time that MariaDB knows: a night by itself and many days in one scan agree with what was
//! counted by hand.

use daybook::nightly::Which;
use serde_json::json;

use crate::mariadb::database;
use crate::world::{World, date};

/// How a column tells time: its type, what the catalog says, and how a moment is written in it.
struct Direction {
    name: &'static str,
    declared: &'static str,
    time: &'static str,
    written: &'static str,
}

const WAYS: [Direction; 9] = [
    Direction {
        name: "utc",
        declared: "datetime(6)",
        time: "utc",
        written: "UTC",
    },
    Direction {
        name: "whole",
        declared: "datetime",
        time: "utc",
        written: "UTC",
    },
    Direction {
        name: "local",
        declared: "datetime(6)",
        time: "local",
        written: "LOCAL",
    },
    // The type is an instant, whatever the table's other times are.
    Direction {
        name: "stamp",
        declared: "timestamp(6)",
        time: "local",
        written: "UTC",
    },
    Direction {
        name: "seconds",
        declared: "int unsigned",
        time: "epoch_s",
        written: "timestampdiff(SECOND, '1970-01-01', UTC)",
    },
    Direction {
        name: "millis",
        declared: "bigint",
        time: "epoch_ms",
        written: "timestampdiff(SECOND, '1970-01-01', UTC) * 1000",
    },
    Direction {
        name: "texts",
        declared: "varchar(40)",
        time: "utc",
        written: "concat(UTC, '')",
    },
    Direction {
        name: "zulu",
        declared: "mediumtext",
        time: "utc",
        written: "concat(replace(UTC, ' ', 'T'), 'Z')",
    },
    Direction {
        name: "words",
        declared: "varchar(40) COLLATE utf8mb4_german2_ci",
        time: "local",
        written: "concat(LOCAL, '')",
    },
];

/// UTC and the wall clock of Zurich: a row before all days, then around the two midnights of the long
/// 26 October, and one within the hour that comes twice.
const MOMENTS: [(&str, &str); 7] = [
    ("1960-01-01 12:00:00", "1960-01-01 13:00:00"),
    ("2025-10-25 21:59:59", "2025-10-25 23:59:59"),
    ("2025-10-25 22:00:00", "2025-10-26 00:00:00"),
    ("2025-10-26 00:30:00", "2025-10-26 02:30:00"),
    ("2025-10-26 22:59:59", "2025-10-26 23:59:59"),
    ("2025-10-26 23:00:00", "2025-10-27 00:00:00"),
    ("2025-10-27 10:00:00", "2025-10-27 11:00:00"),
];

fn settings() -> String {
    let one = |way: &Direction| {
        let Direction { name, time, .. } = way;
        format!(
            "[tables.{name}]\nname = \"{name}\"\ncreated_at = \"born\"\ndeleted_at = \"gone\"\ntime = \"{time}\"\n\
             [[metrics]]\nkey = \"{name}\"\ntable = \"{name}\"\ncount = \"*\"\nhistory = \"interval\"\n\
             [[metrics]]\nkey = \"{name}_new\"\ntable = \"{name}\"\ncount = \"*\"\nhistory = \"interval\"\n\
             within = {{ column = \"born\", days = [1] }}\n"
        )
    };
    WAYS.iter().map(one).collect()
}

/// Row 3 ends with the first moment of the day after; where the type has a zero, rows end at it, which is never.
fn table(way: &Direction) -> String {
    let told = |(utc, local): (&str, &str)| {
        let local = way.written.replace("LOCAL", &format!("'{local}'"));
        local.replace("UTC", &format!("'{utc}'"))
    };
    let never = match way.declared {
        "datetime" | "datetime(6)" => "'0000-00-00'",
        _ => "NULL",
    };
    let rows = MOMENTS.iter().enumerate().map(|(at, moment)| {
        // A number without a sign, and a timestamp, know no 1960.
        let from_1970 = ["int unsigned", "timestamp(6)"].contains(&way.declared);
        let moment = if from_1970 && at == 0 {
            ("2001-01-01 00:00:00", "2001-01-01 01:00:00")
        } else {
            *moment
        };
        let gone = if at == 3 {
            told(MOMENTS[5])
        } else {
            never.to_owned()
        };
        format!("({}, {gone})", told(moment))
    });
    let null = if never == "NULL" { "NULL" } else { "NOT NULL" };
    format!(
        "CREATE TABLE {name} (born {kind} {null}, gone {kind} {null}); INSERT INTO {name} VALUES {};",
        rows.collect::<Vec<_>>().join(", "),
        name = way.name,
        kind = way.declared,
    )
}

#[tokio::test]
async fn every_way_to_tell_time_puts_rows_into_their_days() {
    let app = database().await;
    for way in &WAYS {
        app.execute(&table(way)).await;
    }
    let mut world = World::new("2025-10-28T06:00:00Z", &settings());
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    // By day: there at its end, and born in it.
    let expected = [
        ("2025-10-25", 2, 1),
        ("2025-10-26", 5, 3),
        ("2025-10-27", 6, 2),
    ];
    for (day, ..) in expected {
        world.night(Which::One(date(day))).await;
    }
    for (day, there, born) in expected {
        for Direction { name, .. } in &WAYS {
            assert_eq!(
                world.value(day, name).await,
                json!(there),
                "{name} on {day}"
            );
            let key = format!("{name}_new_24h");
            assert_eq!(world.value(day, &key).await, json!(born), "{key} on {day}");
        }
    }
    let range = Which::Range(date("2025-10-25"), date("2025-10-27"));
    let mut past = World::new("2025-10-28T06:00:00Z", &settings());
    past.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    past.night(range).await;
    for (day, there, born) in expected {
        for Direction { name, .. } in &WAYS {
            assert_eq!(past.value(day, name).await, json!(there), "{name} on {day}");
            let key = format!("{name}_new_24h");
            assert_eq!(past.value(day, &key).await, json!(born), "{key} on {day}");
        }
    }
}
