//! What Beryl's numbers are, asked of its database as a person would, in SQL that has nothing to do with Daybook's.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::collections::BTreeMap;
use tokio_util::sync::CancellationToken;

use chrono::{Days, NaiveDate};
use daybook::nightly::Which;
use daybook::operate::doctor;
use rust_decimal::Decimal;
use serde_json::{Value as Json, json};

use crate::beryl;
use crate::world::{App, World, date, instant};

/// A day's bounds in UTC, worked out by hand.
struct Moment {
    date: &'static str,
    /// When the night runs.
    now: &'static str,
    as_of: &'static str,
    since: [&'static str; 3],
}

/// In the order of time, as nights are.
const MOMENTS: [Moment; 4] = [
    // 25 hours: midnight CEST to midnight CET. 7 days before is CEST, 30 days before too.
    Moment {
        date: "2025-10-26",
        now: "2025-10-26T23:15:00Z",
        as_of: "2025-10-26 23:00:00",
        since: [
            "2025-10-25 22:00:00",
            "2025-10-19 22:00:00",
            "2025-09-26 22:00:00",
        ],
    },
    // Still open at 13:34:56 CET; 30 days before, 13:34:56 was CEST.
    Moment {
        date: "2025-11-10",
        now: "2025-11-10T12:34:56.789012Z",
        as_of: "2025-11-10 12:34:56.789012",
        since: [
            "2025-11-09 12:34:56.789012",
            "2025-11-03 12:34:56.789012",
            "2025-10-11 11:34:56.789012",
        ],
    },
    // An ordinary Friday, looked at 23 hours after its end.
    Moment {
        date: "2025-11-14",
        now: "2025-11-15T22:00:00Z",
        as_of: "2025-11-14 23:00:00",
        since: [
            "2025-11-13 23:00:00",
            "2025-11-07 23:00:00",
            "2025-10-15 22:00:00",
        ],
    },
    // 23 hours: midnight CET to midnight CEST. 7 and 30 days before is CET.
    Moment {
        date: "2026-03-29",
        now: "2026-03-29T22:15:00Z",
        as_of: "2026-03-29 22:00:00",
        since: [
            "2026-03-28 23:00:00",
            "2026-03-22 23:00:00",
            "2026-02-27 23:00:00",
        ],
    },
];

/// Numbers whose past can be recounted from rows that are still there.
const RECOUNTABLE: [(&str, &str); 20] = [
    ("total_users", "SELECT count(*) FROM auth_user WHERE date_joined < :as_of"),
    ("new_users_24h", "SELECT count(*) FROM auth_user WHERE date_joined >= :day AND date_joined < :as_of"),
    ("new_users_7d", "SELECT count(*) FROM auth_user WHERE date_joined >= :week AND date_joined < :as_of"),
    ("new_users_30d", "SELECT count(*) FROM auth_user WHERE date_joined >= :month AND date_joined < :as_of"),
    ("total_collections", "SELECT count(*) FROM web_collection WHERE NOT is_deleted AND created < :as_of"),
    ("collections_created_24h", "SELECT count(*) FROM web_collection WHERE NOT is_deleted AND created >= :day AND created < :as_of"),
    ("collections_created_7d", "SELECT count(*) FROM web_collection WHERE NOT is_deleted AND created >= :week AND created < :as_of"),
    ("collections_created_30d", "SELECT count(*) FROM web_collection WHERE NOT is_deleted AND created >= :month AND created < :as_of"),
    ("total_items", "SELECT count(*) FROM web_collectionitem WHERE NOT is_deleted AND created < :as_of"),
    ("items_created_24h", "SELECT count(*) FROM web_collectionitem WHERE NOT is_deleted AND created >= :day AND created < :as_of"),
    ("items_created_7d", "SELECT count(*) FROM web_collectionitem WHERE NOT is_deleted AND created >= :week AND created < :as_of"),
    ("items_created_30d", "SELECT count(*) FROM web_collectionitem WHERE NOT is_deleted AND created >= :month AND created < :as_of"),
    ("item_types_count", "SELECT count(*) FROM web_itemtype WHERE NOT is_deleted AND created < :as_of"),
    ("total_attributes", "SELECT count(*) FROM web_itemattribute WHERE NOT is_deleted AND created < :as_of"),
    ("total_links", "SELECT count(*) FROM web_collectionitemlink AS l JOIN web_collectionitem AS i ON i.id = l.item_id
        WHERE NOT l.is_deleted AND NOT i.is_deleted AND l.created < :as_of AND i.created < :as_of"),
    ("total_media_files", "SELECT count(*) FROM web_mediafile WHERE NOT is_deleted AND created < :as_of"),
    ("total_storage_bytes", "SELECT coalesce(sum(file_size), 0) FROM web_mediafile WHERE NOT is_deleted AND created < :as_of"),
    ("recent_uploads_24h", "SELECT count(*) FROM web_mediafile WHERE NOT is_deleted AND created >= :day AND created < :as_of"),
    ("recent_uploads_7d", "SELECT count(*) FROM web_mediafile WHERE NOT is_deleted AND created >= :week AND created < :as_of"),
    ("recent_uploads_30d", "SELECT count(*) FROM web_mediafile WHERE NOT is_deleted AND created >= :month AND created < :as_of"),
];

/// `total_emails` makes 21; it stands apart because nothing else of its table can be recounted.
const EMAILS: (&str, &str) = (
    "total_emails",
    "SELECT count(*) FROM post_office_email WHERE created < :as_of",
);

/// Numbers that only their own day can tell.
const PASSING: [(&str, &str); 31] = [
    ("active_users_24h", "SELECT count(*) FROM auth_user WHERE date_joined < :as_of AND last_login >= :day AND last_login < :as_of"),
    ("active_users_7d", "SELECT count(*) FROM auth_user WHERE date_joined < :as_of AND last_login >= :week AND last_login < :as_of"),
    ("active_users_30d", "SELECT count(*) FROM auth_user WHERE date_joined < :as_of AND last_login >= :month AND last_login < :as_of"),
    ("collections_private", "SELECT count(*) FROM web_collection WHERE NOT is_deleted AND created < :as_of AND visibility = 'PRIVATE'"),
    ("collections_public", "SELECT count(*) FROM web_collection WHERE NOT is_deleted AND created < :as_of AND visibility = 'PUBLIC'"),
    ("collections_unlisted", "SELECT count(*) FROM web_collection WHERE NOT is_deleted AND created < :as_of AND visibility = 'UNLISTED'"),
    ("items_in_collection", "SELECT count(*) FROM web_collectionitem WHERE NOT is_deleted AND created < :as_of AND status = 'IN_COLLECTION'"),
    ("items_wanted", "SELECT count(*) FROM web_collectionitem WHERE NOT is_deleted AND created < :as_of AND status = 'WANTED'"),
    ("items_reserved", "SELECT count(*) FROM web_collectionitem WHERE NOT is_deleted AND created < :as_of AND status = 'RESERVED'"),
    ("items_ordered", "SELECT count(*) FROM web_collectionitem WHERE NOT is_deleted AND created < :as_of AND status = 'ORDERED'"),
    ("items_lent", "SELECT count(*) FROM web_collectionitem WHERE NOT is_deleted AND created < :as_of AND status = 'LENT_OUT'"),
    ("items_previously_owned", "SELECT count(*) FROM web_collectionitem WHERE NOT is_deleted AND created < :as_of AND status = 'PREVIOUSLY_OWNED'"),
    ("items_sold", "SELECT count(*) FROM web_collectionitem WHERE NOT is_deleted AND created < :as_of AND status = 'SOLD'"),
    ("items_given_away", "SELECT count(*) FROM web_collectionitem WHERE NOT is_deleted AND created < :as_of AND status = 'GIVEN_AWAY'"),
    ("matched_link_patterns", "SELECT count(*) FROM web_collectionitemlink AS l JOIN web_collectionitem AS i ON i.id = l.item_id
        WHERE NOT l.is_deleted AND NOT i.is_deleted AND l.created < :as_of AND i.created < :as_of AND l.link_pattern_id IS NOT NULL"),
    ("unmatched_link_patterns", "SELECT count(*) FROM web_collectionitemlink AS l JOIN web_collectionitem AS i ON i.id = l.item_id
        WHERE NOT l.is_deleted AND NOT i.is_deleted AND l.created < :as_of AND i.created < :as_of AND l.link_pattern_id IS NULL"),
    ("orphaned_files", "SELECT count(*) FROM web_mediafile AS m WHERE NOT m.is_deleted AND m.created < :as_of AND m.media_type <> 'AVATAR'
        AND m.id NOT IN (SELECT g.media_file_id FROM web_collectionitemimage AS g JOIN web_collectionitem AS i ON i.id = g.item_id
            WHERE NOT g.is_deleted AND NOT i.is_deleted AND g.created < :as_of AND i.created < :as_of)
        AND m.id NOT IN (SELECT g.media_file_id FROM web_collectionimage AS g JOIN web_collection AS c ON c.id = g.collection_id
            WHERE NOT g.is_deleted AND NOT c.is_deleted AND g.created < :as_of AND c.created < :as_of)"),
    ("corrupted_files", "SELECT count(*) FROM web_mediafile WHERE NOT is_deleted AND created < :as_of AND NOT file_exists"),
    ("emails_pending", "SELECT count(*) FROM post_office_email WHERE created < :as_of AND status IN (2, 3)"),
    ("emails_sent", "SELECT count(*) FROM post_office_email WHERE created < :as_of AND status = 0"),
    ("emails_failed", "SELECT count(*) FROM post_office_email WHERE created < :as_of AND status = 1"),
    ("marketing_opt_in", "SELECT count(*) FROM web_userprofile AS p JOIN auth_user AS u ON u.id = p.user_id
        WHERE u.date_joined < :as_of AND p.receive_marketing_emails"),
    ("marketing_opt_out", "SELECT count(*) FROM web_userprofile AS p JOIN auth_user AS u ON u.id = p.user_id
        WHERE u.date_joined < :as_of AND NOT p.receive_marketing_emails"),
    ("emails_synced_resend", "SELECT 0"),
    ("flagged_content", "SELECT count(*) FROM web_mediafile WHERE NOT is_deleted AND created < :as_of AND content_moderation_status = 'FLAGGED'"),
    ("pending_review", "SELECT count(*) FROM web_mediafile WHERE NOT is_deleted AND created < :as_of AND content_moderation_status = 'PENDING'"),
    ("user_violations", "SELECT count(*) FROM web_userprofile AS p JOIN auth_user AS u ON u.id = p.user_id
        WHERE u.date_joined < :as_of AND p.content_moderation_violations > 0"),
    ("banned_users", "SELECT count(*) FROM web_userprofile AS p JOIN auth_user AS u ON u.id = p.user_id
        WHERE u.date_joined < :as_of AND p.is_content_banned"),
    ("favorite_items_total", "SELECT count(*) FROM web_collectionitem WHERE NOT is_deleted AND created < :as_of AND is_favorite"),
    // Hidden from people, and true all the same.
    ("items_with_images", "SELECT count(*) FROM web_collectionitem AS i WHERE NOT i.is_deleted AND i.created < :as_of
        AND i.id IN (SELECT g.item_id FROM web_collectionitemimage AS g WHERE NOT g.is_deleted AND g.created < :as_of)"),
    ("items_with_links", "SELECT count(*) FROM web_collectionitem AS i WHERE NOT i.is_deleted AND i.created < :as_of
        AND i.id IN (SELECT l.item_id FROM web_collectionitemlink AS l WHERE NOT l.is_deleted AND l.created < :as_of)"),
];

/// What is divided by what; percentages are the first as a share of the second.
const DIVIDED: [(&str, bool, &str, &str); 5] = [
    ("avg_items_per_collection", false,
        "SELECT count(*) FROM web_collectionitem AS i JOIN web_collection AS c ON c.id = i.collection_id
            WHERE NOT i.is_deleted AND NOT c.is_deleted AND i.created < :as_of AND c.created < :as_of",
        "SELECT count(*) FROM web_collection WHERE NOT is_deleted AND created < :as_of"),
    ("avg_attributes_per_item", false,
        "SELECT count(*) FROM web_collectionitemattributevalue AS v JOIN web_collectionitem AS i ON i.id = v.item_id
            WHERE NOT v.is_deleted AND NOT i.is_deleted AND v.created < :as_of AND i.created < :as_of",
        "SELECT count(*) FROM web_collectionitem WHERE NOT is_deleted AND created < :as_of"),
    ("items_with_images_pct", true,
        "SELECT count(DISTINCT i.id) FROM web_collectionitem AS i JOIN web_collectionitemimage AS g ON g.item_id = i.id
            WHERE NOT g.is_deleted AND NOT i.is_deleted AND g.created < :as_of AND i.created < :as_of",
        "SELECT count(*) FROM web_collectionitem WHERE NOT is_deleted AND created < :as_of"),
    ("items_with_attributes_pct", true,
        "SELECT count(DISTINCT i.id) FROM web_collectionitem AS i JOIN web_collectionitemattributevalue AS v ON v.item_id = i.id
            WHERE NOT v.is_deleted AND NOT i.is_deleted AND v.created < :as_of AND i.created < :as_of",
        "SELECT count(*) FROM web_collectionitem WHERE NOT is_deleted AND created < :as_of"),
    ("items_with_links_pct", true,
        "SELECT count(DISTINCT i.id) FROM web_collectionitem AS i JOIN web_collectionitemlink AS l ON l.item_id = i.id
            WHERE NOT l.is_deleted AND NOT i.is_deleted AND l.created < :as_of AND i.created < :as_of",
        "SELECT count(*) FROM web_collectionitem WHERE NOT is_deleted AND created < :as_of"),
];

/// Key, name and size of every part, the largest first.
const DISTRIBUTIONS: [(&str, &str); 4] = [
    ("item_type_distribution", "SELECT t.id, t.display_name, count(*) FROM web_collectionitem AS i JOIN web_itemtype AS t ON t.id = i.item_type_id
        WHERE NOT i.is_deleted AND i.created < :as_of GROUP BY t.id, t.display_name ORDER BY count(*) DESC, t.id"),
    ("attribute_usage", "SELECT a.display_name, a.display_name, count(*) FROM web_collectionitemattributevalue AS v
        JOIN web_collectionitem AS i ON i.id = v.item_id JOIN web_itemattribute AS a ON a.id = v.item_attribute_id
        WHERE NOT v.is_deleted AND NOT i.is_deleted AND v.created < :as_of AND i.created < :as_of
        GROUP BY a.display_name ORDER BY count(*) DESC, a.display_name"),
    ("link_pattern_distribution", "SELECT p.id, p.display_name, count(*) FROM web_collectionitemlink AS l
        JOIN web_collectionitem AS i ON i.id = l.item_id JOIN web_linkpattern AS p ON p.id = l.link_pattern_id
        WHERE NOT l.is_deleted AND NOT i.is_deleted AND l.created < :as_of AND i.created < :as_of
        GROUP BY p.id, p.display_name ORDER BY count(*) DESC, p.id"),
    ("storage_by_type", "SELECT media_type, media_type, sum(file_size) FROM web_mediafile
        WHERE NOT is_deleted AND created < :as_of GROUP BY media_type ORDER BY sum(file_size) DESC, media_type"),
];

/// Every number of Beryl, on four days that are hard to count.
pub async fn of_nights(app: &App) {
    beryl::fill(app).await;
    let mut world = World::new(MOMENTS[0].now, beryl::SETTINGS);
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    for moment in &MOMENTS {
        world
            .at(moment.now)
            .night(Which::One(date(moment.date)))
            .await;
        let [day, week, month] = moment.since;
        let bounds = [
            (":as_of", moment.as_of),
            (":day", day),
            (":week", week),
            (":month", month),
        ];
        let mut expected = numbers(app, &RECOUNTABLE, &bounds).await;
        expected.extend(numbers(app, &[EMAILS], &bounds).await);
        expected.extend(numbers(app, &PASSING, &bounds).await);
        for (key, percent, of, per) in DIVIDED {
            let counts = numbers(app, &[("of", of), ("per", per)], &bounds).await;
            expected.insert(key, divided(&counts["of"], &counts["per"], percent));
        }
        for (key, query) in DISTRIBUTIONS {
            expected.insert(key, parts(app, &with_bounds(query, &bounds)).await);
        }
        // 59 and the two hidden ones above.
        assert_eq!(expected.len(), 61);
        let mut wrong = Vec::new();
        for (key, expected) in expected {
            let found = world.value(moment.date, key).await;
            let provenance = world.provenance(moment.date, key).await;
            let observed = provenance.get("kind").is_none_or(|kind| kind == "observed");
            if !same(&found, &expected) || !observed {
                wrong.push(format!(
                    "{key}: {found}, expected {expected}, provenance {provenance}"
                ));
            }
        }
        assert!(wrong.is_empty(), "{}\n{}", moment.date, wrong.join("\n"));
    }
}

/// One row of every table, born at 03:56 on the day after; each refers to rows that were there before.
const BORN_AFTER_MIDNIGHT: &str = "
INSERT INTO auth_user (id, last_login, date_joined, is_superuser, is_active, email)
    VALUES (9001, '2025-11-15 02:56:00', '2025-11-15 02:56:00', TRUE, TRUE, 'late@example.org');
INSERT INTO web_userprofile (id, user_id, receive_marketing_emails, content_moderation_violations, is_content_banned)
    VALUES (9001, 9001, TRUE, 2, TRUE);
INSERT INTO web_itemtype (id, created, is_deleted, display_name) VALUES (9001, '2025-11-15 02:56:00', FALSE, 'Late');
INSERT INTO web_itemattribute (id, created, is_deleted, display_name, item_type_id)
    VALUES (9001, '2025-11-15 02:56:00', FALSE, 'Late', 1);
INSERT INTO web_linkpattern (id, created, is_deleted, display_name) VALUES (9001, '2025-11-15 02:56:00', FALSE, 'Late');
INSERT INTO web_collection (id, created, is_deleted, visibility) VALUES (9001, '2025-11-15 02:56:00', FALSE, 'PUBLIC');
INSERT INTO web_collectionitem (id, created, is_deleted, status, is_favorite, collection_id, item_type_id)
    SELECT 9000 + min(id), '2025-11-15 02:56:00', FALSE, 'WANTED', TRUE, min(id), 1
    FROM web_collection WHERE NOT is_deleted AND created < '2025-11-14 23:00:00';
INSERT INTO web_collectionitemattributevalue (id, created, is_deleted, value, item_id, item_attribute_id)
    SELECT 9001, '2025-11-15 02:56:00', FALSE, 'x', min(id), 1 FROM web_collectionitem WHERE NOT is_deleted AND created < '2025-11-14 23:00:00';
INSERT INTO web_collectionitemlink (id, created, is_deleted, item_id, link_pattern_id)
    SELECT 9001, '2025-11-15 02:56:00', FALSE, min(id), 1 FROM web_collectionitem WHERE NOT is_deleted AND created < '2025-11-14 23:00:00';
INSERT INTO web_mediafile (id, created, is_deleted, file_size, media_type, file_exists, content_moderation_status)
    VALUES (9001, '2025-11-15 02:56:00', FALSE, 77, 'OTHER', FALSE, 'FLAGGED'), (9002, '2025-11-15 02:56:00', FALSE, 77, 'OTHER', FALSE, 'PENDING');
INSERT INTO web_collectionitemimage (id, created, is_deleted, item_id, media_file_id)
    SELECT 9000 + media.id, '2025-11-15 02:56:00', FALSE, (SELECT min(id) FROM web_collectionitem WHERE NOT is_deleted AND created < '2025-11-14 23:00:00'), media.id
    FROM web_mediafile AS media WHERE NOT media.is_deleted AND media.created < '2025-11-14 23:00:00';
INSERT INTO web_collectionimage (id, created, is_deleted, collection_id, media_file_id)
    SELECT 9000 + media.id, '2025-11-15 02:56:00', FALSE, (SELECT min(id) FROM web_collection WHERE NOT is_deleted AND created < '2025-11-14 23:00:00'), media.id
    FROM web_mediafile AS media WHERE NOT media.is_deleted AND media.created < '2025-11-14 23:00:00';
INSERT INTO post_office_email (id, status, created, \"to\") VALUES (9001, 2, '2025-11-15 02:56:00', 'late@example.org');
";

/// A day counted late has the numbers it would have had at midnight, whatever was written since.
pub async fn of_rows_born_later(app: &App) {
    beryl::fill(app).await;
    let day = "2025-11-14";
    let counted = async || {
        let mut world = World::new("2025-11-15T02:57:00Z", beryl::SETTINGS);
        world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
        world.night(Which::One(date(day))).await;
        let catalog = world.config().catalog;
        let mut values = BTreeMap::new();
        for metric in &catalog.metrics {
            let value = world.value(day, &metric.key).await;
            values.insert(metric.key.clone(), value);
        }
        values
    };
    let before = counted().await;
    assert!(before.values().all(|value| !value.is_null()));
    app.execute(&format!("BEGIN; {BORN_AFTER_MIDNIGHT} COMMIT;"))
        .await;
    assert_eq!(counted().await, before);
}

/// The report goes to active superusers who have an address.
pub async fn of_readers(app: &App) {
    beryl::fill(app).await;
    let mut world = World::new("2025-11-15T02:57:00Z", beryl::SETTINGS);
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    let many = "SELECT count(DISTINCT lower(email)) FROM auth_user
        WHERE is_superuser = TRUE AND NOT is_active = FALSE AND length(email) > 0";
    let many = app.number(many).await.unwrap();
    assert!(many > Decimal::ONE);
    let findings = doctor::examine(
        &world.config(),
        instant("2025-11-15T02:57:00Z"),
        &CancellationToken::new(),
    )
    .await;
    let expected = format!("the app database: `recipients_sql` gives {many} readers");
    assert!(
        findings.iter().any(|one| one.what == expected),
        "{expected}"
    );
}

/// Days long past: what rows can still tell equals plain SQL day by day, the rest says that it is gone.
pub async fn of_the_past(app: &App) {
    beryl::fill(app).await;
    let mut world = World::new("2026-04-20T06:00:00Z", beryl::SETTINGS);
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    for (first, last) in [("2025-09-20", "2025-11-18"), ("2026-02-10", "2026-04-10")] {
        let (first, last) = (date(first), date(last));
        let night = world.night(Which::Range(first, last)).await;
        assert_eq!(night.days.len(), 60);
        for day in first.iter_days().take_while(|day| *day <= last) {
            let name = day.to_string();
            let next = day + Days::new(1);
            let ago = |days| midnight(next - Days::new(days));
            let (as_of, since) = (midnight(next), [ago(1), ago(7), ago(30)]);
            let bounds = [
                (":as_of", &*as_of),
                (":day", &since[0]),
                (":week", &since[1]),
                (":month", &since[2]),
            ];
            let mut expected = numbers(app, &RECOUNTABLE, &bounds).await;
            expected.extend(numbers(app, &[EMAILS], &bounds).await);
            for (key, expected) in expected {
                let found = world.value(&name, key).await;
                assert!(
                    same(&found, &expected),
                    "{name} {key}: {found}, expected {expected}"
                );
                let kind = world.provenance(&name, key).await;
                assert_eq!(kind["kind"], "reconstructed", "{name} {key}");
            }
        }
        for key in passing_keys() {
            let day = "2025-10-26".max(&*first.to_string()).to_owned();
            assert_eq!(world.value(&day, key).await, Json::Null, "{key}");
            let provenance = world.provenance(&day, key).await;
            assert_eq!(provenance["kind"], "unavailable", "{key}");
            assert!(
                provenance["reason"]
                    .as_str()
                    .unwrap()
                    .contains("past days are unknown"),
                "{key}"
            );
        }
    }
}

fn passing_keys() -> impl Iterator<Item = &'static str> {
    let divided = DIVIDED.iter().map(|(key, ..)| *key);
    let parts = DISTRIBUTIONS.iter().map(|(key, _)| *key);
    PASSING
        .iter()
        .map(|(key, _)| *key)
        .chain(divided)
        .chain(parts)
}

/// When a day begins in Zurich: winter time from 26 October 2025, 01:00 UTC, to 29 March 2026, 01:00 UTC.
fn midnight(day: NaiveDate) -> String {
    let winter = date("2025-10-27")..=date("2026-03-29");
    let hour = if winter.contains(&day) { 23 } else { 22 };
    format!("{} {hour}:00:00", day - Days::new(1))
}

/// All answers from one look at the database.
async fn numbers<'k>(
    app: &App,
    queries: &[(&'k str, &str)],
    bounds: &[(&str, &str)],
) -> BTreeMap<&'k str, Json> {
    let all: Vec<String> = queries
        .iter()
        .map(|(_, query)| format!("({})", with_bounds(query, bounds)))
        .collect();
    let rows = app.rows(&format!("SELECT {}", all.join(", "))).await;
    let number = |text: &Option<String>| -> Json {
        let number: i64 = text.as_ref().unwrap().parse().unwrap();
        json!(number)
    };
    queries
        .iter()
        .map(|(key, _)| *key)
        .zip(rows[0].iter().map(number))
        .collect()
}

fn with_bounds(query: &str, bounds: &[(&str, &str)]) -> String {
    bounds.iter().fold(query.to_owned(), |text, (name, value)| {
        text.replace(name, &format!("'{value}'"))
    })
}

/// Two digits, half to even on the binary value.
fn divided(of: &Json, per: &Json, percent: bool) -> Json {
    let ratio = of.as_f64().unwrap() / per.as_f64().unwrap();
    let text = format!("{:.2}", if percent { ratio * 100.0 } else { ratio });
    json!(text.parse::<f64>().unwrap())
}

/// The largest twenty, then what the others are together.
async fn parts(app: &App, query: &str) -> Json {
    let query = match app {
        App::Sqlite(_) => query.to_owned(),
        // The order of bytes, which is SQLite's own.
        App::Postgres(_) => {
            query.replace("DESC, a.display_name", "DESC, a.display_name COLLATE \"C\"")
        }
        App::Mysql(_) => query.replace(
            "DESC, a.display_name",
            "DESC, CAST(a.display_name AS binary)",
        ),
    };
    let rows = app.rows(&query).await;
    let count = |row: &Vec<Option<String>>| row[2].as_ref().unwrap().parse::<i64>().unwrap();
    let named = rows
        .iter()
        .take(20)
        .map(|row| json!({ "key": row[0], "label": row[1], "count": count(row) }));
    let mut all: Vec<Json> = named.collect();
    let other: i64 = rows.iter().skip(20).map(count).sum();
    if other > 0 {
        all.push(json!({ "other": true, "count": other }));
    }
    Json::from(all)
}

/// Numbers are compared as numbers, whatever they look like.
fn same(found: &Json, expected: &Json) -> bool {
    match (found, expected) {
        (Json::Number(found), Json::Number(expected)) => {
            let exact = |number: &serde_json::Number| {
                number.to_string().parse::<Decimal>().unwrap().normalize()
            };
            exact(found) == exact(expected)
        }
        _ => found == expected,
    }
}
