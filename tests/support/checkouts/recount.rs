//! What is asked of checkouts, and what a recount of them gives.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use daybook::config::LiveSettings;
use daybook::live::question::{Answer, AskError, Context, ask, parameters};
use daybook::live::redis::shared::Shared;
use daybook::live::store::Store;
use serde_json::{Value as Json, json};

use super::{Place, Sent, midnight, some};
use crate::dice::Dice;

const FIGURES: [&str; 9] = [
    "count",
    "succeeded",
    "failed",
    "success_pct",
    "sum of amount",
    "avg of amount",
    "min of duration",
    "p50 of duration",
    "p95 of duration",
];

const EVERY: [Option<&str>; 6] = [
    None,
    Some("minute"),
    Some("hour"),
    Some("day"),
    Some("week"),
    Some("month"),
];

/// What is asked, in the words of an address.
pub struct Asking<'a> {
    pub live: &'a LiveSettings,
    pub place: &'a Place,
    pub zone: Tz,
    pub now: DateTime<Utc>,
}

impl Asking<'_> {
    pub async fn ask(&self, question: &str, pairs: &[(&str, &str)]) -> Json {
        self.try_ask(question, pairs).await.unwrap()
    }

    pub async fn try_ask(&self, question: &str, pairs: &[(&str, &str)]) -> Result<Json, AskError> {
        let context = Context {
            zone: self.zone,
            now: self.now,
        };
        let kind = &self.live.kinds["checkout"];
        let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        let pairs: Vec<(String, String)> = pairs.iter().map(owned).collect();
        let asked = parameters::read(question, &pairs, kind, context).unwrap();
        let answer = match self.place {
            Place::Own => {
                let opened = Store::open_reading(&self.live.database).await;
                let mut store = opened.unwrap().unwrap();
                let answer = ask(&mut store, kind, &asked, context).await;
                store.close().await.unwrap();
                answer
            }
            Place::Meeting(meeting) => {
                let connected = Shared::connect(&meeting.settings, self.now).await;
                ask(&mut connected.unwrap(), kind, &asked, context).await
            }
        };
        answer.map(Answer::into_json)
    }
}

pub fn label<'s>(one: &'s Sent, name: &str) -> &'s str {
    match name {
        "shop" => one.shop,
        "method" => one.method.unwrap_or_default(),
        _ => &one.order,
    }
}

/// The first second of a piece of time, found without the program's own way to do it.
pub fn start(at: DateTime<Utc>, every: &str, zone: Tz) -> DateTime<Utc> {
    let local = at.with_timezone(&zone);
    let (minutes, seconds) = (i64::from(local.minute()), i64::from(local.second()));
    let whole = at - TimeDelta::nanoseconds(at.timestamp_subsec_nanos().into());
    let date = || {
        // A day goes on while its midnight is the last one before.
        let date = local.date_naive();
        match midnight(date, zone) <= at {
            true => date,
            false => date.pred_opt().unwrap(),
        }
    };
    match every {
        "minute" => whole - TimeDelta::seconds(seconds),
        "hour" => whole - TimeDelta::minutes(minutes) - TimeDelta::seconds(seconds),
        "day" => midnight(date(), zone),
        "week" => {
            let days = TimeDelta::days(date().weekday().num_days_from_monday().into());
            midnight(date() - days, zone)
        }
        _ => midnight(date().with_day(1).unwrap(), zone),
    }
}

pub fn figure(sent: &[&Sent], word: &str) -> Option<f64> {
    let of = |ok| sent.iter().filter(|one| one.ok == Some(ok)).count() as f64;
    let amounts: Vec<i64> = sent.iter().filter_map(|one| one.amount).collect();
    let amount = amounts.iter().sum::<i64>() as f64 / 100.0;
    let mut durations: Vec<i64> = sent.iter().map(|one| one.duration).collect();
    durations.sort_unstable();
    let percentile = |percent: usize| {
        let at_least = (durations.len() * percent).div_ceil(100);
        Some(durations[at_least.checked_sub(1)?] as f64 / 1000.0)
    };
    match word {
        "count" => Some(sent.len() as f64),
        "succeeded" => Some(of(true)),
        "failed" => Some(of(false)),
        "success_pct" => {
            let ended = of(true) + of(false);
            (ended > 0.0).then(|| (1e4 * of(true) / ended).round() / 100.0)
        }
        "sum of amount" => Some(amount),
        "avg of amount" => {
            let count = amounts.len() as f64;
            (count > 0.0).then(|| amount / count)
        }
        "min of duration" => Some(*durations.first()? as f64 / 1000.0),
        "p50 of duration" => percentile(50),
        _ => percentile(95),
    }
}

pub fn assert_close(told: &Json, expected: Option<f64>, part: f64, about: &str) {
    match (told.as_f64(), expected) {
        (Some(told), Some(expected)) => assert!(
            (told - expected).abs() <= part * expected.abs() + 0.0051,
            "{about}: {told} for {expected}"
        ),
        (told, expected) => assert_eq!(told, expected, "{about}"),
    }
}

/// The places of events by the start of their piece of time and the words of their group.
pub type Groups = BTreeMap<(Option<DateTime<Utc>>, Vec<String>), Vec<usize>>;

/// Which of the events are asked for, and by what.
pub struct Cut {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub labels: Vec<(&'static str, &'static str)>,
    pub ok: Option<bool>,
    pub every: Option<&'static str>,
    pub by: Vec<&'static str>,
}

impl Cut {
    pub fn roll(dice: &mut Dice, first: DateTime<Utc>, days: u64) -> Self {
        let instant = |dice: &mut Dice| {
            let seconds = dice.below(days * 86_400) as i64;
            let at = first + TimeDelta::seconds(seconds);
            // Half of them at whole hours.
            match dice.one_in(2) {
                true => at - TimeDelta::seconds(seconds % 3600),
                false => at + TimeDelta::microseconds(dice.below(1_000_000) as i64),
            }
        };
        let (one, other) = (instant(dice), instant(dice));
        let labels: [&[(&str, &str)]; 6] = [
            &[],
            &[],
            &[("shop", "zh")],
            &[("method", "card")],
            &[("method", "cash"), ("shop", "be")],
            &[("order", "order-7")],
        ];
        let by: [&[&str]; 6] = [
            &[],
            &[],
            &["shop"],
            &["shop", "method"],
            &["method"],
            &["order"],
        ];
        Self {
            from: one.min(other),
            to: one.max(other) + TimeDelta::seconds(1),
            labels: labels[dice.below(6) as usize].to_vec(),
            ok: [None, None, Some(true), Some(false)][dice.below(4) as usize],
            every: EVERY[dice.below(6) as usize],
            by: by[dice.below(6) as usize].to_vec(),
        }
    }

    pub fn fits(&self, one: &Sent) -> bool {
        (self.from..self.to).contains(&one.at)
            && self
                .labels
                .iter()
                .all(|(name, text)| label(one, name) == *text)
            && (self.ok.is_none() || one.ok == self.ok)
    }

    /// The filter in the words of an address.
    pub fn pairs(&self) -> Vec<(String, String)> {
        let mut pairs = vec![
            ("from".to_owned(), self.from.to_rfc3339()),
            ("to".to_owned(), self.to.to_rfc3339()),
        ];
        let labels = self.labels.iter();
        pairs.extend(labels.map(|(name, text)| (format!("label.{name}"), (*text).to_owned())));
        pairs.extend(self.ok.map(|ok| ("ok".to_owned(), ok.to_string())));
        pairs
    }

    pub fn aggregated(&self, sent: &[Sent], zone: Tz) -> Groups {
        let mut groups: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (at, one) in sent.iter().enumerate().filter(|(_, one)| self.fits(one)) {
            let start = self.every.map(|every| start(one.at, every, zone));
            let words = self.by.iter().map(|name| label(one, name).to_owned());
            groups.entry((start, words.collect())).or_default().push(at);
        }
        groups
    }
}

pub fn borrowed(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
    pairs
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect()
}

pub async fn assert_aggregates(asking: &Asking<'_>, sent: &[Sent], cut: &Cut, estimate: bool) {
    let mut pairs = cut.pairs();
    pairs.extend(FIGURES.map(|figure| ("figure".to_owned(), figure.to_owned())));
    pairs.extend(
        cut.every
            .map(|every| ("every".to_owned(), every.to_owned())),
    );
    if !cut.by.is_empty() {
        pairs.push(("by".to_owned(), cut.by.join(",")));
    }
    if estimate {
        pairs.push(("estimate".to_owned(), "true".to_owned()));
    }
    let answer = asking.ask("aggregate", &borrowed(&pairs)).await;
    let about = format!("{} {pairs:?}", asking.zone);
    assert_eq!(answer["complete"], json!(true), "{about}: {answer}");
    let expected = cut.aggregated(sent, asking.zone);
    let rows = answer["rows"].as_array().unwrap();
    let is_one = cut.every.is_none() && cut.by.is_empty();
    assert_eq!(
        rows.len(),
        expected.len().max(usize::from(is_one)),
        "{about}"
    );
    for (row, ((start, words), places)) in rows.iter().zip(&expected) {
        if let Some(start) = start {
            let told: DateTime<Utc> = row["start"].as_str().unwrap().parse().unwrap();
            assert_eq!(told, *start, "{about}");
        }
        for (name, word) in cut.by.iter().zip(words) {
            assert_eq!(
                row["labels"][name].as_str().unwrap_or_default(),
                word,
                "{about}"
            );
        }
        let sent: Vec<&Sent> = places.iter().map(|at| &sent[*at]).collect();
        for word in FIGURES {
            let part = if estimate && word.starts_with('p') {
                0.008
            } else {
                1e-9
            };
            assert_close(
                &row[word],
                figure(&sent, word),
                part,
                &format!("{about} {word}"),
            );
        }
    }
}

pub const PLACES: [(Tz, &str); 5] = [
    (Tz::Europe__Zurich, "2026-10-20"),
    (Tz::Asia__Kathmandu, "2026-10-28"),
    (Tz::Australia__Lord_Howe, "2026-03-30"),
    (Tz::America__Santiago, "2026-09-01"),
    (Tz::Pacific__Apia, "2011-12-25"),
];

/// Aggregates over fresh, sealed and rolled up checkouts are a recount.
pub async fn recount_aggregates(live: &LiveSettings, place: &Place, seed: usize) {
    let (zone, first) = PLACES[seed];
    let mut dice = Dice(seed as u64 + 31);
    let first = midnight(first.parse().unwrap(), zone);
    let sent = some(&mut dice, zone, first, 12, 700);
    let (sealed, fresh) = sent.split_at(500);
    let now = first + TimeDelta::days(13);
    let asking = Asking {
        live,
        place,
        zone,
        now,
    };
    place.record(live, sealed).await;
    for _ in 0..20 {
        let cut = Cut::roll(&mut dice, first, 12);
        assert_aggregates(&asking, sealed, &cut, false).await;
    }
    place.keep(live, zone, first + TimeDelta::days(8)).await;
    place.record(live, fresh).await;
    for round in 0..2 {
        for turn in 0..60 {
            let cut = Cut::roll(&mut dice, first, 12);
            assert_aggregates(&asking, &sent, &cut, turn % 3 == 0).await;
        }
        // The second time all of it is sealed.
        if round == 0 {
            place.keep(live, zone, now).await;
        }
    }
}

pub const PAGES: [(&str, &str); 4] = [
    ("points", "7"),
    ("range", "7"),
    ("points", "64"),
    ("range", "10000"),
];

/// Pages give each checkout once and in order, while others arrive and are moved.
pub async fn recount_pages(live: &LiveSettings, place: &Place, (question, limit): (&str, &str)) {
    let zone = Tz::UTC;
    let mut dice = Dice(11);
    let first: DateTime<Utc> = "2026-11-10T00:00:00Z".parse().unwrap();
    let mut sent = some(&mut dice, zone, first, 3, 400);
    // Many at one instant, some of them the same in all they have.
    for (at, one) in sent.iter_mut().enumerate().take(150) {
        one.at = first + TimeDelta::hours(30);
        if at % 5 == 0 {
            *one = Sent {
                at: one.at,
                shop: "zh",
                method: None,
                order: "same".to_owned(),
                duration: 1000,
                amount: None,
                ok: Some(true),
            };
        }
    }
    place.record(live, &sent).await;
    let asking = Asking {
        live,
        place,
        zone,
        now: first + TimeDelta::days(4),
    };
    let mut all: Vec<Json> = Vec::new();
    let mut next: Option<String> = None;
    for page in 0.. {
        let mut pairs = vec![("limit", limit), ("ok", "true"), ("label.shop", "zh")];
        pairs.extend(next.as_deref().map(|next| ("after", next)));
        let answer = asking.ask(question, &pairs).await;
        all.extend(answer["points"].as_array().unwrap().iter().cloned());
        match answer["next"].as_str() {
            Some(cursor) => next = Some(cursor.to_owned()),
            None => break,
        }
        if page == 3 {
            place.keep(live, zone, asking.now).await;
            let newer = Sent {
                at: match question {
                    "points" => first + TimeDelta::days(3) + TimeDelta::hours(1),
                    _ => first,
                },
                order: "newer".to_owned(),
                ..sent[0].clone()
            };
            place.record(live, &[newer]).await;
        }
    }
    let fits = sent
        .iter()
        .filter(|one| one.ok == Some(true) && one.shop == "zh");
    let mut expected: Vec<(DateTime<Utc>, &str)> =
        fits.map(|one| (one.at, one.order.as_str())).collect();
    let told = all.iter().map(|point| {
        let at: DateTime<Utc> = point["at"].as_str().unwrap().parse().unwrap();
        (at, point["labels"]["order"].as_str().unwrap())
    });
    let mut told: Vec<(DateTime<Utc>, &str)> = told.collect();
    let is_ordered = |pair: &[(DateTime<Utc>, &str)]| match question {
        "points" => pair[0].0 >= pair[1].0,
        _ => pair[0].0 <= pair[1].0,
    };
    assert!(told.windows(2).all(is_ordered), "{question} by {limit}");
    told.sort_unstable();
    expected.sort_unstable();
    assert_eq!(told, expected, "{question} by {limit}");
}

/// Rankings, summaries and comparisons are a recount.
pub async fn recount_rankings(live: &LiveSettings, place: &Place) {
    let zone = Tz::Europe__Zurich;
    let mut dice = Dice(77);
    let first = midnight("2026-11-12".parse().unwrap(), zone);
    let sent = some(&mut dice, zone, first, 6, 600);
    let (sealed, fresh) = sent.split_at(300);
    place.record(live, sealed).await;
    let now = first + TimeDelta::days(7);
    place.keep(live, zone, now).await;
    place.record(live, fresh).await;
    let asking = Asking {
        live,
        place,
        zone,
        now,
    };
    for turn in 0..40 {
        let mut cut = Cut::roll(&mut dice, first, 6);
        cut.every = None;
        let filter = cut.pairs();
        let with = |more: &[(&'static str, &'static str)]| {
            let mut pairs = borrowed(&filter);
            pairs.extend(more);
            pairs
        };
        let fits: Vec<&Sent> = sent.iter().filter(|one| cut.fits(one)).collect();

        let summary = asking.ask("summary", &with(&[])).await;
        for word in ["count", "succeeded", "failed", "success_pct"] {
            assert_close(&summary[word], figure(&fits, word), 1e-9, word);
        }
        for (name, word) in [
            ("p50", "p50 of duration"),
            ("p95", "p95 of duration"),
            ("min", "min of duration"),
        ] {
            assert_close(
                &summary["values"]["duration"][name],
                figure(&fits, word),
                1e-9,
                word,
            );
        }
        let shops: BTreeSet<&str> = fits.iter().map(|one| one.shop).collect();
        assert_eq!(
            summary["distinct"]["shop"],
            json!(shops.len()),
            "{filter:?}"
        );

        let slowest = asking.ask("slowest", &with(&[("limit", "5")])).await;
        let mut durations: Vec<i64> = fits.iter().map(|one| one.duration).collect();
        durations.sort_unstable_by_key(|duration| -duration);
        let told = slowest["points"].as_array().unwrap().iter();
        let told: Vec<i64> = told
            .map(|point| (point["values"]["duration"].as_f64().unwrap() * 1000.0).round() as i64)
            .collect();
        assert_eq!(told, durations[..durations.len().min(5)], "{filter:?}");

        let by = ["method", "shop"][turn % 2];
        let latest: BTreeMap<&str, DateTime<Utc>> =
            fits.iter().fold(BTreeMap::new(), |mut known, one| {
                let at = known.entry(one.shop).or_insert(one.at);
                *at = one.at.max(*at);
                known
            });
        let told = asking.ask("latest", &with(&[])).await;
        let told = told["points"].as_array().unwrap().iter().map(|point| {
            (
                point["labels"]["shop"].as_str().unwrap().to_owned(),
                point["at"].as_str().unwrap().parse().unwrap(),
            )
        });
        let told: Vec<(String, DateTime<Utc>)> = told.collect();
        let latest: Vec<(String, DateTime<Utc>)> = latest
            .into_iter()
            .map(|(shop, at)| (shop.to_owned(), at))
            .collect();
        assert_eq!(told, latest, "{filter:?}");

        let mut groups: BTreeMap<&str, Vec<&Sent>> = BTreeMap::new();
        fits.iter()
            .for_each(|one| groups.entry(label(one, by)).or_default().push(one));
        let mut groups: Vec<(f64, &str)> = groups
            .iter()
            .map(|(word, sent)| (figure(sent, "p95 of duration").unwrap(), *word))
            .collect();
        groups.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(other.1)));
        let top = asking
            .ask(
                "top",
                &with(&[("by", by), ("figure", "p95 of duration"), ("limit", "3")]),
            )
            .await;
        let told = top["rows"].as_array().unwrap().iter();
        let told: Vec<&str> = told
            .map(|row| row["labels"][by].as_str().unwrap_or_default())
            .collect();
        let expected: Vec<&str> = groups.iter().map(|(_, word)| *word).take(3).collect();
        assert_eq!(told, expected, "{filter:?}");
    }
    // Three whole days beside the three before them.
    let compared = asking
        .ask("compare", &[("from", "2026-11-15"), ("to", "2026-11-18")])
        .await;
    let day = |date: &str| midnight(date.parse::<NaiveDate>().unwrap(), zone);
    let count = |from: &str, to: &str| {
        let window = day(from)..day(to);
        sent.iter().filter(|one| window.contains(&one.at)).count() as i64
    };
    let (now, before) = (
        count("2026-11-15", "2026-11-18"),
        count("2026-11-12", "2026-11-15"),
    );
    assert_eq!(compared["current"]["count"], json!(now));
    assert_eq!(compared["before"]["count"], json!(before));
    assert_eq!(
        compared["changes"]["count"]["change"],
        json!((now - before) as f64)
    );
    assert_eq!(
        compared["before"]["from"],
        json!("2026-11-12T00:00:00+01:00")
    );
    // Each event counts at one hour and on one weekday.
    let peaks = asking.ask("peaks", &[]).await;
    let rows = peaks["rows"].as_array().unwrap();
    let sum = |rows: &[Json]| {
        rows.iter()
            .map(|row| row["count"].as_u64().unwrap())
            .sum::<u64>()
    };
    let count = sent
        .iter()
        .filter(|one| one.at < asking.now + TimeDelta::minutes(5))
        .count() as u64;
    assert_eq!((sum(&rows[..24]), sum(&rows[24..])), (count, count));
    let at_nine = sent
        .iter()
        .filter(|one| one.at.with_timezone(&zone).hour() == 9)
        .count();
    assert_eq!(
        (&rows[9]["time"], &rows[9]["count"]),
        (&json!("09:00"), &json!(at_nine))
    );
}
