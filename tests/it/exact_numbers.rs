//! A number is kept with all its digits, everywhere, or its metric fails.

use daybook::entry::Value;
use daybook::locale::Numbers;
use daybook::nightly::Which;
use daybook::render::number;
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value as Json, json};

use support::exact_numbers::{DAY, are_kept_or_fail};

use crate::world::{World, date};

#[tokio::test]
async fn sqlite_integers_and_binary_fractions_are_kept_exactly_or_fail() {
    let world = World::new("2025-10-04T06:00:00Z", "");
    let app = world.sqlite("app.db").await;
    let kept = [
        ("SELECT 9007199254740991", "9007199254740991"),
        ("SELECT -100000000000000000", "-100000000000000000"),
        ("SELECT 0.1 + 0.2", "0.30000000000000004"),
        ("SELECT 12345.678", "12345.678"),
        (
            "SELECT avg(n) FROM (SELECT 1 AS n UNION ALL SELECT 1 UNION ALL SELECT 2)",
            "1.3333333333333333",
        ),
    ];
    let failed = [
        (
            "SELECT 9007199254740993",
            "9007199254740993 has more digits than can be stored exactly",
        ),
        (
            "SELECT 9223372036854775807",
            "9223372036854775807 has more digits",
        ),
        (
            "SELECT sum(n) FROM (SELECT 9223372036854775807 AS n UNION ALL SELECT 1)",
            "integer overflow",
        ),
        ("SELECT 9e999", "inf is not a number that can be kept"),
    ];
    are_kept_or_fail(&app, &kept, &failed).await;
}

/// Made of a sum and of parts, which take other ways through the plan.
#[tokio::test]
async fn sums_and_parts_of_too_many_digits_fail() {
    let settings = r#"
        [tables.orders]
        name = "orders"
        [[metrics]]
        key = "cents"
        table = "orders"
        sum = "cents"
        [[metrics]]
        key = "cents_by_state"
        table = "orders"
        sum = "cents"
        by = { column = "state" }
        [[metrics]]
        key = "orders"
        table = "orders"
        count = "*"
    "#;
    let mut world = World::new("2025-10-04T06:00:00Z", settings);
    let app = world.sqlite("app.db").await;
    app.execute(
        "CREATE TABLE orders (cents INTEGER, state TEXT);
         INSERT INTO orders VALUES (9007199254740992, 'paid'), (1, 'paid'), (4, 'open')",
    )
    .await;
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    world.night(Which::One(date(DAY))).await;
    assert_eq!(world.value(DAY, "orders").await, json!(3));
    for key in ["cents", "cents_by_state"] {
        assert_eq!(world.value(DAY, key).await, Json::Null);
        let why = world.provenance(DAY, key).await;
        let reason = why["reason"].as_str().unwrap();
        assert!(
            reason.contains("has more digits than can be stored exactly"),
            "{why}"
        );
    }
}

#[tokio::test]
async fn a_table_with_too_many_digits_is_not_imported() {
    let settings =
        "[[metrics]]\nkey = \"worth\"\nsql = \"SELECT 1\"\n[app]\ndatabase_url = \"sqlite:app.db\"";
    let mut world = World::new("2025-10-04T06:00:00Z", settings);
    // The program's clock is the machine's.
    world.set("METRICS_RETENTION_DAYS", "3650");
    for (number, accepted) in [("1234567.89", true), ("12345678901234567.89", false)] {
        world.write(
            "days.csv",
            &format!("date,key,value\n2025-10-01,worth,{number}\n"),
        );
        let output = world.binary(&["import", "days.csv"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.success(), accepted, "{said}");
        assert!(
            accepted || said.contains("has more digits than can be stored exactly"),
            "{said}"
        );
    }
}

#[test]
fn of_a_mean_as_many_digits_are_read_as_say_something() {
    let means = [
        2431.4, 12.345, 1.234, 0.123, 0.0456, 0.000449, 0.0, -0.00012,
    ]
    .map(number::mean);
    assert_eq!(
        means,
        [2431.0, 12.3, 1.23, 0.12, 0.046, 0.00045, 0.0, -0.00012]
    );
}

/// 603466372116885.25 in binary, as near to the one text as to the other.
#[test]
fn of_two_texts_of_one_number_every_way_takes_the_same() {
    let decimal = |text: &str| Value::from_decimal(text.parse().unwrap());
    let kept = decimal("603466372116885.2").exactly().unwrap();
    assert_eq!(kept.to_json().to_string(), "603466372116885.2");
    let before = number::number(kept.number().unwrap(), "", None, Numbers::Swiss);
    assert!(before.ends_with("885.2"), "{before}");
    let why = decimal("603466372116885.3").exactly().unwrap_err();
    assert!(
        why.starts_with("603466372116885.3 has more digits"),
        "{why}"
    );
}

proptest! {
    #[test]
    fn what_is_kept_reads_back_and_shows_as_it_is(mantissa in any::<i64>(), shift in 0u32..50, scale in 0u32..=28) {
        let decimal = Decimal::from_i128_with_scale(i128::from(mantissa >> shift), scale).normalize();
        let digits = decimal.mantissa().unsigned_abs().to_string().len();
        let shown = |text: String| text.replace(['\u{2019}', '\''], "").replace('\u{2212}', "-");
        match Value::from_decimal(decimal).exactly() {
            Ok(value) => {
                let written = value.to_json().to_string();
                prop_assert_eq!(Value::from_text(&written), Some(value.clone()));
                let plain = shown(number::value(&value, "", None, Numbers::Swiss).unwrap());
                prop_assert_eq!(plain, decimal.to_string());
                // A day before is shown by its binary fraction.
                let before = shown(number::number(value.number().unwrap(), "", None, Numbers::Swiss));
                prop_assert_eq!(before.parse::<Decimal>(), Ok(decimal));
            }
            Err(why) => {
                prop_assert!(digits > 15, "{}", why);
                prop_assert!(why.starts_with(&decimal.to_string()));
            }
        }
    }
}
