//! What changed, and whether it deserves attention.

use chrono::Days;
use daybook::catalog::{Catalog, Judge};
use daybook::compare::{
    Alert, Change, Difference, Direction, Gap, Judged, Outcome, Rule, Severity, State, Suppression,
    judge, judge_day,
};
use daybook::entry::{Entry, Reading};
use proptest::prelude::*;

use crate::stored_days::{catalog, date, day, n, number, one_metric, series, with};

fn judged(entries: &[Entry], catalog: &Catalog, on: &str) -> Judged {
    let judgement = judge(entries, catalog);
    judgement
        .day(date(on))
        .expect("the day is stored")
        .metric("n")
        .expect("the metric is shown")
        .clone()
}

fn change(judged: &Judged, days: u32) -> &Change {
    judged
        .changes
        .iter()
        .find(|change| change.days == days)
        .expect("that span is compared")
}

fn difference(judged: &Judged, days: u32) -> Difference {
    change(judged, days)
        .difference()
        .expect("both days have a number")
        .clone()
}

/// The 1-day change from the first number to the second.
fn step(from: &str, to: &str, catalog: &Catalog) -> Difference {
    let entries = [n("2025-10-02", from), n("2025-10-03", to)];
    difference(&judged(&entries, catalog, "2025-10-03"), 1)
}

fn severity(from: &str, to: &str, lines: &str) -> Option<Severity> {
    step(from, to, &one_metric(lines)).severity
}

/// Each day's alerts as `rule severity state day`, `-` where there are none.
fn lives(entries: &[Entry], catalog: &Catalog) -> Vec<String> {
    let told = |alert: &Alert| {
        let rule = match &alert.rule {
            Rule::Absolute(_) => "abs".to_owned(),
            Rule::Change { days, .. } => format!("{days}d"),
            other => format!("{:?}", other.kind()),
        };
        let (severity, state) = (alert.severity, alert.state);
        format!("{rule} {severity:?} {state:?} {}", alert.day).to_lowercase()
    };
    let judgement = judge(entries, catalog);
    let days = judgement.days.iter().map(|day| {
        let alerts: Vec<String> = day.metrics[0].alerts.iter().map(told).collect();
        if alerts.is_empty() {
            "-".to_owned()
        } else {
            alerts.join(", ")
        }
    });
    days.collect()
}

#[test]
fn each_span_is_compared_with_its_very_day() {
    let entries = [
        n("2025-09-03", "50"),
        n("2025-09-05", "80"),
        n("2025-09-26", "160"),
        n("2025-10-02", "125"),
        n("2025-10-03", "100"),
    ];
    let judged = judged(&entries, &one_metric(""), "2025-10-03");
    let told: Vec<_> = judged
        .changes
        .iter()
        .map(|change| {
            let difference = change.difference().unwrap();
            let date = change.date.to_string();
            (
                change.days,
                date,
                change.previous,
                difference.change,
                difference.percent,
            )
        })
        .collect();
    let expected = [
        (1, "2025-10-02", 125.0, -25.0, -20.0),
        (7, "2025-09-26", 160.0, -60.0, -37.5),
        (28, "2025-09-05", 80.0, 20.0, 25.0),
        (30, "2025-09-03", 50.0, 50.0, 100.0),
    ];
    let expected = expected.map(|(days, date, previous, change, percent)| {
        (days, date.to_owned(), Some(previous), change, Some(percent))
    });
    assert_eq!(told, expected);
}

#[test]
fn the_order_in_which_entries_come_does_not_matter() {
    let catalog = one_metric("");
    let mut entries = series("2025-09-01", "100 120 - 90 300 100 100 100 40");
    let forward = judge(&entries, &catalog);
    entries.reverse();
    assert_eq!(judge(&entries, &catalog), forward);
}

#[test]
fn zeros_follow_their_own_rules() {
    let catalog = one_metric("");
    let same = step("0", "0", &catalog);
    assert_eq!(
        (same.change, same.percent, same.direction),
        (0.0, Some(0.0), Direction::Unchanged)
    );
    let new = step("0", "500", &catalog);
    assert_eq!((new.change, new.percent, new.severity), (500.0, None, None));
    assert!(new.is_new());
    let gone = step("500", "0", &catalog);
    assert_eq!(
        (gone.percent, gone.severity),
        (Some(-100.0), Some(Severity::Critical))
    );
    let from_below = step("-50", "-25", &catalog);
    assert_eq!(
        (from_below.percent, from_below.direction),
        (Some(50.0), Direction::Up)
    );
}

#[test]
fn a_day_without_a_number_is_told_as_such_and_never_replaced_by_its_neighbour() {
    let catalog = one_metric("");
    let outcome = |then: Option<Entry>| {
        let mut entries = vec![n("2025-10-01", "100"), n("2025-10-03", "100")];
        entries.extend(then);
        let judged = judged(&entries, &catalog, "2025-10-03");
        (
            change(&judged, 1).previous,
            change(&judged, 1).outcome.clone(),
        )
    };
    let then = |reading| Some(with(day("2025-10-02"), "n", reading));
    let gap = |gap| (None, Outcome::NoneThen(gap));
    assert_eq!(outcome(None), gap(Gap::NoData));
    assert_eq!(outcome(Some(day("2025-10-02"))), gap(Gap::NoData));
    assert_eq!(
        outcome(then(Reading::unavailable("past"))),
        gap(Gap::Unavailable)
    );
    assert_eq!(outcome(then(Reading::failed("timeout"))), gap(Gap::Failed));
    assert_eq!(outcome(then(Reading::observed(None))), gap(Gap::Nothing));

    let now = with(day("2025-10-03"), "n", Reading::failed("timeout"));
    let judged = judged(&[n("2025-10-02", "7"), now], &catalog, "2025-10-03");
    assert_eq!(change(&judged, 1).previous, Some(7.0));
    assert_eq!(change(&judged, 1).outcome, Outcome::NoneNow(Gap::Failed));
    assert!(judged.alerts.is_empty());
}

#[test]
fn levels_are_reached_at_or_above() {
    for (from, to, expected) in [
        ("1000", "1099", None),
        ("1000", "1100", Some(Severity::Warning)),
        ("1000", "900", Some(Severity::Warning)),
        ("1000", "1249", Some(Severity::Warning)),
        ("1000", "1250", Some(Severity::Critical)),
        ("1000", "750", Some(Severity::Critical)),
        ("50.5", "55.55", Some(Severity::Warning)),
    ] {
        assert_eq!(severity(from, to, ""), expected, "{from} → {to}");
    }
}

#[test]
fn a_metric_may_have_levels_of_its_own_or_none() {
    let own = "alert = { percent = { warning = 3, critical = 0, min_base = 0, min_change = 0 } }";
    assert_eq!(severity("100", "103", own), Some(Severity::Warning));
    assert_eq!(severity("100", "900", own), Some(Severity::Warning));
    assert_eq!(severity("1", "2", own), Some(Severity::Warning));
    let off = "alert = { percent = { on = \"off\" } }";
    assert_eq!(severity("100", "900", off), None);
    let falls = "alert = { percent = { on = \"falls\" } }";
    assert_eq!(severity("100", "900", falls), None);
    assert_eq!(severity("100", "50", falls), Some(Severity::Critical));
    let rises = "alert = { percent = { on = \"rises\" } }";
    assert_eq!(severity("100", "900", rises), Some(Severity::Critical));
    assert_eq!(severity("100", "50", rises), None);
}

#[test]
fn small_bases_and_small_changes_are_no_news() {
    assert_eq!(severity("19", "100", ""), None);
    assert_eq!(severity("20", "100", ""), Some(Severity::Critical));
    assert_eq!(severity("20", "24", ""), None);
    assert_eq!(severity("20", "25", ""), Some(Severity::Critical));
}

#[test]
fn percentages_are_judged_in_points() {
    let mut catalog = catalog(
        r#"
        [[metrics]]
        key = "part"
        sql = "SELECT 1"
        [[metrics]]
        key = "n"
        percent = { of = "part", in = "part" }
        "#,
    );
    catalog.metrics.remove(0);
    for (from, to, change, expected) in [
        ("40.1", "50.0", 9.9, None),
        ("40.1", "50.1", 10.0, Some(Severity::Warning)),
        ("80", "55", -25.0, Some(Severity::Critical)),
        ("19.9", "60", 40.1, None),
    ] {
        let told = step(from, to, &catalog);
        assert_eq!(
            (told.change, told.severity),
            (change, expected),
            "{from} → {to}"
        );
    }
}

#[test]
fn good_news_keeps_its_severity_but_is_flagged() {
    let up = one_metric("good = \"up\"");
    let entries = [n("2025-10-02", "100"), n("2025-10-03", "200")];
    let judged = judged(&entries, &up, "2025-10-03");
    assert_eq!(judged.alerts[0].severity, Severity::Critical);
    assert!(judged.alerts[0].welcome);
    assert!(!step("100", "50", &up).welcome);
    assert!(!step("100", "200", &one_metric("")).welcome);
    assert!(step("100", "50", &one_metric("good = \"down\"")).welcome);
}

#[test]
fn the_change_over_28_days_is_told_but_never_judged() {
    let entries = [n("2025-09-05", "100"), n("2025-10-03", "900")];
    let judged = judged(&entries, &one_metric(""), "2025-10-03");
    assert_eq!(difference(&judged, 28).severity, None);
    assert!(judged.alerts.is_empty());
}

#[test]
fn days_before_the_history_begins_are_no_data() {
    let entries = [
        n("2025-10-01", "1"),
        n("2025-10-02", "100"),
        n("2025-10-03", "100"),
    ];
    let catalog = one_metric("since = \"2025-10-02\"\nalert = { warning = \"< 5\" }");
    assert_eq!(lives(&entries, &catalog), ["-", "-", "-"]);
    let second = judged(&entries, &catalog, "2025-10-02");
    assert_eq!(change(&second, 1).outcome, Outcome::NoneThen(Gap::NoData));
}

#[test]
fn a_renamed_metric_is_read_under_its_old_key() {
    let old = with(day("2025-10-02"), "before", number("100"));
    let both = with(n("2025-10-03", "110"), "before", number("7"));
    let catalog = one_metric("was = \"before\"");
    let judged = judged(&[old, both], &catalog, "2025-10-03");
    assert_eq!(difference(&judged, 1).change, 10.0);
}

#[test]
fn a_known_day_does_not_surprise_nor_does_the_way_back_from_it() {
    let catalog = one_metric("[[calendar]]\ndate = \"2025-10-02\"\nname = \"Fair\"");
    let entries = series("2025-10-01", "100 900 100");
    assert_eq!(lives(&entries, &catalog), ["-", "-", "-"]);
    let fair = judged(&entries, &catalog, "2025-10-02");
    assert_eq!(
        difference(&fair, 1).suppression,
        Some(Suppression::KnownDay)
    );
}

#[test]
fn an_alert_is_left_below_four_fifths_of_its_level() {
    let catalog = one_metric(
        "alert = { warning = \"> 20\", critical = \"> 50\", percent = { on = \"off\" } }",
    );
    let lives = lives(
        &series("2025-10-01", "10 21 18 51 45 41 40 17 16 10"),
        &catalog,
    );
    let expected = [
        "-",
        "abs warning new 1",
        "abs warning ongoing 2",
        "abs critical worse 3",
        "abs critical ongoing 4",
        "abs critical ongoing 5",
        "abs warning ongoing 6",
        "abs warning ongoing 7",
        "abs warning recovered 8",
        "-",
    ];
    assert_eq!(lives, expected);
}

#[test]
fn every_kind_of_limit_can_be_left() {
    for (rule, unit, values, last) in [
        ("> 0", "", "3 1 0", "recovered 3"),
        ("> 0", "", "3 1 1", "ongoing 3"),
        (">= 5", "", "5 4 3", "recovered 3"),
        ("< 10", "", "9 12 12.4", "ongoing 3"),
        ("< 10", "", "9 12 12.5", "recovered 3"),
        ("< 1", "", "0 0 1", "recovered 3"),
        ("<= 0", "", "0 0 1", "recovered 3"),
        ("< 0.95", "", "0.9 0.955 0.96", "recovered 3"),
        ("< 95", "%", "94 95.9 95.9", "ongoing 3"),
        ("< 95", "%", "94 95.9 96", "recovered 3"),
        ("< -5", "", "-6 -4.5 -4", "recovered 3"),
        ("> -5", "", "-4 -6 -6.25", "recovered 3"),
    ] {
        let catalog = one_metric(&format!(
            "unit = \"{unit}\"\nalert = {{ critical = \"{rule}\" }}"
        ));
        let lives = lives(&series("2025-10-01", values), &catalog);
        assert_eq!(lives[1], "abs critical ongoing 2", "{rule}: {values}");
        assert_eq!(lives[2], format!("abs critical {last}"), "{rule}: {values}");
    }
}

#[test]
fn changes_hold_on_down_to_four_fifths_and_a_turn_is_another_alert() {
    let catalog = one_metric("");
    // +10 %, then +8 %, then +7.8 %.
    let lives_up = lives(&series("2025-10-01", "1000 1100 1188 1281"), &catalog);
    let expected = [
        "-",
        "1d warning new 1",
        "1d warning ongoing 2",
        "1d warning recovered 3",
    ];
    assert_eq!(lives_up, expected);
    let turn = lives(&series("2025-10-01", "1000 1100 990 891"), &catalog);
    let expected = [
        "-",
        "1d warning new 1",
        "1d warning new 1",
        "1d warning ongoing 2",
    ];
    assert_eq!(turn, expected);
}

#[test]
fn a_missed_day_neither_ends_an_alert_nor_stops_its_count() {
    let catalog = one_metric("alert = { warning = \"> 20\", percent = { on = \"off\" } }");
    let mut entries = series("2025-10-01", "30 - 30 - 10");
    let failed = with(day("2025-10-04"), "n", Reading::failed("timeout"));
    entries.insert(2, failed);
    let expected = [
        "abs warning new 1",
        "abs warning ongoing 3",
        "-",
        "abs warning recovered 5",
    ];
    assert_eq!(lives(&entries, &catalog), expected);
}

#[test]
fn an_open_day_is_compared_but_never_judged_and_leaves_alerts_as_they_were() {
    let catalog = one_metric("alert = { warning = \"> 500\" }");
    let mut entries = series("2025-10-01", "400 600 100 600");
    entries[2].partial = true;
    let expected = [
        "-",
        "abs warning new 1, 1d critical new 1",
        "-",
        "abs warning ongoing 3",
    ];
    assert_eq!(lives(&entries, &catalog), expected);
    let open = judged(&entries, &catalog, "2025-10-03");
    assert_eq!(difference(&open, 1).change, -500.0);
    assert_eq!(difference(&open, 1).severity, None);
    let after = judged(&entries, &catalog, "2025-10-04");
    assert_eq!(
        difference(&after, 1).suppression,
        Some(Suppression::OpenDay)
    );
}

#[test]
fn hidden_metrics_and_distributions_are_not_judged() {
    let catalog = catalog(
        r#"
        [tables.t]
        name = "t"
        [[metrics]]
        key = "unseen"
        sql = "SELECT 1"
        hidden = true
        [[metrics]]
        key = "n"
        table = "t"
        count = "*"
        by = { column = "kind" }
        "#,
    );
    let entries = [n("2025-10-02", "100"), n("2025-10-03", "900")];
    let judgement = judge(&entries, &catalog);
    let metrics = &judgement.day(date("2025-10-03")).unwrap().metrics;
    assert_eq!(metrics.len(), 1);
    assert!(metrics[0].changes.is_empty() && metrics[0].alerts.is_empty());
}

#[test]
fn a_change_keeps_the_severity_of_its_alert_and_says_since_when_and_until_which_size() {
    let catalog = one_metric("");
    // +30 %, +22.3 %, +15.7 %, +9.2 %, +5 % a day.
    let entries = series("2025-10-01", "100 130 159 184 201 211");
    let told = |on: &str| {
        let told = difference(&judged(&entries, &catalog, on), 1);
        let held = told.held.map(|held| (held.since, held.until_below));
        (told.severity, held)
    };
    assert_eq!(told("2025-10-02"), (Some(Severity::Critical), None));
    let held = (date("2025-10-02"), 20.0);
    assert_eq!(told("2025-10-03"), (Some(Severity::Critical), Some(held)));
    assert_eq!(told("2025-10-04"), (Some(Severity::Warning), None));
    let held = (date("2025-10-02"), 8.0);
    assert_eq!(told("2025-10-05"), (Some(Severity::Warning), Some(held)));
    assert_eq!(told("2025-10-06"), (None, None));
    // A warning first: critical only since the day on which it became that.
    let entries = series("2025-10-01", "100 115 150 184");
    let told = difference(&judged(&entries, &catalog, "2025-10-04"), 1);
    assert_eq!(told.held.unwrap().since, date("2025-10-03"));
}

fn any_days() -> impl Strategy<Value = Vec<Entry>> {
    let value = prop_oneof![Just(0), Just(100), 90..112i64, 0..1000i64];
    let a_day = (1..3u64, value, 0..12u8);
    prop::collection::vec(a_day, 1..120).prop_map(|days| {
        let mut on = date("2025-03-01");
        let entry = |(gap, value, kind): (u64, i64, u8)| {
            on = on + Days::new(gap);
            let mut entry = n(&on.to_string(), &value.to_string());
            entry.partial = kind == 0;
            match kind {
                1 => with(entry, "n", Reading::failed("timeout")),
                _ => entry,
            }
        };
        days.into_iter().map(entry).collect()
    })
}

proptest! {
    #[test]
    fn later_days_never_change_what_was_judged(entries in any_days(), cut in 0..120usize) {
        let known = "[[calendar]]\ndate = \"2025-04-18\"\nname = \"Good Friday\"";
        let mut catalog = one_metric(&format!("alert = {{ warning = \"> 105\" }}\n{known}"));
        let cut = cut.min(entries.len());
        for by in [Judge::Usual, Judge::Thresholds] {
            catalog.thresholds.judge = by;
            let whole = judge(&entries, &catalog);
            let prefix = judge(&entries[..cut], &catalog);
            prop_assert_eq!(&whole.days[..cut], &prefix.days[..]);
        }
    }

    #[test]
    fn a_day_judged_alone_is_judged_as_among_all(entries in any_days()) {
        let catalog = one_metric("");
        for day in judge(&entries, &catalog).days {
            let alone = judge_day(day.date, &entries, Vec::new(), &catalog);
            prop_assert_eq!(alone.days, vec![day]);
        }
        let before = date("1999-12-31");
        prop_assert!(judge_day(before, &entries, Vec::new(), &catalog).days.is_empty());
    }

    #[test]
    fn a_change_is_as_severe_as_its_alert(entries in any_days()) {
        for by in [Judge::Usual, Judge::Thresholds] {
            let mut catalog = one_metric("alert = { warning = \"> 105\" }");
            catalog.thresholds.judge = by;
            for day in judge(&entries, &catalog).days {
                let metric = &day.metrics[0];
                for change in &metric.changes {
                    let is_on = |alert: &&Alert| matches!(alert.rule, Rule::Change { days, .. } if days == change.days);
                    let standing = metric.alerts.iter().filter(is_on).find(|alert| alert.state != State::Recovered);
                    let severity = change.difference().and_then(|difference| difference.severity);
                    prop_assert_eq!(severity, standing.map(|alert| alert.severity));
                }
            }
        }
    }

    #[test]
    fn every_alert_is_new_before_it_is_anything_else(entries in any_days()) {
        for by in [Judge::Usual, Judge::Thresholds] {
            let mut catalog = one_metric("alert = { warning = \"> 105\" }");
            catalog.thresholds.judge = by;
            let mut standing = std::collections::BTreeSet::new();
            for day in judge(&entries, &catalog).days {
                for alert in &day.metrics[0].alerts {
                    let rule = alert.rule.kind();
                    match alert.state {
                        State::New => { standing.insert(rule); }
                        State::Recovered => prop_assert!(standing.remove(&rule)),
                        State::Ongoing | State::Worse => prop_assert!(standing.contains(&rule)),
                    }
                }
            }
        }
    }
}
