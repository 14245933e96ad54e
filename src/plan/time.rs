//! Time columns: compares them with an edge, and puts their rows into days.

use chrono::{NaiveDateTime, NaiveTime, Timelike};

use crate::calendar::{AsOf, Edge, date};
use crate::catalog::{Table, TimeKind};
use crate::engine::Engine;

use super::Bind;
use super::facts::Facts;
use super::sql::{Writer, column, text, with_parameters};

/// A time column, with the form in which the database really holds its times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeColumn {
    pub name: String,
    pub local: bool,
    pub form: Form,
    pub nullable: bool,
    /// How its texts are selected, so that they are compared letter by letter.
    pub texts: Texts,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    Native,
    Text {
        separator: char,
        zulu: bool,
        fraction: bool,
    },
    /// Texts of dates alone, `2025-10-03`.
    Dates,
    Seconds,
    Milliseconds,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Texts {
    Plain,
    /// SQLite would first try to read each one as a number.
    Numeric,
    /// MySQL would compare them by the rules of a language.
    Collated,
}

impl TimeColumn {
    /// What the column's clock shows at the edge.
    fn naive(&self, edge: &Edge) -> NaiveDateTime {
        match self.local {
            true => edge.local,
            false => edge.instant.naive_utc(),
        }
    }
}

/// A column that was not probed is assumed to have the engine's usual form.
pub fn time_column(
    table: &Table,
    name: &str,
    kind: TimeKind,
    engine: Engine,
    facts: &Facts,
) -> TimeColumn {
    let declared = facts.column_type(table, name);
    let is_text = engine == Engine::Sqlite || is_text_type(declared);
    let facts_of_table = facts.declared(table);
    let sampled = facts_of_table.and_then(|facts| facts.samples.get(name));
    let example = table.text_form.as_ref().or(sampled);
    let form = match kind {
        TimeKind::EpochS => Form::Seconds,
        TimeKind::EpochMs => Form::Milliseconds,
        _ if is_text => text_form(example.map_or("", String::as_str)),
        _ => Form::Native,
    };
    TimeColumn {
        name: name.to_owned(),
        // A type with an offset is an instant, whatever the table's other columns are; a bare date is a day in the
        // report's zone.
        local: kind == TimeKind::Local && !has_offset(declared, engine)
            || form == Form::Dates
            || form == Form::Native && declared == "date",
        form,
        nullable: !facts.never_null(table, name),
        texts: match engine {
            Engine::Sqlite if !is_text_type(declared) && !declared.contains("clob") => {
                Texts::Numeric
            }
            Engine::Sqlite | Engine::Postgres => Texts::Plain,
            Engine::Mysql => Texts::Collated,
        },
    }
}

pub fn is_text_type(declared: &str) -> bool {
    declared.contains("char") || declared.contains("text")
}

fn has_offset(declared: &str, engine: Engine) -> bool {
    match engine {
        Engine::Sqlite => false,
        Engine::Postgres => declared == "timestamp with time zone",
        Engine::Mysql => declared.starts_with("timestamp"),
    }
}

fn text_form(example: &str) -> Form {
    if date(example).is_some() {
        return Form::Dates;
    }
    Form::Text {
        separator: if example.as_bytes().get(10) == Some(&b'T') {
            'T'
        } else {
            ' '
        },
        zulu: example.ends_with('Z'),
        fraction: example.contains('.'),
    }
}

/// The first real date: MySQL's dates of zeros, which mean none, are earlier.
const FIRST_DATE: &str = "'0001-01-01'";

/// `column >= edge`
pub fn at_or_after(time: &TimeColumn, alias: &str, edge: &Edge, writer: &mut Writer) -> String {
    let bound = writer.bind(bound(time, edge, writer.engine));
    format!("{} >= {bound}", comparable(time, alias))
}

/// The row was born before the edge; a row without a birth time always existed.
pub fn before(time: &TimeColumn, alias: &str, edge: &Edge, writer: &mut Writer) -> String {
    let bound = writer.bind(bound(time, edge, writer.engine));
    let mut compared = format!("{} < {bound}", comparable(time, alias));
    // A row of another form must reach the guard, wherever its text sorts.
    if let Some(other_form) = misshapen(time, alias) {
        compared = format!("({compared} OR {other_form})");
    }
    if time.nullable {
        format!("({compared}) IS NOT FALSE")
    } else {
        compared
    }
}

/// The row had not ended before the edge.
pub fn not_ended(time: &TimeColumn, alias: &str, edge: &Edge, writer: &mut Writer) -> String {
    let bound = writer.bind(bound(time, edge, writer.engine));
    let ended = comparable(time, alias);
    match (writer.engine, &time.form) {
        (Engine::Mysql, Form::Native) => {
            format!("({ended} < {bound} AND {ended} >= {FIRST_DATE}) IS NOT TRUE")
        }
        _ => format!("({ended} < {bound}) IS NOT TRUE"),
    }
}

/// Rows whose text has another form than the column's, so that comparing it would be wrong.
pub fn misshapen(time: &TimeColumn, alias: &str) -> Option<String> {
    let name = text_of(time, alias);
    let Form::Text {
        separator, zulu, ..
    } = &time.form
    else {
        return (time.form == Form::Dates).then(|| format!("{name} NOT LIKE '____-__-__'"));
    };
    let tail = match (*zulu, time.local) {
        (true, _) => format!("{name} NOT LIKE '%Z'"),
        (false, true) => format!("{name} LIKE '%Z'"),
        // An offset other than UTC's means another wall clock. Texts of whole seconds or microseconds have no room for
        // one, and SQLite knows a text's length without reading it.
        (false, false) => format!(
            "{name} LIKE '%Z' OR octet_length({name}) NOT IN (19, 26) AND substr({name}, length({name}) - 5, 1) IN ('+', '-') AND substr({name}, length({name}) - 4) <> '00:00'"
        ),
    };
    Some(format!(
        "(substr({name}, 11, 1) <> '{separator}' OR {tail})"
    ))
}

/// The column as something whose greatest value is the newest time.
pub fn sorted(time: &TimeColumn, alias: &str, engine: Engine) -> String {
    match (&time.form, engine) {
        // PostgreSQL may sort texts by the rules of a language.
        (Form::Text { .. } | Form::Dates, Engine::Postgres) => {
            format!("CAST({} AS text) COLLATE \"C\"", comparable(time, alias))
        }
        _ => comparable(time, alias),
    }
}

fn comparable(time: &TimeColumn, alias: &str) -> String {
    let name = text_of(time, alias);
    match (&time.form, time.texts) {
        // `Z` sorts after `.`, so a time without a fraction would follow the fractions of its own second.
        (Form::Text { zulu: true, .. }, Texts::Collated) => {
            format!("trim(TRAILING 'Z' FROM {name})")
        }
        (Form::Text { zulu: true, .. }, _) => format!("rtrim({name}, 'Z')"),
        (Form::Text { .. } | Form::Dates, Texts::Numeric) => format!("+{name}"),
        _ => name,
    }
}

fn text_of(time: &TimeColumn, alias: &str) -> String {
    let name = column(alias, &time.name);
    match (&time.form, time.texts) {
        (Form::Text { .. } | Form::Dates, Texts::Collated) => format!("CAST({name} AS BINARY)"),
        _ => name,
    }
}

fn bound(time: &TimeColumn, edge: &Edge, engine: Engine) -> Bind {
    let naive = time.naive(edge);
    let micros = naive.and_utc().timestamp_micros();
    match &time.form {
        Form::Native if time.local => Bind::Local(naive),
        Form::Native => Bind::Instant(edge.instant),
        Form::Seconds => Bind::Integer(div_up(micros, 1_000_000)),
        Form::Milliseconds => Bind::Integer(div_up(micros, 1_000)),
        // As text, a date sorts before every time of its day, and after every one of the day before.
        Form::Dates if naive.time() == NaiveTime::MIN => Bind::Text(naive.date().to_string()),
        Form::Dates => Bind::Text(naive.to_string()),
        Form::Text { separator, .. } => {
            let whole =
                naive.nanosecond() == 0 || engine == Engine::Sqlite && micros % 1_000_000 == 0;
            let fraction = if whole { "" } else { "%.6f" };
            let form = format!("%Y-%m-%d{separator}%H:%M:%S{fraction}");
            Bind::Text(naive.format(&form).to_string())
        }
    }
}

fn div_up(value: i64, by: i64) -> i64 {
    value.div_euclid(by) + i64::from(value.rem_euclid(by) > 0)
}

/// An integer that identifies the row's day: its position among the edges, or its quarter hour.
pub fn bucket(time: &TimeColumn, alias: &str, edges: &[Edge], writer: &mut Writer) -> String {
    let name = column(alias, &time.name);
    match writer.engine {
        Engine::Postgres => {
            let array = writer.bind(edge_array(time, edges));
            let value = match (&time.form, time.local) {
                (Form::Seconds | Form::Milliseconds, _) => name,
                (_, true) => format!("{name}::timestamp"),
                (_, false) => format!("{name}::timestamptz"),
            };
            format!("width_bucket({value}, {array})")
        }
        Engine::Sqlite => {
            let first = at_or_after(time, alias, &edges[0], writer);
            let quarter = match &time.form {
                Form::Seconds => format!("CAST({name} AS INTEGER) / 900"),
                Form::Milliseconds => format!("CAST({name} AS INTEGER) / 900000"),
                _ => format!("unixepoch({name}) / 900"),
            };
            format!("CASE WHEN {first} THEN {quarter} WHEN {name} IS NOT NULL THEN 0 END")
        }
        Engine::Mysql => {
            let first = at_or_after(time, alias, &edges[0], writer);
            let quarter = match &time.form {
                Form::Seconds => format!("{name} DIV 900"),
                Form::Milliseconds => format!("{name} DIV 900000"),
                Form::Native => since_1970(&name),
                Form::Text { .. } | Form::Dates => {
                    since_1970(&format!("CAST(left({name}, 19) AS datetime)"))
                }
            };
            let earlier = match &time.form {
                Form::Native => format!("{name} >= {FIRST_DATE}"),
                _ => format!("{name} IS NOT NULL"),
            };
            format!("CASE WHEN {first} THEN {quarter} WHEN {earlier} THEN 0 END")
        }
    }
}

/// In quarter hours; `unix_timestamp` ends in 2038.
fn since_1970(moment: &str) -> String {
    format!("timestampdiff(SECOND, '1970-01-01', {moment}) DIV 900")
}

fn edge_array(time: &TimeColumn, edges: &[Edge]) -> Bind {
    let edges = edges.iter();
    let micros = edges.clone().map(|edge| edge.instant.timestamp_micros());
    match &time.form {
        Form::Seconds => Bind::Integers(micros.map(|at| div_up(at, 1_000_000)).collect()),
        Form::Milliseconds => Bind::Integers(micros.map(|at| div_up(at, 1_000)).collect()),
        _ if time.local => Bind::Locals(edges.map(|edge| edge.local).collect()),
        _ => Bind::Instants(edges.map(|edge| edge.instant).collect()),
    }
}

/// The edge's quarter hour as in `bucket`; `None` if the day does not begin on one.
pub fn quarter_of(time: &TimeColumn, edge: &Edge) -> Option<i64> {
    let seconds = time.naive(edge).and_utc().timestamp();
    (seconds % 900 == 0).then_some(seconds / 900)
}

/// The value of `:day_start`, `:day_end` or `:as_of` in a configured query.
pub fn parameter(edge: &Edge, engine: Engine) -> Bind {
    match engine {
        Engine::Postgres | Engine::Mysql => Bind::Instant(edge.instant),
        Engine::Sqlite => {
            let utc = TimeColumn {
                name: String::new(),
                local: false,
                form: text_form(""),
                nullable: false,
                texts: Texts::Plain,
            };
            bound(&utc, edge, engine)
        }
    }
}

/// Configured SQL with `:day_start`, `:day_end` and `:as_of` bound for this day.
pub fn with_moments(text: &str, as_of: &AsOf, writer: &mut Writer) -> String {
    with_parameters(text, writer.engine, |name| {
        let edge = match name {
            "day_start" => as_of.day.opening(),
            "day_end" => as_of.day.close().edge(),
            "as_of" => as_of.edge(),
            _ => return None,
        };
        Some(writer.bind(parameter(&edge, writer.engine)))
    })
}

/// Whether the text depends on the day.
pub fn names_moments(text: &str, engine: Engine) -> bool {
    let mut found = false;
    with_parameters(text, engine, |name| {
        found |= matches!(name, "day_start" | "day_end" | "as_of");
        None
    });
    found
}

/// `IN ('a', 'b')`, each value quoted.
pub fn one_of(values: &[String]) -> String {
    let list: Vec<String> = values.iter().map(|value| text(value)).collect();
    format!("IN ({})", list.join(", "))
}
