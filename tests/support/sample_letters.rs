//! Sample letters, made as a night makes them: from entries and a catalog, by judging and reporting.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod hostile;
pub mod numbers;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Europe::Zurich;
use daybook::calendar::Day;
use daybook::catalog::{Catalog, Document, Limit, Mute, holidays};
use daybook::compare::judge_day;
use daybook::entry::{Entry, Kind, Provenance, Reading};
use daybook::report::{
    self, Around, Content, Correction, Letter, LiveAlert, NoNumbers, Severity, Undelivered,
    next_due,
};
use daybook::text::mistake::Source;

use numbers::whole;

/// One of every kind, by name.
pub fn all() -> Vec<(&'static str, Letter)> {
    vec![
        ("first_night", first_night()),
        ("quiet", quiet()),
        ("critical", critical()),
        ("muted", muted()),
        ("open", open()),
        ("failed_tables", failed_tables()),
        ("failed_night", failed_night()),
        ("hostile", hostile::hostile()),
        ("many_metrics", many_metrics()),
        ("long_day", clock_change("2025-10-26")),
        ("short_day", clock_change("2026-03-29")),
    ]
}

pub fn named(name: &str) -> Letter {
    let mut letters = all().into_iter();
    let found = letters.find(|(known, _)| *known == name);
    found.map(|(_, letter)| letter).unwrap()
}

fn beryl() -> Catalog {
    catalog(include_str!("sample_letters/beryl.toml"))
}

fn catalog(text: &str) -> Catalog {
    let source = Source {
        name: "sample.toml".to_owned(),
        text: text.to_owned(),
    };
    let document = Document::parse(&source).unwrap();
    Catalog::read(&[document], None).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"))
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A day without numbers yet, counted a quarter of an hour after its end.
fn empty(on: NaiveDate) -> Entry {
    let day = Day::new(on, Zurich).unwrap();
    let collected_at = day.end + TimeDelta::minutes(15);
    Entry {
        duration_ms: 412,
        ..Entry::empty(&day.close(), collected_at, "hash")
    }
}

fn set(entry: &mut Entry, key: &str, reading: Reading) {
    entry.readings.insert(key.to_owned(), reading);
}

/// Beryl's ordinary days up to this one.
fn ordinary_days(last: NaiveDate, count: u64) -> Vec<Entry> {
    let first = last - Days::new(count - 1);
    let days = first.iter_days().take_while(|date| *date <= last);
    days.map(|date| {
        let mut entry = empty(date);
        for (key, reading) in numbers::of(date) {
            set(&mut entry, key, reading);
        }
        entry
    })
    .collect()
}

fn letter(entries: &[Entry], catalog: &Catalog) -> Letter {
    muted_letter(entries, Vec::new(), catalog)
}

fn muted_letter(entries: &[Entry], mutes: Vec<Mute>, catalog: &Catalog) -> Letter {
    let last = entries.last().unwrap();
    let judgement = judge_day(last.date, entries, mutes, catalog);
    let report = report::of_day(last.date, entries, &judgement, catalog).unwrap();
    let due = NaiveTime::from_hms_opt(6, 30, 0).unwrap();
    Letter {
        name: "Beryl".to_owned(),
        around: Around {
            next_due: Some(next_due(
                last.collected_at + TimeDelta::hours(7),
                Zurich,
                due,
            )),
            link: Some(format!("https://beryl.example/daybook/{}", last.date)),
            ..Around::default()
        },
        content: Content::Day(Box::new(report)),
    }
}

/// The national holiday, on which files are corrupted and somebody knows of it.
fn muted() -> Letter {
    let mut entries = ordinary_days(date("2025-08-01"), 60);
    let today = entries.last_mut().unwrap();
    set(today, "corrupted_files", whole(3));
    set(today, "active_users_24h", whole(2_214));
    let mute = Mute {
        key: "corrupted_files".to_owned(),
        from: date("2025-07-30"),
        until: date("2025-08-08"),
        because: "the disk is being replaced, Bea Meier knows".to_owned(),
    };
    let mut catalog = beryl();
    for file in holidays::of_countries(&mut Vec::new()) {
        catalog.known_days.extend(file.days_of(&["CH".to_owned()]));
    }
    muted_letter(&entries, vec![mute], &catalog)
}

fn first_night() -> Letter {
    letter(&ordinary_days(date("2025-10-03"), 1), &beryl())
}

fn quiet() -> Letter {
    letter(&ordinary_days(date("2025-10-01"), 100), &beryl())
}

/// What [`critical`] tells of: the last days of some metrics, oldest first.
const TROUBLE: [(&str, &[i64]); 6] = [
    ("active_users_24h", &[2_214]),
    ("corrupted_files", &[3]),
    ("recent_uploads_24h", &[3_450, 3_447]),
    ("items_created_24h", &[1_890]),
    ("emails_failed", &[14, 12, 11, 4]),
    ("new_users_24h", &[58]),
];

fn critical() -> Letter {
    let mut entries = ordinary_days(date("2025-10-03"), 100);
    for (key, values) in TROUBLE {
        let first = entries.len() - values.len();
        for (entry, value) in entries[first..].iter_mut().zip(values) {
            set(entry, key, whole(*value));
        }
    }
    let week_before = entries.len() - 8;
    let clients = |web_mobile, others: [i64; 3]| {
        let [desktop, ios, android] = others;
        let parts = [
            ("web_mobile", web_mobile),
            ("web_desktop", desktop),
            ("ios", ios),
            ("android", android),
        ];
        numbers::parts(&parts, 0)
    };
    let key = "active_users_by_client_24h";
    set(&mut entries[week_before], "active_users_24h", whole(4_808));
    set(
        &mut entries[week_before],
        key,
        clients(2_648, [1_130, 640, 390]),
    );
    let today = entries.last_mut().unwrap();
    set(today, key, clients(336, [1_020, 520, 338]));
    let without_credentials = Reading::unavailable("no credentials for the Resend statistics");
    set(today, "resend_delivered", without_credentials);
    for key in ["user_violations", "banned_users", "flagged_content"] {
        let reading = today.readings.get_mut(key).unwrap();
        reading.provenance.observed_at = Some(instant("2025-10-03T22:15:00Z"));
    }
    let reading = today.readings.get_mut("total_storage_bytes").unwrap();
    reading.provenance.nulls = Some(1_479);
    let mut letter = letter(&entries, &beryl());
    letter.around = Around {
        corrections: corrections(),
        live_alerts: live_alerts(),
        undelivered: undelivered(),
        ..letter.around
    };
    letter
}

fn live_alerts() -> Vec<LiveAlert> {
    let slow = LiveAlert {
        key: "checkout_slow".to_owned(),
        label: "Slow checkout, zh".to_owned(),
        unit: "ms".to_owned(),
        decimals: Some(2),
        severity: Severity::Critical,
        value: Some(6_104.25),
        limit: Some(Limit {
            over: true,
            inclusive: false,
            bound: 5_000.0,
        }),
        times: 3,
        since: instant("2025-10-03T12:05:00Z"),
        until: Some(instant("2025-10-03T13:40:00Z")),
    };
    let failing = LiveAlert {
        key: "stage_failing".to_owned(),
        label: "Failed stages, quality gate".to_owned(),
        unit: "%".to_owned(),
        decimals: Some(1),
        severity: Severity::Warning,
        value: Some(93.4),
        limit: Some(Limit {
            over: false,
            inclusive: false,
            bound: 95.0,
        }),
        times: 1,
        since: instant("2025-10-02T20:30:00Z"),
        until: None,
    };
    vec![slow, failing]
}

fn corrections() -> Vec<Correction> {
    let correction = |key: &str, label: &str, unit: &str, (mailed, now)| Correction {
        date: date("2025-10-01"),
        key: key.to_owned(),
        label: label.to_owned(),
        unit: unit.to_owned(),
        decimals: None,
        mailed,
        now,
    };
    vec![
        correction("new_users_24h", "New users, 24 h", "", (44.0, 47.0)),
        correction(
            "total_storage_bytes",
            "Storage used",
            "bytes",
            (2.49e12, 2.51e12),
        ),
    ]
}

fn undelivered() -> Vec<Undelivered> {
    let undelivered = |recipient: &str, in_doubt, reply: &str| Undelivered {
        date: date("2025-10-02"),
        channel: "email".to_owned(),
        recipient: recipient.to_owned(),
        in_doubt,
        reply: reply.to_owned(),
    };
    vec![
        undelivered("bea@example.org", false, "550 No such user"),
        undelivered(
            "carl@example.org",
            true,
            "the connection broke after the message",
        ),
    ]
}

/// Today, counted in the afternoon.
fn open() -> Letter {
    let mut entries = ordinary_days(date("2025-10-03"), 60);
    let today = entries.last_mut().unwrap();
    let now = instant("2025-10-03T12:30:00Z");
    today.partial = true;
    today.as_of = now;
    today.collected_at = now;
    set(today, "active_users_24h", whole(3_102));
    set(today, "emails_failed", whole(80));
    letter(&entries, &beryl())
}

fn failed_tables() -> Letter {
    let catalog = beryl();
    let mut entries = ordinary_days(date("2025-10-03"), 60);
    let today = entries.last_mut().unwrap();
    for metric in &catalog.metrics {
        let reason = match metric.section.as_str() {
            "Items" | "Storage" => "no such table: web_mediafile",
            "Collections" => "canceling statement due to statement timeout after 30 s",
            _ => continue,
        };
        set(today, &metric.key, Reading::failed(reason));
    }
    set(today, "emails_failed", whole(12));
    let mut letter = letter(&entries, &catalog);
    let around = &mut letter.around;
    around.stale_recipients = Some("no such table: web_userprofile".to_owned());
    let bad = ("ada@@example.org", "it has two @");
    around.bad_addresses = vec![(bad.0.to_owned(), bad.1.to_owned())];
    letter
}

fn failed_night() -> Letter {
    let since = instant("2025-10-03T22:15:00Z");
    let due = NaiveTime::from_hms_opt(6, 30, 0).unwrap();
    Letter {
        name: "Beryl".to_owned(),
        content: Content::NoNumbers(NoNumbers {
            date: date("2025-10-03"),
            time_zone: Zurich,
            reason:
                "the app database (PostgreSQL, db.example:5432) is unreachable: connection refused"
                    .to_owned(),
            since,
        }),
        around: Around {
            next_due: Some(next_due(since + TimeDelta::hours(7), Zurich, due)),
            undelivered: undelivered(),
            link: Some("https://beryl.example/daybook".to_owned()),
            ..Around::default()
        },
    }
}

/// Two hundred metrics in ten sections, a few of which alert: more than five.
fn many_metrics() -> Letter {
    let key = |at: i64| format!("sensor_{at:03}");
    let metric = |at: i64| {
        let section = at / 20 + 1;
        format!(
            "[[metrics]]\nkey = \"{}\"\nlabel = \"Sensor {at}\"\nsection = \"Hall {section}\"\nsql = \"SELECT 1\"\n",
            key(at)
        )
    };
    let catalog = catalog(&(0..200).map(metric).collect::<String>());
    let last = date("2025-10-03");
    let first = last - Days::new(59);
    let mut entries: Vec<Entry> = first
        .iter_days()
        .take_while(|date| *date <= last)
        .map(empty)
        .collect();
    for (day, entry) in (0..).zip(&mut entries) {
        for at in 0..200 {
            let rises = if day == 59 && at % 25 == 7 { 4 } else { 3 };
            let value = (1_000 + at * 37 + day * (at % 5)) * rises / 3;
            set(entry, &key(at), whole(value));
        }
    }
    letter(&entries, &catalog)
}

/// The day on which clocks changed, known to be different, recounted later; two more days came with it.
fn clock_change(on: &str) -> Letter {
    let last = date(on);
    let mut catalog = beryl();
    let known = format!("[[calendar]]\ndate = \"{on}\"\nname = \"Clock change\"\n");
    catalog.known_days = self::catalog(&format!("{known}{ONE_METRIC}")).known_days;
    let mut entries = ordinary_days(last, 60);
    let today = entries.last_mut().unwrap();
    for key in ["total_items", "items_created_24h", "total_collections"] {
        let reading = today.readings.get_mut(key).unwrap();
        reading.provenance = Provenance {
            kind: Kind::Reconstructed,
            reason: Some("rows deleted since are missing".to_owned()),
            ..Provenance::default()
        };
    }
    let mut letter = letter(&entries, &catalog);
    letter.around.also = vec![last - Days::new(1), last - Days::new(2)];
    letter
}

const ONE_METRIC: &str = "[[metrics]]\nkey = \"n\"\nsql = \"SELECT 1\"\n";
