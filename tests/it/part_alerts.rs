//! Alerts on the parts of a distribution: one that fell, vanished or appeared.

use chrono::{Days, NaiveDate};
use daybook::catalog::{Catalog, Judge, Mute};
use daybook::compare::{Alert, Direction, History, Rule, RuleKind, State, judge, judge_day};
use daybook::entry::{Entry, Part, PartKey, Reading, Value};
use daybook::locale::{Language, Locale, Numbers};
use daybook::render::{Look, alerts, json, mail, table, view};
use daybook::report::backtest::backtest;
use daybook::report::{self, Around, Content, Letter, Report};
use proptest::prelude::*;

use crate::dice::Dice;
use crate::stored_days::{catalog, date, day, with};

/// A Monday.
const FIRST: &str = "2025-01-06";

fn by_state(alert: &str) -> Catalog {
    let mut catalog = catalog(&format!(
        "[tables.t]\nname = \"t\"\n[[metrics]]\nkey = \"by_state\"\nlabel = \"Orders by state\"\n\
         table = \"t\"\ncount = \"*\"\nby = {{ column = \"state\" }}\nalert = {{ {alert} }}\n"
    ));
    catalog.thresholds.judge = Judge::Usual;
    catalog
}

fn judged() -> Catalog {
    by_state("parts = true")
}

fn part(key: PartKey, label: &str, count: f64) -> Part {
    Part {
        key,
        label: label.to_owned(),
        count: (count as i64).into(),
    }
}

fn entry(at: usize, parts: Vec<Part>) -> Entry {
    let on = date(FIRST) + Days::new(at as u64);
    let reading = Reading::observed(Some(Value::Parts(parts)));
    with(day(&on.to_string()), "by_state", reading)
}

/// A part without rows is none; `-` is the rows without a value, `+` all others.
fn entries(parts: &[(&str, Vec<f64>)]) -> Vec<Entry> {
    let days = parts[0].1.len();
    let of_day = |at: usize| {
        let there = parts.iter().filter(|(_, counts)| counts[at] > 0.0);
        let parts = there.map(|(name, counts)| match *name {
            "-" => part(PartKey::None, "", counts[at]),
            "+" => part(PartKey::Other, "", counts[at]),
            name => part(PartKey::Value(name.to_lowercase()), name, counts[at]),
        });
        entry(at, parts.collect())
    };
    (0..days).map(of_day).collect()
}

/// Quieter weekends and some noise, the same every time.
fn steady(size: f64, days: usize, seed: u64) -> Vec<f64> {
    let week = [1.0, 1.05, 1.02, 1.04, 0.98, 0.8, 0.75];
    let mut dice = Dice(seed);
    let noise = (0..days).map(|_| 0.95 + dice.below(100) as f64 / 1000.0);
    let values = noise.enumerate();
    values
        .map(|(at, noise)| (size * week[at % 7] * noise).round())
        .collect()
}

fn ending(mut values: Vec<f64>, end: &[f64]) -> Vec<f64> {
    let from = values.len() - end.len();
    values[from..].copy_from_slice(end);
    values
}

fn alerts_of(entries: &[Entry], catalog: &Catalog) -> Vec<Vec<Alert>> {
    let days = judge(entries, catalog).days.into_iter();
    days.map(|mut day| day.metrics.remove(0).alerts).collect()
}

fn stands(alert: &Alert) -> bool {
    alert.state != State::Recovered
}

fn name(alert: &Alert) -> String {
    let part = alert.part.as_ref().expect("a part");
    part.key.value().unwrap_or("-").to_owned()
}

/// The parts that alert on the last day, each by its rules.
fn last(entries: &[Entry], catalog: &Catalog) -> Vec<(String, Vec<RuleKind>)> {
    let mut told: Vec<(String, Vec<RuleKind>)> = Vec::new();
    let all = alerts_of(entries, catalog);
    for alert in all
        .last()
        .expect("a day")
        .iter()
        .filter(|alert| stands(alert))
    {
        let (name, kind) = (name(alert), alert.rule.kind());
        match told.iter_mut().find(|(known, _)| *known == name) {
            Some((_, kinds)) => kinds.push(kind),
            None => told.push((name, vec![kind])),
        }
    }
    told
}

fn names(entries: &[Entry], catalog: &Catalog) -> Vec<String> {
    last(entries, catalog)
        .into_iter()
        .map(|(name, _)| name)
        .collect()
}

fn letter(entries: &[Entry], catalog: &Catalog) -> (Report, Letter) {
    let on = entries.last().expect("a day").date;
    let report = report::of_day(on, entries, &judge(entries, catalog), catalog).expect("a report");
    let letter = Letter {
        name: "Shop".to_owned(),
        content: Content::Day(Box::new(report.clone())),
        around: Around::default(),
    };
    (report, letter)
}

const ENGLISH: Locale = Locale {
    language: Language::English,
    numbers: Numbers::Swiss,
};
const GERMAN: Locale = Locale {
    language: Language::German,
    numbers: Numbers::Swiss,
};

fn plain(text: &str) -> String {
    text.replace('\u{a0}', " ")
}

/// `paid` fell on the last day, `open` did not.
fn fell() -> Vec<Entry> {
    let paid = ending(steady(80.0, 120, 1), &[12.0]);
    entries(&[("paid", paid), ("open", steady(300.0, 120, 2))])
}

#[test]
fn an_ordinary_year_of_parts_is_calm() {
    let parts = [
        ("paid", steady(80.0, 400, 1)),
        ("open", steady(300.0, 400, 2)),
    ];
    let all = alerts_of(&entries(&parts), &judged());
    let first = all.iter().skip(28).position(|alerts| !alerts.is_empty());
    assert_eq!(first, None, "{:?}", all.iter().flatten().next());
}

#[test]
fn a_part_that_fell_alerts_and_only_where_that_is_asked_for() {
    assert_eq!(names(&fell(), &judged()), ["paid"]);
    assert_eq!(names(&fell(), &by_state("parts = false")), [""; 0]);
    assert_eq!(
        names(
            &fell(),
            &by_state("parts = true, percent = { on = \"off\" }")
        ),
        [""; 0]
    );
    assert_eq!(
        names(
            &fell(),
            &by_state("parts = true, percent = { min_base = 100 }")
        ),
        [""; 0]
    );
}

#[test]
fn the_whole_is_one_matter_that_names_the_part() {
    let (report, letter) = letter(&fell(), &judged());
    assert_eq!(
        (
            report.counts.critical,
            report.highlights.len(),
            report.as_usual
        ),
        (1, 1, 0)
    );
    let english = view::view(&letter, ENGLISH);
    let highlight = &english.highlights[0];
    assert_eq!(plain(&highlight.head), "Orders by state: “paid” 12");
    let rest = plain(&highlight.rest);
    assert!(
        rest.starts_with("vs ") && rest.contains(" last Monday (−8"),
        "{rest}"
    );
    assert!(
        rest.contains("below Monday’s usual ") && rest.ends_with("First day."),
        "{rest}"
    );
    assert!(
        plain(&english.subject).contains("orders by state: “paid” −8"),
        "{}",
        english.subject
    );
    let german = view::view(&letter, GERMAN);
    assert_eq!(
        plain(&german.highlights[0].head),
        "Orders by state: «paid» 12"
    );
    let list = alerts::list(&report, Look::default());
    assert!(
        list.replace('\n', " ")
            .contains("Orders by state: “paid” fell by"),
        "{list}"
    );
    assert!(table::show(&report, Look::default()).contains("“paid” fell"));
    let told = json::letter(&letter);
    assert_eq!(told["matters"][0]["part"]["key"], "paid");
    assert_eq!(told["matters"][0]["more_parts"], 0);
    assert_eq!(told["matters"][0]["value"], 12);
    assert_eq!(told["alerts"][0]["part"]["label"], "paid");
    assert!(told["alerts"][0]["part"]["usual"]["low"].is_number());
    let schema = jsonschema::validator_for(&json::schema()).expect("a schema");
    let wrong: Vec<String> = schema
        .iter_errors(&told)
        .map(|error| error.to_string())
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn a_part_that_vanished_alerts_until_it_is_usual_or_back() {
    let paid = ending(steady(80.0, 120, 1), &[0.0, 0.0, 79.0]);
    let days = entries(&[("paid", paid), ("open", steady(300.0, 120, 2))]);
    let gone = last(&days[..118], &judged());
    assert_eq!(gone[0].0, "paid");
    assert!(gone[0].1.contains(&RuleKind::Zero), "{gone:?}");
    let back = alerts_of(&days, &judged());
    let zero = |at: usize| {
        let mut all = back[at].iter();
        all.find(|alert| matches!(alert.rule, Rule::Zero(_)))
            .map(|alert| alert.state)
    };
    let life = [117, 118, 119].map(zero);
    assert_eq!(
        life,
        [
            Some(State::New),
            Some(State::Ongoing),
            Some(State::Recovered)
        ]
    );
    assert_eq!(last(&days, &judged()), []);
}

#[test]
fn a_part_that_appears_alerts_once_from_the_least_base_on() {
    let appearing = |days: usize, end: &[f64]| {
        let refunded = ending(vec![0.0; days], end);
        entries(&[("open", steady(300.0, days, 2)), ("refunded", refunded)])
    };
    let told = last(&appearing(60, &[50.0]), &judged());
    assert_eq!(told, [("refunded".to_owned(), vec![RuleKind::Stirred])]);
    assert_eq!(last(&appearing(60, &[19.0]), &judged()), []);
    assert_eq!(last(&appearing(60, &[50.0, 52.0]), &judged()), []);
    // Too young to say that it never was.
    assert_eq!(last(&appearing(20, &[50.0]), &judged()), []);
    assert_eq!(
        last(
            &appearing(60, &[50.0]),
            &by_state("parts = true, percent = { on = \"falls\" }")
        ),
        []
    );
    let (report, letter) = letter(&appearing(60, &[50.0]), &judged());
    let highlight = view::view(&letter, ENGLISH).highlights.remove(0);
    assert_eq!(plain(&highlight.head), "Orders by state: “refunded” 50");
    assert_eq!(
        plain(&highlight.rest),
        "new after 59 days without it. First day."
    );
    let list = alerts::list(
        &report,
        Look {
            width: 200,
            color: false,
        },
    );
    assert!(
        list.contains("“refunded” appeared with 50 after 59 days without it"),
        "{list}"
    );
}

#[test]
fn rows_without_a_value_are_a_part_too() {
    let days = entries(&[
        ("open", steady(300.0, 60, 2)),
        ("-", ending(vec![0.0; 60], &[50.0])),
    ]);
    assert_eq!(
        last(&days, &judged()),
        [("-".to_owned(), vec![RuleKind::Stirred])]
    );
    let (_, letter) = letter(&days, &judged());
    let heads =
        [ENGLISH, GERMAN].map(|locale| plain(&view::view(&letter, locale).highlights[0].head));
    assert_eq!(
        heads,
        [
            "Orders by state: (none) 50",
            "Orders by state: (ohne Angabe) 50"
        ]
    );
    assert_eq!(json::letter(&letter)["matters"][0]["part"]["none"], true);
}

#[test]
fn small_parts_and_rises_are_silent() {
    let small = ending(steady(15.0, 120, 1), &[0.0]);
    let risen = ending(steady(80.0, 120, 3), &[300.0]);
    let days = entries(&[
        ("small", small),
        ("risen", risen),
        ("open", steady(300.0, 120, 2)),
    ]);
    assert_eq!(last(&days, &judged()), []);
}

#[test]
fn of_many_parts_the_three_largest_are_told_and_how_many_more_there_are() {
    let all = ["a", "b", "c", "d", "e", "f"];
    let mut parts: Vec<(&str, Vec<f64>)> = all
        .iter()
        .enumerate()
        .map(|(at, name)| {
            (
                *name,
                ending(steady(100.0 + 50.0 * at as f64, 120, 1), &[2.0]),
            )
        })
        .collect();
    parts.push(("open", steady(900.0, 120, 2)));
    let days = entries(&parts);
    assert_eq!(names(&days, &judged()), ["f", "e", "d"]);
    let (report, letter) = letter(&days, &judged());
    assert_eq!((report.counts.critical, report.highlights.len()), (1, 1));
    let rest = plain(&view::view(&letter, ENGLISH).highlights[0].rest);
    let more = "Also: “e” 2 (−9";
    assert!(
        rest.contains(more) && rest.ends_with(") and 3 more."),
        "{rest}"
    );
    let rest = plain(&view::view(&letter, GERMAN).highlights[0].rest);
    assert!(
        rest.contains("Auch: «e» 2 (−9") && rest.ends_with(") und 3 weitere."),
        "{rest}"
    );
    assert_eq!(json::letter(&letter)["matters"][0]["more_parts"], 5);
    let list = alerts::list(&report, Look::default()).replace("\n             ", " ");
    assert_eq!(list.matches("3 more parts alert").count(), 1, "{list}");
}

#[test]
fn of_hundreds_of_parts_the_largest_are_judged() {
    let names: Vec<String> = (0..30).map(|at| format!("p{at:02}")).collect();
    let mut parts: Vec<(&str, Vec<f64>)> = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let steady = steady(1000.0 - 20.0 * at as f64, 120, 1);
        let falls = at == 5 || at == 25;
        parts.push((
            name,
            if falls {
                ending(steady, &[30.0])
            } else {
                steady
            },
        ));
    }
    assert_eq!(self::names(&entries(&parts), &judged()), ["p05"]);
}

#[test]
fn a_part_that_is_no_longer_named_counts_for_the_most_that_it_can_be() {
    let unnamed = |least: f64| {
        let parts = [
            ("paid", ending(steady(200.0, 120, 1), &[0.0])),
            ("open", steady(300.0, 120, 2)),
            ("least", vec![least; 120]),
            ("+", vec![500.0; 120]),
        ];
        entries(&parts)
    };
    let days = unnamed(30.0);
    assert_eq!(names(&days, &judged()), ["paid"]);
    let (report, letter) = letter(&days, &judged());
    assert_eq!(
        plain(&view::view(&letter, ENGLISH).highlights[0].head),
        "Orders by state: “paid” at most 30"
    );
    assert_eq!(json::letter(&letter)["matters"][0]["part"]["at_most"], true);
    let list = alerts::list(
        &report,
        Look {
            width: 200,
            color: false,
        },
    );
    assert!(list.contains("to at most 30, from"), "{list}");
    // It may have as many as before.
    assert_eq!(names(&unnamed(180.0), &judged()), [""; 0]);
    // What comes out of the others was there before.
    let came = ending(vec![0.0; 60], &[90.0]);
    let days = entries(&[
        ("open", steady(300.0, 60, 2)),
        ("came", came),
        ("+", vec![500.0; 60]),
    ]);
    assert_eq!(last(&days, &judged()), []);
}

#[test]
fn days_without_the_distribution_are_a_gap_and_no_zero() {
    let mut days = fell();
    days.pop();
    let failed = with(
        day(&(date(FIRST) + Days::new(119)).to_string()),
        "by_state",
        Reading::failed("away"),
    );
    days.push(failed);
    assert_eq!(last(&days, &judged()), []);
}

#[test]
fn plain_thresholds_hold_for_parts_at_once() {
    let mut plain = judged();
    plain.thresholds.judge = Judge::Thresholds;
    let days = entries(&[("paid", vec![100.0, 90.0]), ("open", vec![100.0, 120.0])]);
    assert_eq!(
        last(&days, &plain),
        [("paid".to_owned(), vec![RuleKind::Change(1)])]
    );
}

#[test]
fn a_mute_covers_the_metric_with_its_parts() {
    let days = fell();
    let on = days.last().expect("a day").date;
    let mute = Mute {
        key: "by_state".to_owned(),
        from: on,
        until: on,
        because: "a migration".to_owned(),
    };
    let judgement = judge_day(on, &days, vec![mute], &judged());
    let report = report::of_day(on, &days, &judgement, &judged()).expect("a report");
    assert_eq!((report.highlights.len(), report.muted.len()), (0, 1));
    assert_eq!(
        report.muted[0]
            .part
            .as_ref()
            .map(|part| part.label.as_str()),
        Some("paid")
    );
}

#[test]
fn a_backtest_counts_a_day_once_however_many_parts_alert() {
    let parts = ["a", "b"].map(|name| (name, ending(steady(100.0, 120, 1), &[2.0])));
    let days = entries(&parts);
    let on = days.last().expect("a day").date;
    let history = History::from_entries(&days, &judged());
    let replayed = backtest(&history, on, 30, &|_| true, &judged());
    let rules = &replayed.metrics[0].rules;
    assert!(
        !rules.is_empty() && rules.iter().all(|rule| rule.standing.len() == 1),
        "{rules:?}"
    );
    assert_eq!(replayed.totals().critical, 1);
    assert!(history.is_known("by_state", on, &judged()));
}

#[test]
fn hostile_labels_are_harmless_everywhere() {
    let evil = "<script>\u{202e}\r\nBcc: eve@example.org\u{0}\u{1b}[2J</script>&{part}";
    let long = "x".repeat(5_000);
    for label in [evil, long.as_str()] {
        let paid = ending(steady(80.0, 120, 1), &[12.0]);
        let open = steady(300.0, 120, 2);
        let days: Vec<Entry> = (0..120)
            .map(|at| {
                let key = || PartKey::Value(label.to_owned());
                let open = part(PartKey::Value("open".to_owned()), "open", open[at]);
                entry(at, vec![part(key(), label, paid[at]), open])
            })
            .collect();
        let (report, letter) = letter(&days, &judged());
        assert_eq!(report.highlights.len(), 1);
        let hidden = |letter: char| letter.is_control() || letter == '\u{202e}';
        for locale in [ENGLISH, GERMAN] {
            let mail = mail::mail(&letter, locale);
            assert!(
                !mail.subject.contains(hidden) && mail.subject.chars().count() <= 150,
                "{}",
                mail.subject
            );
            assert!(!mail.html.contains("<script") && !mail.html.contains("\u{1b}"));
            assert!(
                !mail.text.replace('\n', " ").contains(hidden),
                "{}",
                mail.text
            );
            let highlight = view::view(&letter, locale).highlights.remove(0);
            assert!(highlight.head.chars().count() < 200, "{}", highlight.head);
        }
        for text in [
            alerts::list(&report, Look::default()),
            table::show(&report, Look::default()),
        ] {
            assert!(!text.replace('\n', " ").contains(hidden), "{text}");
        }
    }
}

/// What a metric of its own says of falls, of nothing, and of what was never there.
fn alike(alerts: &[Alert]) -> Vec<Rule> {
    let standing = alerts.iter().filter(|alert| stands(alert));
    let rules = standing.map(|alert| alert.rule.clone());
    rules
        .filter(|rule| match rule {
            Rule::Change { difference, .. } => difference.direction == Direction::Down,
            Rule::Stirred { before, .. } => *before == 0.0,
            Rule::Zero(_) => true,
            _ => false,
        })
        .collect()
}

fn any_counts() -> impl Strategy<Value = Vec<f64>> {
    let value = prop_oneof![16 => 900..1100i32, 2 => 400..700i32, 1 => 100..5000i32, 1 => Just(0)];
    let gone = (
        prop::collection::vec(value.clone(), 1..160),
        0..12usize,
        0..40usize,
    );
    gone.prop_map(|(values, gone, never)| {
        let all = std::iter::repeat_n(0, never).chain(values);
        all.chain(std::iter::repeat_n(0, gone))
            .map(f64::from)
            .collect()
    })
}

fn of_its_own(values: &[f64]) -> (Vec<Entry>, Catalog) {
    let mut catalog = catalog(
        "[tables.t]\nname = \"t\"\n[[metrics]]\nkey = \"by_state\"\ntable = \"t\"\ncount = \"*\"\n",
    );
    catalog.thresholds.judge = Judge::Usual;
    let entry = |(at, value): (usize, &f64)| {
        let on: NaiveDate = date(FIRST) + Days::new(at as u64);
        let reading = Reading::observed(Some(Value::Whole(*value as i64)));
        with(day(&on.to_string()), "by_state", reading)
    };
    (values.iter().enumerate().map(entry).collect(), catalog)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_only_part_is_judged_as_a_metric_of_its_own(values in any_counts()) {
        let parts = alerts_of(&entries(&[("paid", values.clone())]), &judged());
        let (whole, catalog) = of_its_own(&values);
        let whole = alerts_of(&whole, &catalog);
        for (at, (part, whole)) in parts.iter().zip(&whole).enumerate() {
            prop_assert_eq!(alike(part), alike(whole), "{}", at);
        }
    }

    #[test]
    fn parts_of_one_day_are_judged_as_in_the_judgement_of_all(
        values in any_counts(), other in any_counts(), back in 0usize..40,
    ) {
        let days = values.len().min(other.len());
        let parts = [("paid", values[..days].to_vec()), ("open", other[..days].to_vec())];
        let entries = entries(&parts);
        let at = days - 1 - back.min(days - 1);
        let one = judge_day(entries[at].date, &entries, Vec::new(), &judged());
        let all = judge(&entries, &judged());
        prop_assert_eq!(one.days.last(), all.days.get(at));
    }
}
