//! Which tables are worth counting, in which order, and why the others are not.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::collect::schema::survey::rows::Rows;
use crate::collect::schema::survey::{Column, Relation, Survey, references};
use crate::engine::Engine;

use super::machinery::is_machinery;
use super::names::{Words, is_sound, key, plural, spelled, spoken, subject, words};
use super::roles::{born, closed, ended, seen};
use super::times::{Time, is_number};

/// A table that is measured, with all that is guessed of it.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    pub relation: &'a Relation,
    /// Its name in the settings.
    pub id: String,
    /// `item types`
    pub words: Vec<String>,
    pub section: String,
    pub born: Option<Time>,
    pub ended: Option<Time>,
    /// What the end means.
    pub why_ended: &'static str,
    pub seen: Option<Time>,
    /// The column whose kind of time is the table's.
    pub time: Option<Time>,
    /// A condition that only living rows meet.
    pub alive: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    pub name: String,
    pub rows: Rows,
    pub why: &'static str,
}

/// A row to which each row of a table belongs, and which may be deleted while that row stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent<'a> {
    /// Its table's name in the settings.
    pub id: &'a str,
    pub column: &'a str,
    pub key: &'a str,
}

/// The tables to measure, the most telling first, and the others with the reason.
pub fn choose(survey: &Survey) -> (Vec<Subject<'_>>, Vec<LeftOut>) {
    let prefix = prefix(survey);
    let mut left_out = Vec::new();
    let mut countable = Vec::new();
    for relation in &survey.relations {
        match objection(relation, &prefix, survey.engine) {
            Some(why) => left_out.push(LeftOut {
                name: relation.name.clone(),
                rows: relation.rows,
                why,
            }),
            None => countable.push(relation),
        }
    }
    let referenced = references(survey);
    let mut subjects: Vec<Subject<'_>> = countable
        .into_iter()
        .map(|relation| subject_of(relation, &prefix, survey.engine))
        .collect();
    subjects.sort_by_key(|subject| {
        let weight = weight(subject, &referenced);
        let is_empty = subject.relation.rows.is_none();
        (is_empty, Reverse(weight), subject.relation.name.clone())
    });
    name_apart(&mut subjects, survey.engine);
    into_sections(&mut subjects);
    (subjects, left_out)
}

/// What most names begin with says nothing: `phpbb` in `phpbb_posts`.
fn prefix(survey: &Survey) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let tables = || survey.relations.iter().filter(|one| !one.is_view);
    for relation in tables() {
        let mut all = words(&relation.name);
        if all.len() > 1 {
            *counts.entry(all.swap_remove(0)).or_default() += 1;
        }
    }
    let most = counts.into_iter().max_by_key(|(_, count)| *count);
    most.filter(|(_, count)| *count >= 3 && *count * 2 >= tables().count())
        .map(|(word, _)| word)
        .unwrap_or_default()
}

fn objection(relation: &Relation, prefix: &str, engine: Engine) -> Option<&'static str> {
    let name = relation.name.to_lowercase();
    if relation.is_view {
        return Some("a view, whose rows stand in tables already");
    }
    if !is_sound(&relation.name) || engine != Engine::Postgres && name.contains('.') {
        return Some(
            "its name has a dot, a quote or a control character, which settings cannot hold",
        );
    }
    if relation.columns.iter().all(|column| !column.is_readable) {
        return Some("this user may not read it");
    }
    if is_machinery(relation, prefix) {
        return Some("the machinery of a framework");
    }
    (only_joins(relation)).then_some("it only joins other tables")
}

/// Every column is a key, its own or another table's, and there are two others' at least.
fn only_joins(relation: &Relation) -> bool {
    let refers = |column: &Column| {
        let promised = relation.foreign_keys.iter();
        let mut promised = promised.filter(|(own, ..)| *own == column.name);
        let all = words(&column.name);
        promised.next().is_some() || all.len() > 1 && all.last().is_some_and(|last| last == "id")
    };
    let all = || relation.columns.iter();
    all().filter(|column| refers(column)).count() >= 2
        && all().all(|column| refers(column) || column.name.eq_ignore_ascii_case("id"))
}

fn subject_of<'a>(relation: &'a Relation, prefix: &str, engine: Engine) -> Subject<'a> {
    const OTHER_PREFIXES: &[&str] = &["auth", "public"];
    let mut named = subject(&relation.name, prefix);
    if named.len() > 1
        && named
            .first()
            .is_some_and(|first| OTHER_PREFIXES.contains(&first.as_str()))
    {
        named.remove(0);
    }
    let sound = |time: Time| is_sound(&time.column).then_some(time);
    let born = born(relation, engine).and_then(sound);
    let ended = ended(relation, engine)
        .filter(|time| !is_zero_while_alive(relation, time))
        .and_then(sound);
    let alive = alive(relation, engine);
    let (time, ended, alive) = match ended.map(|ended| (between(born.as_ref(), &ended), ended)) {
        None => (born.clone(), None, alive),
        Some((Some(time), ended)) => (Some(time), Some(ended), alive),
        Some((None, ended)) => {
            let lives = format!("{} IS NULL", spelled(&ended.column));
            let all: Vec<String> = std::iter::once(lives).chain(alive).collect();
            (born.clone(), None, Some(all.join(" AND ")))
        }
    };
    Subject {
        id: key(&named, 40),
        section: String::new(),
        born,
        ended,
        why_ended: "when it ended",
        seen: seen(relation, engine).and_then(sound),
        time,
        alive,
        words: named,
        relation,
    }
}

/// The column whose kind of time holds for the whole table; `None` if beginning and end differ in it, or there is no
/// beginning.
fn between(born: Option<&Time>, ended: &Time) -> Option<Time> {
    let born = born?;
    match (born.says_itself, ended.says_itself) {
        (true, _) => Some(ended.clone()),
        (false, true) => Some(born.clone()),
        (false, false) => (born.kind == ended.kind).then(|| born.clone()),
    }
}

/// The time until which its rows are open.
pub fn closing(subject: &Subject<'_>, engine: Engine) -> Option<Time> {
    let born = subject.born.as_ref().map(|born| born.column.as_str());
    closed(subject.relation, engine).filter(|time| Some(time.column.as_str()) != born)
}

/// The same rows while they are open: rentals until they are returned.
pub fn while_open<'a>(subject: &Subject<'a>, engine: Engine) -> Option<Subject<'a>> {
    let closed = closing(subject, engine)?;
    let time = between(subject.born.as_ref(), &closed)?;
    (subject.ended.is_none()).then(|| Subject {
        id: open_id(&subject.id),
        ended: Some(closed),
        why_ended: "until then it is open",
        time: Some(time),
        ..subject.clone()
    })
}

pub fn open_id(id: &str) -> String {
    format!("{id}_open")
}

/// A number that is never null ends nothing while it is 0.
fn is_zero_while_alive(relation: &Relation, time: &Time) -> bool {
    let column = relation.column(&time.column);
    column.is_some_and(|column| is_number(column) && column.not_null)
}

/// `NOT is_deleted`, in a way that every engine understands.
fn alive(relation: &Relation, engine: Engine) -> Option<String> {
    let zero = ended(relation, engine).filter(|time| is_zero_while_alive(relation, time));
    if let Some(time) = zero {
        return Some(format!("{} = 0", spelled(&time.column)));
    }
    const FLAGS: &[&str] = &["is_deleted", "deleted", "is_removed", "soft_deleted"];
    let mut columns = relation.columns.iter();
    let flag = columns.find(|column| {
        FLAGS.contains(&column.name.to_lowercase().as_str()) && column.is_readable
    })?;
    let name = spelled(&flag.name);
    match (is_flag(flag), is_small(flag), flag.not_null) {
        (true, _, true) => Some(format!("NOT {name}")),
        (true, _, false) => Some(format!("{name} IS NOT TRUE")),
        (_, true, _) => Some(format!("coalesce({name}, 0) = 0")),
        _ => None,
    }
}

pub fn is_flag(column: &Column) -> bool {
    ["bool", "boolean", "tinyint(1)"].contains(&column.kind.as_str())
}

/// Small whole numbers, which often hold flags.
pub fn is_small(column: &Column) -> bool {
    let kind = column.kind.as_str();
    ["tinyint", "smallint", "int2"]
        .iter()
        .any(|one| kind.starts_with(one))
}

/// Parents whose deletion orphans these rows.
pub fn parents<'a>(subject: &'a Subject<'_>, all: &'a [Subject<'_>]) -> Vec<Parent<'a>> {
    let promised = subject.relation.foreign_keys.iter();
    let parent = |(column, table, key): &'a (String, String, String)| {
        let own = subject.relation.column(column)?;
        let parent = all.iter().find(|one| one.relation.name == *table)?;
        let may_be_deleted = parent.ended.is_some() || parent.alive.is_some();
        let is_other = parent.id != subject.id;
        let counts = own.not_null && is_other && may_be_deleted && parent.born.is_some();
        (counts && [column, key].iter().all(|name| is_sound(name))).then(|| Parent {
            id: &parent.id,
            column,
            key,
        })
    };
    promised.filter_map(parent).collect()
}

/// Central tables are referred to, have many rows, and have times.
fn weight(subject: &Subject<'_>, referenced: &BTreeMap<&str, usize>) -> u64 {
    let name = subject.relation.name.as_str();
    let references = referenced.get(name).copied().unwrap_or_default().min(10);
    let rows = subject.relation.rows.number();
    let rows = rows.unwrap_or_default().max(0).unsigned_abs();
    let times = [&subject.born, &subject.seen, &subject.ended];
    let known = times.iter().filter(|time| time.is_some()).count();
    let central = u64::from(is_central(subject));
    let alone = u64::from(subject.words.len() == 1);
    20 * known as u64
        + 10 * central
        + 5 * central * alone
        + 4 * references as u64
        + 4 * u64::from((rows + 1).ilog10())
}

fn is_central(subject: &Subject<'_>) -> bool {
    const CENTRAL: Words = Words(
        "users customers orders products posts topics items accounts members payments invoices
         subscriptions comments stories articles bookings rentals collections reviews returns
         emails reports",
    );
    let last = subject.words.last();
    last.is_some_and(|word| CENTRAL.contains(word))
}

fn name_apart(subjects: &mut [Subject<'_>], engine: Engine) {
    let mut taken = BTreeSet::new();
    for subject in subjects {
        let plain = subject.id.clone();
        let opens = while_open(subject, engine).is_some();
        let mut count = 2;
        while taken.contains(&subject.id) || opens && taken.contains(&open_id(&subject.id)) {
            subject.id = format!("{plain}_{count}");
            count += 1;
        }
        taken.insert(subject.id.clone());
        if opens {
            taken.insert(open_id(&subject.id));
        }
        if count > 2 {
            subject.words.push(format!("({})", subject.relation.name));
        }
    }
}

/// Tables whose names begin alike share a section; any other is a section of its own.
fn into_sections(subjects: &mut [Subject<'_>]) {
    let first = |subject: &Subject<'_>| {
        let word = subject.words.first().cloned().unwrap_or_default();
        plural(&word)
    };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for subject in subjects.iter() {
        *counts.entry(first(subject)).or_default() += 1;
    }
    for subject in subjects {
        let word = first(subject);
        subject.section = match counts.get(&word) {
            Some(2..) => spoken(&[word]),
            _ => spoken(&subject.words),
        };
    }
}
