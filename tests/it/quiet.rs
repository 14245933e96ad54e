//! Red only when something happened: what is usual, what stays silent, and what must not.

use chrono::{Datelike, Days, NaiveDate};
use daybook::catalog::{AlertOn, Catalog, Judge};
use daybook::compare::{
    Direction, Judged, JudgedDay, Rule, RuleKind, Severity, State, Suppression, judge, judge_day,
};
use daybook::entry::{Entry, Reading, Value};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::dice::Dice;
use crate::stored_days::{catalog, date, day, judged_by_usual, with};

/// A Monday.
const FIRST: &str = "2025-01-06";

/// The catalog as a user has it, where nothing else is said.
fn usual(text: &str) -> Catalog {
    judged_by_usual(catalog(text))
}

fn counted(lines: &str) -> Catalog {
    usual(&format!(
        "[tables.t]\nname = \"t\"\n[[metrics]]\nkey = \"n\"\ntable = \"t\"\ncount = \"*\"\n{lines}\n"
    ))
}

fn summed() -> Catalog {
    usual("[tables.t]\nname = \"t\"\n[[metrics]]\nkey = \"n\"\ntable = \"t\"\nsum = \"cents\"\n")
}

fn percentage() -> Catalog {
    let mut catalog = usual(
        "[[metrics]]\nkey = \"part\"\nsql = \"SELECT 1\"\n[[metrics]]\nkey = \"n\"\npercent = { of = \"part\", in = \"part\" }\n",
    );
    catalog.metrics.remove(0);
    catalog
}

fn entry(on: NaiveDate, key: &str, value: f64) -> Entry {
    let value = Decimal::from_f64_retain(value)
        .expect("a decimal")
        .round_dp(4);
    let reading = Reading::observed(Some(Value::from_decimal(value)));
    with(day(&on.to_string()), key, reading)
}

fn entries(values: &[f64]) -> Vec<Entry> {
    let days = date(FIRST).iter_days().zip(values);
    days.map(|(on, value)| entry(on, "n", *value)).collect()
}

fn on(place: usize) -> NaiveDate {
    date(FIRST) + Days::new(place as u64)
}

/// Values about 1 with five per cent of noise, the same every time.
fn noise(count: usize, share: f64) -> Vec<f64> {
    let mut dice = Dice(7);
    let twelve = |dice: &mut Dice| {
        (0..12)
            .map(|_| dice.below(1000) as f64 / 1000.0)
            .sum::<f64>()
    };
    (0..count)
        .map(|_| 1.0 + share * (twelve(&mut dice) - 6.0))
        .collect()
}

/// A steady metric with quieter weekends.
fn steady(count: usize) -> Vec<f64> {
    let week = [1000.0, 1050.0, 1020.0, 1040.0, 980.0, 600.0, 550.0];
    let noise = noise(count, 0.05);
    noise
        .iter()
        .enumerate()
        .map(|(at, noise)| (week[at % 7] * noise).round())
        .collect()
}

/// The places of days with an alert that stands, from one on, each with its rules.
fn alerts(values: &[f64], from: usize, catalog: &Catalog) -> Vec<(usize, Vec<RuleKind>)> {
    let judgement = judge(&entries(values), catalog);
    let told = judgement.days.iter().enumerate().skip(from);
    told.filter_map(|(at, day)| {
        let standing = day.metrics[0].alerts.iter();
        let standing = standing.filter(|alert| alert.state != State::Recovered);
        let kinds: Vec<RuleKind> = standing.map(|alert| alert.rule.kind()).collect();
        (!kinds.is_empty()).then_some((at, kinds))
    })
    .collect()
}

fn first_alert(values: &[f64], from: usize, catalog: &Catalog) -> Option<usize> {
    let all = alerts(values, from, catalog);
    all.first().map(|(at, _)| at - from)
}

fn judged(values: &[f64], at: usize, catalog: &Catalog) -> Judged {
    let judgement = judge(&entries(&values[..=at]), catalog);
    judgement.days[at].metrics[0].clone()
}

fn suppression(judged: &Judged, days: u32) -> Option<Suppression> {
    let change = judged.changes.iter().find(|change| change.days == days)?;
    change.difference()?.suppression
}

#[test]
fn an_ordinary_year_is_calm() {
    assert_eq!(alerts(&steady(400), 28, &counted("")), []);
}

#[test]
fn a_day_that_fell_alerts_and_the_mail_knows_by_how_much() {
    let mut values = steady(200);
    values[199] = 300.0;
    let fell = judged(&values, 199, &counted(""));
    let range = fell.usual.unwrap();
    assert!(range.low > 300.0 && range.high > range.low, "{range:?}");
    assert_eq!(fell.alerts[0].severity, Severity::Critical);
}

#[test]
fn slow_slides_and_lasting_levels_do_not_stay_silent() {
    for (share, least, most) in [(0.99, 5, 21), (0.98, 3, 14)] {
        let mut values = steady(260);
        for (day, value) in values[200..].iter_mut().enumerate() {
            *value = (*value * f64::powi(share, day as i32 + 1)).round();
        }
        let after = first_alert(&values, 200, &counted("")).expect("it is found");
        assert!((least..=most).contains(&after), "{share}: {after}");
    }
    let mut values = steady(260);
    for value in &mut values[200..] {
        *value = (*value * 0.75).round();
    }
    assert_eq!(first_alert(&values, 200, &counted("")), Some(0));
}

#[test]
fn a_slide_is_told_once() {
    let mut values = steady(240);
    for (day, value) in values[200..].iter_mut().enumerate() {
        *value = (*value * 0.99_f64.powi(day as i32 + 1)).round();
    }
    let all = alerts(&values, 200, &counted(""));
    let weeks = all
        .iter()
        .filter(|(_, kinds)| kinds.contains(&RuleKind::Week));
    assert_eq!(weeks.count(), 1, "{all:?}");
}

#[test]
fn zero_for_longer_than_ever_in_a_year_speaks_whatever_the_base() {
    let mut values: Vec<f64> = (0..120).map(|at| f64::from(at % 5 != 0) * 3.0).collect();
    values.extend([0.0, 0.0, 3.0]);
    // Day 120 would be zero anyway; the second in a row never was.
    let all = alerts(&values, 60, &counted(""));
    assert_eq!(all, [(121, vec![RuleKind::Zero])]);
}

#[test]
fn zero_that_stays_for_two_weeks_is_told_as_a_new_level_and_learnt() {
    let mut values: Vec<f64> = steady(200)
        .iter()
        .map(|value| (value / 300.0).round())
        .collect();
    values.extend([0.0; 40]);
    let all = alerts(&values, 200, &counted(""));
    let days: Vec<usize> = all.iter().map(|(at, _)| *at).collect();
    assert_eq!(days, (200..214).collect::<Vec<_>>());
    let end = judged(&values, 214, &counted(""));
    assert!(
        end.alerts.iter().any(|alert| alert.settled),
        "{:?}",
        end.alerts
    );
}

#[test]
fn what_was_always_the_same_and_no_longer_is_speaks() {
    let always = |value: f64, last: f64| {
        let mut values = vec![value; 100];
        values.push(last);
        alerts(&values, 28, &counted(""))
    };
    assert_eq!(always(0.0, 50.0), [(100, vec![RuleKind::Stirred])]);
    assert_eq!(always(7.0, 1.0), [(100, vec![RuleKind::Stirred])]);
    assert_eq!(always(0.0, 4.0), []);
    let changes = [1, 7, 30].map(RuleKind::Change).to_vec();
    assert_eq!(always(500.0, 600.0), [(100, changes)]);
}

#[test]
fn a_flat_line_speaks_where_there_never_was_one() {
    let mut values = steady(120);
    values.extend([1000.0; 20]);
    let all = alerts(&values, 120, &counted(""));
    let flat: Vec<usize> = all
        .iter()
        .filter(|(_, kinds)| kinds.contains(&RuleKind::Flat))
        .map(|(at, _)| *at)
        .collect();
    // The fourteenth of the same, and on.
    assert_eq!(flat, (133..140).collect::<Vec<_>>());
    let mut often = vec![1000.0; 15];
    often.extend(steady(100));
    often.extend([1000.0; 20]);
    let all = alerts(&often, 115, &counted(""));
    assert!(
        all.iter()
            .all(|(_, kinds)| !kinds.contains(&RuleKind::Flat)),
        "{all:?}"
    );
}

#[test]
fn percentages_speak_by_the_nearer_end() {
    let catalog = percentage();
    let near = |middle: f64, last: f64| {
        let noise = noise(120, 0.3);
        let mut values: Vec<f64> = noise
            .iter()
            .map(|noise| (middle + noise - 1.0).clamp(0.0, 100.0))
            .collect();
        values.push(last);
        !alerts(&values, 120, &catalog).is_empty()
    };
    assert!(near(99.5, 93.0));
    assert!(near(0.5, 4.0));
    assert!(near(60.0, 53.5));
    assert!(!near(99.0, 97.6));
    assert!(!near(50.0, 52.5));
}

#[test]
fn sums_that_change_their_sign_speak_by_their_distance() {
    let mut values: Vec<f64> = noise(150, 800.0)
        .iter()
        .map(|noise| noise + 200.0)
        .collect();
    assert_eq!(alerts(&values, 28, &summed()), []);
    values[149] = -6000.0;
    assert_eq!(first_alert(&values, 149, &summed()), Some(0));
    let range = judged(&values, 149, &summed()).usual.unwrap();
    assert!(range.low < 0.0 && range.high > 0.0, "{range:?}");
}

#[test]
fn a_weekend_that_dies_speaks() {
    for last in [0.0, 60.0] {
        let mut values = steady(203);
        values.truncate(202);
        // A Sunday.
        assert_eq!(on(201).weekday().num_days_from_monday(), 5);
        values[201] = last;
        assert_eq!(first_alert(&values, 201, &counted("")), Some(0), "{last}");
    }
}

#[test]
fn an_outage_on_a_holiday_speaks_and_a_quiet_holiday_does_not() {
    let known = format!("[[calendar]]\ndate = \"{}\"\nname = \"Fair\"", on(150));
    let mut values = steady(152);
    values[150] = 400.0;
    assert_eq!(alerts(&values, 150, &counted(&known)), []);
    values[150] = 0.0;
    assert_eq!(
        alerts(&values, 150, &counted(&known)),
        [(150, vec![RuleKind::Zero])]
    );
}

#[test]
fn a_known_day_changes_nothing_of_what_is_usual_afterwards() {
    let known = format!("[[calendar]]\ndate = \"{}\"\nname = \"Fair\"", on(150));
    let usual_after = |value: f64| {
        let mut values = steady(180);
        values[150] = value;
        (151..180)
            .map(|at| judged(&values, at, &counted(&known)).usual)
            .collect::<Vec<_>>()
    };
    assert_eq!(usual_after(10.0), usual_after(100_000.0));
}

fn windows(lines: &str, values: &[f64]) -> Vec<JudgedDay> {
    let catalog = usual(&format!(
        "[tables.t]\nname = \"t\"\ncreated_at = \"at\"\n[[metrics]]\nkey = \"n\"\ntable = \"t\"\ncount = \"*\"\nwithin = {{ column = \"at\", days = {lines} }}\n"
    ));
    let keys: Vec<String> = catalog
        .metrics
        .iter()
        .map(|metric| metric.key.clone())
        .collect();
    let all: Vec<Entry> = (6..values.len())
        .map(|at| {
            let mut entry = day(&on(at).to_string());
            for key in &keys {
                let of = if key.ends_with("_7d") { at - 6 } else { at };
                let sum: f64 = values[of..=at].iter().sum();
                let value = Value::from_decimal(Decimal::from_f64_retain(sum).expect("a decimal"));
                entry = with(entry, key, Reading::observed(Some(value)));
            }
            entry
        })
        .collect();
    judge(&all, &catalog).days
}

fn standing_days(days: &[JudgedDay], metric: usize) -> Vec<NaiveDate> {
    let standing = days.iter().filter(|day| {
        let mut alerts = day.metrics[metric].alerts.iter();
        alerts.any(|alert| alert.state != State::Recovered)
    });
    standing.map(|day| day.date).collect()
}

#[test]
fn a_window_does_not_repeat_its_24_hours_and_alone_it_speaks_when_the_incident_enters() {
    let mut values = steady(240);
    values[200] = 0.0;
    values[201] = 0.0;
    let both = windows("[1, 7]", &values);
    assert_eq!(standing_days(&both, 0), [on(200), on(201)]);
    assert_eq!(standing_days(&both, 1), []);
    let after = both.iter().find(|day| day.date == on(201)).unwrap();
    assert_eq!(
        suppression(&after.metrics[1], 7),
        Some(Suppression::CoveredByDay)
    );
    let alone = windows("[7]", &values);
    assert_eq!(standing_days(&alone, 0), [on(200)]);
}

#[test]
fn a_young_metric_is_calm_but_for_what_is_far_beyond() {
    let week = [1000.0, 1050.0, 1020.0, 1040.0, 980.0, 300.0, 250.0];
    let mut values: Vec<f64> = (0..28).map(|at| week[at % 7]).collect();
    assert_eq!(alerts(&values, 0, &counted("")), []);
    let monday = judged(&values, 21, &counted(""));
    assert_eq!(suppression(&monday, 1), Some(Suppression::Learning));
    // Three Mondays are known on the fourth: the range begins with the fifth.
    assert_eq!(monday.learning_until, Some(on(28)));
    values[17] = 0.0;
    assert_eq!(first_alert(&values, 17, &counted("")), Some(0));
    values[17] = 200.0;
    let far = judged(&values, 17, &counted(""));
    assert_eq!(far.alerts[0].rule.kind(), RuleKind::Change(7));
    values[17] = 400.0;
    assert_eq!(first_alert(&values, 17, &counted("")), None);
}

#[test]
fn plain_thresholds_speak_at_once_and_to_the_letter() {
    let mut plain = counted("");
    plain.thresholds.judge = Judge::Thresholds;
    assert_eq!(
        alerts(&[100.0, 110.0], 0, &plain),
        [(1, vec![RuleKind::Change(1)])]
    );
    let mut values = steady(200);
    values[199] = (values[198] * 1.1).ceil();
    assert_eq!(
        judged(&values, 199, &plain).alerts[0].rule.kind(),
        RuleKind::Change(1)
    );
}

#[test]
fn a_level_that_stays_is_told_once_and_learnt_within_two_weeks() {
    let mut values = steady(240);
    for value in &mut values[200..] {
        *value = (*value * 1.5).round();
    }
    let all = alerts(&values, 200, &counted(""));
    let days: Vec<usize> = all.iter().map(|(at, _)| *at).collect();
    let last = *days.last().unwrap();
    assert_eq!(days, (200..=last).collect::<Vec<_>>());
    assert!(last < 214, "{last}");
    let settled = judged(&values, last + 1, &counted(""));
    assert!(
        settled.alerts.iter().any(|alert| alert.settled),
        "{last} {settled:?}"
    );
    assert!(settled.usual.unwrap().holds(values[last + 1]));
}

#[test]
fn an_echo_is_calm_and_says_so() {
    let mut values = steady(232);
    values[200] = 100.0;
    assert_eq!(alerts(&values, 200, &counted("")).len(), 1);
    for (at, span) in [(201, 1), (207, 7), (230, 30)] {
        assert_eq!(
            suppression(&judged(&values, at, &counted("")), span),
            Some(Suppression::Echo),
            "{at}"
        );
    }
}

#[test]
fn a_change_against_the_deviation_is_calm() {
    let mut values = steady(200);
    values[192] = 3000.0;
    // Higher than ever but for last week's peak, against which it fell.
    values[199] = 2000.0;
    let judged = judged(&values, 199, &counted(""));
    let change = judged
        .changes
        .iter()
        .find(|change| change.days == 7)
        .unwrap();
    let difference = change.difference().unwrap();
    assert_eq!(
        (
            difference.direction,
            difference.severity,
            difference.suppression
        ),
        (Direction::Down, None, None)
    );
}

#[test]
fn a_metric_may_hold_more_of_its_own_days() {
    let mut values = steady(300);
    for at in [160, 280] {
        values[at] *= 3.0;
    }
    let high = |lines: &str| judged(&values, 299, &counted(lines)).usual.unwrap().high;
    let (all, most) = (high("alert = { reach = 1.0 }"), high(""));
    assert!(all > 1.5 * most, "{all} {most}");
}

#[test]
fn a_range_never_promises_what_cannot_be() {
    let percent: Vec<f64> = noise(120, 3.0)
        .iter()
        .map(|noise| (98.0 + noise).clamp(0.0, 100.0))
        .collect();
    let range = judged(&percent, 119, &percentage()).usual.unwrap();
    assert!(range.high <= 100.0 && range.low >= 0.0, "{range:?}");
    let few: Vec<f64> = (0..120).map(|at| f64::from((at * at) % 5)).collect();
    let range = judged(&few, 119, &counted("")).usual.unwrap();
    assert!(range.low >= 0.0, "{range:?}");
    let total: Vec<f64> = (0..400).map(|at| 8000.0 + 10.0 * f64::from(at)).collect();
    let range = judged(&total, 399, &counted("")).usual.unwrap();
    // 11'990 today: half a per cent and the root both say about a hundred.
    assert!(range.low > 11_800.0 && range.high < 12_200.0, "{range:?}");
    assert_eq!(alerts(&total, 28, &counted("")), []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_change_that_alerts_lies_outside_the_drawn_range_on_its_side(values in any_values()) {
        let judgement = judge(&entries(&values), &counted(""));
        for (day, value) in judgement.days.iter().zip(&values) {
            let judged = &day.metrics[0];
            for alert in judged.alerts.iter().filter(|alert| alert.state != State::Recovered) {
                let (Rule::Change { difference, .. }, Some(usual)) = (&alert.rule, judged.usual) else {
                    continue;
                };
                let is_outside = match difference.direction {
                    Direction::Up => *value > usual.high,
                    Direction::Down => *value < usual.low,
                    Direction::Unchanged => false,
                };
                prop_assert!(is_outside, "{} {:?}", value, usual);
            }
        }
    }

    #[test]
    fn scaled_values_of_a_sum_have_a_scaled_range(values in any_values(), scale in 1u32..5000) {
        let scale = f64::from(scale);
        let scaled: Vec<f64> = values.iter().map(|value| value * scale).collect();
        // The least change that counts is a number of its own, which does not grow with the values.
        let mut catalog = summed();
        catalog.thresholds.min_base = 0.0;
        catalog.thresholds.min_change = 0.0;
        let (one, other) = (judge(&entries(&values), &catalog), judge(&entries(&scaled), &catalog));
        for (one, other) in one.days.iter().zip(&other.days) {
            let (one, other) = (one.metrics[0].usual, other.metrics[0].usual);
            prop_assert_eq!(one.is_some(), other.is_some());
            if let (Some(one), Some(other)) = (one, other) {
                for (one, other) in [(one.low, other.low), (one.high, other.high), (one.forecast, other.forecast)] {
                    // Bounds have nine digits behind the point, of which scaling makes more.
                    let rounding = 1e-9 * scale + 1e-6 * other.abs().max(1.0);
                    prop_assert!((one * scale - other).abs() <= rounding, "{} {}", one * scale, other);
                }
            }
        }
    }

    #[test]
    fn one_day_is_judged_as_in_the_judgement_of_all(values in any_values(), back in 0usize..40) {
        let all = entries(&values);
        let at = values.len() - 1 - back.min(values.len() - 1);
        let one = judge_day(on(at), &all, Vec::new(), &counted(""));
        let all = judge(&all, &counted(""));
        prop_assert_eq!(one.days.last(), all.days.get(at));
    }

    /// The rule as it is written, over all days anew for each day.
    #[test]
    fn ranges_are_those_of_the_written_rule(values in any_values()) {
        // Of days that alert in a row only the first widens the range: here none does.
        let mut catalog = summed();
        catalog.metrics[0].alert.percent.on = AlertOn::Off;
        let judgement = judge(&entries(&values), &catalog);
        for (at, day) in judgement.days.iter().enumerate() {
            let (expected, told) = (written_rule(&values[..at]), day.metrics[0].usual);
            prop_assert_eq!(expected.is_some(), told.is_some(), "{}", at);
            if let (Some((low, high)), Some(told)) = (expected, told) {
                prop_assert!((low - told.low).abs() < 1e-6 && (high - told.high).abs() < 1e-6, "{}: {} {} {:?}", at, low, high, told);
            }
        }
    }
}

fn any_values() -> impl Strategy<Value = Vec<f64>> {
    let value = prop_oneof![8 => 900..1100i32, 2 => 400..700i32, 1 => 1..5000i32];
    let values = prop::collection::vec(value, 1..200);
    values.prop_map(|values| values.into_iter().map(f64::from).collect())
}

fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.len() % 2 {
        0 => f64::midpoint(values[half - 1], values[half]),
        _ => values[half],
    }
}

/// Of what the last of the days is followed by. For a sum that is never zero or less.
fn written_rule(before: &[f64]) -> Option<(f64, f64)> {
    let same = |at: usize| -> Vec<f64> {
        let all: Vec<f64> = (0..at)
            .filter(|day| day % 7 == at % 7)
            .map(|day| before[day])
            .collect();
        all[all.len().saturating_sub(12)..].to_vec()
    };
    let mut roots: Vec<f64> = Vec::new();
    let mut errors: Vec<f64> = Vec::new();
    let last = |of: &[f64], most: usize| of[of.len().saturating_sub(most)..].to_vec();
    let level = |roots: &[f64]| {
        if roots.is_empty() {
            1.0
        } else {
            middle(last(roots, 14))
        }
    };
    for (at, value) in before.iter().enumerate() {
        let weekdays = same(at);
        if weekdays.len() >= 2 {
            let root = (value / middle(weekdays)).sqrt();
            errors.push(root - level(&roots));
            roots.push(root);
        }
    }
    let weekdays = same(before.len());
    if weekdays.len() < 4 || errors.len() < 14 {
        return None;
    }
    let mut newest = last(&errors, 84);
    let centre = middle(newest.clone());
    newest.sort_by(f64::total_cmp);
    let few = (56.0 / newest.len() as f64).max(1.0).sqrt();
    let deviation = few * (newest[newest.len() * 3 / 4] - newest[newest.len() / 4]) / 1.349;
    let mut year = last(&errors, 365);
    year.sort_by(f64::total_cmp);
    let (mut below, mut above) = (3.5 * deviation, 3.5 * deviation);
    if year.len() >= 56 {
        let beyond = (year.len() as f64 * 0.01).floor() as usize;
        below = below.max(centre - year[beyond]);
        above = above.max(year[year.len() - 1 - beyond] - centre);
    }
    let of = |root: f64| middle(weekdays.clone()) * root.max(0.0).powi(2);
    let expected = of(level(&roots) + centre);
    Some((
        of(level(&roots) + centre - below).min(expected * 0.995),
        of(level(&roots) + centre + above).max(expected * 1.005),
    ))
}
