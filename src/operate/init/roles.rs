//! What a time column says of its row: when it began to exist, when it ended, when it was last seen, until when it was
//! open, since when it is in a state. Judged by names, and by what the database fills in by itself.

use crate::collect::schema::survey::{Column, Relation};
use crate::engine::Engine;

use super::names::{is_sound, plural, subject, words};
use super::times::{Time, is_date, is_moment, is_number, is_text, told};

/// What brings a row into being, the surest first.
const ACTS: &[&str] = &[
    "created",
    "create",
    "creation",
    "cr",
    "inserted",
    "insert",
    "added",
    "add",
    "registered",
    "register",
    "registration",
    "reg",
    "joined",
    "join",
    "signedup",
    "signup",
    "subscribed",
    "hired",
    "hire",
    "erstellt",
    "erstell",
    "angelegt",
    "anlage",
    "erfasst",
    "erfassungs",
    "entered",
    "entry",
    "placed",
    "ordered",
    "bestellt",
    "bestell",
    "booked",
    "booking",
    "gebucht",
    "buchungs",
    "purchased",
    "purchase",
    "bought",
    "sold",
    "sale",
    "rented",
    "issued",
    "invoiced",
    "rechnungs",
    "submitted",
    "submission",
    "posted",
    "sent",
    "message",
    "reported",
    "recorded",
    "logged",
    "captured",
    "measured",
    "scanned",
    "uploaded",
    "upload",
    "imported",
    "requested",
    "request",
    "received",
    "occurred",
    "happened",
    "opened",
    "started",
];

/// These need no word beside them to say that they are times.
const ACTS_THAT_ARE_TIMES: &[&str] = &["created", "registered", "joined", "submitted"];

const ENDS: &[&str] = &[
    "deleted",
    "delete",
    "deletion",
    "removed",
    "archived",
    "trashed",
    "geloescht",
    "gelöscht",
];

const SIGHTS: &[&str] = &[
    "lastlogin",
    "lastlogon",
    "lastseen",
    "lastactive",
    "lastactivity",
    "lastvisit",
    "lastvisited",
    "lastaccess",
    "lastaccessed",
    "lastonline",
    "lastposted",
    "lastsignin",
    "currentsignin",
];

/// Until then a row is open: a rental until it is returned.
const CLOSINGS: &[&str] = &[
    "return",
    "returned",
    "closed",
    "resolved",
    "ended",
    "finished",
    "completed",
];

/// Words for states that do not end like `banned`.
const STATES: &[&str] = &["paid", "read", "sent", "sold", "hidden", "unavailable"];

/// Such times say nothing that lasts: they move, lie ahead, or belong to every row.
const NO_STATES: &[&str] = &[
    "created",
    "inserted",
    "added",
    "updated",
    "modified",
    "changed",
    "edited",
    "accessed",
    "refreshed",
    "synced",
    "checked",
    "touched",
    "viewed",
    "indexed",
    "cached",
    "scheduled",
    "planned",
    "expected",
    "estimated",
    "promised",
    "required",
    "last",
    "next",
];

/// Words that say no more than that it is a time.
const MARKS: &[&str] = &[
    "at",
    "on",
    "date",
    "time",
    "datetime",
    "timestamp",
    "ts",
    "dt",
    "utc",
    "gmt",
    "am",
    "datum",
];

/// A time of these may lie ahead, moves, or is nobody's business.
const PLANNED: &[&str] = &[
    "event",
    "appointment",
    "meeting",
    "reservation",
    "delivery",
    "shift",
    "course",
    "session",
    "birth",
];

/// Beginnings of words for what is filled in again later, although the database does it by itself at first.
const CHANGES: &[&str] = &[
    "updat", "modif", "chang", "edit", "last", "sync", "refresh", "expir", "valid", "geänder",
    "geaender", "aktualis", "mut", "delet", "remov",
];

/// How sure it is that a column tells when its row began to exist; the least is the surest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Birth {
    /// `placed_at`, by its place among all such words.
    Act(usize),
    /// The database fills in the time of the insert.
    Filled,
    /// `order_date` in orders.
    Own,
    /// `date`
    Bare,
}

/// Whether one value may be read to learn how it tells time: never of a column that may say anything else.
pub fn may_be_sampled(relation: &Relation, column: &Column, engine: Engine) -> bool {
    let is_known = (is_moment(column) || is_date(column)) && engine != Engine::Sqlite;
    let may_be_time = is_moment(column) || is_date(column) || is_number(column) || is_text(column);
    let says = || {
        birth(relation, column).is_some()
            || ends(relation, column)
            || is_sight(relation, column)
            || closes(relation, column)
    };
    !is_known && may_be_time && says()
}

pub fn born(relation: &Relation, engine: Engine) -> Option<Time> {
    let columns = relation.columns.iter();
    let mut candidates: Vec<(Birth, bool, bool, &Column)> = columns
        .filter_map(|column| {
            let birth = birth(relation, column)?;
            let all = words(&column.name);
            let is_utc = all.iter().any(|word| word == "utc" || word == "gmt");
            Some((birth, !is_utc, !column.not_null, column))
        })
        .collect();
    candidates
        .sort_by_key(|(birth, has_no_zone, is_nullable, _)| (*birth, *has_no_zone, *is_nullable));
    let mut candidates = candidates.into_iter();
    candidates.find_map(|(.., column)| told(column, engine))
}

pub fn ended(relation: &Relation, engine: Engine) -> Option<Time> {
    let column = relation
        .columns
        .iter()
        .find(|column| ends(relation, column))?;
    told(column, engine)
}

pub fn seen(relation: &Relation, engine: Engine) -> Option<Time> {
    let column = relation
        .columns
        .iter()
        .find(|column| is_sight(relation, column))?;
    told(column, engine)
}

/// The time until which a row is open.
pub fn closed(relation: &Relation, engine: Engine) -> Option<Time> {
    let mut columns = relation.columns.iter();
    let column = columns.find(|column| is_sound(&column.name) && closes(relation, column))?;
    told(column, engine)
}

/// The state that a row is in since this time, and is not without it: `banned` for `banned_at`.
pub fn state_since(relation: &Relation, column: &Column) -> Option<Vec<String>> {
    let (state, is_marked) = core_words(relation, column);
    let is_time =
        is_moment(column) || is_date(column) || is_marked && (is_number(column) || is_text(column));
    let is_state = |word: &String| {
        STATES.contains(&word.as_str()) || word.ends_with("ed") && !word.ends_with("eed")
    };
    let says_nothing = |word: &String| NO_STATES.contains(&word.as_str());
    let is_other = ends(relation, column) || closes(relation, column);
    let lasts = state.len() <= 2 && state.iter().any(is_state) && !state.iter().any(says_nothing);
    (is_time && is_marked && lasts && !is_other && !column.not_null).then_some(state)
}

fn closes(relation: &Relation, column: &Column) -> bool {
    let (core, is_marked) = core(relation, column);
    let is_time = is_marked || is_moment(column) || is_date(column);
    // One that every row has tells when it should be.
    is_time && !column.not_null && CLOSINGS.contains(&core.as_str()) && !is_own(relation, &core)
}

fn birth(relation: &Relation, column: &Column) -> Option<Birth> {
    let (core, is_marked) = core(relation, column);
    let is_time = is_marked || is_moment(column) || is_date(column);
    let all = words(&column.name);
    let changes = || {
        let mut words = all.iter();
        words.any(|word| CHANGES.iter().any(|change| word.starts_with(change)))
    };
    match ACTS.iter().position(|act| *act == core) {
        Some(at) if is_time || ACTS_THAT_ARE_TIMES.contains(&core.as_str()) => Some(Birth::Act(at)),
        _ if column.is_filled && !changes() => Some(Birth::Filled),
        _ if core.is_empty() && is_marked => Some(Birth::Bare),
        _ => {
            let is_own = is_marked && is_own(relation, &core) && !PLANNED.contains(&core.as_str());
            is_own.then_some(Birth::Own)
        }
    }
}

fn ends(relation: &Relation, column: &Column) -> bool {
    let (core, is_marked) = core(relation, column);
    let is_time = is_marked || is_moment(column) || is_date(column);
    is_time && ENDS.contains(&core.as_str())
}

fn is_sight(relation: &Relation, column: &Column) -> bool {
    SIGHTS.contains(&core(relation, column).0.as_str())
}

/// What is left of a name without the table's own words before it, and without words for time, of which there may
/// have been some: `placed` of `order_placed_at` and `orderPlacedDate` in orders.
fn core(relation: &Relation, column: &Column) -> (String, bool) {
    let (words, is_marked) = core_words(relation, column);
    (words.concat(), is_marked)
}

fn core_words(relation: &Relation, column: &Column) -> (Vec<String>, bool) {
    let mut all = words(&column.name);
    if let Some((what, mark)) = all.last().and_then(|last| in_two(relation, last)) {
        all.pop();
        all.extend([what, mark]);
    }
    let before = all.len();
    while all
        .last()
        .is_some_and(|last| MARKS.contains(&last.as_str()))
    {
        all.pop();
    }
    while all
        .first()
        .is_some_and(|first| MARKS.contains(&first.as_str()))
    {
        all.remove(0);
    }
    let is_marked = all.len() < before;
    while all.len() > 1 && is_own(relation, &all[0]) {
        all.remove(0);
    }
    (all, is_marked)
}

/// `order` and `date` of `orderdate`, where that makes sense.
fn in_two(relation: &Relation, word: &str) -> Option<(String, String)> {
    MARKS.iter().find_map(|mark| {
        let what = word.strip_suffix(mark)?;
        let makes_sense = ACTS.contains(&what) || ENDS.contains(&what) || is_own(relation, what);
        makes_sense.then(|| (what.to_owned(), (*mark).to_owned()))
    })
}

/// A word of the table's name, in singular or plural.
fn is_own(relation: &Relation, word: &str) -> bool {
    let table = subject(&relation.name, "");
    !word.is_empty() && table.iter().any(|own| own == word || *own == plural(word))
}
