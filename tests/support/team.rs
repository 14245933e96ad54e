//! A second application with everything that Beryl lacks: rows that end, money, measures, odd windows, a zone
//! whose clocks change by half an hour, and a different idea of time in every table.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use daybook::nightly::Which;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value as Json, json};

use crate::dice::{Dice, flag};
use crate::world::{App, World, date, instant};

const SETTINGS: &str = include_str!("team/daybook.toml");

const SQLITE: &str = "
CREATE TABLE accounts (id INTEGER PRIMARY KEY, opened TEXT NOT NULL, closed TEXT);
CREATE TABLE invoices (
    id INTEGER PRIMARY KEY, account_id INTEGER REFERENCES accounts (id), created INTEGER NOT NULL, voided INTEGER,
    amount NUMERIC(12, 2), weight REAL, paid BOOLEAN NOT NULL, grade INTEGER, country TEXT, clerk INTEGER, token TEXT
);
CREATE TABLE visits (id INTEGER PRIMARY KEY, at TEXT NOT NULL);
CREATE TABLE pings (id INTEGER PRIMARY KEY, sent INTEGER NOT NULL);
CREATE TABLE deals (id INTEGER PRIMARY KEY, made TEXT NOT NULL, stage TEXT);
CREATE TABLE notes (id INTEGER PRIMARY KEY, made TEXT NOT NULL);
";

const POSTGRES: &str = r#"
CREATE SCHEMA crm;
CREATE TABLE accounts (id integer PRIMARY KEY, opened timestamp NOT NULL, closed timestamp);
CREATE TABLE invoices (
    id integer PRIMARY KEY, account_id integer REFERENCES accounts (id), created integer NOT NULL, voided bigint,
    amount numeric(12, 2), weight real, paid boolean NOT NULL, grade integer, country varchar(2), clerk integer, token uuid
);
CREATE TABLE visits (id integer PRIMARY KEY, at timestamp NOT NULL);
CREATE TABLE pings (id integer PRIMARY KEY, sent bigint NOT NULL);
CREATE TABLE crm.deals (id integer PRIMARY KEY, made text COLLATE "en-x-icu" NOT NULL, stage text);
CREATE TABLE notes (id integer PRIMARY KEY, made text NOT NULL);
"#;

const MYSQL: &str = "
CREATE TABLE accounts (id integer PRIMARY KEY, opened datetime(6) NOT NULL, closed datetime(6));
CREATE TABLE invoices (
    id integer PRIMARY KEY, account_id integer REFERENCES accounts (id), created integer NOT NULL, voided bigint,
    amount decimal(12, 2), weight float, paid boolean NOT NULL, grade integer, country varchar(2), clerk integer,
    token /*M! uuid */ /*!80000 char(36) */
);
CREATE TABLE visits (id integer PRIMARY KEY, at datetime(6) NOT NULL);
CREATE TABLE pings (id integer PRIMARY KEY, sent bigint NOT NULL);
CREATE TABLE deals (id integer PRIMARY KEY, made varchar(40) COLLATE utf8mb4_german2_ci NOT NULL, stage varchar(10));
CREATE TABLE notes (id integer PRIMARY KEY, made text NOT NULL);
";

/// Where the engines' settings and plain SQL differ: a name, and what stands for it.
fn dialect(app: &App) -> [(&'static str, &str); 5] {
    match app {
        App::Sqlite(_) => [
            ("$crm", "main"),
            ("$opened_that_day", "SELECT count(*) FROM accounts WHERE replace(rtrim(opened, 'Z'), 'T', ' ') >= :day_start
                AND replace(rtrim(opened, 'Z'), 'T', ' ') < min(:day_end, :as_of)"),
            ("$opened", "rtrim(a.opened, 'Z')"),
            ("$closed", "rtrim(a.closed, 'Z')"),
            ("$weight", "v.weight"),
        ],
        App::Postgres(_) => [
            ("$crm", "crm"),
            ("$opened_that_day", "SELECT count(*) FROM accounts WHERE opened >= :day_start AND opened < least(:day_end, :as_of)"),
            ("$opened", "a.opened"),
            ("$closed", "a.closed"),
            ("$weight", "v.weight::float8"),
        ],
        App::Mysql(url) => [
            ("$crm", url.rsplit('/').next().unwrap()),
            ("$opened_that_day", "SELECT count(*) FROM accounts WHERE opened >= :day_start AND opened < least(:day_end, :as_of)"),
            ("$opened", "a.opened"),
            ("$closed", "a.closed"),
            ("$weight", "(v.weight + 0e0)"),
        ],
    }
}

fn spoken(text: &str, app: &App) -> String {
    dialect(app)
        .iter()
        .fold(text.to_owned(), |text, (name, meaning)| {
            // In the settings a query stands on one line.
            text.replace(
                name,
                &meaning.split_whitespace().collect::<Vec<_>>().join(" "),
            )
        })
}

const INVOICES: &str = "FROM invoices AS v JOIN accounts AS a ON a.id = v.account_id
    WHERE v.created < {epoch} AND (v.voided IS NULL OR v.voided >= {epoch})
        AND $opened < {utc} AND ($closed IS NULL OR $closed >= {utc})";

/// Every number with its digits; `{invoices}` are those that count.
const NUMBERS: [(&str, u32, &str); 35] = [
    (
        "accounts",
        0,
        "SELECT count(*) FROM accounts AS a WHERE $opened < {utc} AND ($closed IS NULL OR $closed >= {utc})",
    ),
    ("invoices", 0, "SELECT count(*) {invoices}"),
    (
        "invoices_made_3d",
        0,
        "SELECT count(*) {invoices} AND v.created >= {epoch3}",
    ),
    (
        "invoices_made_14d",
        0,
        "SELECT count(*) {invoices} AND v.created >= {epoch14}",
    ),
    (
        "invoices_made_90d",
        0,
        "SELECT count(*) {invoices} AND v.created >= {epoch90}",
    ),
    ("revenue", 2, "SELECT coalesce(sum(v.amount), 0) {invoices}"),
    (
        "revenue_made_14d",
        2,
        "SELECT coalesce(sum(v.amount), 0) {invoices} AND v.created >= {epoch14}",
    ),
    ("weight", 3, "SELECT coalesce(sum($weight), 0) {invoices}"),
    ("mean_amount", 4, "SELECT avg(v.amount) {invoices}"),
    ("least_amount", 2, "SELECT min(v.amount) {invoices}"),
    (
        "weight_by_itself",
        3,
        "SELECT coalesce(sum($weight), 0) {invoices}",
    ),
    ("greatest_weight", 3, "SELECT max($weight) {invoices}"),
    (
        "newest_invoice",
        1,
        "SELECT ({epoch} - max(v.created)) / 3600.0 {invoices}",
    ),
    (
        "newest_unpaid",
        1,
        "SELECT ({epoch} - max(v.created)) / 3600.0 {invoices} AND NOT v.paid AND v.grade > 7",
    ),
    (
        "newest_ping",
        4,
        "SELECT ({ms} - max(sent)) / 3600000.0 FROM pings WHERE sent < {ms}",
    ),
    ("clerks", 0, "SELECT count(DISTINCT v.clerk) {invoices}"),
    (
        "buyers",
        0,
        "SELECT count(DISTINCT v.account_id) {invoices}",
    ),
    (
        "with_clerk",
        0,
        "SELECT count(*) {invoices} AND v.clerk IS NOT NULL",
    ),
    ("paid", 0, "SELECT count(*) {invoices} AND v.paid"),
    ("unpaid", 0, "SELECT count(*) {invoices} AND NOT v.paid"),
    (
        "grade_low",
        0,
        "SELECT count(*) {invoices} AND v.grade <= 2",
    ),
    (
        "grade_ten",
        0,
        "SELECT count(*) {invoices} AND v.grade = 10",
    ),
    (
        "mean_revenue",
        2,
        "SELECT sum(v.amount) / count(*) {invoices}",
    ),
    (
        "paid_pct",
        2,
        "SELECT 100.0 * sum(CASE WHEN v.paid THEN 1 ELSE 0 END) / count(*) {invoices}",
    ),
    (
        "visits_24h",
        0,
        "SELECT count(*) FROM visits WHERE at >= {local1} AND at < {local}",
    ),
    (
        "visits_3d",
        0,
        "SELECT count(*) FROM visits WHERE at >= {local3} AND at < {local}",
    ),
    (
        "visits_14d",
        0,
        "SELECT count(*) FROM visits WHERE at >= {local14} AND at < {local}",
    ),
    (
        "visits_90d",
        0,
        "SELECT count(*) FROM visits WHERE at >= {local90} AND at < {local}",
    ),
    (
        "visits_ever",
        0,
        "SELECT count(*) FROM visits WHERE at < {local}",
    ),
    (
        "pings_24h",
        0,
        "SELECT count(*) FROM pings WHERE sent >= {ms1} AND sent < {ms}",
    ),
    (
        "pings_3d",
        0,
        "SELECT count(*) FROM pings WHERE sent >= {ms3} AND sent < {ms}",
    ),
    (
        "pings_14d",
        0,
        "SELECT count(*) FROM pings WHERE sent >= {ms14} AND sent < {ms}",
    ),
    (
        "pings_90d",
        0,
        "SELECT count(*) FROM pings WHERE sent >= {ms90} AND sent < {ms}",
    ),
    (
        "pings_ever",
        0,
        "SELECT count(*) FROM pings WHERE sent < {ms}",
    ),
    (
        "deals",
        0,
        "SELECT count(*) FROM $crm.deals WHERE made < {utc}",
    ),
];

const DISTRIBUTIONS: [(&str, usize, &str); 3] = [
    (
        "by_country",
        3,
        "SELECT v.country, count(*) {invoices} GROUP BY v.country ORDER BY 2 DESC, 1",
    ),
    (
        "revenue_by_clerk",
        5,
        "SELECT v.clerk, coalesce(sum(v.amount), 0) {invoices} GROUP BY v.clerk ORDER BY 2 DESC, 1",
    ),
    (
        "by_token",
        4,
        "SELECT v.token, count(*) {invoices} GROUP BY v.token ORDER BY 2 DESC, 1",
    ),
];

/// Only on the day itself.
const PASSING: [(&str, u32, &str); 1] = [(
    "opened_that_day",
    0,
    "SELECT count(*) FROM accounts AS a WHERE $opened >= {day} AND $opened < {utc}",
)];
const PASSING_PARTS: (&str, usize, &str) = (
    "deals_by_stage",
    2,
    "SELECT stage, count(*) FROM $crm.deals WHERE made < {utc} AND stage IN ('new', 'won', 'lost') GROUP BY stage ORDER BY 2 DESC, 1",
);

/// The night of the day of 23.5 hours, and a day that is still open.
pub async fn of_nights(app: &App) {
    fill(app).await;
    let mut world = World::new("2025-10-05T13:20:00Z", &spoken(SETTINGS, app));
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    world.night(Which::One(date("2025-10-05"))).await;
    let ended = Bounds {
        as_of: "2025-10-05T13:00:00",
        day: "2025-10-04T13:30:00",
        since: [
            "2025-10-04T13:30:00",
            "2025-10-02T13:30:00",
            "2025-09-21T13:30:00",
            "2025-07-07T13:30:00",
        ],
    };
    check(&world, app, "2025-10-05", &ended, true).await;

    world.at("2025-10-08T01:34:56.789012Z");
    world.night(Which::One(date("2025-10-08"))).await;
    let open = Bounds {
        as_of: "2025-10-08T01:34:56.789012",
        day: "2025-10-07T13:00:00",
        since: [
            "2025-10-07T01:34:56.789012",
            "2025-10-05T01:34:56.789012",
            "2025-09-24T02:04:56.789012",
            "2025-07-10T02:04:56.789012",
        ],
    };
    check(&world, app, "2025-10-08", &open, true).await;
}

/// Sixty past days around the change of the clocks, in one go.
pub async fn of_the_past(app: &App) {
    fill(app).await;
    let mut world = World::new("2025-12-20T06:00:00Z", &spoken(SETTINGS, app));
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    let (first, last) = (date("2025-09-10"), date("2025-11-08"));
    let night = world.night(Which::Range(first, last)).await;
    assert_eq!(night.days.len(), 60);
    for day in first.iter_days().take_while(|day| *day <= last) {
        let next = day + Days::new(1);
        let ago = |days| midnight(next - Days::new(days));
        let (as_of, since) = (midnight(next), [ago(1), ago(3), ago(14), ago(90)]);
        let bounds = Bounds {
            as_of: &as_of,
            day: &since[0],
            since: since.each_ref().map(String::as_str),
        };
        check(&world, app, &day.to_string(), &bounds, false).await;
    }
    for key in ["opened_that_day", "deals_by_stage"] {
        assert_eq!(
            world.provenance("2025-10-01", key).await["kind"],
            "unavailable"
        );
    }
}

/// Instants in UTC.
struct Bounds<'a> {
    as_of: &'a str,
    day: &'a str,
    /// 1, 3, 14 and 90 days ago.
    since: [&'a str; 4],
}

async fn check(world: &World, app: &App, day: &str, bounds: &Bounds<'_>, on_the_day: bool) {
    let passing: &[_] = if on_the_day { &PASSING } else { &[] };
    let mut wrong = Vec::new();
    for (key, digits, query) in NUMBERS.iter().chain(passing) {
        let expected = app.number(&with_bounds(query, app, bounds)).await;
        let expected = expected.map(|number| rounded(number, *digits));
        let found = world.value(day, key).await;
        if decimal(&found) != expected {
            let why = world.provenance(day, key).await;
            wrong.push(format!("{key}: {found}, expected {expected:?}, {why}"));
        }
    }
    let more: &[_] = if on_the_day { &[PASSING_PARTS] } else { &[] };
    for (key, top, query) in DISTRIBUTIONS.iter().chain(more) {
        let expected = parts(app, &with_bounds(query, app, bounds), *top).await;
        let found = world.value(day, key).await;
        if plain(&found) != plain(&expected) {
            wrong.push(format!("{key}: {found}, expected {expected}"));
        }
    }
    let notes = world.provenance(day, "notes").await;
    let reason = notes["reason"].as_str().unwrap_or_default();
    if notes["kind"] != "failed" || !reason.contains("another text form") {
        wrong.push(format!("notes: {notes}"));
    }
    assert!(wrong.is_empty(), "{day}\n{}", wrong.join("\n"));
}

fn with_bounds(query: &str, app: &App, bounds: &Bounds<'_>) -> String {
    let mut text = spoken(&query.replace("{invoices}", INVOICES), app);
    text = text.replace("{day}", &format!("'{}'", bounds.day));
    let names = ["", "1", "3", "14", "90"];
    for (name, at) in names.iter().zip([bounds.as_of].iter().chain(&bounds.since)) {
        let moment = instant(&format!("{at}Z"));
        let micros = Decimal::from(moment.timestamp_micros());
        let forms = [
            ("utc", format!("'{at}'")),
            ("local", format!("'{}'", wall(moment))),
            ("epoch", (micros / Decimal::from(1_000_000)).to_string()),
            ("ms", (micros / Decimal::from(1_000)).to_string()),
        ];
        for (form, value) in forms {
            text = text.replace(&format!("{{{form}{name}}}"), &value);
        }
    }
    text
}

/// When a day begins on Lord Howe Island: 11 hours ahead from 5 October 2025, 02:00, on, 10.5 before.
fn midnight(day: NaiveDate) -> String {
    let minutes = if day >= date("2025-10-06") {
        "00"
    } else {
        "30"
    };
    format!("{}T13:{minutes}:00", day - Days::new(1))
}

fn wall(at: DateTime<Utc>) -> NaiveDateTime {
    let summer = at >= instant("2025-10-04T15:30:00Z");
    at.naive_utc() + TimeDelta::minutes(if summer { 660 } else { 630 })
}

/// The largest by name, the rows without a value among them by their size, then what the others are together.
async fn parts(app: &App, query: &str, top: usize) -> Json {
    let rows = app.rows(query).await;
    let count = |row: &Vec<Option<String>>| rounded(row[1].as_ref().unwrap().parse().unwrap(), 2);
    let (named, none): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row[0].is_some());
    let none: Decimal = none.iter().map(count).sum();
    let mut all: Vec<Json> = Vec::new();
    for row in named.iter().take(top) {
        let count = count(row).to_string();
        all.push(json!({ "key": row[0], "label": row[0], "count": count }));
    }
    if !none.is_zero() {
        let at = named.iter().take(top).filter(|row| count(row) >= none);
        all.insert(
            at.count(),
            json!({ "none": true, "count": none.to_string() }),
        );
    }
    let other: Decimal = named.iter().skip(top).map(count).sum();
    if !other.is_zero() {
        all.push(json!({ "other": true, "count": other.to_string() }));
    }
    Json::from(all)
}

/// Every number of a distribution in one form: rounded to two digits.
fn plain(parts: &Json) -> Vec<(Json, Json, Option<Decimal>)> {
    let part = |part: &Json| {
        let count = part["count"]
            .as_str()
            .map_or_else(|| part["count"].to_string(), str::to_owned);
        let count = count.parse().ok().map(|number| rounded(number, 2));
        let key = match part["none"].as_bool() {
            Some(none) => json!(none),
            None => part["key"].clone(),
        };
        (key, part["label"].clone(), count)
    };
    parts.as_array().into_iter().flatten().map(part).collect()
}

fn decimal(value: &Json) -> Option<Decimal> {
    value
        .is_number()
        .then(|| value.to_string().parse::<Decimal>().unwrap().normalize())
}

fn rounded(number: Decimal, digits: u32) -> Decimal {
    number
        .round_dp_with_strategy(digits, RoundingStrategy::MidpointNearestEven)
        .normalize()
}

async fn fill(app: &App) {
    let schema = match app {
        App::Sqlite(_) => SQLITE,
        App::Postgres(_) => POSTGRES,
        App::Mysql(_) => MYSQL,
    };
    app.execute(schema).await;
    let rows = rows(matches!(app, App::Sqlite(_)));
    app.execute(&format!("BEGIN; {} COMMIT;", spoken(&rows, app)))
        .await;
}

const EDGES: [&str; 12] = [
    "2025-07-07T13:30:00Z",
    "2025-07-10T02:04:56.789012Z",
    "2025-09-21T13:30:00Z",
    "2025-10-02T13:30:00Z",
    "2025-10-04T13:30:00Z",
    "2025-10-04T15:30:00Z",
    "2025-10-05T01:34:56.789012Z",
    "2025-10-05T13:00:00Z",
    "2025-10-07T01:34:56.789012Z",
    "2025-10-07T13:00:00Z",
    "2025-10-08T01:34:56.789012Z",
    "2025-10-12T13:00:00Z",
];

fn rows(text_with_z: bool) -> String {
    let mut dice = Dice(1_770);
    let mut sql = accounts(&mut dice, text_with_z) + &invoices(&mut dice);
    for id in 1..=900 {
        let (visit, ping, deal) = (at(&mut dice), at(&mut dice), at(&mut dice));
        let visit = wall(visit).format("%Y-%m-%d %H:%M:%S%.6f");
        sql += &format!("INSERT INTO visits VALUES ({id}, '{visit}');\n");
        sql += &format!(
            "INSERT INTO pings VALUES ({id}, {});\n",
            ping.timestamp_millis()
        );
        let stage = dice.pick(&["'new'", "'won'", "'lost'", "NULL"]);
        let deal = deal.format("%Y-%m-%dT%H:%M:%S%.6f");
        sql += &format!("INSERT INTO $crm.deals VALUES ({id}, '{deal}', {stage});\n");
    }
    sql + "INSERT INTO notes VALUES (1, '2025-06-30 12:00:00'), (2, '2025-06-30T12:00:01Z'), (3, '2025-06-30 12:00:02');
        INSERT INTO $crm.deals VALUES (9001, '2025-06-30T12:00:00', 'rare');\n"
}

fn at(dice: &mut Dice) -> DateTime<Utc> {
    dice.instant(&EDGES.map(instant), instant("2025-06-20T00:00:00Z"), 175)
}

fn accounts(dice: &mut Dice, text_with_z: bool) -> String {
    let written = |at: DateTime<Utc>| match text_with_z {
        // Some applications leave a fraction of zero out.
        true if at.timestamp_subsec_millis() == 0 => at.format("'%Y-%m-%dT%H:%M:%SZ'").to_string(),
        true => at.format("'%Y-%m-%dT%H:%M:%S%.3fZ'").to_string(),
        false => at.format("'%Y-%m-%d %H:%M:%S%.6f'").to_string(),
    };
    let account = |id: u32| {
        let (opened, closed) = (at(dice), at(dice));
        let closed = if dice.one_in(3) {
            written(closed.max(opened))
        } else {
            "NULL".to_owned()
        };
        format!(
            "INSERT INTO accounts VALUES ({id}, {}, {closed});\n",
            written(opened)
        )
    };
    (1..=60).map(account).collect()
}

fn invoices(dice: &mut Dice) -> String {
    let invoice = |id: u32| {
        let (created, voided) = (at(dice).timestamp(), at(dice).timestamp());
        let cents = dice.below(999_999);
        let grams = dice.below(100_000);
        let country = dice.pick(&["CH", "DE", "AT", "LI", "FR"]);
        let all = [
            (40, (1 + dice.below(60)).to_string()),
            (0, created.to_string()),
            (2, voided.max(created).to_string()),
            (12, format!("{}.{:02}", cents / 100, cents % 100)),
            (12, format!("{}.{:03}", grams / 1000, grams % 1000)),
            (0, flag(dice.one_in(3))),
            (9, (1 + dice.below(10)).to_string()),
            (7, format!("'{country}'")),
            (7, (1 + dice.below(12)).to_string()),
            (
                7,
                format!("'00000000-0000-4000-8000-0000000000{:02x}'", dice.below(15)),
            ),
        ];
        // One in so many is null; 0 is none.
        let values = all.map(|(one_in, value)| match one_in > 0 && dice.one_in(one_in) {
            true => "NULL".to_owned(),
            false => value,
        });
        format!(
            "INSERT INTO invoices VALUES ({id}, {});\n",
            values.join(", ")
        )
    };
    (1..=1400).map(invoice).collect()
}
