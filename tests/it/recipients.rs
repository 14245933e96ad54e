//! Readers whom a query on an app database names: who is found, who is not, and what it harms.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::time::Duration;

use chrono::TimeDelta;
use chrono_tz::Europe::Zurich;
use daybook::calendar::Day;
use daybook::collect::{self, Collected, Found, Request, Work};
use daybook::config::{Config, Recipient, RecipientsQuery, When};
use daybook::entry::Value;
use daybook::locale::{Language, Locale, Numbers};
use tokio_util::sync::CancellationToken;

use crate::world::{World, date, instant};

const NOW: &str = "2025-10-04T06:00:00Z";

const SETTINGS: &str = r#"
    [app]
    database_url = "sqlite:app.db"

    [apps.people]
    database_url = "sqlite:people.db"

    [tables.users]
    name = "users"

    [[metrics]]
    key = "users"
    table = "users"
    count = "*"
    "#;

fn settings(query: &str) -> String {
    format!("{SETTINGS}\n[report]\nlanguage = \"de\"\n{query}")
}

async fn world(query: &str) -> World {
    let world = World::new(NOW, &settings(query));
    let app = world.sqlite("app.db").await;
    app.execute(
        "CREATE TABLE users (email, name, language, numbers, mood);
        INSERT INTO users VALUES
            ('ada@example.org', 'Ada', 'en', 'it', 'changes'),
            ('bea@example.org', '', NULL, '', ''),
            (NULL, 'Nobody', NULL, NULL, NULL),
            ('', 'Nobody', NULL, NULL, NULL),
            ('ADA@example.org', 'Twice', 'de', 'fr', 'alerts'),
            ('Chris <chris@example.org>', NULL, 'de-CH', 'DE', 'alerts'),
            ('dan', 'Dan', NULL, NULL, NULL),
            ('eve@example.org' || char(13, 10) || 'Bcc: x@example.org', 'Eve', NULL, NULL, NULL),
            ('fay@example.org', 'Fay' || char(10), 'fr', 'us', 'weekly')",
    )
    .await;
    world
}

async fn alone(world: &World) -> Result<Found, String> {
    let config = world.config();
    let query = config.report.recipients_query.as_ref().unwrap();
    let limits = collect::limits(&config, CancellationToken::new());
    collect::recipients(&config.apps, query, &limits).await
}

async fn with_numbers(config: &Config) -> Collected {
    let day = Day::new(date("2025-10-03"), Zurich).unwrap();
    let request = Request {
        catalog: &config.catalog,
        keys: vec!["users".to_owned()],
        work: Work::Night(day.close()),
        now: instant(NOW),
        grace: TimeDelta::hours(24),
        retry_for: Duration::ZERO,
        follower_timeout: Duration::ZERO,
        limits: collect::limits(config, CancellationToken::new()),
        recipients: config.report.recipients_query.as_ref(),
        progress: &|_, _| {},
        retrying: &|_, _| {},
    };
    collect::collect(&config.apps, &request).await
}

fn users(collected: &Collected) -> Option<Value> {
    let (_, readings) = &collected.days[0];
    readings["users"].value.clone()
}

fn reader(address: &str, name: Option<&str>) -> Recipient {
    Recipient {
        address: address.to_owned(),
        name: name.map(str::to_owned),
        locale: Locale {
            language: Language::German,
            numbers: Numbers::Swiss,
        },
        when: When::Daily,
    }
}

fn pairs(bad: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(address, why): &(&str, &str)| ((*address).to_owned(), (*why).to_owned());
    bad.iter().map(owned).collect()
}

const ALL: &str =
    "recipients_sql = \"SELECT email, name, language, numbers, mood FROM users ORDER BY rowid\"";

fn all() -> Found {
    Found {
        recipients: vec![
            Recipient {
                locale: Locale {
                    language: Language::English,
                    numbers: Numbers::Italian,
                },
                when: When::Changes,
                ..reader("ada@example.org", Some("Ada"))
            },
            reader("bea@example.org", None),
            Recipient {
                locale: Locale {
                    language: Language::German,
                    numbers: Numbers::German,
                },
                when: When::Alerts,
                ..reader("chris@example.org", Some("Chris"))
            },
            reader("fay@example.org", None),
        ],
        bad: pairs(&[
            ("dan", "the address has no `@`"),
            (
                "eve@example.org\\r\\nBcc: x@example.org",
                "it holds a line break or another control character",
            ),
            (
                "fay@example.org",
                "the name holds a line break or another control character; sending without the name",
            ),
            (
                "fay@example.org",
                "unknown language `fr`; using the report's own",
            ),
            (
                "fay@example.org",
                "unknown number format `us`; using the report's own",
            ),
            (
                "fay@example.org",
                "`weekly` is not daily, alerts or changes; sending every day",
            ),
        ]),
    }
}

#[tokio::test]
async fn every_good_address_is_found_once_with_its_wishes_and_every_bad_one_is_told() {
    assert_eq!(alone(&world(ALL).await).await, Ok(all()));
}

#[tokio::test]
async fn recipients_come_with_the_numbers_of_the_night() {
    let world = world(ALL).await;
    let collected = with_numbers(&world.config()).await;
    assert_eq!(collected.recipients, Some(Ok(all())));
    assert_eq!(users(&collected), Some(Value::Whole(9)));
    assert!(collected.unreachable.is_empty());
}

#[tokio::test]
async fn an_address_alone_is_enough() {
    let world =
        world("recipients_sql = \"SELECT email FROM users WHERE email LIKE '%@example.org'\"")
            .await;
    let found = alone(&world).await.unwrap();
    assert_eq!(
        found.recipients,
        [
            reader("ada@example.org", None),
            reader("bea@example.org", None),
            reader("fay@example.org", None),
        ]
    );
}

#[tokio::test]
async fn a_query_that_fails_harms_no_number() {
    for (sql, why) in [
        (
            "SELECT emial FROM users",
            "`recipients_sql` failed: no such column: emial",
        ),
        (
            "SELECT email, 1, 2, 3, 4, 5 FROM users",
            "`recipients_sql` failed: it gives 6 columns; known are, in this order, address, name, language, numbers, when",
        ),
        (
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i || '@example.org' FROM n",
            "`recipients_sql` failed: it gives more than 10000 recipients: give it a condition",
        ),
    ] {
        let world = world(&format!("recipients_sql = \"{sql}\"")).await;
        let collected = with_numbers(&world.config()).await;
        assert_eq!(collected.recipients, Some(Err(why.to_owned())));
        assert_eq!(users(&collected), Some(Value::Whole(9)), "{sql}");
        assert_eq!(alone(&world).await, Err(why.to_owned()));
    }
}

#[tokio::test]
async fn ten_thousand_recipients_are_still_read() {
    let world = world("recipients_sql = \"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) SELECT i || '@example.org' FROM n\"").await;
    let found = alone(&world).await.unwrap();
    assert_eq!(found.recipients.len(), 10_000);
    assert_eq!(found.recipients[9_999].address, "10000@example.org");
}

#[tokio::test]
async fn a_query_can_write_nothing() {
    for sql in [
        "DELETE FROM users RETURNING email",
        "UPDATE users SET email = 'mallory@example.org' RETURNING email",
    ] {
        let world = world(&format!("recipients_sql = \"{sql}\"")).await;
        let collected = with_numbers(&world.config()).await;
        let told = collected.recipients.unwrap().unwrap_err();
        let word = sql.split(' ').next().unwrap();
        assert_eq!(
            told,
            format!("`recipients_sql` failed: near \"{word}\": syntax error")
        );
        let app = world.sqlite("app.db").await;
        let left = app
            .number("SELECT count(*) FROM users WHERE email IS NOT 'mallory@example.org'")
            .await;
        assert_eq!(left, Some(9.into()));
    }
}

#[tokio::test]
async fn a_database_without_any_metric_is_asked_for_recipients_too() {
    let world =
        world("recipients_sql = \"SELECT address FROM people\"\nrecipients_database = \"people\"")
            .await;
    let people = world.sqlite("people.db").await;
    people
        .execute("CREATE TABLE people (address); INSERT INTO people VALUES ('gus@example.org')")
        .await;
    let found = Found {
        recipients: vec![reader("gus@example.org", None)],
        bad: Vec::new(),
    };
    let collected = with_numbers(&world.config()).await;
    assert_eq!(collected.recipients, Some(Ok(found.clone())));
    assert_eq!(users(&collected), Some(Value::Whole(9)));
    assert_eq!(alone(&world).await, Ok(found));
}

#[tokio::test]
async fn a_database_of_recipients_that_is_away_harms_no_number() {
    let world =
        world("recipients_sql = \"SELECT address FROM people\"\nrecipients_database = \"people\"")
            .await;
    let why = format!(
        "the app database `people` is unavailable: there is no SQLite database at {}",
        world.path("people.db").display()
    );
    let collected = with_numbers(&world.config()).await;
    assert_eq!(collected.recipients, Some(Err(why.clone())));
    assert_eq!(users(&collected), Some(Value::Whole(9)));
    assert!(collected.unreachable.is_empty());
    assert_eq!(alone(&world).await, Err(why));
}

#[tokio::test]
async fn recipients_are_away_with_the_database_that_counts() {
    let world = World::new(NOW, &settings(ALL));
    let why = format!(
        "the app database is unavailable: there is no SQLite database at {}",
        world.path("app.db").display()
    );
    let collected = with_numbers(&world.config()).await;
    assert_eq!(collected.recipients, Some(Err(why)));
    assert_eq!(collected.unreachable.len(), 1);
}

#[tokio::test]
async fn a_database_without_a_url_is_told() {
    let world = world(ALL).await;
    let mut config = world.config();
    config.apps.clear();
    let query: &RecipientsQuery = config.report.recipients_query.as_ref().unwrap();
    let limits = collect::limits(&config, CancellationToken::new());
    assert_eq!(
        collect::recipients(&config.apps, query, &limits).await,
        Err("the app database is unavailable: no URL is configured for it".to_owned())
    );
}

#[tokio::test]
async fn who_does_not_ask_for_recipients_gets_none() {
    let config = World::new(NOW, SETTINGS).config();
    assert!(config.report.recipients_query.is_none());
    assert!(with_numbers(&config).await.recipients.is_none());
}
