//! A made-up application's past: rows with parents that are born, happen and are deleted over two
//! weeks around a clock change, often exactly on the edges of days.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, NaiveDate, SubsecRound, TimeDelta, Utc};
use chrono_tz::Europe::Zurich;
use daybook::calendar::{Day, days_between};
use proptest::prelude::*;

use super::{FIRST, LAST, text_of};
use crate::world::{App, date, instant};

#[derive(Debug, Clone)]
pub(crate) struct Past {
    pub(crate) form: Form,
    /// The database promises that parents exist, and their keys are unique.
    pub(crate) promised: bool,
    pub(crate) parents: Vec<Life>,
    pub(crate) rows: Vec<Row>,
}

#[derive(Debug, Clone)]
pub(crate) struct Life {
    pub(crate) born: DateTime<Utc>,
    pub(crate) died: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) life: Life,
    pub(crate) parent: Option<usize>,
    pub(crate) kind: Option<u8>,
    pub(crate) amount: Option<i64>,
    pub(crate) happened: Option<DateTime<Utc>>,
}

/// How the application writes time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Form {
    Plain,
    Zulu,
    Local,
    Seconds,
    Milliseconds,
}

pub(crate) fn pasts() -> impl Strategy<Value = Past> {
    const FORMS: &[Form] = &[
        Form::Plain,
        Form::Zulu,
        Form::Local,
        Form::Seconds,
        Form::Milliseconds,
    ];
    let shape = (prop::sample::select(FORMS), any::<bool>());
    shape.prop_flat_map(|(form, promised)| {
        let parents = prop::collection::vec(life(form), 1..5);
        let rows = prop::collection::vec(row(form), 0..40);
        (parents, rows).prop_map(move |(parents, rows)| Past {
            form,
            promised,
            parents,
            rows,
        })
    })
}

fn row(form: Form) -> impl Strategy<Value = Row> {
    let parent = prop::option::weighted(0.9, 0_usize..5);
    let kind = prop::option::weighted(0.8, 0_u8..4);
    let amount = prop::option::weighted(0.8, -50_i64..1000);
    let happened = prop::option::of(moment(form));
    (life(form), parent, kind, amount, happened).prop_map(
        |(life, parent, kind, amount, happened)| Row {
            life,
            parent,
            kind,
            amount,
            happened,
        },
    )
}

fn life(form: Form) -> impl Strategy<Value = Life> {
    (moment(form), prop::option::of(moment(form))).prop_map(|(born, died)| Life {
        born,
        died: died.filter(|died| *died >= born),
    })
}

/// Half of the moments lie on the edge of a day or of the clock change, or within a second of one.
fn moment(form: Form) -> impl Strategy<Value = DateTime<Utc>> {
    let days = days_between(date("2025-10-15"), date("2025-10-31"), Zurich);
    let mut edges: Vec<DateTime<Utc>> = days.iter().map(|day| day.start).collect();
    edges.extend([
        instant("2025-10-26T00:00:00Z"),
        instant("2025-10-26T01:00:00Z"),
    ]);
    let near = prop::sample::select(
        &[
            0, 0, 1, -1, 400, -400, 1_000, -1_000, 999_999, -999_999, 1_000_000, -1_000_000,
        ][..],
    );
    let on_edge = (prop::sample::select(edges), near)
        .prop_map(|(edge, microseconds)| edge + TimeDelta::microseconds(microseconds));
    let anywhere = (0_i64..16 * 86_400, 0_i64..1_000_000).prop_map(|(seconds, microseconds)| {
        instant("2025-10-15T03:00:00Z")
            + TimeDelta::seconds(seconds)
            + TimeDelta::microseconds(microseconds)
    });
    prop_oneof![on_edge, anywhere].prop_map(move |moment: DateTime<Utc>| match form {
        Form::Seconds => moment.trunc_subsecs(0),
        Form::Milliseconds => moment.trunc_subsecs(3),
        _ => moment,
    })
}

impl Form {
    fn time(self) -> &'static str {
        match self {
            Self::Plain | Self::Zulu => "utc",
            Self::Local => "local",
            Self::Seconds => "epoch_s",
            Self::Milliseconds => "epoch_ms",
        }
    }

    fn write(self, moment: DateTime<Utc>) -> String {
        match self {
            Self::Plain => format!("'{}'", text_of(moment)),
            // As many programs do, the fraction is left out where it is zero.
            Self::Zulu => format!("'{}Z'", moment.format("%Y-%m-%dT%H:%M:%S%.f")),
            Self::Local => format!(
                "'{}'",
                moment
                    .with_timezone(&Zurich)
                    .format("%Y-%m-%d %H:%M:%S%.6f")
            ),
            Self::Seconds => moment.timestamp().to_string(),
            Self::Milliseconds => moment.timestamp_millis().to_string(),
        }
    }
}

impl Past {
    pub(crate) fn days(&self) -> Vec<Day> {
        days_between(date(FIRST), date(LAST), Zurich)
    }

    pub(crate) fn settings(&self) -> String {
        let time = self.form.time();
        let table = |id: &str, name: &str, more: &str| {
            format!(
                "[tables.{id}]\nname = \"{name}\"\ncreated_at = \"born\"\ntime = \"{time}\"\n{more}\n"
            )
        };
        let belongs = "belongs_to = [{ table = \"parents\", column = \"parent_id\" }]";
        let mut text = "[app]\ndatabase_url = \"sqlite:app.db\"\n\n".to_owned();
        text += &table("parents", "parents", "deleted_at = \"died\"");
        text += &table("plain", "things", "");
        text += &table("living", "things", "deleted_at = \"died\"");
        text += &table(
            "children",
            "things",
            &format!("deleted_at = \"died\"\n{belongs}"),
        );
        text += &table("owned", "things", belongs);
        text += &table("flagged", "things", "where = \"NOT gone\"");
        for (id, history) in [
            ("plain", "event"),
            ("living", "interval"),
            ("children", "interval"),
            ("owned", "interval"),
        ] {
            text += &metrics(id, history);
        }
        text += "[[metrics]]\nkey = \"share\"\npercent = { of = \"living\", in = \"plain\" }\n";
        for history in ["survivors", "now"] {
            text += &format!(
                "[[metrics]]\nkey = \"{history}_flagged\"\ntable = \"flagged\"\ncount = \"*\"\nhistory = \"{history}\"\n"
            );
        }
        text += "[[metrics]]\nkey = \"now_sql\"\nsql = \"SELECT count(*) FROM things\"\n";
        text += "[[metrics]]\nkey = \"event_sql\"\nhistory = \"event\"\nsql = \"SELECT count(*) FROM stamped WHERE at < :day_end\"\n";
        text
    }

    /// Writes the application's database as it was at an instant, or as it finally is.
    pub(crate) async fn write(&self, path: &Path, until: Option<DateTime<Utc>>) {
        let seen = |moment: DateTime<Utc>| until.is_none_or(|until| moment <= until);
        let (key, promise) = match self.promised {
            true => ("id INTEGER PRIMARY KEY", " REFERENCES parents (id)"),
            false => ("id INTEGER", ""),
        };
        let mut sql = format!(
            "CREATE TABLE parents ({key}, born, died);
             CREATE TABLE things (id INTEGER PRIMARY KEY, parent_id INTEGER{promise}, born, died, kind, amount INTEGER, happened, gone BOOLEAN);
             CREATE TABLE stamped (at TEXT);"
        );
        let time = |moment: Option<DateTime<Utc>>| match moment {
            Some(moment) => self.form.write(moment),
            None => "NULL".to_owned(),
        };
        for (at, parent) in self
            .parents
            .iter()
            .enumerate()
            .filter(|(_, parent)| seen(parent.born))
        {
            let died = time(parent.died.filter(|died| seen(*died)));
            sql += &format!(
                "INSERT INTO parents VALUES ({at}, {}, {died});",
                time(Some(parent.born))
            );
        }
        for row in self.rows.iter().filter(|row| seen(row.life.born)) {
            // A row that refers to a parent of later birth would not have been accepted.
            let parent = row.parent.filter(|at| {
                self.parents
                    .get(*at)
                    .is_some_and(|parent| seen(parent.born))
            });
            let parent = parent.map_or("NULL".to_owned(), |at| at.to_string());
            let died = row.life.died.filter(|died| seen(*died));
            let kind = row
                .kind
                .map_or("NULL".to_owned(), |kind| format!("'k{kind}'"));
            let amount = row
                .amount
                .map_or("NULL".to_owned(), |amount| amount.to_string());
            sql += &format!(
                "INSERT INTO things VALUES (NULL, {parent}, {}, {}, {kind}, {amount}, {}, {});",
                time(Some(row.life.born)),
                time(died),
                time(row.happened),
                i64::from(died.is_some()),
            );
            sql += &format!("INSERT INTO stamped VALUES ('{}');", text_of(row.life.born));
        }
        App::Sqlite(path.to_owned()).execute(&sql).await;
    }

    fn lives(&self, life: &Life, end: DateTime<Utc>) -> bool {
        life.born < end && life.died.is_none_or(|died| died >= end)
    }

    fn parent_lives(&self, row: &Row, end: DateTime<Utc>) -> bool {
        let parent = row.parent.and_then(|at| self.parents.get(at));
        parent.is_some_and(|parent| self.lives(parent, end))
    }
}

fn metrics(id: &str, history: &str) -> String {
    let metric = |key: &str, lines: &str| {
        format!(
            "[[metrics]]\nkey = \"{key}\"\ntable = \"{id}\"\nhistory = \"{history}\"\n{lines}\n"
        )
    };
    let kinds = |prefix: &str| {
        format!(
            "split = {{ column = \"kind\", into = {{ k0 = \"{prefix}_k0\", k1 = \"{prefix}_k1\", k2 = \"{prefix}_k1\" }} }}"
        )
    };
    let mut text = metric(id, "count = \"*\"");
    text += &metric(
        &format!("{id}_new"),
        "count = \"*\"\nwithin = { column = \"born\", days = [1, 7] }",
    );
    text += &metric(
        &format!("{id}_happened"),
        "count = \"*\"\nwithin = { column = \"happened\", days = [1, 7] }",
    );
    text += &metric(&format!("{id}_sum"), "sum = \"amount\"");
    text += &metric(
        &format!("{id}_large"),
        "sum = \"amount\"\nwhere = \"this.amount > 500\"",
    );
    text += &metric(&format!("{id}_avg"), "avg = \"amount\"");
    text += &metric(&format!("{id}_min"), "min = \"amount\"");
    text += &metric(&format!("{id}_max"), "max = \"amount\"");
    text += &metric(&format!("{id}_kinds"), "distinct = \"kind\"");
    text += &metric(
        &format!("{id}_split"),
        &format!("count = \"*\"\n{}", kinds(id)),
    );
    text += &metric(
        &format!("{id}_sum_split"),
        &format!("sum = \"amount\"\n{}", kinds(&format!("{id}_sum"))),
    );
    text += &metric(
        &format!("{id}_by"),
        "count = \"*\"\nby = { column = \"kind\", top = 2 }",
    );
    text += &metric(
        &format!("{id}_sum_by"),
        "sum = \"amount\"\nby = { column = \"kind\" }",
    );
    text += &metric(&format!("{id}_age"), "newest = \"born\"");
    text += &metric(&format!("{id}_touched"), "newest = \"happened\"");
    text += &metric(
        &format!("{id}_age_split"),
        &format!("newest = \"born\"\n{}", kinds(&format!("{id}_age"))),
    );
    text
}

/// Tenths of hours, measured on the history itself; nothing where there is no row.
pub(crate) fn ages(past: &Past, on: NaiveDate) -> BTreeMap<&'static str, Option<i64>> {
    let end = Day::new(on, Zurich).unwrap().end;
    let twice = instant("2025-10-26T01:00:00Z")..instant("2025-10-26T02:00:00Z");
    // A wall clock shows this hour twice, and what it shows is taken for the first.
    let told = |at: DateTime<Utc>| match past.form == Form::Local && twice.contains(&at) {
        true => at - TimeDelta::hours(1),
        false => at,
    };
    let age = |counts: &dyn Fn(&Row) -> bool, at: &dyn Fn(&Row) -> Option<DateTime<Utc>>| {
        let times = past.rows.iter().filter(|row| counts(row)).filter_map(at);
        let newest = times.filter(|at| *at < end).map(told).max()?;
        Some(tenths(end - newest))
    };
    let born = |row: &Row| row.life.born < end;
    let lives = |row: &Row| past.lives(&row.life, end);
    let owned = |row: &Row| born(row) && past.parent_lives(row, end);
    let counts = |row: &Row| lives(row) && past.parent_lives(row, end);
    let birth = |row: &Row| Some(row.life.born);
    let touched = |row: &Row| row.happened;
    let first_kind = |row: &Row| counts(row) && row.kind == Some(0);
    BTreeMap::from([
        ("plain_age", age(&born, &birth)),
        ("living_age", age(&lives, &birth)),
        ("owned_age", age(&owned, &birth)),
        ("children_age", age(&counts, &birth)),
        ("plain_touched", age(&born, &touched)),
        ("children_touched", age(&counts, &touched)),
        ("children_age_k0", age(&first_kind, &birth)),
    ])
}

/// Of an hour, a half to the even one.
fn tenths(age: TimeDelta) -> i64 {
    const TENTH: i64 = 360_000_000;
    let age = age.num_microseconds().unwrap();
    let (whole, rest) = (age / TENTH, age % TENTH);
    match (2 * rest).cmp(&TENTH) {
        Ordering::Less => whole,
        Ordering::Equal => whole + whole % 2,
        Ordering::Greater => whole + 1,
    }
}

/// Counted from the history itself, without any SQL.
pub(crate) fn truth(past: &Past, on: NaiveDate) -> BTreeMap<&'static str, i64> {
    let end = Day::new(on, Zurich).unwrap().end;
    let start = |days: u64| {
        Day::new(on - chrono::Days::new(days - 1), Zurich)
            .unwrap()
            .start
    };
    let count =
        |wanted: &dyn Fn(&Row) -> bool| past.rows.iter().filter(|row| wanted(row)).count() as i64;
    let born = |row: &Row| row.life.born < end;
    let lives = |row: &Row| past.lives(&row.life, end);
    let counts = |row: &Row| lives(row) && past.parent_lives(row, end);
    let amount = |row: &Row| row.amount.unwrap_or(0);
    let happened = |row: &Row, days| row.happened.is_some_and(|at| start(days) <= at && at < end);
    BTreeMap::from([
        ("plain", count(&born)),
        ("living", count(&lives)),
        ("children", count(&counts)),
        (
            "owned",
            count(&|row| born(row) && past.parent_lives(row, end)),
        ),
        (
            "plain_new_24h",
            count(&|row| born(row) && row.life.born >= start(1)),
        ),
        (
            "children_new_7d",
            count(&|row| counts(row) && row.life.born >= start(7)),
        ),
        (
            "living_happened_24h",
            count(&|row| lives(row) && happened(row, 1)),
        ),
        (
            "children_happened_7d",
            count(&|row| counts(row) && happened(row, 7)),
        ),
        (
            "plain_sum",
            past.rows.iter().filter(|row| born(row)).map(amount).sum(),
        ),
        (
            "children_sum",
            past.rows.iter().filter(|row| counts(row)).map(amount).sum(),
        ),
        (
            "living_k1",
            count(&|row| lives(row) && matches!(row.kind, Some(1 | 2))),
        ),
        ("event_sql", count(&born)),
    ])
}
