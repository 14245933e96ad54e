//! A backtest replays the rules over stored days: against a replay written the slow way, and against what the
//! nights said.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod naive;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};
use daybook::catalog::{Catalog, Judge, Mute, Thresholds};
use daybook::compare::{History, RuleKind, Severity, State, Suppression, judge_day};
use daybook::entry::{Entry, Reading, Value};
use daybook::render;
use daybook::report::backtest::{Backtest, Standing, Totals, backtest};
use serde_json::Value as Json;

use crate::dice::Dice;
use crate::stored_days::{date, day, n, one_metric, series, with};
use crate::world::World;

use naive::{Rules, Stored};

const FIRST: &str = "2025-01-01";

struct Past {
    rules: Rules,
    days: BTreeMap<NaiveDate, Stored>,
    known: BTreeSet<NaiveDate>,
    mutes: Vec<Mute>,
}

/// Weekdays that differ, days that jump, were missed, were left open or have no number.
fn past(dice: &mut Dice) -> Past {
    let rules = Rules {
        warning: dice.below(4) as i64 * 7,
        critical: 21 + dice.below(20) as i64,
        min_base: [0, 20, 90][dice.below(3) as usize],
        min_change: [0, 5, 12][dice.below(3) as usize],
        falls: !dice.one_in(4),
        rises: !dice.one_in(4),
        limit: dice.one_in(2).then(|| 120 + dice.below(60) as i64),
        good: [-1, 0, 1][dice.below(3) as usize],
    };
    let weekly: Vec<u64> = (0..7).map(|_| 60 + dice.below(60)).collect();
    let noise = 1 + dice.below(25);
    let (mut days, mut known) = (BTreeMap::new(), BTreeSet::new());
    let count = 60 + dice.below(200) as usize;
    for (at, on) in date(FIRST).iter_days().take(count).enumerate() {
        let ordinary = weekly[at % 7] + dice.below(noise);
        let value = match dice.below(20) {
            0 => None,
            1 => Some(ordinary * 2),
            2 => Some(ordinary / 3),
            3 => Some(0),
            _ => Some(ordinary),
        };
        let open = dice.one_in(40);
        if !dice.one_in(20) {
            let value = value.map(|value| value as i64);
            days.insert(on, Stored { value, open });
        }
        if dice.one_in(25) {
            known.insert(on);
        }
    }
    let mute = |dice: &mut Dice| {
        let from = date(FIRST) + Days::new(dice.below(250));
        Mute {
            key: dice.pick(&["n", "n", "other"]).to_owned(),
            from,
            until: from + Days::new(dice.below(20)),
            because: "of a test".to_owned(),
        }
    };
    let mutes = (0..dice.below(4)).map(|_| mute(dice)).collect();
    Past {
        rules,
        days,
        known,
        mutes,
    }
}

impl Past {
    fn catalog(&self) -> Catalog {
        let on = match (self.rules.falls, self.rules.rises) {
            (true, true) => "both",
            (true, false) => "falls",
            (false, true) => "rises",
            (false, false) => "off",
        };
        let good = match self.rules.good {
            1 => "up",
            -1 => "down",
            _ => "neutral",
        };
        let limit = self.rules.limit;
        let limit = limit.map_or_else(String::new, |over| format!("critical = \"> {over}\", "));
        let known = self.known.iter();
        let known: String = known
            .map(|date| format!("[[calendar]]\ndate = \"{date}\"\nname = \"Fair\"\n"))
            .collect();
        Catalog {
            thresholds: Thresholds {
                warning: self.rules.warning as f64,
                critical: self.rules.critical as f64,
                min_base: self.rules.min_base as f64,
                min_change: self.rules.min_change as f64,
                judge: Judge::Thresholds,
            },
            ..one_metric(&format!(
                "good = \"{good}\"\nalert = {{ {limit}percent = {{ on = \"{on}\" }} }}\n{known}"
            ))
        }
    }

    fn entries(&self) -> Vec<Entry> {
        let entry = |(on, stored): (&NaiveDate, &Stored)| {
            let reading = match stored.value {
                Some(value) => Reading::observed(Some(Value::Whole(value))),
                None => Reading::unavailable("nobody knows"),
            };
            let mut entry = with(day(&on.to_string()), "n", reading);
            entry.partial = stored.open;
            entry
        };
        self.days.iter().map(entry).collect()
    }

    fn newest_complete(&self) -> NaiveDate {
        let complete = self.days.iter().filter(|(_, stored)| !stored.open);
        *complete.map(|(on, _)| on).max().unwrap()
    }

    fn is_muted(&self, on: NaiveDate) -> bool {
        let mut mutes = self.mutes.iter();
        mutes.any(|mute| mute.key == "n" && mute.from <= on && on <= mute.until)
    }

    fn replay(&self) -> naive::Replay {
        naive::replay(&naive::World {
            rules: self.rules,
            days: &self.days,
            known: &|on| self.known.contains(&on),
            muted: &|on| self.is_muted(on),
        })
    }

    fn backtest(&self, days: u32) -> Backtest {
        let catalog = self.catalog();
        let history = History::from_entries(&self.entries(), &catalog).muted(self.mutes.clone());
        backtest(&history, self.newest_complete(), days, &|_| true, &catalog)
    }
}

fn line(kind: RuleKind, one: &Standing) -> String {
    let (severity, state) = (one.severity, one.state);
    let mut line = format!("{} {} {severity:?} {state:?}", one.date, days_of(kind));
    line.make_ascii_lowercase();
    for (is, word) in [(one.welcome, " welcome"), (one.muted, " muted")] {
        if is {
            line.push_str(word);
        }
    }
    line
}

fn days_of(kind: RuleKind) -> u32 {
    match kind {
        RuleKind::Change(days) => days,
        _ => 0,
    }
}

fn sorted<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.into_iter().collect();
    items.sort();
    items
}

#[test]
fn a_backtest_tells_what_a_replay_by_hand_finds() {
    let mut told = 0;
    for seed in 0..400 {
        let mut dice = Dice(seed);
        let past = past(&mut dice);
        let days = 1 + dice.below(300) as u32;
        let replay = past.replay();
        let found = past.backtest(days);
        let last = past.newest_complete();
        let first = last - Days::new(u64::from(days) - 1);
        let inside = |on: &NaiveDate| first <= *on && *on <= last;

        let complete = past
            .days
            .iter()
            .filter(|(on, stored)| !stored.open && inside(on));
        assert_eq!(found.judged, complete.count(), "seed {seed}");
        let [metric] = &found.metrics[..] else {
            panic!("one metric");
        };
        let rules = metric.rules.iter();
        let lines = rules.flat_map(|rule| rule.standing.iter().map(|one| line(rule.kind, one)));
        let expected = replay.standing.iter().filter(|(on, ..)| inside(on));
        let expected = sorted(expected.map(|(.., line)| line.clone()));
        told += expected.len();
        assert_eq!(sorted(lines), expected, "seed {seed}: {:?}", past.rules);

        let rules = metric.rules.iter();
        let known = rules.flat_map(|rule| {
            let days = rule.days_suppressed(Suppression::KnownDay);
            days.map(|on| (on, u64::from(days_of(rule.kind))))
        });
        let expected = replay.known.iter().copied().filter(|(on, _)| inside(on));
        assert_eq!(sorted(known), sorted(expected), "seed {seed}");
        // The slow replay knows no ranges.
        let found = Totals {
            over_next_day: 0,
            ..found.totals()
        };
        assert_eq!(found, totals(&replay, &inside), "seed {seed}");
    }
    assert!(told > 10_000, "{told} alerts are too few to show anything");
}

/// Counted from the lines of the replay.
fn totals(replay: &naive::Replay, inside: &dyn Fn(&NaiveDate) -> bool) -> Totals {
    let mut totals = Totals::default();
    let lines = replay.standing.iter().filter(|(on, ..)| inside(on));
    let mut by_day: BTreeMap<NaiveDate, Vec<&str>> = BTreeMap::new();
    for (on, _, line) in lines {
        by_day.entry(*on).or_default().push(line);
    }
    for lines in by_day.values() {
        let muted = lines[0].ends_with("muted");
        let is = |line: &&&str, word: &str| line.split(' ').any(|one| one == word);
        let welcome = |line: &&&str| is(line, "welcome");
        let new: Vec<&&str> = lines.iter().filter(|line| is(line, "new")).collect();
        let unwelcome: Vec<&&&str> = new.iter().filter(|line| !welcome(line)).collect();
        let critical = unwelcome.iter().any(|line| is(line, "critical"));
        match (new.is_empty(), muted, unwelcome.is_empty(), critical) {
            (true, ..) => {}
            (_, true, ..) => totals.muted += 1,
            (_, _, true, _) => totals.welcome += 1,
            (_, _, _, true) => totals.critical += 1,
            (_, _, _, false) => totals.warnings += 1,
        }
        let standing = lines.iter().any(|line| !welcome(&line));
        totals.days_in_alert += usize::from(standing && !muted);
    }
    totals.known = replay.known.iter().filter(|(on, _)| inside(on)).count();
    totals
}

#[test]
fn a_backtest_tells_what_every_night_said() {
    for seed in 1000..1020 {
        let past = past(&mut Dice(seed));
        let (catalog, entries) = (past.catalog(), past.entries());
        let found = past.backtest(400);
        let mut nights = Vec::new();
        for entry in entries.iter().filter(|entry| !entry.partial) {
            let judgement = judge_day(entry.date, &entries, Vec::new(), &catalog);
            let judged = &judgement.day(entry.date).unwrap().metrics[0];
            let standing = judged.alerts.iter();
            let standing = standing.filter(|alert| alert.state != State::Recovered);
            nights.extend(standing.map(|alert| (entry.date, alert.severity, alert.state as u8)));
        }
        let rules = found.metrics[0]
            .rules
            .iter()
            .flat_map(|rule| &rule.standing);
        let rules = rules.map(|one| (one.date, one.severity, one.state as u8));
        assert_eq!(sorted(rules), sorted(nights), "seed {seed}");
    }
}

#[test]
fn the_text_tells_how_often_and_on_which_days_and_what_others_would_change() {
    let entries = series("2025-09-01", "100 100 130 130 100 112 100");
    let catalog = one_metric("");
    let history = History::from_entries(&entries, &catalog);
    let last = date("2025-09-07");
    let now = backtest(&history, last, 7, &|_| true, &catalog);
    let mild = Catalog {
        thresholds: Thresholds {
            warning: 20.0,
            critical: 40.0,
            ..catalog.thresholds
        },
        ..catalog.clone()
    };
    let tried = backtest(&history, last, 7, &|_| true, &mild);
    let expected = "\
7 days, Mon 1 Sep 2025 to Sun 7 Sep 2025

                                    now      tried
Red mornings                          4          2
  a week                            4.0        2.0
New alerts                            4          2
  critical                            1          0
  warnings                            3          2
  a week                            4.0        2.0
  gone the next day                   0          1
  a week                            0.0        1.0
Improvements                          0          0
Muted alerts                          0          0
Suppressed: usual                     0          0
Suppressed: unusual then              0          0
Suppressed: learning                  0          0
Suppressed: see its last day          0          0
Suppressed: known day                 0          0

Metric                              new     a week   critical   red days  gone the next day
n                                 4 → 2  4.0 → 2.0      1 → 0      4 → 2              0 → 1
  Sun 7 Sep 2025  warning
  Sat 6 Sep 2025  warning
  Fri 5 Sep 2025  warning
  Wed 3 Sep 2025  critical
";
    assert_eq!(
        render::backtest::text(&now, Some(("tried", &tried))),
        expected
    );
    assert_eq!(now.metrics[0].begun()[0].severity, Severity::Critical);
}

/// Three hundred days up to 3 October 2025, calm but for twelve days of the last two months.
pub(crate) fn bursty(burst: impl Fn(i32) -> f64) -> Vec<(NaiveDate, u64)> {
    let mut dice = Dice(3);
    let days = date("2024-12-08").iter_days().take(300).enumerate();
    days.map(|(at, on)| {
        let value = 997.0 + dice.below(7) as f64;
        let bursts = at >= 240 && at % 5 == 0;
        let times = if bursts {
            burst((at as i32 - 240) / 5)
        } else {
            1.0
        };
        (on, (value * times).round() as u64)
    })
    .collect()
}

/// Three bursts of nearly the same size, then three larger ones: a range that leaves out the two largest of its own
/// days holds none of them, one that leaves out the largest holds every third.
pub(crate) fn in_threes(at: i32) -> f64 {
    1.5 * 1.3_f64.powi(at / 3) * (1.0 - 0.02 * f64::from(at % 3))
}

fn bursty_history(catalog: &Catalog) -> History {
    let days = bursty(in_threes);
    let entries: Vec<Entry> = days
        .iter()
        .map(|(on, value)| n(&on.to_string(), &value.to_string()))
        .collect();
    History::from_entries(&entries, catalog)
}

fn by_usual(lines: &str) -> Catalog {
    let mut catalog = one_metric(lines);
    catalog.thresholds.judge = Judge::Usual;
    catalog
}

#[test]
fn the_text_tells_red_mornings_what_was_gone_the_next_day_and_what_a_wider_reach_would_change() {
    let text = |catalog: &Catalog| {
        let history = bursty_history(catalog);
        let last = date("2025-10-03");
        let found = backtest(&history, last, 90, &|_| true, catalog);
        render::backtest::text(&found.trying_reaches(&history, catalog), None)
    };
    let expected = "\
90 days, Sun 6 Jul 2025 to Fri 3 Oct 2025

Red mornings                         12
  a week                            0.9
New alerts                           12
  critical                           12
  warnings                            0
  a week                            0.9
  gone the next day                  12
  a week                            0.9
Improvements                          0
Muted alerts                          0
Suppressed: usual                     0
Suppressed: unusual then             23
Suppressed: learning                  0
Suppressed: see its last day          0
Suppressed: known day                 0

Metric                              new     a week   critical   red days  gone the next day
n                                    12        0.9         12         12                 12
  → 8 with reach 0.99
  Mon 29 Sep 2025  critical, gone the next day
  Wed 24 Sep 2025  critical, gone the next day
  Fri 19 Sep 2025  critical, gone the next day
  Sun 14 Sep 2025  critical, gone the next day
  Tue 9 Sep 2025  critical, gone the next day
  Thu 4 Sep 2025  critical, gone the next day
  and 6 earlier
";
    assert_eq!(text(&by_usual("")), expected);
    let wider = text(&by_usual("alert = { reach = 0.99 }"));
    assert!(wider.contains("\n  → 4 with reach 0.995\n"), "{wider}");
    let widest = text(&by_usual("alert = { reach = 1.0 }"));
    assert!(!widest.contains("with reach"), "{widest}");
}

#[test]
fn an_alert_is_over_the_next_day_where_it_stood_alone_and_two_ordinary_days_follow() {
    let lines = "alert = { warning = \"> 5\", percent = { on = \"off\" } }";
    let over = |values: &str, calendar: &str| -> Vec<String> {
        let catalog = one_metric(&format!("{lines}\n{calendar}"));
        let entries = series("2025-09-01", values);
        let history = History::from_entries(&entries, &catalog);
        let found = backtest(&history, date("2025-09-14"), 14, &|_| true, &catalog);
        let days = found.metrics[0].over_next_day.iter();
        days.map(ToString::to_string).collect()
    };
    let values = "1 9 1 1 9 9 1 1 9 1 9 1 1 9";
    assert_eq!(over(values, ""), ["2025-09-02", "2025-09-11"]);
    // What became of it is not known.
    assert_eq!(over("1 9 - 1 1 1 1 9 1 1 1 1 1 1", ""), ["2025-09-08"]);
    let fair = "[[calendar]]\ndate = \"2025-09-03\"\nname = \"Fair\"";
    assert_eq!(over(values, fair), ["2025-09-11"]);
}

/// The settings of a shop whose orders fell by half on the last of eight days.
async fn shop() -> World {
    let mut world = World::new(
        "2025-10-04T06:00:00Z",
        "[[metrics]]\nkey = \"orders\"\nsql = \"SELECT 1\"\n[[metrics]]\nkey = \"visits\"\nsql = \"SELECT 1\"\n",
    );
    let days = (3..=10).map(|at| date("2025-09-23") + Days::new(at));
    let line = |on: NaiveDate| {
        let orders = if on == date("2025-10-03") { 46 } else { 100 };
        format!("{on},orders,{orders}\n{on},visits,1000\n")
    };
    let text: String = days.map(line).collect();
    world.write("days.csv", &format!("date,key,value\n{text}"));
    world.command(&["import", "days.csv"]).await.unwrap();
    world.at("2025-10-04T06:00:00Z");
    world
}

fn printed(world: &World, args: &[&str]) -> Json {
    let output = world.binary(args);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn the_command_tries_other_thresholds_beside_the_present_ones() {
    let world = shop().await;
    let args = [
        "alerts",
        "backtest",
        "--days",
        "5",
        "--json",
        "--critical",
        "60",
    ];
    let told = printed(&world, &args);
    assert_eq!(told["from"], "2025-09-29");
    assert_eq!(told["to"], "2025-10-03");
    assert_eq!(told["days"], 5);
    assert_eq!(told["now"]["critical"], 1);
    assert_eq!(told["tried"]["critical"], 0);
    assert_eq!(told["tried"]["warnings"], 1);
    assert_eq!(told["tried"]["options"]["critical"], 60.0);
    let rules = told["now"]["metrics"][0]["rules"].as_array().unwrap();
    let named: Vec<&str> = rules
        .iter()
        .map(|rule| rule["rule"].as_str().unwrap())
        .collect();
    assert_eq!(named, ["1 day", "7 days"]);
    assert_eq!(rules[0]["days"][0]["date"], "2025-10-03");
    assert_eq!(rules[0]["days"][0]["state"], "new");
}

#[tokio::test]
async fn another_reach_and_another_judge_can_be_tried() {
    let mut world = World::new(
        "2025-10-04T06:00:00Z",
        "[alerts]\nwarning = 10\n[[metrics]]\nkey = \"n\"\nsql = \"SELECT 1\"\n",
    );
    let days = bursty(in_threes);
    let lines: String = days
        .iter()
        .map(|(on, value)| format!("{on},n,{value}\n"))
        .collect();
    world.write("days.csv", &format!("date,key,value\n{lines}"));
    world.command(&["import", "days.csv"]).await.unwrap();
    world.at("2025-10-04T06:00:00Z");
    let tried = |option: &str, value: &str| {
        printed(&world, &["alerts", "backtest", "--json", option, value])
    };
    let told = tried("--reach", "0.99");
    assert_eq!(told["tried"]["options"]["reach"], 0.99);
    assert_eq!(told["tried"]["critical"], 8);
    let now = &told["now"];
    assert_eq!(now["critical"], 12);
    assert_eq!(now["days_in_alert"], 12);
    assert_eq!(now["days_in_alert_a_week"], 84.0 / 90.0);
    assert_eq!(now["over_next_day"], 12);
    assert_eq!(now["over_next_day_a_week"], 84.0 / 90.0);
    let calm = ["usual", "echo", "learning", "told_by_day", "known"].map(|why| &now[why]);
    assert_eq!(calm, [0, 23, 0, 0, 0]);
    let metric = &now["metrics"][0];
    assert_eq!(metric["over_next_day"], 12);
    assert_eq!(metric["with_reach"]["reach"], 0.99);
    assert_eq!(metric["with_reach"]["critical"], 8);
    assert_eq!(metric["with_reach"]["days_in_alert"], 8);
    assert_eq!(told["tried"]["metrics"][0]["with_reach"], Json::Null);
    let echoes = metric["rules"][0]["echo"].as_array().unwrap();
    assert_eq!(echoes.last().unwrap(), "2025-09-30");
    let told = tried("--judge", "thresholds");
    assert_eq!(told["tried"]["options"]["judge"], "thresholds");
    assert_eq!(told["tried"]["over_next_day"], 0);
    assert!(told["tried"]["days_in_alert"].as_u64().unwrap() > 24);
    let refused = world.binary(&["alerts", "backtest", "--reach", "1.5"]);
    assert_eq!(refused.status.code(), Some(2));
}

#[tokio::test]
async fn one_metric_alone_can_be_asked_for_by_its_name_only() {
    let world = shop().await;
    let told = printed(
        &world,
        &["alerts", "backtest", "--metric", "visits", "--json"],
    );
    let metrics = told["now"]["metrics"].as_array().unwrap();
    assert_eq!(metrics.len(), 1);
    assert_eq!(metrics[0]["key"], "visits");
    let refused = world
        .command(&["alerts", "backtest", "--metric", "visit"])
        .await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.exit_code(), 2);
    assert!(
        refused.to_string().contains("did you mean `visits`?"),
        "{refused}"
    );
    let crossed = ["alerts", "backtest", "--warning", "30"];
    let refused = world.command(&crossed).await.unwrap_err();
    assert_eq!(refused.exit_code(), 2);
}

#[test]
fn a_single_day_says_nothing() {
    let entries = [n("2025-10-03", "5")];
    let catalog = one_metric("");
    let history = History::from_entries(&entries, &catalog);
    let found = backtest(&history, date("2025-10-03"), 90, &|_| true, &catalog);
    assert_eq!(found.judged, 1);
    assert_eq!(found.totals(), Totals::default());
}
