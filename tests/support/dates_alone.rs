//! A date without a time is a day of the report's own zone, in every engine and however it is kept.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use daybook::nightly::Which;
use serde_json::json;

use crate::world::{App, World, date};

/// Midnight in UTC is the evening before in this zone.
const SETTINGS: &str = r#"
    time_zone = "America/New_York"

    [tables.rooms]
    name = "rooms"
    created_at = "born"
    deleted_at = "gone"

    [tables.notes]
    name = "notes"
    created_at = "born"
    deleted_at = "gone"
    time = "local"

    [[metrics]]
    key = "rooms"
    table = "rooms"
    count = "*"

    [[metrics]]
    key = "rooms_newest"
    table = "rooms"
    newest = "born"

    [[metrics]]
    key = "rooms_new"
    table = "rooms"
    count = "*"
    within = { column = "born", days = [1] }

    [[metrics]]
    key = "notes"
    table = "notes"
    count = "*"

    [[metrics]]
    key = "notes_newest"
    table = "notes"
    newest = "born"

    [[metrics]]
    key = "notes_new"
    table = "notes"
    count = "*"
    within = { column = "born", days = [1] }
"#;

const ROWS: &str = "('2025-10-24', NULL), ('2025-10-25', '2025-10-26'), ('2025-10-26', NULL),
    ('2025-10-26', '2025-10-27'), ('2025-10-27', NULL), ('2025-10-28', NULL), ('2025-10-29', NULL)";

/// By day: there at its end, born in it, and the hours since the newest of these began.
const BY_HAND: [(&str, i64, i64, f64); 4] = [
    ("2025-10-25", 2, 1, 24.0),
    ("2025-10-26", 3, 2, 24.0),
    ("2025-10-27", 3, 1, 24.0),
    // Still open, at noon; the row of tomorrow is not there yet.
    ("2025-10-28", 4, 1, 12.0),
];

pub async fn are_days_of_the_reports_zone(app: &App) {
    app.execute(&format!(
        "CREATE TABLE rooms (born date, gone date);
         CREATE TABLE notes (born varchar(20), gone varchar(20));
         INSERT INTO rooms VALUES {ROWS};
         INSERT INTO notes VALUES {ROWS};"
    ))
    .await;
    for nights in [true, false] {
        let mut world = World::new("2025-10-28T16:00:00Z", SETTINGS);
        world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
        match nights {
            true => {
                for (day, ..) in BY_HAND {
                    world.night(Which::One(date(day))).await;
                }
            }
            false => {
                world
                    .night(Which::Range(date("2025-10-25"), date("2025-10-28")))
                    .await;
            }
        }
        for (day, there, new, hours) in BY_HAND {
            for table in ["rooms", "notes"] {
                let place = format!("{table} on {day}, one by one: {nights}");
                assert_eq!(world.value(day, table).await, json!(there), "{place}");
                let born = world.value(day, &format!("{table}_new_24h")).await;
                assert_eq!(born, json!(new), "{place}");
                let age = world.value(day, &format!("{table}_newest")).await;
                assert_eq!(age, json!(hours), "{place}");
            }
        }
    }
    a_time_among_them_is_told(app).await;
}

/// One text of another form would be compared with the others letter by letter.
async fn a_time_among_them_is_told(app: &App) {
    app.execute("INSERT INTO notes VALUES ('2025-10-25 10:00:00', NULL)")
        .await;
    let mut world = World::new("2025-10-28T16:00:00Z", SETTINGS);
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    world.night(Which::One(date("2025-10-25"))).await;
    let provenance = world.provenance("2025-10-25", "notes").await;
    let reason = provenance["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("1 rows hold times of another text form"),
        "{reason}"
    );
    assert_eq!(world.value("2025-10-25", "rooms").await, json!(2));
}
