//! What a time column says about its row: when it was created, ended or last seen, until when it was open, since when
//! it is in a state. Guessed from names and defaults.

use crate::collect::schema::survey::{Column, Relation};
use crate::engine::Engine;

use super::names::{Words, is_sound, plural, subject, words};
use super::times::{Time, column_time, is_date, is_moment, is_number, is_text};

/// Words for the creation of a row, the surest first.
const ACTS: Words = Words(
    "created create creation cr inserted insert added add registered register registration reg
     joined join signedup signup subscribed hired hire erstellt erstell angelegt anlage erfasst
     erfassungs entered entry placed ordered bestellt bestell booked booking gebucht buchungs
     purchased purchase bought sold sale rented issued invoiced rechnungs submitted submission
     posted sent message reported recorded logged captured measured scanned uploaded upload
     imported requested request received occurred happened opened started",
);

/// These mean a time even without a word like `at`.
const ACTS_THAT_ARE_TIMES: Words = Words("created registered joined submitted");

const ENDS: Words = Words("deleted delete deletion removed archived trashed geloescht gelöscht");

const SIGHTS: Words = Words(
    "lastlogin lastlogon lastseen lastactive lastactivity lastvisit lastvisited lastaccess
     lastaccessed lastonline lastposted lastsignin currentsignin",
);

/// Until then a row is open: a rental until it is returned.
const CLOSINGS: Words = Words("return returned closed resolved ended finished completed");

/// Words for states that do not end like `banned`.
const STATES: Words = Words("paid read sent sold hidden unavailable");

/// Such times mark no state: they move, lie ahead, or belong to every row.
const NO_STATES: Words = Words(
    "created inserted added updated modified changed edited accessed refreshed synced checked
     touched viewed indexed cached scheduled planned expected estimated promised required last
     next",
);

/// Words that only mark a time.
const MARKS: Words = Words("at on date time datetime timestamp ts dt utc gmt am datum");

/// Times of these may lie ahead, move, or be private.
const PLANNED: Words =
    Words("event appointment meeting reservation delivery shift course session birth");

/// Beginnings of words for times that are updated later, even if the database fills them in at first.
const CHANGES: Words = Words(
    "updat modif chang edit last sync refresh expir valid geänder geaender aktualis mut delet
     remov",
);

/// Why a column may be the creation time, the surest first.
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

/// Whether one value may be read to learn its kind of time; never from a column that may hold anything else.
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
    candidates.find_map(|(.., column)| column_time(column, engine))
}

pub fn ended(relation: &Relation, engine: Engine) -> Option<Time> {
    first_time(relation, engine, ends)
}

pub fn seen(relation: &Relation, engine: Engine) -> Option<Time> {
    first_time(relation, engine, is_sight)
}

/// The time until which a row is open.
pub fn closed(relation: &Relation, engine: Engine) -> Option<Time> {
    first_time(relation, engine, |relation, column| {
        is_sound(&column.name) && closes(relation, column)
    })
}

/// The first column of that kind.
fn first_time(
    relation: &Relation,
    engine: Engine,
    is_meant: impl Fn(&Relation, &Column) -> bool,
) -> Option<Time> {
    let mut columns = relation.columns.iter();
    let column = columns.find(|column| is_meant(relation, column))?;
    column_time(column, engine)
}

/// The state that a row has had since this time: `banned` for `banned_at`.
pub fn state_since(relation: &Relation, column: &Column) -> Option<Vec<String>> {
    let (state, is_marked) = core_words(relation, column);
    let is_time =
        is_moment(column) || is_date(column) || is_marked && (is_number(column) || is_text(column));
    let is_state =
        |word: &String| STATES.contains(word) || word.ends_with("ed") && !word.ends_with("eed");
    let says_nothing = |word: &String| NO_STATES.contains(word);
    let is_other = ends(relation, column) || closes(relation, column);
    let lasts = state.len() <= 2 && state.iter().any(is_state) && !state.iter().any(says_nothing);
    (is_time && is_marked && lasts && !is_other && !column.not_null).then_some(state)
}

fn closes(relation: &Relation, column: &Column) -> bool {
    let (core, is_marked) = core(relation, column);
    let is_time = is_marked || is_moment(column) || is_date(column);
    // A time that every row has is a due date.
    is_time && !column.not_null && CLOSINGS.contains(&core) && !is_own(relation, &core)
}

fn birth(relation: &Relation, column: &Column) -> Option<Birth> {
    let (core, is_marked) = core(relation, column);
    let is_time = is_marked || is_moment(column) || is_date(column);
    let all = words(&column.name);
    let changes = || {
        let mut words = all.iter();
        words.any(|word| CHANGES.iter().any(|change| word.starts_with(change)))
    };
    match ACTS.iter().position(|act| act == core) {
        Some(at) if is_time || ACTS_THAT_ARE_TIMES.contains(&core) => Some(Birth::Act(at)),
        _ if column.is_filled && !changes() => Some(Birth::Filled),
        _ if core.is_empty() && is_marked => Some(Birth::Bare),
        _ => {
            let is_own = is_marked && is_own(relation, &core) && !PLANNED.contains(&core);
            is_own.then_some(Birth::Own)
        }
    }
}

fn ends(relation: &Relation, column: &Column) -> bool {
    let (core, is_marked) = core(relation, column);
    let is_time = is_marked || is_moment(column) || is_date(column);
    is_time && ENDS.contains(&core)
}

fn is_sight(relation: &Relation, column: &Column) -> bool {
    SIGHTS.contains(&core(relation, column).0)
}

/// A name without the table's own words and without words for time, and whether it had the latter: `placed` for
/// `order_placed_at` and `orderPlacedDate` in orders.
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
    while all.last().is_some_and(|last| MARKS.contains(last)) {
        all.pop();
    }
    while all.first().is_some_and(|first| MARKS.contains(first)) {
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
        let makes_sense = ACTS.contains(what) || ENDS.contains(what) || is_own(relation, what);
        makes_sense.then(|| (what.to_owned(), mark.to_owned()))
    })
}

/// A word of the table's name, in singular or plural.
fn is_own(relation: &Relation, word: &str) -> bool {
    let table = subject(&relation.name, "");
    !word.is_empty() && table.iter().any(|own| own == word || *own == plural(word))
}
