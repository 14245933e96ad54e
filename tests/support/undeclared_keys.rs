//! Rows count with their parents whether the database promises that these exist or nobody declared it, and where it is
//! not so.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use daybook::nightly::Which;
use serde_json::json;

use crate::world::{App, World, date};

const SETTINGS: &str = r#"
    [tables.owners]
    name = "owners"
    where = "NOT gone"

    [tables.things]
    name = "things"
    where = "NOT gone"
    belongs_to = [{ table = "owners", column = "owner_id" }]

    [tables.all_things]
    name = "things"

    [tables.notes]
    name = "notes"
    belongs_to = [{ table = "things", column = "thing_id" }]

    [[metrics]]
    key = "all_things"
    table = "all_things"
    count = "*"

    [[metrics]]
    key = "things"
    table = "things"
    count = "*"

    [[metrics]]
    key = "notes"
    table = "notes"
    count = "*"

    [[metrics]]
    key = "notes_worth"
    table = "notes"
    sum = "worth"

    [[metrics]]
    key = "dear_notes"
    table = "notes"
    count = "*"
    where = "this.worth > 50"

    [[metrics]]
    key = "notes_by_kind"
    table = "notes"
    count = "*"
    by = { column = "kind", top = 3 }

    [[metrics]]
    key = "noted_things"
    table = "notes"
    distinct = "thing_id"
    "#;

const LIVE: &str = "FROM notes JOIN things ON things.id = notes.thing_id JOIN owners ON owners.id = things.owner_id
    WHERE NOT things.gone AND NOT owners.gone";

const BY_HAND: [(&str, &str); 6] = [
    ("all_things", "count(*) FROM things"),
    (
        "things",
        "count(*) FROM things JOIN owners ON owners.id = things.owner_id WHERE NOT things.gone AND NOT owners.gone",
    ),
    ("notes", "count(*) {live}"),
    ("notes_worth", "coalesce(sum(worth), 0) {live}"),
    ("dear_notes", "count(*) {live} AND worth > 50"),
    ("noted_things", "count(DISTINCT thing_id) {live}"),
];

/// What the database knows of its keys.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Keys {
    Declared,
    Held,
    Broken,
}

fn rows(keys: Keys) -> String {
    let reference = |table: &str| match keys {
        Keys::Declared => format!(", FOREIGN KEY ({table}_id) REFERENCES {table}s (id)"),
        Keys::Held | Keys::Broken => String::new(),
    };
    let mut sql = format!(
        "CREATE TABLE owners (id integer PRIMARY KEY, gone boolean NOT NULL);
         CREATE TABLE things (id integer PRIMARY KEY, owner_id integer, gone boolean{});
         CREATE TABLE notes (id integer PRIMARY KEY, thing_id integer, kind varchar(9), worth integer{});",
        reference("owner"),
        reference("thing")
    );
    let value = |known: bool, value: i64| match known {
        true => value.to_string(),
        false => "NULL".to_owned(),
    };
    for id in 1..=20 {
        sql += &format!("INSERT INTO owners VALUES ({id}, {});", id % 7 == 0);
    }
    for id in 1..=60_i64 {
        let owner = value(id % 9 != 0, 1 + id * 3 % 20);
        let gone = ["NULL", "true", "false", "false", "false"][id as usize % 5];
        sql += &format!("INSERT INTO things VALUES ({id}, {owner}, {gone});");
    }
    for id in 1..=300_i64 {
        let (thing, worth) = (
            value(id % 11 != 0, 1 + id * id % 60),
            value(id % 4 != 0, id % 97),
        );
        let kind = ["'a'", "'b'", "'c'", "'d'", "NULL"][id as usize / 3 % 5];
        sql += &format!("INSERT INTO notes VALUES ({id}, {thing}, {kind}, {worth});");
    }
    if keys == Keys::Broken {
        sql += "INSERT INTO things VALUES (61, 99, false); INSERT INTO notes VALUES (301, 61, 'a', 60), (302, 77, 'b', 60);";
    }
    sql
}

async fn are_counted(app: &App, keys: Keys) {
    let mut world = World::new("2025-10-04T06:00:00Z", SETTINGS);
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    world.night(Which::One(date("2025-10-03"))).await;
    for (key, query) in BY_HAND {
        let sql = format!("SELECT {}", query.replace("{live}", LIVE));
        let expected: i64 = app
            .number(&sql)
            .await
            .map_or(-1, |number| number.try_into().unwrap());
        let found = world.value("2025-10-03", key).await;
        assert_eq!(found, json!(expected), "{key}, keys {keys:?}");
    }
    let sql = format!("SELECT kind, count(*) {LIVE} GROUP BY kind");
    let mut by_hand = app.rows(&sql).await;
    by_hand.sort();
    let found = world.value("2025-10-03", "notes_by_kind").await;
    let mut parts: Vec<Vec<Option<String>>> = Vec::new();
    for part in found
        .as_array()
        .unwrap()
        .iter()
        .filter(|part| part["other"].is_null())
    {
        let key = part["key"].as_str().map(str::to_owned);
        parts.push(vec![key, Some(part["count"].to_string())]);
    }
    parts.sort();
    by_hand.retain(|row| parts.iter().any(|part| part[0] == row[0]));
    assert_eq!((parts.len(), &parts), (4, &by_hand), "keys {keys:?}");
    let verified = world.binary(&["verify", "--date", "2025-10-03"]);
    assert!(verified.status.success(), "{verified:?}");
    if matches!(app, App::Postgres(_)) {
        let plan = world.binary(&["explain", "--date", "2025-10-03"]);
        let plan = String::from_utf8_lossy(&plan.stdout).into_owned();
        assert!(
            !plan.contains("WHERE EXISTS"),
            "each row asks for its parent: {plan}"
        );
    }
}

pub async fn children_of_living_parents_are_counted(app: [&App; 3]) {
    for (app, keys) in app
        .into_iter()
        .zip([Keys::Declared, Keys::Held, Keys::Broken])
    {
        app.execute(&rows(keys)).await;
        are_counted(app, keys).await;
        if matches!(app, App::Postgres(_)) {
            app.execute("ANALYZE").await;
            are_counted(app, keys).await;
        }
    }
}
