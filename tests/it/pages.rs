//! The dashboard's pages, read back from their HTML: the numbers of the mail, a way from everywhere, nothing from
//! outside, nothing that data could smuggle in.

pub(crate) mod shelf;
pub(crate) mod sound;

use chrono::Days;
use daybook::locale::Language;
use daybook::look::pages::asked::Asked;
use daybook::look::pages::words::Words;
use daybook::look::pages::{Built, problem};

use crate::read_page::{Element, read};
use crate::stored_days::{date, day, with};
use shelf::{Shelf, cells, parts, row, section_of, spoken, with_numbers};
use sound::assert_sound;

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
    sql = "SELECT 1"

    [[metrics]]
    key = "takings"
    label = "Takings"
    section = "Sales"
    unit = "CHF"
    decimals = 2
    sql = "SELECT 1"

    [[metrics]]
    key = "by_country"
    label = "Orders by country"
    section = "Sales"
    table = "orders"
    count = "*"
    by = { column = "country", top = 5 }
    history = "event"

    [[metrics]]
    key = "errors"
    label = "Errors"
    section = "Health"
    good = "down"
    alert = { critical = "> 10" }
    sql = "SELECT 1"
"#;

/// 31 days up to Friday 3 October, with 1000 orders on all but the last.
async fn october() -> Shelf {
    october_in(SHOP).await
}

async fn october_in(settings: &str) -> Shelf {
    let first = date("2025-09-03");
    let mut entries: Vec<_> = first
        .iter_days()
        .take(30)
        .map(|on| {
            let numbers = [("orders", "1000"), ("takings", "2000.5"), ("errors", "3")];
            with_numbers(day(&on.to_string()), &numbers)
        })
        .collect();
    let numbers = [("orders", "1234"), ("takings", "2000.5"), ("errors", "12")];
    let last = with_numbers(day("2025-10-03"), &numbers);
    let countries = parts(&[("CH", "750"), ("DE", "250")]);
    entries.push(with(last, "by_country", countries));
    Shelf::new(settings, entries).await
}

#[tokio::test]
async fn a_day_tells_every_metric_with_its_changes_in_arrows_and_words() {
    let page = october().await.newest().await;
    assert_eq!(page.first("h1").unwrap().text(), "Friday 3 October 2025");
    let heads: Vec<String> = page.all("thead")[0]
        .all("th")
        .into_iter()
        .map(spoken)
        .collect();
    assert_eq!(
        heads,
        [
            "Metric",
            "Current Fri 3 Oct",
            "vs day before Thu 2 Oct",
            "vs week before Fri 26 Sep",
            "over 30 days Wed 3 Sep",
            "30 days"
        ]
    );
    assert_eq!(
        cells(&page, "Orders"),
        [
            "1'234",
            "▲ +23.4 % warning",
            "▲ +23.4 % warning",
            "▲ +23.4 % warning"
        ]
    );
    assert_eq!(
        cells(&page, "Takings"),
        ["2'000.50 CHF", "unchanged", "unchanged", "unchanged"]
    );
    assert_eq!(cells(&page, "Errors")[0], "12 critical");
    let countries = cells(&page, "Orders by country");
    assert_eq!(countries, ["1'000", "CH750DE250"]);
    let bars = row(&page, "Orders by country").all("path");
    let bars: Vec<_> = bars.iter().filter_map(|bar| bar.get("d")).collect();
    assert_eq!(bars, ["M0 .5h75", "M0 .5h25"]);
}

#[tokio::test]
async fn the_verdict_names_what_matters_and_leads_to_it() {
    let page = october().await.newest().await;
    let verdict = section_of(&page, "verdict");
    assert!(verdict.has_class("critical"));
    assert!(spoken(verdict.first("h2").unwrap()).ends_with("1 critical, 1 warning"));
    let highlights: Vec<(String, &str)> = verdict
        .all("li")
        .iter()
        .map(|highlight| {
            let link = highlight.first("a").unwrap();
            (spoken(link), link.get("href").unwrap())
        })
        .collect();
    let expected = [
        ("Errors: 12".to_owned(), "/sys/metrics/metric/errors"),
        ("Orders: 1'234".to_owned(), "/sys/metrics/metric/orders"),
    ];
    assert_eq!(highlights, expected);
}

#[tokio::test]
async fn when_a_day_was_counted_is_told_in_local_time_with_its_offset() {
    let page = october().await.newest().await;
    let facts = section_of(&page, "verdict").all("time");
    let told: Vec<String> = facts.iter().map(|fact| spoken(fact)).collect();
    // The days written here are counted when they end, in no time.
    assert_eq!(
        told,
        [
            "Sat 4 Oct 2025, 00:00 +02:00, took <0.1 s",
            "Sat 4 Oct 2025, 00:00 +02:00"
        ]
    );
    let exact: Vec<_> = facts
        .iter()
        .filter_map(|fact| fact.get("datetime"))
        .collect();
    assert_eq!(exact, ["2025-10-04T00:00:00+02:00"; 2]);
}

#[tokio::test]
async fn a_trend_is_one_line_that_breaks_where_days_are_missing() {
    let at = |on: &str, orders: &str| with_numbers(day(on), &[("orders", orders)]);
    let entries = vec![
        at("2025-09-25", "10"),
        at("2025-09-26", "20"),
        at("2025-09-28", "15"),
        at("2025-10-01", "20"),
        at("2025-10-02", "10"),
    ];
    let page = Shelf::new(SHOP, entries).await.newest().await;
    let trend = row(&page, "Orders").first("svg").unwrap().clone();
    let paths = trend.all("path");
    let line = paths[0].get("d").unwrap();
    // 30 days over 224 half pixels; the day alone between two gaps is a dot.
    let x = |back: f64| (4.0 + 224.0 / 29.0 * (29.0 - back)).round();
    let expected = format!(
        "M{} 44L{} 4M{} 24h0M{} 4L{} 44",
        x(7.0),
        x(6.0),
        x(4.0),
        x(1.0),
        x(0.0)
    );
    assert_eq!(line, expected);
    assert_eq!(paths[1].get("d"), Some("M228 44h0"));
    assert_eq!(
        spoken(trend.first("title").unwrap()),
        "8 days: 10 to 10, highest 20"
    );
}

#[tokio::test]
async fn the_way_leads_to_the_stored_days_before_and_after_over_gaps() {
    let entries = ["2025-09-28", "2025-10-01", "2025-10-03"].map(day).to_vec();
    let shelf = Shelf::new(SHOP, entries).await;
    let link = |page: &Element, rel: &str| {
        let mut links = page.all("a").into_iter();
        let found = links.find(|link| link.get("rel") == Some(rel));
        found.map(|link| link.get("href").unwrap().to_owned())
    };
    let page = shelf.day("2025-10-01").await;
    assert_eq!(
        link(&page, "prev").as_deref(),
        Some("/sys/metrics?date=2025-09-28")
    );
    assert_eq!(
        link(&page, "next").as_deref(),
        Some("/sys/metrics?date=2025-10-03")
    );
    let metric = row(&page, "Orders").first("a").unwrap().get("href");
    assert_eq!(metric, Some("/sys/metrics/metric/orders?date=2025-10-01"));
    let newest = shelf.newest().await;
    assert_eq!(link(&newest, "next"), None);
    assert_eq!(link(&shelf.day("2025-09-28").await, "prev"), None);
}

#[tokio::test]
async fn a_day_that_is_not_stored_is_missing_and_its_page_offers_those_around_it() {
    let shelf = october().await;
    for (asked, offered, fetched) in [
        (
            "2025-08-01",
            vec!["2025-09-03", "2025-09-04", "2025-09-05"],
            true,
        ),
        (
            "2030-01-01",
            vec!["2025-10-01", "2025-10-02", "2025-10-03"],
            false,
        ),
    ] {
        let asked = date(asked);
        let built = shelf
            .built(&Asked::Day(Some(asked)), date("2025-10-03"))
            .await;
        let Built::Missing(html) = built else {
            panic!("{asked} is not stored");
        };
        let page = read(&html);
        let links = page.all("ul")[0].all("a");
        let links: Vec<_> = links.iter().filter_map(|link| link.get("href")).collect();
        let offered: Vec<String> = offered
            .iter()
            .map(|day| format!("/sys/metrics?date={day}"))
            .collect();
        assert_eq!(links, offered);
        assert_eq!(html.contains("daybook collect --date"), fetched, "{asked}");
        assert_sound(&html, &shelf.config);
    }
}

#[tokio::test]
async fn an_empty_book_says_how_to_begin() {
    let shelf = Shelf::new(SHOP, Vec::new()).await;
    let html = shelf.html(&Asked::Day(None)).await;
    assert!(html.contains("daybook collect --date yesterday"));
    assert!(!read(&html).all("p").iter().any(|p| p.has_class("stale")));
    assert_sound(&html, &shelf.config);
    let any = Asked::Day(Some(date("2025-10-01")));
    assert!(matches!(
        shelf.built(&any, date("2025-10-03")).await,
        Built::Missing(_)
    ));
}

#[tokio::test]
async fn numbers_that_are_late_are_said_to_be_with_what_to_do() {
    let shelf = october().await;
    let stale = |built: Built| {
        let Built::Page(html) = built else {
            panic!("the day is there");
        };
        let page = read(&html);
        let said = page.all("p").into_iter().find(|p| p.has_class("stale"));
        said.map(|said| {
            (
                said.text(),
                said.all("code").into_iter().map(Element::text).collect(),
            )
        })
    };
    let newest = Asked::Day(None);
    assert_eq!(stale(shelf.built(&newest, date("2025-10-03")).await), None);
    let late = shelf.built(&newest, date("2025-10-05")).await;
    let (said, commands): (String, Vec<String>) = stale(late).unwrap();
    assert!(said.starts_with("The numbers of Sun 5 Oct were due by 06:30 and are missing. The last complete day is Fri 3 Oct."), "{said}");
    assert_eq!(commands, ["daybook collect --catch-up", "daybook doctor"]);
}

#[tokio::test]
async fn an_open_day_leads_to_the_newest_that_is_over() {
    let mut today = with_numbers(day("2025-10-04"), &[("orders", "7")]);
    today.partial = true;
    today.as_of = today.day_start + chrono::TimeDelta::hours(9);
    let yesterday = with_numbers(day("2025-10-03"), &[("orders", "9")]);
    let shelf = Shelf::new(SHOP, vec![yesterday, today]).await;
    let page = shelf.newest().await;
    let verdict = section_of(&page, "verdict");
    assert!(verdict.text().contains("The day is still open"));
    let link = verdict.first("a").unwrap();
    assert_eq!(link.get("href"), Some("/sys/metrics?date=2025-10-03"));
    assert_eq!(spoken(link), "Fri 3 Oct 2025");
}

#[tokio::test]
async fn a_first_day_a_long_day_and_what_failed_or_is_unknown_are_said_as_such() {
    let numbers = [
        ("orders", "5"),
        ("takings", "failed"),
        ("errors", "unavailable"),
    ];
    let long = with_numbers(day("2025-10-26"), &numbers);
    let page = Shelf::new(SHOP, vec![long]).await.newest().await;
    assert!(
        section_of(&page, "verdict")
            .text()
            .contains("1 metric failed")
    );
    let span = page.all("p")[0].text();
    assert_eq!(
        span,
        "00:00–24:00 Europe/Zurich, 25 hours: clocks went back"
    );
    assert_eq!(cells(&page, "Orders"), ["5", "–", "–", "–"]);
    assert_eq!(cells(&page, "Takings")[0], "failed");
    assert_eq!(cells(&page, "Errors")[0], "unavailable");
    let notes = section_of(&page, "notes").text();
    assert!(notes.contains("no such column: fee"), "{notes}");
    assert!(notes.contains("no credentials"), "{notes}");
}

#[tokio::test]
async fn names_from_data_are_text_and_nothing_else() {
    let hostile = r#"<script>alert('1')</script>" onload="x&#60;"#;
    let toml = toml::Value::from(hostile).to_string();
    let settings = format!(
        "name = \"</title><b>\"\n[app]\ndatabase_url = \"sqlite:app.db\"\n[[metrics]]\nkey = \"n\"\nlabel = {toml}\nsection = {toml}\nunit = \"<i>\"\nsql = \"SELECT 1\"\n[[metrics]]\nkey = \"p\"\nlabel = \"Parts\"\nsection = {toml}\ntable = \"t\"\ncount = \"*\"\nhistory = \"event\"\nby = {{ column = \"c\", top = 3 }}\n[tables.t]\nname = \"t\"\ncreated_at = \"at\"\n"
    );
    let entries = ["2025-10-02", "2025-10-03"].map(|on| {
        let numbers = if on == "2025-10-02" { "100" } else { "400" };
        let entry = with_numbers(day(on), &[("n", numbers)]);
        with(entry, "p", parts(&[(hostile, "3")]))
    });
    let shelf = Shelf::new(&settings, entries.to_vec()).await;
    let html = shelf.html(&Asked::Day(None)).await;
    assert_sound(&html, &shelf.config);
    let page = read(&html);
    assert_eq!(page.all("caption")[0].text(), hostile);
    assert_eq!(
        page.all("li").last().unwrap().first("span").unwrap().text(),
        hostile
    );
    assert_eq!(page.all("b").len(), 1, "only the part's value is bold");
    assert!(cells(&page, hostile)[0].contains("<i>"));
}

#[tokio::test]
async fn a_page_speaks_the_readers_language() {
    let german = format!("{SHOP}\n[report]\nlanguage = \"de\"\nnumbers = \"de\"\n");
    let shelf = october_in(&german).await;
    let page = shelf.newest().await;
    assert_eq!(page.first("html").unwrap().get("lang"), Some("de"));
    assert_eq!(page.first("h1").unwrap().text(), "Freitag, 3. Oktober 2025");
    assert_eq!(cells(&page, "Orders")[..2], ["1.234", "▲ +23,4 % Warnung"]);
    assert!(problem(&shelf.config, 404).contains("Seite nicht gefunden"));
}

#[test]
fn every_word_is_there_in_every_language_with_the_same_places_to_fill() {
    let places = |phrase: &str| {
        let mut places: Vec<String> = phrase
            .split('{')
            .skip(1)
            .map(|place| place.split('}').next().unwrap().to_owned())
            .collect();
        places.sort();
        places
    };
    let english = Words::in_language(Language::English);
    for language in Language::ALL {
        let words = Words::in_language(language);
        for ((name, phrase), (_, known)) in words.all().into_iter().zip(english.all()) {
            assert!(!phrase.trim().is_empty(), "{name} in {language:?}");
            assert_eq!(places(phrase), places(known), "{name} in {language:?}");
        }
        let statuses = |words: &Words| -> Vec<u16> {
            words
                .problems
                .iter()
                .map(|problem| problem.status)
                .collect()
        };
        assert_eq!(statuses(words), statuses(english));
    }
}

#[tokio::test]
async fn whatever_goes_wrong_has_words_and_a_way_out() {
    let shelf = Shelf::new(SHOP, Vec::new()).await;
    for status in [400, 401, 403, 404, 405, 414, 421, 429, 431, 500, 503, 418] {
        let html = problem(&shelf.config, status);
        assert_sound(&html, &shelf.config);
        let page = read(&html);
        let told = page.first("main").unwrap();
        assert!(told.first("h1").unwrap().text().len() > 10, "{status}");
        let out = told.first("a").unwrap().get("href");
        assert_eq!(out, Some("/sys/metrics"), "{status}");
    }
}

#[tokio::test]
async fn sixty_metrics_of_a_year_take_at_most_100_kb() {
    let mut settings = "[app]\ndatabase_url = \"sqlite:app.db\"\n".to_owned();
    for at in 0..60 {
        let section = at / 8;
        settings.push_str(&format!("[[metrics]]\nkey = \"metric_number_{at}_30d\"\nlabel = \"A metric with a long name, number {at}\"\nsection = \"Section {section}\"\nsql = \"SELECT 1\"\n"));
    }
    let first = date("2025-06-01");
    let entry = |day_number: u64| {
        let mut entry = day(&(first + Days::new(day_number)).to_string());
        for at in 0..60 {
            let value = (day_number * 7919 + at * 104_729) % 9_973 * 1_000;
            let key = format!("metric_number_{at}_30d");
            let value = crate::stored_days::number(&value.to_string());
            entry.readings.insert(key, value);
        }
        entry
    };
    let shelf = Shelf::new(&settings, (0..120).map(entry).collect()).await;
    let html = shelf.html(&Asked::Day(None)).await;
    assert_eq!(read(&html).all("svg").len(), 60);
    assert!(html.len() <= 100_000, "{} bytes", html.len());
    assert_sound(&html, &shelf.config);
}

#[tokio::test]
async fn a_days_page_is_sound_whether_it_is_asked_for_or_the_newest() {
    let shelf = october().await;
    for asked in [None, Some(date("2025-09-20"))] {
        assert_sound(&shelf.html(&Asked::Day(asked)).await, &shelf.config);
    }
}
