//! Readers whom a query on PostgreSQL names, in the snapshot of the numbers.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::time::Duration;

use chrono::TimeDelta;
use chrono_tz::Europe::Zurich;
use daybook::calendar::Day;
use daybook::collect::{self, Collected, Request, Work};
use daybook::config::Config;
use daybook::entry::Value;
use tokio_util::sync::CancellationToken;

use crate::postgres::database;
use crate::world::{App, World, date, instant};

const NOW: &str = "2025-10-04T06:00:00Z";

const SETTINGS: &str = r#"
    [tables.users]
    name = "auth_user"

    [[metrics]]
    key = "users"
    table = "users"
    count = "*"

    [report]
    "#;

async fn collected(shop: &App, sql: &str) -> Collected {
    let mut world = World::new(NOW, &format!("{SETTINGS}\nrecipients_sql = \"{sql}\"\n"));
    world.set("DAYBOOK_APP_DATABASE_URL", &shop.url());
    count(&world.config()).await
}

async fn count(config: &Config) -> Collected {
    let request = Request {
        catalog: &config.catalog,
        keys: vec!["users".to_owned()],
        work: Work::Night(Day::new(date("2025-10-03"), Zurich).unwrap().close()),
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

#[tokio::test]
async fn admins_are_found_and_a_failing_query_harms_no_number() {
    let shop = database().await;
    shop.execute(
        "CREATE TABLE auth_user (email varchar(254) NOT NULL, first_name varchar(150) NOT NULL, language char(5),
            is_superuser boolean NOT NULL, is_active boolean NOT NULL);
        INSERT INTO auth_user VALUES
            ('ada@example.org', 'Ada', 'de', true, true),
            ('bea@example.org', 'Bea', 'de', true, false),
            ('chris@example.org', 'Chris', 'de', false, true),
            ('', 'Dan', 'de', true, true),
            ('ADA@EXAMPLE.ORG', 'Ada', NULL, true, true)",
    )
    .await;
    let asked = collected(
        &shop,
        "SELECT email, first_name, language FROM auth_user WHERE is_superuser AND is_active",
    );
    let found = asked.await.recipients.unwrap().unwrap();
    let names: Vec<(&str, Option<&str>, &str)> = found
        .recipients
        .iter()
        .map(|one| {
            let language = one.locale.language.code();
            (one.address.as_str(), one.name.as_deref(), language)
        })
        .collect();
    assert_eq!(names, [("ada@example.org", Some("Ada"), "de")]);
    assert_eq!(found.bad, []);
    for (sql, why) in [
        (
            "SELECT emial FROM auth_user",
            "`recipients_sql` failed: column \"emial\" does not exist",
        ),
        (
            "SELECT i || '@example.org' FROM generate_series(1, 100000) AS i",
            "`recipients_sql` failed: it gives more than 10000 recipients: give it a condition",
        ),
        (
            "DELETE FROM auth_user RETURNING email",
            "`recipients_sql` failed: syntax error at or near \"FROM\"",
        ),
    ] {
        let collected = collected(&shop, sql).await;
        assert_eq!(collected.recipients, Some(Err(why.to_owned())));
        let (_, readings) = &collected.days[0];
        assert_eq!(readings["users"].value, Some(Value::Whole(5)), "{sql}");
    }
}
