//! The dashboard's pages of one metric, of alerts, and of runs: what is drawn and told is what is stored.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use chrono::{Days, NaiveDate};
use daybook::entry::Entry;
use daybook::look::pages::Built;
use daybook::look::pages::asked::{Asked, Span};

use crate::books::for_the_book;
use crate::pages::shelf::{Shelf, parts, spoken, with_numbers};
use crate::pages::sound::assert_sound;
use crate::read_page::{Element, read};
use crate::stored_days::{date, day, with};
use crate::world::App;

const SHOP: &str = r#"
    name = "Shop"

    [app]
    database_url = "sqlite:app.db"

    [tables.orders]
    name = "orders"
    created_at = "ordered"

    [[metrics]]
    key = "orders"
    label = "Orders"
    section = "Sales"
    table = "orders"
    count = "*"
    history = "event"

    [[metrics]]
    key = "errors"
    label = "Errors"
    good = "down"
    alert = { critical = "> 10", percent = { on = "off" } }
    sql = "SELECT count(*) FROM faults WHERE secret_code < 7"

    [[metrics]]
    key = "by_country"
    label = "Orders by country"
    table = "orders"
    count = "*"
    by = { column = "country", top = 8 }
    history = "event"

    [[metrics]]
    key = "helper"
    hidden = true
    sql = "SELECT 1"
"#;

fn metric(key: &str, days: Span) -> Asked {
    Asked::Metric {
        key: key.to_owned(),
        days,
        until: None,
    }
}

/// So many days up to Friday 3 October, numbered from 0.
fn days(count: u64, entry: impl Fn(u64, Entry) -> Entry) -> Vec<Entry> {
    let last = date("2025-10-03");
    let on = |at: u64| last - Days::new(count - 1 - at);
    (0..count)
        .map(|at| entry(at, day(&on(at).to_string())))
        .collect()
}

fn orders(count: u64) -> Vec<Entry> {
    days(count, |at, entry| {
        with_numbers(entry, &[("orders", &(1000 + at % 7).to_string())])
    })
}

/// The table's cells, the newest day first.
fn table(page: &Element) -> Vec<Vec<String>> {
    let tables = page.all("table");
    let table = tables.iter().find(|table| table.has_class("past")).unwrap();
    let rows = table.first("tbody").unwrap().all("tr");
    rows.iter()
        .map(|row| row.children().map(spoken).collect())
        .collect()
}

fn path<'a>(page: &'a Element, class: &str) -> &'a str {
    let mut paths = page.all("path").into_iter();
    let found = paths.find(|path| path.has_class(class));
    found.unwrap().get("d").unwrap()
}

fn marks(page: &Element) -> Vec<String> {
    let marks = page.all("svg").into_iter();
    let marks = marks.filter(|svg| svg.has_class("mark") && svg.get("role") == Some("img"));
    marks
        .map(|mark| spoken(mark.first("title").unwrap()))
        .collect()
}

#[tokio::test]
async fn a_metrics_table_has_the_books_numbers_however_many_days_are_asked_for() {
    let shelf = Shelf::new(SHOP, orders(400)).await;
    for span in Span::ALL {
        let html = shelf.html(&metric("orders", span)).await;
        assert_sound(&html, &shelf.config);
        assert!(html.len() <= 100_000, "{} bytes", html.len());
        let rows = table(&read(&html));
        assert_eq!(rows.len() as u64, span.days());
        for (back, row) in rows.iter().enumerate() {
            let orders = 1000 + (399 - back as u64) % 7;
            assert_eq!(row[1], format!("1'00{}", orders - 1000), "{row:?}");
        }
        assert_eq!(rows[0][0], "Fri 3 Oct 2025");
    }
}

#[tokio::test]
async fn the_line_breaks_where_a_day_has_no_value_and_an_open_day_is_no_part_of_it() {
    let mut entries = days(10, |at, entry| {
        let number = match at {
            3 => "failed",
            number => &(number * 10).to_string(),
        };
        with_numbers(entry, &[("errors", number)])
    });
    entries.remove(6);
    entries.last_mut().unwrap().partial = true;
    let shelf = Shelf::new(SHOP, entries).await;
    let html = shelf.html(&metric("errors", Span::Days30)).await;
    assert_sound(&html, &shelf.config);
    let page = read(&html);
    // 20 days before the first one; every day is ten wide. The axis reaches from 0 to 100, from top to bottom 1000.
    let y = |number: u64| 1000 - number * 10;
    let line = format!(
        "M205 {}L215 {}L225 {}M245 {}L255 {}M275 {}L285 {}",
        y(0),
        y(10),
        y(20),
        y(40),
        y(50),
        y(70),
        y(80)
    );
    assert_eq!(path(&page, "line"), line);
    let open = page.all("circle").into_iter();
    let open: Vec<_> = open.filter(|circle| circle.has_class("open")).collect();
    assert_eq!(open[0].get("cy"), Some("10.00%"));
    assert_eq!(spoken(open[0]), "Fri 3 Oct: still open, counted so far");
    let rows = table(&page);
    assert_eq!(rows.len(), 9);
    assert_eq!(rows[5][1], "failed");
    assert!(rows[5].last().unwrap().contains("no such column: fee"));
}

#[tokio::test]
async fn the_band_is_what_was_judged_usual() {
    let entries = orders(90);
    let shelf = Shelf::new(SHOP, entries).await;
    let page = read(&shelf.html(&metric("orders", Span::Days30)).await);
    let last = date("2025-10-03");
    let first = last - Days::new(29);
    let history = &shelf.edition.history;
    let judged = history.judge_metric("orders", first..=last, &shelf.config.catalog);
    let ticks: Vec<f64> = page
        .all("svg")
        .iter()
        .find(|svg| svg.has_class("axis"))
        .unwrap()
        .all("text")
        .iter()
        .map(|text| text.text().replace('\'', "").parse().unwrap())
        .collect();
    let (low, high) = (ticks[0], *ticks.last().unwrap());
    let band = path(&page, "band");
    for (at, day) in judged.iter().enumerate() {
        let usual = day.metrics[0].usual.unwrap();
        for bound in [usual.low, usual.high] {
            let y = 1000.0 - 1000.0 * (bound - low) / (high - low);
            // A half is rounded to either side.
            let point = |y: f64| format!("L{} {y}", at * 10 + 5);
            let near = [point(y.floor()), point(y.ceil())];
            assert!(
                near.iter().any(|point| band.contains(point)),
                "{near:?} in {band}"
            );
        }
    }
}

#[tokio::test]
async fn an_alert_is_marked_once_where_it_begins_and_told_in_words() {
    let entries = days(60, |at, entry| {
        let number = if (40..=44).contains(&at) { "25" } else { "3" };
        with_numbers(entry, &[("errors", number)])
    });
    let shelf = Shelf::new(SHOP, entries).await;
    let page = read(&shelf.html(&metric("errors", Span::Days90)).await);
    let marks = marks(&page);
    assert_eq!(marks, ["Sun 14 Sep, critical: 25 (limit 10). First day."]);
    // Five days of it in the lane, 30 days before the first stored one.
    let lane: String = (70..=74).map(|at| format!("M{at}0 0h10")).collect();
    assert_eq!(path(&page, "lane"), lane);
    let noted = table(&page);
    let noted = noted.iter().filter(|row| row[3] == "critical").count();
    assert_eq!(noted, 5);
}

#[tokio::test]
async fn a_distributions_parts_add_up_to_its_total() {
    let countries = ["CH", "DE", "FR", "IT", "AT", "LI", "GB"];
    let entries = days(40, |at, entry| {
        let counts: Vec<(&str, String)> = countries
            .iter()
            .enumerate()
            .map(|(rank, country)| (*country, (100 / (rank as u64 + 1) + at).to_string()))
            .collect();
        let counts: Vec<(&str, &str)> = counts
            .iter()
            .map(|(name, count)| (*name, count.as_str()))
            .collect();
        with(entry, "by_country", parts(&counts))
    });
    let shelf = Shelf::new(SHOP, entries).await;
    let html = shelf.html(&metric("by_country", Span::Days30)).await;
    assert_sound(&html, &shelf.config);
    let page = read(&html);
    let heads: Vec<String> = page.all("thead")[0]
        .all("th")
        .into_iter()
        .map(spoken)
        .collect();
    let expected = [
        "Date",
        "Value",
        "CH",
        "DE",
        "FR",
        "IT",
        "AT",
        "all others",
        "Notes",
    ];
    assert_eq!(heads, expected);
    for row in table(&page) {
        let numbers: Vec<u64> = row[1..8].iter().map(|cell| cell.parse().unwrap()).collect();
        assert_eq!(numbers[0], numbers[1..].iter().sum::<u64>(), "{row:?}");
    }
    let layers = page.all("path").into_iter();
    let layers = layers.filter(|path| path.has_class("layer") && path.first("title").is_some());
    assert_eq!(layers.count(), 6);
}

#[tokio::test]
async fn a_metric_tells_what_it_is_and_how_it_is_counted() {
    let shelf = Shelf::new(SHOP, orders(3)).await;
    let page = read(&shelf.html(&metric("orders", Span::Days30)).await);
    let about = page.all("section").pop().unwrap();
    let told = about.text();
    assert!(told.contains("can be recounted exactly"), "{told}");
    assert!(told.contains("daybook explain orders"));
    let sql = about.first("pre").unwrap().text();
    assert!(sql.contains("SELECT count(*)"), "{sql}");
    assert!(sql.contains("FROM \"orders\" AS this"), "{sql}");
    let errors = read(&shelf.html(&metric("errors", Span::Days30)).await);
    let text = errors.text();
    assert!(text.contains("Critical above 10."), "{text}");
    assert!(text.contains("secret_code < 7"), "configured SQL is text");
    assert!(text.contains("No values in this period."), "{text}");
}

#[tokio::test]
async fn a_metric_that_is_not_shown_is_missing_and_the_one_meant_is_offered() {
    let shelf = Shelf::new(SHOP, orders(2)).await;
    for (key, offered) in [("order", 1), ("helper", 0), ("<b>\u{202e}x", 0)] {
        let asked = metric(key, Span::Days30);
        let Built::Missing(html) = shelf.built(&asked, date("2025-10-03")).await else {
            panic!("{key} is no metric");
        };
        assert_sound(&html, &shelf.config);
        let lists = read(&html).all("ul").len();
        assert_eq!(lists, offered, "{key}");
    }
}

#[tokio::test]
async fn every_page_holds_for_an_empty_book_a_single_day_and_dates_without_end() {
    for entries in [Vec::new(), orders(1)] {
        let shelf = Shelf::new(SHOP, entries).await;
        for until in [
            None,
            Some(NaiveDate::MIN),
            Some(NaiveDate::MAX),
            Some(date("2025-10-03")),
        ] {
            let metric = |key: &str| Asked::Metric {
                key: key.to_owned(),
                days: Span::Days365,
                until,
            };
            for asked in [
                metric("orders"),
                metric("by_country"),
                Asked::Alerts(until),
                Asked::Runs,
            ] {
                let built = shelf.built(&asked, date("2025-10-03")).await;
                let Built::Page(html) = built else {
                    panic!("{asked:?} is missing");
                };
                if until.is_none_or(|until| until == date("2025-10-03")) {
                    assert_sound(&html, &shelf.config);
                }
            }
        }
    }
}

#[tokio::test]
async fn alerts_are_told_by_severity_with_the_month_they_stood_in() {
    let entries = days(60, |at, entry| {
        let errors = if at >= 58 { "25" } else { "3" };
        let orders = if at == 59 { "500" } else { "1000" };
        with_numbers(entry, &[("errors", errors), ("orders", orders)])
    });
    let shelf = Shelf::new(SHOP, entries).await;
    let html = shelf.html(&Asked::Alerts(None)).await;
    assert_sound(&html, &shelf.config);
    let page = read(&html);
    let told: Vec<String> = page.all("ul")[0]
        .all("li")
        .into_iter()
        .map(spoken)
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told.iter()
            .any(|told| told.starts_with("criticalErrors: 25 (limit 10). Second day."))
    );
    let month = page.all("ol")[0].all("li");
    assert_eq!(month.len(), 30);
    assert_eq!(spoken(month[29]), "Fri 3 Oct2 critical");
    assert_eq!(spoken(month[28]), "Thu 2 Oct1 critical");
    assert_eq!(spoken(month[27]), "Wed 1 Oct");
    let calm = read(&shelf.html(&Asked::Alerts(Some(date("2025-09-20")))).await);
    assert!(calm.text().contains("No active alerts."));
}

#[tokio::test]
async fn an_open_day_is_not_judged() {
    let mut entries = orders(40);
    let today = entries.last_mut().unwrap();
    *today = with_numbers(today.clone(), &[("errors", "99")]);
    today.partial = true;
    let shelf = Shelf::new(SHOP, entries).await;
    let page = read(&shelf.html(&Asked::Alerts(None)).await);
    assert!(
        page.text()
            .contains("The day is still open, so nothing is judged yet.")
    );
}

#[tokio::test]
async fn runs_and_deliveries_are_told_without_whole_addresses_and_paths() {
    let shelf = Shelf::new(SHOP, orders(2)).await;
    let book = App::new(&shelf.world.book_url());
    let path = shelf.world.path("outbox/2025-10-03.html");
    book.execute(&for_the_book(&format!(
        "INSERT INTO runs (started_at, ended_at, command, outcome, first_date, last_date, days, error, duration_ms) VALUES
            ('2025-10-02T04:00:00.000000Z', NULL, 'collect', 'running', NULL, NULL, 0, NULL, NULL),
            ('2025-10-03T04:00:00.000000Z', '2025-10-03T04:00:01.000000Z', 'collect', 'failed', NULL, NULL, 0,
             'cannot open {0}: mail ada@example.org', 1000),
            ('2025-10-04T04:00:00.000000Z', '2025-10-04T04:00:01.000000Z', 'collect', 'stored', '2025-10-02', '2025-10-03', 2,
             NULL, 1234);
         INSERT INTO run_statements (run_id, position, \"database\", what, duration_ms, \"rows\") VALUES (3, 1, '', 'orders', 12, 5000);
         INSERT INTO reports (collection_date, subject, planned_at) VALUES ('2025-10-03', 'report', '2025-10-04T04:00:00.000000Z');
         INSERT INTO deliveries (collection_date, subject, channel, recipient, message_id, state, planned_at, retry_at, reply) VALUES
            ('2025-10-03', 'report', 'email', 'ada@example.org', 'a', 'planned', '2025-10-04T04:00:00.000000Z', NULL, NULL),
            ('2025-10-03', 'report', 'email', 'bea@example.org', 'b', 'sending', '2025-10-04T04:00:00.000000Z', NULL, NULL),
            ('2025-10-03', 'report', 'email', 'cyd@example.org', 'c', 'accepted', '2025-10-04T04:00:00.000000Z', NULL, '250 ok'),
            ('2025-10-03', 'report', 'email', 'dan@example.org', 'd', 'failed', '2025-10-04T04:00:00.000000Z', NULL,
             '550 <dan@example.org> unknown'),
            ('2025-10-03', 'report', 'email', 'eve@example.org', 'e', 'failed', '2025-10-04T04:00:00.000000Z',
             '2025-10-04T05:00:00.000000Z', '450 busy'),
            ('2025-10-03', 'report', 'email', 'fay@example.org', 'f', 'ambiguous', '2025-10-04T04:00:00.000000Z', NULL, NULL),
            ('2025-10-03', 'report', 'ping', 'ping', 'g', 'planned', '2025-10-04T04:00:00.000000Z', NULL, NULL),
            ('2025-10-03', 'report', 'outbox', 'outbox', 'h', 'accepted', '2025-10-04T04:00:00.000000Z', NULL, '{0}')",
        path.display()
    )))
    .await;
    let html = shelf.html(&Asked::Runs).await;
    assert_sound(&html, &shelf.config);
    let page = read(&html);
    let tables = page.all("table");
    let rows = |at: usize| -> Vec<Vec<String>> {
        let rows = tables[at].first("tbody").unwrap().all("tr");
        rows.iter()
            .map(|row| row.children().map(spoken).collect())
            .collect()
    };
    let outcomes: Vec<String> = rows(0).iter().map(|row| row[2].clone()).collect();
    let failed = "failedcannot open 2025-10-03.html: mail a…@example.org";
    assert_eq!(outcomes, ["stored", failed, "interrupted"]);
    assert_eq!(rows(0)[0][3], "2 days, Thu 2 Oct 2025 to Fri 3 Oct 2025");
    assert_eq!(rows(0)[0][4], "1.2 s");
    assert_eq!(rows(1), [["orders", "<0.1 s", "5'000"]]);
    let told: Vec<(String, String)> = rows(2)
        .into_iter()
        .map(|row| (row[1].clone(), row[2].clone()))
        .collect();
    let expected = [
        ("Mail a…@example.org", "not tried yet, sent by the next run"),
        ("Mail b…@example.org", "on its way"),
        ("Mail c…@example.org", "accepted250 ok"),
        (
            "Mail d…@example.org",
            "failed for good550 <d…@example.org> unknown",
        ),
        ("Mail e…@example.org", "tried again by the next run450 busy"),
        ("Mail f…@example.org", "may have arrived"),
        ("Health check", "waits until every message is accepted"),
        ("Outbox", "accepted2025-10-03.html"),
    ];
    let expected = expected.map(|(to, state)| (to.to_owned(), state.to_owned()));
    assert_eq!(told, expected);
    let folder = shelf.world.path("").display().to_string();
    assert!(!html.contains(folder.trim_end_matches('/')));
}

#[tokio::test]
async fn names_from_data_are_text_on_a_metrics_page() {
    let hostile = r#"<script>alert('1')</script>" onload="x&#60;"#;
    let toml = toml::Value::from(hostile).to_string();
    let settings = format!(
        "name = \"S\"\n[app]\ndatabase_url = \"sqlite:app.db\"\n[[metrics]]\nkey = \"n\"\nlabel = {toml}\nsection = {toml}\ndescription = {toml}\nunit = \"<i>\"\nsql = {toml}\n[[metrics]]\nkey = \"p\"\nlabel = {toml}\ntable = \"t\"\ncount = \"*\"\nhistory = \"event\"\nby = {{ column = \"c\", top = 3 }}\n[tables.t]\nname = \"t\"\ncreated_at = \"at\"\n"
    );
    let entries = days(40, |at, entry| {
        let entry = with_numbers(entry, &[("n", &(100 + 300 * (at % 2)).to_string())]);
        with(entry, "p", parts(&[(hostile, "3")]))
    });
    let shelf = Shelf::new(&settings, entries).await;
    for asked in [
        metric("n", Span::Days30),
        metric("p", Span::Days30),
        Asked::Alerts(None),
    ] {
        let html = shelf.html(&asked).await;
        assert_sound(&html, &shelf.config);
        assert!(!html.contains("<script>alert"), "{asked:?}");
    }
}
