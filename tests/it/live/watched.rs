//! Alerts between two nights: entered and left at their levels, told once, and never from too few events.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use daybook::config::live_alerts::{LiveAlert, check, of_preset, written};
use daybook::kinds::presets::PRESETS;
use daybook::live::watch::{Happened, Known, Reading, Words, judge};
use daybook::threshold::{Severity, State};

use super::{kinds, noon};

fn alert(toml: &str) -> LiveAlert {
    let written: written::Alert = toml::from_str(toml).unwrap();
    check(&written, &kinds(), &[], &mut |field, message| {
        panic!("{field}: {message}")
    })
    .unwrap()
}

fn slow(more: &str) -> LiveAlert {
    alert(&format!(
        "key = \"slow\"\nwarning = \"> 1000\"\ncritical = \"> 2000\"\nagain = \"1h\"\n
         watch = {{ kind = \"checkout\", value = \"avg of duration\", by = [\"shop\"], least = 5 {more} }}"
    ))
}

/// An alert that is looked at every minute.
struct Watching {
    alert: LiveAlert,
    known: BTreeMap<Words, Known>,
    now: DateTime<Utc>,
}

impl Watching {
    fn of(alert: LiveAlert) -> Self {
        Self {
            alert,
            known: BTreeMap::new(),
            now: noon(),
        }
    }

    fn sees(&mut self, readings: &[(&str, f64, u64)]) -> Vec<Happened> {
        self.now += TimeDelta::minutes(1);
        let reading = |(word, value, events): &(&str, f64, u64)| {
            let reading = Reading {
                value: Some(*value),
                events: *events,
            };
            (vec![(*word).to_owned()], reading)
        };
        let readings = readings.iter().map(reading).collect();
        let judged = judge(&self.alert, "ms", &readings, &self.known, self.now);
        self.known = judged.known;
        judged.happened
    }

    /// What happened to one group, and whether it is told.
    fn one(&mut self, value: f64, events: u64) -> Option<(State, Severity, bool)> {
        let happened = self.sees(&[("zh", value, events)]);
        assert!(happened.len() < 2);
        happened
            .first()
            .map(|one| (one.state, one.severity, one.is_told))
    }
}

use Severity::{Critical, Warning};
use State::{New, Recovered, Worse};

#[test]
fn an_alert_is_entered_at_its_level_worsens_and_is_left_below_four_fifths() {
    let mut watching = Watching::of(slow(""));
    assert_eq!(watching.one(1000.0, 9), None);
    assert_eq!(watching.one(1001.0, 9), Some((New, Warning, true)));
    assert_eq!(watching.one(900.0, 9), None);
    assert_eq!(watching.one(2001.0, 9), Some((Worse, Critical, true)));
    // Critical is held above 1,600, a warning above 800.
    assert_eq!(watching.one(1700.0, 9), None);
    assert_eq!(watching.one(801.0, 9), None);
    assert_eq!(watching.one(800.0, 9), Some((Recovered, Warning, true)));
    assert_eq!(watching.one(700.0, 9), None);
}

#[test]
fn fewer_events_than_it_takes_change_nothing() {
    let mut watching = Watching::of(slow(""));
    assert_eq!(watching.one(9000.0, 4), None);
    assert_eq!(watching.one(9000.0, 5), Some((New, Critical, true)));
    assert_eq!(watching.one(1.0, 4), None);
    assert!(watching.known[&vec!["zh".to_owned()]].raised.is_some());
}

#[test]
fn an_alert_without_events_ends_after_the_time_in_which_it_is_not_told_again() {
    let mut watching = Watching::of(slow(""));
    watching.one(1500.0, 9);
    for _ in 0..59 {
        assert_eq!(watching.sees(&[]), []);
    }
    let ended = watching.sees(&[]);
    assert_eq!((ended[0].state, ended[0].value), (Recovered, None));
}

#[test]
fn an_alert_that_comes_and_goes_is_told_once_an_hour_and_noted_each_time() {
    let mut watching = Watching::of(slow(""));
    let mut told = Vec::new();
    let mut noted = 0;
    for minute in 0..180 {
        let value = if minute % 2 == 0 { 1500.0 } else { 100.0 };
        for happened in watching.sees(&[("zh", value, 9)]) {
            noted += 1;
            if happened.is_told {
                told.push((minute, happened.state));
            }
        }
    }
    assert_eq!(noted, 180);
    // Each beginning that was told has its end told too.
    let expected = [
        (0, New),
        (1, Recovered),
        (60, New),
        (61, Recovered),
        (120, New),
        (121, Recovered),
    ];
    assert_eq!(told, expected);
}

#[test]
fn groups_are_judged_by_themselves() {
    let mut watching = Watching::of(slow(""));
    let happened = watching.sees(&[("zh", 1500.0, 9), ("be", 500.0, 9), ("", 2500.0, 9)]);
    let happened: Vec<(&str, Severity)> = happened
        .iter()
        .map(|one| (one.words[0].as_str(), one.severity))
        .collect();
    assert_eq!(happened, [("", Critical), ("zh", Warning)]);
}

#[test]
fn the_presets_watch_what_the_originals_did_with_their_numbers() {
    let mut all = Vec::new();
    for (_, toml) in PRESETS {
        for written in of_preset(toml) {
            let alert = check(&written, &kinds(), &[], &mut |field, message| {
                panic!("{} {field}: {message}", written.key)
            });
            let alert = alert.unwrap();
            let level =
                |limit: Option<daybook::catalog::Limit>| limit.map(|limit| limit.to_string());
            all.push((alert.key, level(alert.warning), level(alert.critical)));
        }
    }
    let expected = [
        ("slow_processing", Some("> 10000"), None),
        ("low_success_rate", None, Some("< 95")),
        ("high_correction_rate", Some("> 30"), None),
        ("filtering_rejection_rate", Some("> 50"), Some("> 70")),
        ("high_length_check_failures", Some("> 20"), None),
        ("high_work_validation_failures", Some("> 15"), None),
        ("task_success", None, Some("< 90")),
        ("task_p99", None, Some("> 5000")),
        ("token_budget", Some("> 160000"), None),
        ("queue_backlog", Some("> 50"), None),
        ("host_cpu", Some("> 80"), Some("> 95")),
        ("host_memory", Some("> 85"), Some("> 95")),
        ("host_disk", Some("> 85"), Some("> 95")),
    ];
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let expected =
        expected.map(|(key, warning, critical)| (key.to_owned(), owned(warning), owned(critical)));
    assert_eq!(all, expected);
}
