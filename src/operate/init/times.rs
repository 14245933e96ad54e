//! Which columns tell time, what they tell, and how: judged by name, type and at most one value.

use crate::catalog::{Engine, TimeKind};
use crate::collect::schema::survey::{Column, Relation, Sample};

use super::names::words;

/// A time column with why it is taken for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Time {
    pub column: String,
    pub kind: TimeKind,
    pub why: String,
}

const BORN: &[&str] = &[
    "created_at",
    "created",
    "date_joined",
    "date_created",
    "created_on",
    "created_date",
    "creation_date",
    "inserted_at",
    "date_added",
    "date_add",
    "registered_at",
    "registered",
    "user_registered",
    "joined_at",
    "joined",
    "post_date_gmt",
    "post_date",
    "createdat",
    "creationtime",
    "timestamp",
];

const BORN_ENDINGS: &[&str] = &[
    "_regdate",
    "_created",
    "_created_at",
    "_date_added",
    "_submitted",
    "_reported_at",
];

const ENDED: &[&str] = &[
    "deleted_at",
    "deleted_on",
    "date_deleted",
    "deletedat",
    "removed_at",
    "archived_at",
];

const SEEN: &[&str] = &[
    "last_login",
    "last_login_at",
    "last_seen",
    "last_seen_at",
    "last_active_at",
    "last_activity",
    "last_visit",
    "lastvisit",
    "user_lastvisit",
    "last_posted_at",
    "last_sign_in_at",
    "current_sign_in_at",
];

/// Whether one value may be read to learn how it tells time: never of a column that may say anything else.
pub fn may_be_sampled(column: &Column, engine: Engine) -> bool {
    let known = is_moment(column) && engine != Engine::Sqlite;
    !known && (is_moment(column) || is_number(column) || is_text(column)) && is_named_so(column)
}

fn is_named_so(column: &Column) -> bool {
    let name = column.name.to_lowercase();
    let own = BORN.contains(&name.as_str()) || is_ended(&name) || is_seen(&name);
    own || BORN_ENDINGS.iter().any(|end| name.ends_with(end)) || name.ends_with("_time")
}

/// When a row began to exist. A column of the table's own name (`post_time` of posts) comes after the usual ones.
pub fn born(relation: &Relation, engine: Engine) -> Option<Time> {
    let usual = BORN
        .iter()
        .filter_map(|name| named(relation, |column| column == *name));
    let ending = relation.columns.iter().filter(|column| {
        let name = column.name.to_lowercase();
        BORN_ENDINGS.iter().any(|end| name.ends_with(end)) || is_own_time(relation, &name)
    });
    let mut candidates = usual.chain(ending);
    candidates.find_map(|column| told(column, engine))
}

/// `post_time` in `phpbb_posts`, `topic_time` in `phpbb_topics`.
fn is_own_time(relation: &Relation, column: &str) -> bool {
    let Some(owner) = column.strip_suffix("_time") else {
        return false;
    };
    let table = words(&relation.name);
    let last = table.last().map(String::as_str).unwrap_or_default();
    !owner.is_empty()
        && (last == owner || last.trim_end_matches('s') == owner || owner == "message")
}

pub fn ended(relation: &Relation, engine: Engine) -> Option<Time> {
    named(relation, is_ended).and_then(|column| told(column, engine))
}

pub fn seen(relation: &Relation, engine: Engine) -> Option<Time> {
    named(relation, is_seen).and_then(|column| told(column, engine))
}

fn is_ended(name: &str) -> bool {
    ENDED.contains(&name) || name.ends_with("_delete_time")
}

fn is_seen(name: &str) -> bool {
    SEEN.contains(&name)
}

fn named(relation: &Relation, is_it: impl Fn(&str) -> bool) -> Option<&Column> {
    let mut all = relation.columns.iter();
    all.find(|column| is_it(&column.name.to_lowercase()))
}

/// How a column tells time; nothing where it does not.
pub fn told(column: &Column, engine: Engine) -> Option<Time> {
    if !column.is_readable {
        return None;
    }
    let (kind, why) = match &column.sample {
        Some(Sample::Whole(whole)) => of_number(*whole)?,
        Some(Sample::Text(text)) => of_text(text, &column.name)?,
        None if is_moment(column) => of_type(column, engine),
        None if is_number(column) => (
            TimeKind::EpochS,
            "a number without a value to look at: seconds since 1970 are the usual".to_owned(),
        ),
        // Text without a value to look at is no time, except in SQLite, which has no other type for one.
        None if engine == Engine::Sqlite && is_text(column) => of_name(&column.name),
        None => return None,
    };
    Some(Time {
        column: column.name.clone(),
        kind,
        why,
    })
}

/// Thirteen digits are milliseconds, ten are seconds; dates before 1980 are not what an application writes.
fn of_number(whole: i64) -> Option<(TimeKind, String)> {
    match whole {
        315_532_800..=9_999_999_999 => Some((
            TimeKind::EpochS,
            "a value of the size of seconds since 1970".to_owned(),
        )),
        315_532_800_000..=9_999_999_999_999 => Some((
            TimeKind::EpochMs,
            "a value of the size of milliseconds since 1970".to_owned(),
        )),
        _ => None,
    }
}

/// `2025-10-03 12:34:56`, with `T`, `Z` or a fraction.
fn of_text(text: &str, name: &str) -> Option<(TimeKind, String)> {
    let form = |(at, letter): (usize, char)| match at {
        4 | 7 => letter == '-',
        10 => letter == ' ' || letter == 'T',
        13 | 16 => letter == ':',
        _ => letter.is_ascii_digit(),
    };
    let is_time = text.chars().count() >= 19 && text.chars().take(19).enumerate().all(form);
    let rest = text.get(19..)?;
    let rest = rest.trim_end_matches('Z').trim_start_matches('.');
    if !is_time || rest.chars().any(|letter| !letter.is_ascii_digit()) {
        return None;
    }
    match text.ends_with('Z') {
        true => Some((TimeKind::Utc, "its text ends with Z".to_owned())),
        false => Some(of_name(name)),
    }
}

fn of_type(column: &Column, engine: Engine) -> (TimeKind, String) {
    let kind = column.kind.as_str();
    let is_instant = match engine {
        Engine::Mysql => kind.starts_with("timestamp"),
        _ => kind.contains("with time zone") || kind.contains("timestamptz"),
    };
    match is_instant {
        true => (TimeKind::Instant, "its type knows the time zone".to_owned()),
        false => of_name(&column.name),
    }
}

/// Frameworks that say `created_at` keep UTC; those that say `date_added` the server's own time.
fn of_name(name: &str) -> (TimeKind, String) {
    let name = name.to_lowercase();
    let is_local =
        ["date_add", "date_added", "post_date", "user_registered"].contains(&name.as_str());
    match is_local {
        true => (
            TimeKind::Local,
            "no zone is kept, and systems that name it so write the server's own time".to_owned(),
        ),
        false => (
            TimeKind::Utc,
            "no zone is kept, and most frameworks write UTC".to_owned(),
        ),
    }
}

pub fn is_moment(column: &Column) -> bool {
    column.kind.starts_with("timestamp") || column.kind.starts_with("datetime")
}

pub fn is_number(column: &Column) -> bool {
    let kind = column.kind.as_str();
    ["int", "bigint", "integer", "mediumint", "int8", "int4"]
        .iter()
        .any(|one| {
            kind == *one
                || kind.starts_with(&format!("{one}("))
                || kind.starts_with(&format!("{one} "))
        })
}

fn is_text(column: &Column) -> bool {
    let kind = column.kind.as_str();
    kind.contains("char") || kind == "text" || kind.is_empty()
}
