//! Values as they are written, whatever a collation or a type holds for equal.

use serde_json::{Value as Json, json};

use crate::mariadb::database;
use crate::world::World;
use daybook::nightly::Which;

use crate::world::date;

const DAY: &str = "2025-10-02";

const SETTINGS: &str = r#"
    [tables.orders]
    name = "orders"

    [tables.free]
    name = "orders"
    where = "NOT charged"

    [[metrics]]
    key = "states"
    table = "orders"
    count = "*"
    by = { column = "state", top = 10 }

    [[metrics]]
    key = "different"
    table = "orders"
    distinct = "state"

    [[metrics]]
    key = "share"
    table = "orders"
    count = "*"
    split = { column = "state", into = { paid = "paid", Paid = "big", 'a\b' = "slash", "Zürich" = "town" } }

    [[metrics]]
    key = "alone"
    table = "orders"
    count = "*"
    fuse = false
    split = { column = "state", into = { paid = "alone_paid" } }

    [[metrics]]
    key = "charge"
    table = "orders"
    count = "*"
    split = { column = "charged", into = { true = "charged", false = "not_charged" } }

    [[metrics]]
    key = "flag"
    table = "orders"
    count = "*"
    split = { column = "flagged", into = { true = "flagged", false = "not_flagged" } }

    [[metrics]]
    key = "flags"
    table = "orders"
    count = "*"
    by = { column = "flagged" }

    [[metrics]]
    key = "free"
    table = "free"
    count = "*"

    [[metrics]]
    key = "money"
    table = "orders"
    sum = "price"
    decimals = 4

    [[metrics]]
    key = "largest"
    table = "orders"
    max = "big"

    [[metrics]]
    key = "years"
    table = "orders"
    max = "since"

    [[metrics]]
    key = "named"
    table = "orders"
    count = "*"
    by = { column = "kind_id", label = { table = "kinds", key = "id", column = "title" } }

    [[metrics]]
    key = "too_wide"
    table = "orders"
    sum = "vast"

    [[metrics]]
    key = "by_hand_united"
    sql = "SELECT count(*) FROM (SELECT state FROM orders UNION ALL SELECT state FROM orders WHERE FALSE) AS texts WHERE state = substring_index(state, '\\', 1) || '\\b'"

    [[metrics]]
    key = "by_hand"
    sql = "SELECT count(*) FROM orders WHERE state || '' = 'it''s' AND \"state\" <> 'a\\b'"
"#;

const ROWS: &str = r#"
    SET NAMES utf8mb4;
    CREATE TABLE kinds (id int unsigned PRIMARY KEY, title varchar(20) CHARACTER SET latin1);
    INSERT INTO kinds VALUES (1, 'Früh'), (2, 'Spät');
    CREATE TABLE orders (
        state varchar(20) CHARACTER SET latin1 COLLATE latin1_german1_ci, charged bit(1), flagged boolean, price decimal(20, 4),
        big bigint unsigned, since year, kind_id bigint, vast decimal(65, 0)
    );
    SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES';
    INSERT INTO orders VALUES
        ('paid', b'1', true, 90071992547.0001, 18446744073709551615, 2025, 1, 1234567890123456789012345678901234567890),
        ('paid', b'1', false, 0.0002, 3, 1999, 1, 1),
        ('Paid', b'0', false, NULL, NULL, NULL, 2, NULL),
        ('paid ', NULL, NULL, 0.5, 1, 2000, 3, 1),
        ('a\b', b'0', true, 0, 0, 2001, NULL, 1),
        ('it''s', b'0', true, 0, 0, 2001, NULL, 1),
        ('Zürich', b'0', false, 0, 0, 2001, 2, 1)
"#;

#[tokio::test]
async fn values_are_told_apart_by_their_letters_and_added_up_exactly() {
    let app = database().await;
    app.execute(ROWS).await;
    let mut world = World::new("2025-10-03T06:00:00Z", SETTINGS);
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    world.night(Which::One(date(DAY))).await;
    for (key, expected) in [
        ("different", json!(6)),
        ("paid", json!(2)),
        ("alone_paid", json!(2)),
        ("big", json!(1)),
        ("slash", json!(1)),
        ("town", json!(1)),
        ("charged", json!(2)),
        ("not_charged", json!(4)),
        ("flagged", json!(3)),
        ("not_flagged", json!(3)),
        ("free", json!(4)),
        ("years", json!(2025)),
        ("money", json!(90_071_992_547.500_3)),
        ("largest", Json::Null),
        ("by_hand", json!(1)),
        ("by_hand_united", json!(1)),
    ] {
        assert_eq!(world.value(DAY, key).await, expected, "{key}");
    }
    let why = world.provenance(DAY, "largest").await;
    let reason = why["reason"].as_str().unwrap_or_default();
    assert!(
        reason.starts_with("18446744073709551615 has more digits than can be stored exactly"),
        "{why}"
    );
    let part =
        |key: &str, label: &str, count: u32| json!({ "key": key, "label": label, "count": count });
    let plain = |key: &str, count: u32| part(key, key, count);
    let none = |count: u32| json!({ "none": true, "count": count });
    assert_eq!(
        world.value(DAY, "states").await,
        json!([
            plain("paid", 2),
            plain("Paid", 1),
            plain("Zürich", 1),
            plain("a\\b", 1),
            plain("it's", 1),
            plain("paid ", 1)
        ])
    );
    assert_eq!(
        world.value(DAY, "flags").await,
        json!([plain("0", 3), plain("1", 3), none(1)])
    );
    assert_eq!(
        world.value(DAY, "named").await,
        json!([
            part("1", "Früh", 2),
            part("2", "Spät", 2),
            none(2),
            plain("3", 1)
        ])
    );
    let why = world.provenance(DAY, "too_wide").await;
    assert_eq!(
        why["reason"],
        "a DECIMAL result has more than 28 digits; cast it to a smaller type"
    );
}
