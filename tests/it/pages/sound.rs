//! What holds for every page, whatever it shows.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::collections::BTreeSet;

use chrono::NaiveDate;
use daybook::config::Config;
use daybook::look::pages::{SCRIPT, STYLE};
use daybook::render::html::colours::{DARK, LIGHT, Palette};

use crate::read_page::{Element, read};

/// One style and one script, nothing from outside, every link leads somewhere, and it can be read by ear.
pub(crate) fn assert_sound(html: &str, config: &Config) {
    assert!(html.starts_with("<!DOCTYPE html>"));
    let page = read(html);
    assert_eq!(inline(html, "style"), [STYLE], "the policy knows one style");
    assert_eq!(
        inline(html, "script"),
        [SCRIPT],
        "the policy knows one script"
    );
    assert!(page.first("title").unwrap().text().contains(" · "));
    assert_eq!(page.all("h1").len() + page.all("main").len(), 2);
    let mut ids = BTreeSet::new();
    for element in everything(&page) {
        let name = &element.name;
        assert!(
            element.get("style").is_none(),
            "{name} has a style of its own"
        );
        for attribute in ["onload", "onclick", "onerror", "src", "srcset"] {
            assert!(element.get(attribute).is_none(), "{name} has {attribute}");
        }
        if let Some(id) = element.get("id") {
            assert!(ids.insert(id), "`{id}` twice");
        }
    }
    for element in everything(&page) {
        for address in ["href", "action"].iter().filter_map(|at| element.get(at)) {
            match address.strip_prefix('#') {
                Some(id) => assert!(ids.contains(id), "`{address}` leads nowhere"),
                None if element.name == "link" => assert!(address.starts_with("data:")),
                None => assert!(is_ours(address, config), "`{address}` leads nowhere"),
            }
        }
    }
    assert_audible(&page);
}

#[test]
fn the_style_has_the_colours_whose_contrast_is_known() {
    let named = |colours: Palette| {
        [
            ("card", colours.card),
            ("ink", colours.ink),
            ("muted", colours.muted),
            ("good", colours.good),
            ("warning", colours.warning),
            ("warning-tint", colours.warning_tint),
            ("critical", colours.critical),
            ("critical-tint", colours.critical_tint),
            ("calm", colours.calm),
            ("bar", colours.bar),
        ]
    };
    let (light, rest) = STYLE
        .split_once("@media (prefers-color-scheme:dark)")
        .unwrap();
    let dark = rest.split_once("}}").unwrap().0;
    for (style, colours) in [(light, LIGHT), (dark, DARK)] {
        for (name, colour) in named(colours) {
            let short = match colour.to_string().as_str() {
                "#ffffff" => "#fff".to_owned(),
                colour => colour.to_owned(),
            };
            assert!(
                style.contains(&format!("--{name}:{short}")),
                "{name}: {colour}"
            );
        }
    }
}

fn assert_audible(page: &Element) {
    for table in page.all("table") {
        assert!(
            table.first("caption").is_some(),
            "a table without a caption"
        );
        for head in table.all("th") {
            assert!(matches!(head.get("scope"), Some("col" | "row")));
        }
    }
    for picture in page.all("svg") {
        let hidden = picture.get("aria-hidden") == Some("true");
        let told = picture.get("role") == Some("img")
            && picture
                .first("title")
                .is_some_and(|title| !title.text().is_empty());
        assert!(hidden || told, "a picture without words");
    }
    for field in page.all("input") {
        let id = field.get("id");
        let labels = page.all("label");
        assert!(labels.iter().any(|label| label.get("for") == id), "{id:?}");
    }
}

/// What stands between the tags, as a browser hashes it.
fn inline<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let (begin, end) = (format!("<{name}>"), format!("</{name}>"));
    let pieces = html.split(begin.as_str()).skip(1);
    pieces
        .map(|piece| piece.split(end.as_str()).next().unwrap())
        .collect()
}

fn everything(element: &Element) -> Vec<&Element> {
    let inside = element.children().flat_map(everything);
    inside.chain([element]).collect()
}

/// One of the dashboard's addresses, as its documentation writes them.
fn is_ours(address: &str, config: &Config) -> bool {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let mut fields = query.split('&').filter(|field| !field.is_empty());
    let sound = fields.all(|field| match field.split_once('=') {
        Some(("date", date)) => date.parse::<NaiveDate>().is_ok(),
        Some(("days", days)) => ["30", "90", "365"].contains(&days),
        _ => false,
    });
    let key = path.strip_prefix("/sys/metrics/metric/");
    sound
        && match key {
            Some(key) => config.catalog.shown().any(|metric| metric.key == key),
            None => ["/sys/metrics", "/sys/metrics/alerts", "/sys/metrics/runs"].contains(&path),
        }
}
