//! What a split does not list is counted, or said not to be counted.

use daybook::nightly::Which;
use serde_json::json;

use crate::world::{App, World, date};

const SETTINGS: &str = r#"
    [tables.orders]
    name = "orders"
    created_at = "created"

    [[metrics]]
    key = "orders"
    table = "orders"
    count = "*"

    [[metrics]]
    key = "by_status"
    table = "orders"
    count = "*"
    split = { column = "status", into = { open = "open", lost = "lost" } }

    [[metrics]]
    key = "recent"
    table = "orders"
    count = "*"
    within = { column = "created", days = [1] }
    split = { column = "status", into = { open = "new_open" }, rest = "new_others", labels = { new_others = "New, not open" } }

    [[metrics]]
    key = "worth"
    table = "orders"
    sum = "worth"
    split = { column = "paid", into = { true = "worth_paid" }, rest = "worth_unpaid" }

    [[metrics]]
    key = "meant"
    table = "orders"
    count = "*"
    split = { column = "status", into = { lost = "lost_alone" }, rest = "ignore" }

    [[metrics]]
    key = "kinds"
    table = "orders"
    count = "*"
    by = { column = "status" }

    [[metrics]]
    key = "ever"
    table = "orders"
    count = "*"
    history = "event"
    split = { column = "status", into = { open = "ever_open" } }
    "#;

/// Of nine orders five have a status that `by_status` does not list, or none.
const ROWS: &str = "CREATE TABLE orders (created varchar(19) NOT NULL, status varchar(9), paid boolean, worth integer);
    INSERT INTO orders VALUES ('2025-10-01 10:00:00', 'open', true, 1), ('2025-10-01 10:00:00', 'lost', false, 2),
        ('2025-10-01 10:00:00', 'paid', true, 4), ('2025-10-02 10:00:00', 'paid', NULL, 8),
        ('2025-10-02 10:00:00', 'Open', true, 16), ('2025-10-03 10:00:00', NULL, true, 32),
        ('2025-10-03 10:00:00', 'open', false, 64), ('2025-10-03 10:00:00', 'paid', false, 128),
        ('2025-10-03 10:00:00', 'lost', NULL, 256);";

const DAY: &str = "2025-10-03";

pub async fn rows_that_a_split_does_not_list_are_told(app: &App) {
    app.execute(ROWS).await;
    let mut world = World::new("2025-10-04T06:00:00Z", SETTINGS);
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    world.night(Which::One(date(DAY))).await;
    for (key, expected) in [
        ("open", 2),
        ("lost", 2),
        ("rest_of_open", 5),
        ("new_open_24h", 1),
        ("new_others_24h", 3),
        ("worth_paid", 1 + 4 + 16 + 32),
        ("worth_unpaid", 2 + 8 + 64 + 128 + 256),
        ("lost_alone", 2),
        ("rest_of_ever_open", 7),
    ] {
        assert_eq!(world.value(DAY, key).await, json!(expected), "{key}");
    }
    assert_eq!(
        world.value(DAY, "rest_of_lost_alone").await,
        json!(null),
        "it is meant"
    );
    world
        .night(Which::Range(date("2025-10-01"), date("2025-10-02")))
        .await;
    assert_eq!(
        world.value("2025-10-02", "rest_of_ever_open").await,
        json!(4)
    );
    all_say_so(&world);
}

fn all_say_so(world: &World) {
    let told = |args: &[&str]| {
        let output = world.binary(args);
        String::from_utf8_lossy(&output.stdout)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    let of_five = "`paid` 3, `Open` 1, NULL 1";
    let shown = told(&["show", "--date", DAY]);
    assert!(
        shown.contains(&format!(
            "by_status: 5 rows not counted, by status: {of_five}"
        )),
        "{shown}"
    );
    assert!(!shown.contains("meant:"), "{shown}");
    let json = told(&["show", "--date", DAY, "--json"]);
    assert!(
        json.contains(r#""split": "by_status", "column": "status", "rows": 5"#),
        "{json}"
    );
    let letter = told(&["report", "--date", DAY, "--format", "text"]);
    assert!(
        letter.contains(&format!(
            "by_status (status): 5 rows not counted: {of_five}"
        )),
        "{letter}"
    );
    let page = told(&["report", "--date", DAY, "--format", "html"]);
    assert!(page.contains("5 rows not counted"), "{page}");
    for command in [["doctor"].as_slice(), &["config", "check", "--database"]] {
        let found = told(command);
        assert!(
            found.contains(&format!(
                "5 rows not counted in the split `by_status` by status: {of_five}"
            )),
            "{found}"
        );
        assert!(found.contains(r#"`rest = "ignore"`"#), "{found}");
        assert!(
            !found.contains("`recent`") && !found.contains("`meant`"),
            "{found}"
        );
    }
    let verified = world.binary(&["verify", "--date", DAY]);
    assert!(verified.status.success(), "{verified:?}");
}
