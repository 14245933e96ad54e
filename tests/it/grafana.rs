//! The dashboard that the catalog makes: every number is on it, and it asks only for what is exported.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::collections::BTreeSet;

use daybook::config::{self, Config, Request};
use daybook::look::export::grafana::{dashboard, request};
use daybook::operate::demo;
use serde_json::{Value as Json, json};

use crate::world::World;

/// What Daybook tells of itself, behind the prefix.
const OWN: [&str; 14] = [
    "build_info",
    "collection_duration_seconds",
    "entry_age_seconds",
    "entry_partial",
    "entry_timestamp_seconds",
    "last_run_duration_seconds",
    "last_run_success",
    "last_run_timestamp_seconds",
    "last_success_timestamp_seconds",
    "metric_available",
    "metric_severity",
    "metric_usual_high",
    "metric_usual_low",
    "undelivered_messages",
];

const LANGUAGE: [&str; 15] = [
    "max",
    "min",
    "sum",
    "by",
    "or",
    "unless",
    "on",
    "bool",
    "time",
    "last_over_time",
    "sort_desc",
    "key",
    "label",
    "metric",
    "stage",
];

#[test]
fn every_query_names_only_series_of_the_export() {
    for config in [beryl(), demonstration()] {
        let exported = exported(&config);
        let mut asked = BTreeSet::new();
        for expr in expressions(&dashboard(&config)) {
            for name in names(&expr) {
                assert!(exported.contains(&name), "`{name}` is not exported: {expr}");
                asked.insert(name);
            }
        }
        for metric in config.catalog.shown() {
            let name = series(metric, &config);
            assert!(asked.contains(&name), "nobody asks for {name}");
        }
    }
}

#[test]
fn no_panel_covers_another_and_each_has_its_own_number() {
    let dashboard = dashboard(&beryl());
    let panels = dashboard["panels"].as_array().unwrap();
    let mut taken = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        let at = |name: &str| panel["gridPos"][name].as_u64().unwrap();
        assert!(at("x") + at("w") <= 24, "{panel}");
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(taken.insert((x, y)), "covered at {x},{y}: {panel}");
            }
        }
    }
}

#[test]
fn the_windows_of_one_number_share_a_picture_and_a_lone_number_shows_what_is_usual() {
    let dashboard = dashboard(&beryl());
    let active = picture(&dashboard, "Active users");
    assert_eq!(legends(active), ["24 h", "7 days", "30 days"]);
    let states = picture(&dashboard, "Collections by visibility");
    assert_eq!(states["targets"].as_array().unwrap().len(), 3);
    let users = picture(&dashboard, "Total users");
    assert_eq!(
        legends(users),
        ["Total users", "usual, least", "usual, most"]
    );
    let expr = users["targets"][1]["expr"].as_str().unwrap();
    assert_eq!(
        expr,
        r#"max(beryl_metrics_metric_usual_low{job=~"$job",metric="total_users"})"#
    );
    let storage = picture(&dashboard, "Storage by type");
    let defaults = &storage["fieldConfig"]["defaults"];
    assert_eq!(defaults["custom"]["stacking"]["mode"], "normal");
    assert_eq!(defaults["unit"], "bytes");
}

#[test]
fn a_section_of_lone_counts_has_a_picture_of_them_together() {
    let dashboard = dashboard(&beryl());
    assert_eq!(dashboard["title"], "Beryl Daily Metrics");
    let moderation = picture(&dashboard, "Content moderation");
    assert_eq!(
        legends(moderation),
        [
            "Flagged content",
            "Pending review",
            "Users with violations",
            "Banned users"
        ]
    );
    let asked = moderation["targets"].as_array().unwrap().iter();
    let asked: Vec<String> = asked
        .flat_map(|target| names(target["expr"].as_str().unwrap()))
        .collect();
    for series in [
        "beryl_moderation_flagged",
        "beryl_moderation_violations",
        "beryl_moderation_banned_users",
    ] {
        assert!(asked.iter().any(|name| name == series), "{series}");
    }
    // Shares and counts, or windows of one number, have pictures of their own.
    for section in ["Engagement", "Users"] {
        let panels = dashboard["panels"].as_array().unwrap().iter();
        let mut pictures = panels.filter(|panel| panel["type"] == "timeseries");
        assert!(!pictures.any(|panel| panel["title"] == section));
    }
}

#[test]
fn colours_turn_exactly_where_the_rules_do() {
    let cases = [
        (
            r#"{ warning = "> 0" }"#,
            json!([["green", null], ["orange", 1.0]]),
        ),
        (
            r#"{ warning = "> 10", critical = ">= 20" }"#,
            json!([["green", null], ["orange", 11.0], ["red", 20.0]]),
        ),
        (
            r#"{ warning = "< 95", critical = "<= 90" }"#,
            json!([["red", null], ["orange", 91.0], ["green", 95.0]]),
        ),
        (
            r#"{ warning = "< 5", critical = "> 50" }"#,
            json!([["orange", null], ["green", 5.0], ["red", 51.0]]),
        ),
        (
            r#"{ critical = "> 5", warning = "> 5" }"#,
            json!([["green", null], ["red", 6.0]]),
        ),
    ];
    for (alert, expected) in cases {
        let world = World::new(
            "2025-10-04T06:00:00Z",
            &of_users(&format!("alert = {alert}")),
        );
        let dashboard = dashboard(&world.config());
        let steps = &now(&dashboard, "Users")["fieldConfig"]["defaults"]["thresholds"]["steps"];
        let steps = steps.as_array().unwrap().iter();
        let found: Json = steps
            .map(|step| json!([step["color"], step["value"]]))
            .collect();
        assert_eq!(found, expected, "{alert}");
    }
}

#[test]
fn units_are_grafanas_where_it_has_them() {
    for (unit, expected) in [
        ("bytes", "bytes"),
        ("%", "percent"),
        ("CHF", "suffix:CHF"),
        ("", "locale"),
    ] {
        let world = World::new(
            "2025-10-04T06:00:00Z",
            &of_users(&format!("unit = \"{unit}\"")),
        );
        let dashboard = dashboard(&world.config());
        assert_eq!(
            now(&dashboard, "Users")["fieldConfig"]["defaults"]["unit"],
            expected
        );
    }
}

#[test]
fn the_address_is_the_same_for_a_name_and_another_for_another() {
    let names = [
        "Beryl",
        "beryl demo",
        "Café",
        "Caf",
        "日本",
        "日本語",
        "",
        "!",
        "A name that is far longer than any address that Grafana takes",
        "A name that is far longer than any address that Grafana takes, too",
    ];
    let mut uids = BTreeSet::new();
    for name in names {
        let config = Config {
            name: name.to_owned(),
            ..beryl()
        };
        let uid = dashboard(&config)["uid"].as_str().unwrap().to_owned();
        assert_eq!(dashboard(&config)["uid"], uid.as_str());
        assert!(uid.len() <= 40, "{uid}");
        assert!(
            uid.chars()
                .all(|letter| letter.is_ascii_alphanumeric() || letter == '-'),
            "{uid}"
        );
        assert!(uids.insert(uid.clone()), "{name}: {uid}");
    }
}

#[test]
fn it_is_classic_json_without_inputs_and_the_api_gets_it_wrapped() {
    let config = beryl();
    let plain = dashboard(&config);
    assert_eq!(plain["id"], Json::Null);
    assert_eq!(plain["timezone"], "Europe/Zurich");
    assert!(plain.get("__inputs").is_none());
    assert_eq!(plain["templating"]["list"][0]["type"], "datasource");
    let expected = json!({ "dashboard": plain, "overwrite": true, "folderUid": "ops" });
    assert_eq!(request(&config, Some("ops")), expected);
    assert!(request(&config, None).get("folderUid").is_none());
}

#[test]
fn the_example_in_deploy_is_what_the_program_makes() {
    let made = format!("{:#}\n", dashboard(&beryl()));
    assert!(
        made == include_str!("../../deploy/grafana/dashboards/beryl.json"),
        "deploy/grafana/dashboards/beryl.json is out of date: `make docs`"
    );
}

/// Every expression of the panels and of the marks.
fn expressions(dashboard: &Json) -> Vec<String> {
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels
        .filter_map(|panel| panel["targets"].as_array())
        .flatten();
    let marks = dashboard["annotations"]["list"].as_array().unwrap().iter();
    let all = targets
        .chain(marks)
        .filter_map(|asked| asked["expr"].as_str());
    all.map(str::to_owned).collect()
}

/// Names outside of label matchers, strings and durations that are not PromQL's own.
fn names(expr: &str) -> Vec<String> {
    let mut outside = String::new();
    let mut depth = 0;
    for letter in expr.chars() {
        match letter {
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            _ if depth == 0 => outside.push(letter),
            _ => {}
        }
    }
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == ':';
    outside
        .split(|letter| !is_name(letter))
        .filter(|word| !word.is_empty() && !word.starts_with(|first: char| first.is_ascii_digit()))
        .filter(|word| !LANGUAGE.contains(word))
        .map(str::to_owned)
        .collect()
}

fn exported(config: &Config) -> BTreeSet<String> {
    let prefix = &config.prometheus.prefix;
    let own = OWN.iter().map(|what| format!("{prefix}_{what}"));
    let metrics = config.catalog.shown().map(|metric| series(metric, config));
    own.chain(metrics).collect()
}

fn series(metric: &daybook::catalog::Metric, config: &Config) -> String {
    match &metric.prometheus {
        Some(name) => name.clone(),
        None => format!("{}_{}", config.prometheus.prefix, metric.key),
    }
}

fn panel<'a>(dashboard: &'a Json, kind: &str, title: &str) -> &'a Json {
    let mut panels = dashboard["panels"].as_array().unwrap().iter();
    let found = panels.find(|panel| panel["type"] == kind && panel["title"] == title);
    found.unwrap_or_else(|| panic!("no {kind} `{title}`"))
}

fn now<'a>(dashboard: &'a Json, title: &str) -> &'a Json {
    panel(dashboard, "stat", title)
}

fn picture<'a>(dashboard: &'a Json, title: &str) -> &'a Json {
    panel(dashboard, "timeseries", title)
}

fn legends(panel: &Json) -> Vec<&str> {
    let targets = panel["targets"].as_array().unwrap().iter();
    targets
        .map(|target| target["legendFormat"].as_str().unwrap())
        .collect()
}

fn beryl() -> Config {
    let request = Request {
        path: Some("examples/beryl/daybook.toml".into()),
        environment: std::collections::BTreeMap::new(),
        cwd: env!("CARGO_MANIFEST_DIR").into(),
    };
    config::load(&request).unwrap()
}

fn demonstration() -> Config {
    World::new("2025-10-04T06:00:00Z", &demo::settings()).config()
}

fn of_users(more: &str) -> String {
    format!(
        r#"
        [app]
        database_url = "sqlite:app.db"

        [tables.users]
        name = "users"
        created_at = "joined"

        [[metrics]]
        key = "users"
        table = "users"
        count = "*"
        {more}
    "#
    )
}
