//! Live metrics of days are what a recount of the events gives, wherever they are read and whatever has become of them.

use std::path::Path;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use daybook::calendar::{AsOf, Day};
use daybook::config::LiveSettings;
use daybook::config::live::Durable;
use daybook::kinds::{Aggregate, Figure};
use daybook::live::batch::Batch;
use daybook::live::event::Event;
use daybook::live::grain::Grain;
use daybook::live::night::{Answer, Asked, Request, answer};
use daybook::live::number::Number;
use daybook::live::store::{Known, Store};
use rust_decimal::prelude::ToPrimitive;
use support::checkouts::{Sent, keep, midnight, record, some};
use support::dice::Dice;
use support::world::{App, World};

use super::{CHECKOUT, METRICS};

const WORDS: [&str; 11] = [
    "count",
    "succeeded",
    "failed",
    "success_pct",
    "sum of amount",
    "avg of amount",
    "min of duration",
    "max of amount",
    "last of duration",
    "p50 of duration",
    "p99.9 of duration",
];

/// Longer than usual, so that two weeks can be counted both ways.
const KEPT: &str = r#"keep = { points = "20d", hourly = "40d" }"#;

fn world(kind: &str) -> World {
    let settings = format!("[live]\n[live.kinds.checkout]\n{kind}\n{KEPT}\n{METRICS}");
    World::new("2026-11-20T11:00:00Z", &settings)
}

fn live(world: &World) -> LiveSettings {
    world.config().live.unwrap()
}

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A number with the labels that are asked for and the days of its window.
#[derive(Debug, Clone)]
pub(super) struct Question {
    figure: Figure,
    days: u32,
}

pub(super) fn question(word: &str, labels: &[(&str, &str)], days: u32) -> Question {
    let labels = labels.iter();
    let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    Question {
        figure: Figure {
            kind: "checkout".to_owned(),
            aggregate: Aggregate::parse(word).unwrap(),
            labels: labels.map(owned).collect(),
        },
        days,
    }
}

async fn ask(
    live: &LiveSettings,
    questions: &[Question],
    moments: &[AsOf],
    prefers_rollups: bool,
) -> Vec<Vec<Answer>> {
    let asked: Vec<Asked<'_>> = questions
        .iter()
        .map(|question| Asked {
            figure: &question.figure,
            days: question.days,
        })
        .collect();
    let request = Request {
        live,
        asked: &asked,
        moments,
        prefers_rollups,
    };
    answer(&request).await.answers
}

async fn ask_one(live: &LiveSettings, question: Question, day: &str, zone: Tz) -> Answer {
    let moment = Day::new(day.parse().unwrap(), zone).unwrap().close();
    ask(live, &[question], &[moment], false)
        .await
        .remove(0)
        .remove(0)
}

/// The number that the program gave; `None`: none.
fn told(answer: &Answer) -> Option<f64> {
    let Answer::Counted(counted) = answer else {
        panic!("{answer:?}");
    };
    counted.number.map(|number| match number {
        Number::Exact(decimal) => decimal.to_f64().unwrap(),
        Number::Binary(float) => float,
    })
}

fn grain(answer: &Answer) -> Option<Grain> {
    let Answer::Counted(counted) = answer else {
        panic!("{answer:?}");
    };
    counted.grain
}

fn why(answer: &Answer) -> &str {
    match answer {
        Answer::Unknown(why) | Answer::Failed(why) => why,
        Answer::Counted(_) => panic!("{answer:?}"),
    }
}

/// Counted one by one, with nothing of the program but the names of the words.
pub(super) fn recount(
    sent: &[Sent],
    question: &Question,
    begin: DateTime<Utc>,
    end: DateTime<Utc>,
) -> Option<f64> {
    let has = |one: &Sent, label: &str, text: &str| match label {
        "shop" => one.shop == text,
        "method" => one.method == Some(text),
        _ => one.order == text,
    };
    let labels = &question.figure.labels;
    let mut all: Vec<&Sent> = sent
        .iter()
        .filter(|one| begin <= one.at && one.at < end)
        .filter(|one| labels.iter().all(|(label, text)| has(one, label, text)))
        .collect();
    let of = |ok| all.iter().filter(|one| one.ok == Some(ok)).count() as f64;
    let amounts: Vec<i64> = all.iter().filter_map(|one| one.amount).collect();
    let mut durations: Vec<i64> = all.iter().map(|one| one.duration).collect();
    durations.sort_unstable();
    let percentile = |of_a_thousand: usize| {
        let at_least = (durations.len() * of_a_thousand).div_ceil(1000);
        Some(durations[at_least.checked_sub(1)?] as f64 / 1000.0)
    };
    match question.figure.aggregate.to_string().as_str() {
        "count" => Some(all.len() as f64),
        "succeeded" => Some(of(true)),
        "failed" => Some(of(false)),
        "success_pct" => {
            let ended = of(true) + of(false);
            (ended > 0.0).then(|| 100.0 * of(true) / ended)
        }
        "sum of amount" => Some(amounts.iter().sum::<i64>() as f64 / 100.0),
        "avg of amount" => {
            let count = amounts.len() as f64;
            (count > 0.0).then(|| amounts.iter().sum::<i64>() as f64 / 100.0 / count)
        }
        "min of duration" => Some(*durations.first()? as f64 / 1000.0),
        "max of amount" => Some(*amounts.iter().max()? as f64 / 100.0),
        "last of duration" => {
            all.sort_by_key(|one| (one.at, one.duration));
            Some(all.last()?.duration as f64 / 1000.0)
        }
        "p50 of duration" => percentile(500),
        "p99.9 of duration" => percentile(999),
        other => panic!("{other}"),
    }
}

/// Between a number and a recount of it; percentiles of sketches are right to within 0.8 %.
fn assert_agree(answer: &Answer, expected: Option<f64>, about: &str) {
    let Answer::Counted(counted) = answer else {
        panic!("{about}: {answer:?}");
    };
    let tolerance = if counted.is_estimate { 0.008 } else { 1e-12 };
    match (told(answer), expected) {
        (Some(told), Some(expected)) => assert!(
            (told - expected).abs() <= tolerance * expected.abs(),
            "{about}: {told} for {expected}"
        ),
        (told, expected) => assert_eq!(told, expected, "{about}"),
    }
}

fn every_question() -> Vec<Question> {
    let labels: [&[(&str, &str)]; 4] = [
        &[],
        &[("shop", "zh")],
        &[("method", "card"), ("shop", "be")],
        &[("method", "cash")],
    ];
    let mut all = Vec::new();
    for labels in labels {
        for days in [1, 7] {
            all.extend(WORDS.iter().map(|word| question(word, labels, days)));
        }
    }
    all
}

/// Where clocks stand at a quarter to, change by half an hour, and skip midnight.
const PLACES: [(Tz, &str); 4] = [
    (Tz::Europe__Zurich, "2026-10-20"),
    (Tz::Asia__Kathmandu, "2026-10-20"),
    (Tz::Australia__Lord_Howe, "2026-09-29"),
    (Tz::America__Santiago, "2026-09-01"),
];

#[tokio::test]
async fn every_number_is_a_recount_in_odd_zones_on_clock_changes_sealed_or_fresh_and_once_events_are_gone()
 {
    let questions = every_question();
    for (seed, (zone, first)) in PLACES.into_iter().enumerate() {
        let mut dice = Dice(seed as u64 + 7);
        let world = world(CHECKOUT);
        let live = live(&world);
        let first: NaiveDate = first.parse().unwrap();
        let start = midnight(first, zone);
        let sent = some(&mut dice, zone, start, 12, 900);
        // In any order, and sealed in between, so that many chunks overlap.
        let (early, late) = sent.split_at(600);
        record(&live, early).await;
        keep(&live, zone, start + TimeDelta::days(5)).await;
        record(&live, late).await;
        let days: Vec<Day> = (0..12)
            .filter_map(|day| Day::new(first + Days::new(day), zone).ok())
            .collect();
        let moments: Vec<AsOf> = days.iter().map(|day| day.close()).collect();
        let rounds = [
            // As recorded; sealed and sorted; without points; without hours.
            None,
            Some(TimeDelta::days(13)),
            Some(TimeDelta::days(33)),
            Some(TimeDelta::days(60)),
        ];
        for (round, kept) in rounds.into_iter().enumerate() {
            if let Some(kept) = kept {
                keep(&live, zone, start + kept).await;
            }
            for prefers_rollups in [false, true] {
                let answers = ask(&live, &questions, &moments, prefers_rollups).await;
                for (question, answers) in questions.iter().zip(&answers) {
                    for (day, answer) in days.iter().zip(answers) {
                        let about = format!("{zone} {} {question:?} {round}", day.date);
                        let is_group =
                            question.figure.labels != [("method".to_owned(), "cash".to_owned())];
                        if round > 1 && !is_group {
                            assert!(
                                why(answer).contains("none are rolled up by method"),
                                "{about}"
                            );
                            continue;
                        }
                        let end = midnight(day.date + Days::new(1), zone);
                        let begin = midnight(
                            day.date + Days::new(1) - Days::new(question.days.into()),
                            zone,
                        );
                        assert_agree(answer, recount(&sent, question, begin, end), &about);
                        if round > 1 {
                            assert_eq!(grain(answer), Some(Grain::Day), "{about}");
                        }
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn an_open_day_counts_up_to_the_moment() {
    let world = world(CHECKOUT);
    let live = live(&world);
    let zone = Tz::Europe__Zurich;
    let sent = some(&mut Dice(3), zone, instant("2026-11-18T23:00:00Z"), 2, 300);
    record(&live, &sent).await;
    keep(&live, zone, instant("2026-11-20T11:30:00Z")).await;
    let now = instant("2026-11-20T11:27:31.25Z");
    let moment = Day::containing(now, zone).as_of(now);
    let question = question("sum of amount", &[], 1);
    let answers = ask(&live, std::slice::from_ref(&question), &[moment], true).await;
    let expected = recount(&sent, &question, now - TimeDelta::days(1), now);
    assert_eq!(told(&answers[0][0]), expected);
    assert_eq!(grain(&answers[0][0]), None);
}

#[tokio::test]
async fn events_that_come_late_are_counted_the_next_time_also_when_the_others_are_gone() {
    let world = world(CHECKOUT);
    let live = live(&world);
    let zone = Tz::Europe__Zurich;
    let mut sent = some(&mut Dice(5), zone, instant("2026-11-01T23:00:00Z"), 3, 200);
    record(&live, &sent).await;
    let count = || question("count", &[], 1);
    let day = instant("2026-11-02T23:00:00Z")..instant("2026-11-03T23:00:00Z");
    for later in [4, 6, 30] {
        keep(
            &live,
            zone,
            instant("2026-11-01T23:00:00Z") + TimeDelta::days(later),
        )
        .await;
        let more = some(&mut Dice(later as u64), zone, day.start, 1, 30);
        record(&live, &more).await;
        sent.extend(more);
        let expected = recount(&sent, &count(), day.start, day.end);
        let answer = ask_one(&live, count(), "2026-11-03", zone).await;
        assert_eq!(told(&answer), expected, "{later}");
        assert_eq!(grain(&answer), (later == 30).then_some(Grain::Day));
    }
}

#[tokio::test]
async fn after_a_change_of_zone_rollups_count_only_where_their_hours_fit() {
    let world = world(CHECKOUT);
    let live = live(&world);
    let zurich = Tz::Europe__Zurich;
    let start = instant("2026-11-01T23:00:00Z");
    let sent = some(&mut Dice(9), zurich, start, 10, 400);
    record(&live, &sent).await;
    let count = || question("count", &[], 1);
    let asked_in = async |zone: Tz| ask_one(&live, count(), "2026-11-06", zone).await;
    let expected = |zone: Tz| {
        let midnight = |day: &str| midnight(day.parse().unwrap(), zone);
        recount(
            &sent,
            &count(),
            midnight("2026-11-06"),
            midnight("2026-11-07"),
        )
    };
    keep(&live, zurich, start + TimeDelta::days(11)).await;
    for zone in [zurich, Tz::Asia__Kathmandu, Tz::Europe__London] {
        assert_eq!(told(&asked_in(zone).await), expected(zone), "{zone}");
    }
    // Without points: London's days are whole hours of Zurich, Kathmandu's are not.
    keep(&live, zurich, start + TimeDelta::days(25)).await;
    assert_eq!(grain(&asked_in(zurich).await), Some(Grain::Day));
    assert_eq!(
        grain(&asked_in(Tz::Europe__London).await),
        Some(Grain::Hour)
    );
    assert_eq!(
        told(&asked_in(Tz::Europe__London).await),
        expected(Tz::Europe__London)
    );
    let answer = asked_in(Tz::Asia__Kathmandu).await;
    assert_eq!(
        why(&answer),
        "its events are no longer kept, and they were rolled up by whole hours of Europe/Zurich"
    );
    // Without hours.
    keep(&live, zurich, start + TimeDelta::days(60)).await;
    assert_eq!(told(&asked_in(zurich).await), expected(zurich));
    assert!(matches!(
        asked_in(Tz::Europe__London).await,
        Answer::Unknown(_)
    ));
    // Without days.
    keep(&live, zurich, start + TimeDelta::days(120)).await;
    let answer = asked_in(zurich).await;
    assert_eq!(
        why(&answer),
        "its events are no longer kept, nor are their rollups"
    );
}

#[tokio::test]
async fn days_that_two_zones_rolled_up_are_unknown_once_their_events_are_gone() {
    let world = world(CHECKOUT);
    let live = live(&world);
    let start = instant("2026-11-01T23:00:00Z");
    let (zurich, kathmandu) = (Tz::Europe__Zurich, Tz::Asia__Kathmandu);
    let sent = some(&mut Dice(11), zurich, start, 6, 400);
    let before = |one: &&Sent| one.at < start + TimeDelta::hours(60);
    let (early, late): (Vec<&Sent>, Vec<&Sent>) = sent.iter().partition(before);
    let owned = |sent: Vec<&Sent>| sent.into_iter().cloned().collect::<Vec<_>>();
    record(&live, &owned(early)).await;
    keep(&live, zurich, start + TimeDelta::hours(62)).await;
    record(&live, &owned(late)).await;
    keep(&live, kathmandu, start + TimeDelta::days(30)).await;
    for (day, zone, is_known) in [
        ("2026-11-02", zurich, true),
        ("2026-11-02", kathmandu, false),
        ("2026-11-04", zurich, false),
        ("2026-11-04", kathmandu, false),
        ("2026-11-06", kathmandu, true),
        ("2026-11-06", zurich, false),
    ] {
        let answer = ask_one(&live, question("count", &[], 1), day, zone).await;
        let date: NaiveDate = day.parse().unwrap();
        let window = (midnight(date, zone), midnight(date + Days::new(1), zone));
        match is_known {
            true => assert_eq!(
                told(&answer),
                recount(&sent, &question("count", &[], 1), window.0, window.1)
            ),
            false => assert!(
                matches!(answer, Answer::Unknown(_)),
                "{day} {zone} {answer:?}"
            ),
        }
    }
}

/// Whatever has become of the events, of the zone and of the windows: a number is right, or it is not given.
#[tokio::test]
async fn a_number_is_a_recount_or_unknown_whatever_zones_and_keepers_did() {
    const ZONES: [Tz; 6] = [
        Tz::Europe__Zurich,
        Tz::Asia__Kathmandu,
        Tz::Australia__Lord_Howe,
        Tz::America__St_Johns,
        Tz::Europe__London,
        Tz::UTC,
    ];
    let questions = [
        question("count", &[], 1),
        question("sum of amount", &[("shop", "be")], 3),
        question("last of duration", &[("method", "cash"), ("shop", "zh")], 1),
    ];
    let (mut known, mut unknown) = (0, 0);
    for seed in 0..6 {
        let mut dice = Dice(seed);
        let world = world(CHECKOUT);
        let live = live(&world);
        let start = instant("2026-10-01T00:00:00Z");
        let mut now = start;
        let mut sent = Vec::new();
        for _ in 0..5 {
            let zone = ZONES[dice.below(6) as usize];
            let more = some(&mut dice, zone, now, 6, 150);
            record(&live, &more).await;
            sent.extend(more);
            now += TimeDelta::days(4) + TimeDelta::minutes(dice.below(1440) as i64);
            let later = [3, 20, 33, 60][dice.below(4) as usize];
            keep(&live, zone, now + TimeDelta::days(later)).await;
        }
        for zone in ZONES {
            let first: NaiveDate = start.date_naive();
            let days = (0..26).filter_map(|day| Day::new(first + Days::new(day), zone).ok());
            let moments: Vec<AsOf> = days.map(Day::close).collect();
            for prefers_rollups in [false, true] {
                let answers = ask(&live, &questions, &moments, prefers_rollups).await;
                for (question, answers) in questions.iter().zip(&answers) {
                    for (moment, answer) in moments.iter().zip(answers) {
                        let end = moment.day.date + Days::new(1);
                        let begin = midnight(end - Days::new(question.days.into()), zone);
                        let expected = recount(&sent, question, begin, midnight(end, zone));
                        match answer {
                            Answer::Unknown(_) => unknown += 1,
                            _ => {
                                known += 1;
                                let about = format!("{seed} {zone} {end} {question:?}");
                                assert_agree(answer, expected, &about);
                            }
                        }
                    }
                }
            }
        }
    }
    assert!(known > 1000 && unknown > 100, "{known} {unknown}");
}

#[tokio::test]
async fn before_the_first_event_nothing_is_known_and_from_then_on_none_is_zero() {
    let world = world(CHECKOUT);
    let live = live(&world);
    let zone = Tz::Europe__Zurich;
    let asked =
        async |word: &str, day: &str| ask_one(&live, question(word, &[], 1), day, zone).await;
    let nothing = "no `checkout` has been recorded";
    assert_eq!(why(&asked("count", "2026-11-03").await), nothing);
    drop(Store::open(&live.database, Durable::Commit).await.unwrap());
    assert_eq!(why(&asked("count", "2026-11-03").await), nothing);
    let mut sent = some(&mut Dice(1), zone, instant("2026-11-04T08:00:00Z"), 1, 1);
    sent[0].at = instant("2026-11-04T08:00:00Z");
    record(&live, &sent).await;
    for kept in [0, 30] {
        keep(
            &live,
            zone,
            instant("2026-11-05T11:00:00Z") + TimeDelta::days(kept),
        )
        .await;
        let first = "the first `checkout` was recorded on Wed 4 Nov 2026";
        assert_eq!(why(&asked("count", "2026-11-03").await), first);
        assert_eq!(told(&asked("count", "2026-11-04").await), Some(1.0));
        assert_eq!(told(&asked("count", "2026-11-05").await), Some(0.0));
        assert_eq!(told(&asked("sum of amount", "2026-11-05").await), Some(0.0));
        for word in [
            "avg of amount",
            "last of duration",
            "p50 of duration",
            "success_pct",
        ] {
            assert_eq!(told(&asked(word, "2026-11-05").await), None, "{word}");
        }
    }
}

#[tokio::test]
async fn a_group_that_was_declared_later_is_unknown_where_rollups_lack_it() {
    let zone = Tz::Europe__Zurich;
    let world = world(&CHECKOUT.replace(
        "by = [[\"shop\"], [\"shop\", \"method\"]]",
        "by = [[\"method\"]]",
    ));
    let before = live(&world);
    let first = some(&mut Dice(1), zone, instant("2026-11-01T23:00:00Z"), 2, 100);
    record(&before, &first).await;
    keep(&before, zone, instant("2026-11-04T11:00:00Z")).await;
    let settings = format!("[live]\n[live.kinds.checkout]\n{CHECKOUT}\n{KEPT}\n{METRICS}");
    world.write("daybook.toml", &settings);
    let after = live(&world);
    let second = some(&mut Dice(2), zone, instant("2026-11-03T23:00:00Z"), 2, 100);
    record(&after, &second).await;
    keep(&after, zone, instant("2026-11-30T11:00:00Z")).await;
    let zh = || question("count", &[("shop", "zh")], 1);
    let answer = ask_one(&after, zh(), "2026-11-02", zone).await;
    assert!(
        why(&answer).ends_with("not all of them were rolled up by shop"),
        "{answer:?}"
    );
    let expected = second.iter().filter(|one| {
        one.shop == "zh"
            && one.at >= midnight("2026-11-05".parse().unwrap(), zone)
            && one.at < midnight("2026-11-06".parse().unwrap(), zone)
    });
    let expected = expected.count() as f64;
    assert_eq!(
        told(&ask_one(&after, zh(), "2026-11-05", zone).await),
        Some(expected)
    );
}

async fn spoil(path: &Path, sql: &str) {
    App::Sqlite(path.to_owned()).execute(sql).await;
}

#[tokio::test]
async fn what_cannot_be_read_fails_with_its_reason() {
    let zone = Tz::Europe__Zurich;
    let world = world(CHECKOUT);
    let live = live(&world);
    let sent = some(&mut Dice(1), zone, instant("2026-11-01T23:00:00Z"), 3, 300);
    record(&live, &sent).await;
    keep(&live, zone, instant("2026-11-06T11:00:00Z")).await;
    let count = || question("count", &[], 1);
    // The first holds what lies a microsecond before the day.
    let second = "SELECT low FROM chunks ORDER BY low LIMIT 1 OFFSET 1";
    spoil(
        &live.database,
        &format!("UPDATE chunks SET data = substr(data, 1, 40) || x'5a' || substr(data, 42) WHERE low = ({second})"),
    )
    .await;
    let answer = ask_one(&live, count(), "2026-11-02", zone).await;
    assert!(matches!(answer, Answer::Failed(_)), "{answer:?}");
    assert!(
        why(&answer).contains("its checksum is wrong; its events are missing"),
        "{answer:?}"
    );
    // The other days lie in other chunks.
    assert!(told(&ask_one(&live, count(), "2026-11-03", zone).await) > Some(0.0));
    spoil(&live.database, "PRAGMA user_version = 9").await;
    let answer = ask_one(&live, count(), "2026-11-03", zone).await;
    assert!(
        why(&answer).contains("a newer Daybook wrote it"),
        "{answer:?}"
    );
    std::fs::write(&live.database, "not a database").unwrap();
    let answer = ask_one(&live, count(), "2026-11-03", zone).await;
    assert!(matches!(answer, Answer::Failed(_)), "{answer:?}");
}

#[tokio::test]
async fn a_group_that_was_one_too_many_is_unknown_and_not_zero() {
    const PAIR: &str = "shape = \"event\"\nlabels = { a = { most = 200 }, b = { most = 200 } }\nby = [[\"a\", \"b\"]]\n";
    let settings = format!("[live]\n[live.kinds.pair]\n{PAIR}\n{METRICS}");
    let live = live(&World::new("2026-11-20T11:00:00Z", &settings));
    let folder = tempfile::tempdir().unwrap();
    let live = LiveSettings {
        database: folder.path().join("live.db"),
        ..live
    };
    let at = instant("2026-11-02T10:00:00Z");
    let mut batch = Batch::default();
    // 201 groups more than are rolled up in a month.
    for pair in 0..101 * 101 {
        let (a, b) = (format!("{:03}", pair / 101), format!("{:03}", pair % 101));
        let event = Event::new("pair").at(at).label("a", &a).label("b", &b);
        batch.add(pair, &event, &live.kinds, at);
    }
    let mut store = Store::open(&live.database, Durable::Commit).await.unwrap();
    let batches = &mut [batch];
    let mut known = Known::new(1000, false);
    let committed = store.commit(batches, &live.kinds, at, &mut known);
    committed.await.unwrap();
    store.close().await.unwrap();
    let zone = Tz::Europe__Zurich;
    keep(&live, zone, instant("2026-11-15T10:00:00Z")).await;
    let asked = async |a: &str, b: &str| {
        let mut asked = question("count", &[("a", a), ("b", b)], 1);
        asked.figure.kind = "pair".to_owned();
        ask_one(&live, asked, "2026-11-02", zone).await
    };
    assert_eq!(told(&asked("000", "000").await), Some(1.0));
    let answer = asked("100", "100").await;
    assert!(
        why(&answer).ends_with("not all of them were rolled up by a, b"),
        "{answer:?}"
    );
}
