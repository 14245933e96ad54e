//! Distributions with very many parts, and with rows that have no value.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::time::Duration;

use daybook::nightly::{Orders, Which};
use serde_json::json;

use crate::world::{App, World, date};

pub const BILLED: &str = r#"
    [tables.invoices]
    name = "invoices"
    created_at = "created"

    [[metrics]]
    key = "invoices"
    table = "invoices"
    count = "*"
    alert = { warning = "> 5" }

    [[metrics]]
    key = "by_state"
    table = "invoices"
    count = "*"
    by = { column = "state", top = 2 }

    [[metrics]]
    key = "by_state_24h"
    table = "invoices"
    count = "*"
    where = "created >= '2025-10-03'"
    by = { column = "state", top = 2 }

    [[metrics]]
    key = "worth_by_state"
    table = "invoices"
    sum = "worth"
    by = { column = "state", top = 1, label = { table = "states", key = "state", column = "name", merge = true } }

    [[metrics]]
    key = "by_state_at_once"
    table = "invoices"
    count = "*"
    history = "event"
    by = { column = "state", top = 2 }
    "#;

/// Ten invoices: four without a state, and one whose state is really called `(none)`.
pub async fn rows_without_a_value_are_a_part(app: &App) {
    app.execute(
        "CREATE TABLE states (state varchar(10), name varchar(20));
         INSERT INTO states VALUES ('ZH', 'Zurich'), ('AG', 'Aargau');
         CREATE TABLE invoices (created varchar(19) NOT NULL, state varchar(10), worth decimal(10, 2));
         INSERT INTO invoices VALUES ('2025-10-01 10:00:00', NULL, 5), ('2025-10-01 10:00:00', 'ZH', 1),
             ('2025-10-02 10:00:00', NULL, 6.5), ('2025-10-02 10:00:00', 'ZH', 1), ('2025-10-02 10:00:00', 'ZH', 1),
             ('2025-10-03 10:00:00', NULL, NULL), ('2025-10-03 10:00:00', '(none)', 2), ('2025-10-03 10:00:00', '', 3),
             ('2025-10-03 10:00:00', 'AG', 4), ('2025-10-03 10:00:00', NULL, 0);",
    )
    .await;
    let mut world = World::new("2025-10-04T06:00:00Z", BILLED);
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    world.night(Which::One(date("2025-10-03"))).await;
    let (none, zurich) = (
        json!({ "none": true, "count": 4 }),
        json!({ "key": "ZH", "label": "ZH", "count": 3 }),
    );
    let empty = json!({ "key": "", "label": "\"\"", "count": 1 });
    let day = "2025-10-03";
    assert_eq!(
        world.value(day, "by_state").await,
        json!([none, zurich, empty, { "other": true, "count": 2 }])
    );
    let listed = world.value(day, "by_state_24h").await;
    let called_none = json!({ "key": "(none)", "label": "(none)", "count": 1 });
    assert_eq!(
        listed,
        json!([{ "none": true, "count": 2 }, empty, called_none, { "other": true, "count": 1 }])
    );
    assert_eq!(
        world.value(day, "worth_by_state").await,
        json!([{ "none": true, "count": 11.5 }, { "key": "Aargau", "label": "Aargau", "count": 4 }, { "other": true, "count": 8 }])
    );
    world
        .night(Which::Range(date("2025-10-01"), date("2025-10-02")))
        .await;
    assert_eq!(
        world.value("2025-10-02", "by_state_at_once").await,
        json!([{ "key": "ZH", "label": "ZH", "count": 3 }, { "none": true, "count": 2 }])
    );
    let verified = world.binary(&["verify", "--date", day]);
    assert!(verified.status.success(), "{verified:?}");
}

const CROWDED: &str = r#"
    [tables.items]
    name = "items"
    created_at = "created"

    [tables.weights]
    name = "weights"

    [[metrics]]
    key = "by_place"
    table = "items"
    count = "*"
    by = { column = "place", top = 2 }
    fuse = false

    [[metrics]]
    key = "worth_by_place"
    table = "items"
    sum = "worth"
    by = { column = "place", top = 2 }
    fuse = false

    [[metrics]]
    key = "weight_by_kind"
    table = "weights"
    sum = "weight"
    by = { column = "kind", top = 2 }
    "#;

/// Of 1,150 places only the 1,000 largest are listed by the database. The row without a place comes behind those, and so
/// do the 50 places whose one row has no worth.
pub async fn nothing_beyond_the_largest_parts_is_lost(app: &App) {
    let large = (1..=1100).map(|at| {
        format!("('2025-10-01 10:00:00', 'p{at:04}', 1), ('2025-10-01 10:00:00', 'p{at:04}', 1)")
    });
    let small = (1..=50).map(|at| format!("('2025-10-01 10:00:00', 'q{at:02}', NULL)"));
    let nowhere = "('2025-10-01 10:00:00', NULL, 0.5)".to_owned();
    let rows: Vec<String> = large.chain(small).chain([nowhere]).collect();
    app.execute(&format!(
        "CREATE TABLE items (created varchar(19) NOT NULL, place varchar(10), worth decimal(10, 2));
         INSERT INTO items VALUES {};
         CREATE TABLE weights (kind varchar(10), weight double precision);
         INSERT INTO weights VALUES ('a', 0.1), ('b', 0.2)",
        rows.join(", ")
    ))
    .await;
    let mut world = World::new("2025-10-04T06:00:00Z", CROWDED);
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    let day = "2025-10-03";
    let forced = Orders {
        which: Which::One(date(day)),
        metric: None,
        force: true,
        dry_run: false,
        send: false,
        retry_for: Duration::ZERO,
    };
    let sqlite = matches!(app, App::Sqlite(_));
    for by_index in [false, true].into_iter().take(1 + usize::from(sqlite)) {
        if by_index {
            app.execute("CREATE INDEX places ON items (place)").await;
        }
        world.ordered(&forced).await.unwrap();
        let [one, two] =
            ["p0001", "p0002"].map(|place| json!({ "key": place, "label": place, "count": 2 }));
        assert_eq!(
            world.value(day, "by_place").await,
            json!([one, two, { "none": true, "count": 1 }, { "other": true, "count": 2 * 1098 + 50 }])
        );
        assert_eq!(
            world.value(day, "worth_by_place").await,
            json!([one, two, { "none": true, "count": 0.5 }, { "other": true, "count": 2 * 1098 }])
        );
        let provenance = world.provenance(day, "worth_by_place").await;
        assert_eq!(provenance["nulls"], 50, "{provenance}");
        // Their doubles add up to 0.30000000000000004, which is no third part.
        assert_eq!(
            world.value(day, "weight_by_kind").await,
            json!([{ "key": "b", "label": "b", "count": 0.2 }, { "key": "a", "label": "a", "count": 0.1 }])
        );
        let verified = world.binary(&["verify", "--date", day]);
        assert!(verified.status.success(), "{verified:?}");
    }
    app.execute(
        "INSERT INTO items VALUES ('2025-10-01T10:00:00', 'r1', -1), ('2025-10-01T10:00:00', 'r2', -1)",
    )
    .await;
    // A known value would outlast the failure.
    let mut world = World::new("2025-10-04T06:00:00Z", CROWDED);
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    world.ordered(&forced).await.unwrap();
    for key in ["by_place", "worth_by_place"] {
        let provenance = world.provenance(day, key).await;
        let reason = provenance["reason"].as_str().unwrap_or_default();
        assert!(
            reason.starts_with("2 rows hold times of another text form"),
            "{key}: {provenance}"
        );
    }
}
