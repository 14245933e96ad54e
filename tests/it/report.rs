//! What deserves attention is told once a metric, by the rule that says most.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod due;
mod letters;
mod movers;

use std::sync::LazyLock;

use daybook::catalog::Catalog;
use daybook::compare::judge;
use daybook::entry::{Entry, Provenance, Reading};
use daybook::render::{Look, alerts, json, table};
use daybook::report::{
    self, Around, Content, Counts, Highlight, Letter, Report, Rule, Severity, State, Verdict,
};
use jsonschema::Validator;
use serde_json::Value as Json;

use crate::stored_days::{catalog, date, day, n, number, one_metric, series, with};

static SCHEMA: LazyLock<Validator> =
    LazyLock::new(|| jsonschema::validator_for(&json::schema()).unwrap());

/// The report of the last of these days. Whatever it says, its letter keeps to the schema.
fn told(entries: &[Entry], catalog: &Catalog) -> Report {
    let last = entries.iter().map(|entry| entry.date).max().unwrap();
    let report = report::of_day(last, entries, &judge(entries, catalog), catalog).unwrap();
    letter_json(&letter(report.clone()));
    report
}

fn letter(report: Report) -> Letter {
    Letter {
        name: "Beryl".to_owned(),
        content: Content::Day(Box::new(report)),
        around: Around::default(),
    }
}

fn letter_json(letter: &Letter) -> Json {
    let told = json::letter(letter);
    let wrong: Vec<String> = SCHEMA
        .iter_errors(&told)
        .map(|error| format!("{}: {error}", error.instance_path))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}\n{told:#}");
    told
}

fn only(report: &Report) -> &Highlight {
    let [highlight] = report.highlights.as_slice() else {
        panic!("one matter, not {:?}", report.highlights);
    };
    highlight
}

/// Against how many days; 0 for a limit.
fn days(highlight: &Highlight) -> u32 {
    match highlight.rule {
        Rule::Absolute(_) => 0,
        Rule::Change { days, .. } => days,
        _ => panic!("told by plain thresholds"),
    }
}

fn n_days(days: &[(&str, &str)]) -> Vec<Entry> {
    days.iter().map(|(on, value)| n(on, value)).collect()
}

#[test]
fn a_metric_that_alerts_by_many_rules_is_one_matter() {
    let entries = n_days(&[
        ("2025-09-03", "100"),
        ("2025-09-26", "100"),
        ("2025-10-02", "100"),
        ("2025-10-03", "46"),
    ]);
    let report = told(&entries, &one_metric("label = \"Logins\""));
    assert_eq!(report.alerts.len(), 3);
    let highlight = only(&report);
    assert_eq!(days(highlight), 7);
    assert_eq!((highlight.row, highlight.value), (0, 46.0));
    assert_eq!((highlight.severity, highlight.day), (Severity::Critical, 1));
    let one = Counts {
        critical: 1,
        ..Counts::default()
    };
    assert_eq!(report.counts, one);
    for shown in [
        alerts::list(&report, Look::default()),
        table::show(&report, Look::default()),
    ] {
        assert!(shown.contains("\nAlerts: 1 critical\n"), "{shown}");
        assert_eq!(shown.matches("Logins fell by 54 %").count(), 3, "{shown}");
    }
}

#[test]
fn the_most_severe_rule_tells_a_matter_and_among_equals_a_limit_then_7_1_and_30_days() {
    let month = |then, week, yesterday, now| {
        n_days(&[
            ("2025-09-03", then),
            ("2025-09-26", week),
            ("2025-10-02", yesterday),
            ("2025-10-03", now),
        ])
    };
    let cases = [
        (month("200", "100", "88", "88"), "", 30),
        (month("100", "88", "100", "88"), "", 1),
        (month("100", "100", "100", "88"), "", 7),
        (month("88", "100", "200", "88"), "", 1),
        (
            month("100", "100", "100", "40"),
            "alert = { critical = \"< 50\" }",
            0,
        ),
        (
            month("100", "100", "100", "40"),
            "alert = { warning = \"< 50\" }",
            7,
        ),
    ];
    for (entries, rules, expected) in cases {
        let report = told(&entries, &one_metric(rules));
        assert_eq!(days(only(&report)), expected, "{:?}", report.alerts);
    }
}

#[test]
fn a_matter_is_new_only_if_all_its_rules_are_and_as_old_as_the_oldest() {
    let rules = "alert = { warning = \"> 20\", critical = \"> 50\" }";
    let of = |values: &str| {
        let report = told(&series("2025-10-01", values), &one_metric(rules));
        let highlight = only(&report).clone();
        (
            highlight.state,
            highlight.day,
            days(&highlight),
            highlight.severity,
        )
    };
    let (warning, critical) = (Severity::Warning, Severity::Critical);
    assert_eq!(of("30"), (State::New, 1, 0, warning));
    // The change is new, the limit is not.
    assert_eq!(of("30 30 38"), (State::Ongoing, 3, 1, critical));
    assert_eq!(of("30 30 60"), (State::Worse, 3, 0, critical));
    assert_eq!(of("60 60 61"), (State::Ongoing, 3, 0, critical));
    // What has recovered says nothing beside what stands.
    assert_eq!(of("30 30 10"), (State::New, 1, 1, critical));
}

#[test]
fn a_metric_of_which_all_rules_recovered_is_one_recovered_matter() {
    let entries = n_days(&[
        ("2025-09-25", "40"),
        ("2025-09-27", "40"),
        ("2025-10-02", "60"),
        ("2025-10-04", "40"),
    ]);
    let report = told(&entries, &one_metric("alert = { warning = \"> 50\" }"));
    assert_eq!(report.alerts.len(), 2);
    let highlight = only(&report);
    assert_eq!((highlight.state, highlight.day), (State::Recovered, 3));
    assert_eq!((days(highlight), highlight.since), (7, date("2025-10-02")));
    assert_eq!(report.counts, Counts::default());
    assert_eq!((report.as_usual, report.calm_day), (1, true));
    assert_eq!(report.verdict(), Verdict::Ok);
}

#[test]
fn what_is_unwelcome_is_never_hidden_behind_what_is_welcome() {
    let entries = n_days(&[
        ("2025-09-02", "100"),
        ("2025-09-03", "100"),
        ("2025-10-02", "200"),
        ("2025-10-03", "170"),
    ]);
    let report = told(&entries, &one_metric("good = \"up\""));
    let critical = &report.alerts[1].alert;
    assert!(critical.welcome && critical.severity == Severity::Critical && critical.day == 2);
    let highlight = only(&report);
    assert!(!highlight.welcome);
    assert_eq!(
        (days(highlight), highlight.severity),
        (1, Severity::Warning)
    );
    assert_eq!((highlight.state, highlight.day), (State::New, 1));
    assert_eq!(report.counts.warnings, 1);
    assert_eq!(report.counts.welcome, 0);
}

const MANY: &[(&str, &str, &str, &str)] = &[
    ("a", "good = \"up\"", "100", "200"),
    ("b", "", "100", "88"),
    ("c", "", "100", "80"),
    ("d", "", "100", "40"),
    ("e", "alert = { critical = \"> 5\" }", "6", "9"),
    ("f", "alert = { warning = \"> 5\" }", "9", "1"),
    ("g", "", "100", "70"),
    ("h", "", "100", "100"),
    ("i", "alert = { critical = \"> 0\" }", "0", "1"),
    ("j", "good = \"down\"", "100", "85"),
];

fn many() -> (Vec<Entry>, Catalog) {
    let text: String = MANY
        .iter()
        .map(|(key, lines, ..)| {
            format!("[[metrics]]\nkey = \"{key}\"\nsql = \"SELECT 1\"\n{lines}\n")
        })
        .collect();
    let fill = |on: &str, value: fn(&(&str, &str, &'static str, &'static str)) -> &'static str| {
        MANY.iter().fold(day(on), |entry, metric| {
            with(entry, metric.0, number(value(metric)))
        })
    };
    let entries = vec![
        fill("2025-10-02", |metric| metric.2),
        fill("2025-10-03", |metric| metric.3),
    ];
    (entries, catalog(&text))
}

#[test]
fn matters_stand_in_the_order_of_their_weight() {
    let (entries, catalog) = many();
    let report = told(&entries, &catalog);
    let order: String = report
        .highlights
        .iter()
        .map(|highlight| report.rows[highlight.row].key.as_str())
        .collect();
    // i is infinitely far beyond its limit; e, critical too, is on its second day.
    assert_eq!(order, "idgecbajf");
    let counts = Counts {
        critical: 4,
        warnings: 2,
        welcome: 2,
    };
    assert_eq!(report.counts, counts);
    assert_eq!(report.as_usual, 2, "f has recovered, h is as before");
    assert_eq!(report.verdict(), Verdict::Critical);
    assert!(!report.calm_day);
}

#[test]
fn the_order_in_which_entries_come_does_not_matter() {
    let (mut entries, catalog) = many();
    entries.extend((3..30).map(|back| {
        let on = date("2025-10-03") - chrono::Days::new(back);
        with(day(&on.to_string()), "b", number(&(70 + back).to_string()))
    }));
    entries.sort_by_key(|entry| entry.date);
    let sorted = told(&entries, &catalog);
    entries.reverse();
    entries.rotate_left(7);
    let report = told(&entries, &catalog);
    assert_eq!(format!("{report:?}"), format!("{sorted:?}"));
    let trend = &report.rows[1].trend;
    assert_eq!(trend[..3], [Some(99.0), Some(98.0), Some(97.0)]);
    assert_eq!(trend[26..], [Some(73.0), None, Some(100.0), Some(88.0)]);
}

#[test]
fn a_trend_begins_where_the_metrics_history_does() {
    let entries = series("2025-10-01", "1 2 3 4 5");
    let trend = |lines: &str| {
        let report = told(&entries, &one_metric(lines));
        assert_eq!(report.rows[0].trend.len(), 30);
        report.rows[0].trend[24..].to_vec()
    };
    let (one, four, five) = (Some(1.0), Some(4.0), Some(5.0));
    assert_eq!(trend(""), [None, one, Some(2.0), Some(3.0), four, five]);
    assert_eq!(
        trend("since = \"2025-10-04\""),
        [None, None, None, None, four, five]
    );
}

#[test]
fn a_report_is_the_first_until_a_complete_day_came_before_it() {
    let catalog = one_metric("");
    let mut entries = series("2025-10-01", "7 7");
    let first = |entries: &[Entry]| told(entries, &catalog).first;
    assert!(!first(&entries));
    entries[0].partial = true;
    assert!(first(&entries));
    assert!(first(&entries[1..]));
}

#[test]
fn metrics_that_are_not_known_are_not_as_usual() {
    let (entries, catalog) = many();
    let with_h = |reading: Reading| {
        let mut entries = entries.clone();
        entries[1] = with(entries[1].clone(), "h", reading);
        told(&entries, &catalog)
    };
    assert_eq!(with_h(Reading::failed("no such table")).as_usual, 1);
    assert_eq!(with_h(Reading::unavailable("only today")).as_usual, 1);
    assert_eq!(with_h(Reading::observed(None)).as_usual, 2);
}

#[test]
fn a_calm_day_is_over_and_nothing_alerts_or_failed() {
    let catalog = one_metric("good = \"up\"");
    let calm = |last: Entry| told(&[n("2025-10-02", "100"), last], &catalog).calm_day;
    assert!(calm(n("2025-10-03", "101")));
    assert!(!calm(n("2025-10-03", "200")), "welcome, but not calm");
    assert!(!calm(with(day("2025-10-03"), "n", Reading::failed("gone"))));
    let mut open = n("2025-10-03", "100");
    open.partial = true;
    let report = told(&[n("2025-10-02", "100"), open.clone()], &catalog);
    assert_eq!((report.as_usual, report.calm_day), (0, false));
    assert_eq!(report.verdict(), Verdict::Open);
}

#[test]
fn values_counted_within_the_grace_are_told_apart() {
    let (mut entries, catalog) = many();
    let late = Provenance {
        observed_at: Some("2025-10-03T22:15:00Z".parse().unwrap()),
        ..Provenance::default()
    };
    for key in ["b", "h"] {
        entries[1].readings.get_mut(key).unwrap().provenance = late.clone();
    }
    let report = told(&entries, &catalog);
    let later: Vec<&str> = report.counted_later().map(|row| row.key.as_str()).collect();
    assert_eq!(later, ["b", "h"]);
}
