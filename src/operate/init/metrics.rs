//! What to count of a table: how many there are and are new, who is active, flags, states and sums.

use crate::catalog::{Good, History, TimeKind};
use crate::collect::schema::survey::{Column, Relation, Survey};

use super::names::{key, own, spoken, words};
use super::tables::{Subject, is_flag, is_small};
use super::welcome::welcome;

/// A metric as it will be written.
#[derive(Debug, Clone, Default)]
pub struct Metric {
    pub key: String,
    pub label: String,
    pub section: String,
    pub table: String,
    /// `count` of `*`, `sum` of a column.
    pub measure: (&'static str, String),
    pub condition: Option<String>,
    /// Over 1, 7 and 30 days, with how the column tells time where it differs.
    pub within: Option<(String, Option<TimeKind>)>,
    /// A column's values, each with the key that counts it.
    pub split: Option<(String, Vec<(String, String)>)>,
    pub by: Option<By>,
    pub history: Option<History>,
    pub good: Good,
    pub unit: Option<&'static str>,
    /// Money has two.
    pub decimals: Option<u32>,
    /// Only a fall deserves attention: how fast it grows, another metric tells.
    pub alerts_on_falls: bool,
    pub note: String,
}

/// A distribution over a column's values.
#[derive(Debug, Clone)]
pub struct By {
    pub column: String,
    pub label: Option<Label>,
}

/// Where the parts' names stand.
#[derive(Debug, Clone)]
pub struct Label {
    pub table: String,
    pub key: String,
    pub column: String,
}

impl Metric {
    /// How many numbers it makes.
    pub fn numbers(&self) -> usize {
        match (&self.within, &self.split) {
            (Some(_), _) => 3,
            (_, Some((_, values))) => values.len(),
            _ => 1,
        }
    }
}

/// All rows, and the new ones where it is known when they came.
pub fn basic(subject: &Subject<'_>) -> Vec<Metric> {
    let (history, note) = history(subject);
    let good = welcome(&subject.words);
    let mut all = vec![Metric {
        history: Some(history),
        good,
        alerts_on_falls: subject.born.is_some(),
        note: note.to_owned(),
        ..plain(subject, "total")
    }];
    if let Some(born) = &subject.born {
        all.push(Metric {
            within: Some((born.column.clone(), None)),
            history: Some(history),
            good,
            ..plain(subject, "new")
        });
    }
    all
}

/// What else the columns offer.
pub fn further(subject: &Subject<'_>, survey: &Survey) -> Vec<Metric> {
    let mut all: Vec<Metric> = active(subject).into_iter().collect();
    for column in subject.relation.columns.iter().filter(|one| may_stand(one)) {
        let found = flag(subject, column)
            .or_else(|| state(subject, column, survey))
            .or_else(|| amount(subject, column));
        all.extend(found);
    }
    all
}

/// Some names cannot be written, some columns may not be read.
fn may_stand(column: &Column) -> bool {
    let forbidden = |letter: char| letter.is_control() || letter == '"' || letter == '`';
    column.is_readable && !column.name.contains(forbidden)
}

fn plain(subject: &Subject<'_>, what: &str) -> Metric {
    let mut named = vec![what.to_owned()];
    named.extend(subject.words.iter().cloned());
    Metric {
        key: format!("{what}_{}", subject.id),
        label: spoken(&named),
        section: subject.section.clone(),
        table: subject.id.clone(),
        measure: ("count", "*".to_owned()),
        ..Metric::default()
    }
}

/// How far back a plain count can be known, and why that is believed.
fn history(subject: &Subject<'_>) -> (History, &'static str) {
    const WRITTEN_ONCE: &[&str] = &[
        "log",
        "logs",
        "events",
        "votes",
        "views",
        "visits",
        "payments",
        "transactions",
        "emails",
        "messages",
        "scans",
        "history",
        "histories",
        "activities",
        "hits",
    ];
    let column = |name: &str| subject.relation.column(name).is_some();
    let changes = ["updated_at", "modified", "date_modified", "updated"];
    let once = subject
        .words
        .last()
        .is_some_and(|last| WRITTEN_ONCE.contains(&last.as_str()));
    match (&subject.born, &subject.ended) {
        (None, _) => (
            History::Now,
            "no column says when a row began to exist: counted from today on, past days stay unknown",
        ),
        (Some(_), Some(_)) if subject.alive.is_none() => (
            History::Interval,
            "rows begin and end by their times, so past days can be recounted",
        ),
        (Some(_), None)
            if once && subject.alive.is_none() && !changes.iter().any(|one| column(one)) =>
        {
            (
                History::Event,
                "GUESS: such rows are written once and kept; say \"survivors\" if any are ever deleted",
            )
        }
        (Some(_), Some(_)) => (
            History::Now,
            "rows end by a time and by a flag as well: only today's count is sure",
        ),
        (Some(_), None) => (
            History::Survivors,
            "GUESS: rows may be deleted, and recounted days lack them; say \"event\" if none ever is",
        ),
    }
}

fn active(subject: &Subject<'_>) -> Option<Metric> {
    let seen = subject.seen.as_ref()?;
    let usual = subject.time.as_ref().map(|time| time.kind);
    let differs = usual.is_some_and(|usual| usual != seen.kind)
        || usual.is_none() && seen.kind != TimeKind::Utc;
    Some(Metric {
        within: Some((seen.column.clone(), differs.then_some(seen.kind))),
        history: Some(History::Now),
        good: Good::Up,
        note: format!(
            "{} is overwritten each time: the past cannot be known",
            seen.column
        ),
        ..plain(subject, "active")
    })
}

/// Flags that people ask about.
fn flag(subject: &Subject<'_>, column: &Column) -> Option<Metric> {
    const INTERESTING: &[&str] = &[
        "active",
        "staff",
        "confirmed",
        "verified",
        "paid",
        "approved",
        "reported",
        "flagged",
        "banned",
        "suspended",
        "blocked",
        "closed",
        "locked",
        "published",
        "failed",
        "spam",
        "admin",
        "moderator",
        "favorite",
        "newsletter",
        "enabled",
        "exists",
        "superuser",
        "marketing",
    ];
    let mut named = own(&column.name, &subject.words);
    let is_reference = named.last().is_some_and(|last| last == "id");
    let asked = named
        .iter()
        .any(|word| INTERESTING.contains(&word.as_str()));
    let name = spelled(&column.name);
    let condition = match (is_flag(column), is_small(column)) {
        (true, _) => name,
        (_, true) => format!("{name} = 1"),
        _ => return None,
    };
    if !asked || is_reference {
        return None;
    }
    named.retain(|word| word != "is" && word != "has");
    Some(Metric {
        key: made(subject, &named),
        label: format!("{}: {}", spoken(&subject.words), named.join(" ")),
        condition: Some(condition),
        good: welcome(&named),
        ..plain(subject, "flag")
    })
}

fn made(subject: &Subject<'_>, named: &[String]) -> String {
    let mut all: Vec<String> = subject.id.split('_').map(str::to_owned).collect();
    all.extend_from_slice(named);
    key(&all, 52)
}

/// Few-valued columns: by the values the schema promises, else as a distribution.
fn state(subject: &Subject<'_>, column: &Column, survey: &Survey) -> Option<Metric> {
    const STATES: &[&str] = &[
        "status",
        "state",
        "type",
        "kind",
        "visibility",
        "role",
        "currency",
    ];
    let mut named = own(&column.name, &subject.words);
    if named.last().is_some_and(|last| last == "id") {
        named.pop();
    }
    let last = named.last()?.as_str();
    let is_address = subject.relation.column("city").is_some();
    if !STATES.contains(&last) && column.values.is_empty() || is_address || column.is_key {
        return None;
    }
    let short =
        column.kind.contains("char") || column.kind.contains("int") || column.kind == "text";
    if !short && column.values.is_empty() {
        return None;
    }
    let label = format!("{} by {}", spoken(&subject.words), named.join(" "));
    let base = Metric {
        key: made(subject, &[vec!["by".to_owned()], named.clone()].concat()),
        label,
        ..plain(subject, "state")
    };
    if (2..=8).contains(&column.values.len()) {
        let values = column.values.iter().map(|value| {
            let mut all = named.clone();
            all.extend(words(value));
            (value.clone(), made(subject, &all))
        });
        return Some(Metric {
            split: Some((column.name.clone(), values.collect())),
            note: "the values that the schema allows".to_owned(),
            ..base
        });
    }
    Some(Metric {
        by: Some(By {
            column: column.name.clone(),
            label: labelled(subject.relation, column, survey),
        }),
        note: "GUESS: a column of few values, judged by its name".to_owned(),
        ..base
    })
}

/// Where the parts' names come from: what the foreign key points to, if that has one.
fn labelled(relation: &Relation, column: &Column, survey: &Survey) -> Option<Label> {
    let mut keys = relation.foreign_keys.iter();
    let (_, parent, key) = keys.find(|(own, ..)| *own == column.name)?;
    let table = survey.relations.iter().find(|one| one.name == *parent)?;
    let names = ["display_name", "name", "title", "label"];
    let name = names.iter().find_map(|name| table.column(name))?;
    (may_stand(name) && !parent.contains(['"', '`'])).then(|| Label {
        table: parent.clone(),
        key: key.clone(),
        column: name.name.clone(),
    })
}

const MONEY: &[&str] = &[
    "total", "amount", "subtotal", "revenue", "turnover", "paid", "betrag", "summe", "umsatz",
    "montant",
];

/// `total_chf`
fn currency(word: &str) -> Option<&'static str> {
    let known = ["CHF", "EUR", "USD", "GBP"];
    known
        .into_iter()
        .find(|code| code.eq_ignore_ascii_case(word))
}

/// Money, sizes and quantities add up; of money people ask how much came in lately.
fn amount(subject: &Subject<'_>, column: &Column) -> Option<Metric> {
    let named = own(&column.name, &subject.words);
    let last = named.last()?.as_str();
    let kind = column.kind.as_str();
    let exact = ["numeric", "decimal", "money", "double", "real", "float"];
    let exact = exact.iter().any(|one| kind.starts_with(one));
    let whole = kind.contains("int");
    let unit = currency(last);
    let money = exact && (unit.is_some() || MONEY.contains(&last)) || whole && last == "cents";
    let size = ["size", "bytes", "filesize"].contains(&last) && whole;
    let quantity = ["quantity", "qty", "views", "violations"].contains(&last) && (whole || exact);
    if !(money || size || quantity) || kind == "money" {
        return None;
    }
    let note = match (money, unit) {
        (true, Some(_)) => "GUESS: an amount of money",
        (true, None) if last == "cents" => "GUESS: an amount of money, in hundredths",
        (true, None) => {
            "GUESS: an amount of money; add `unit = \"CHF\"`, and `history = \"event\"` if it never changes: past days are known then"
        }
        (false, _) => "GUESS: a quantity that adds up",
    };
    let born = subject.born.as_ref().filter(|_| money);
    let history = born.map(|_| history(subject).0);
    Some(Metric {
        key: made(subject, &named),
        label: format!("{}: {}", spoken(&subject.words), named.join(" ")),
        measure: ("sum", column.name.clone()),
        within: born.map(|born| (born.column.clone(), None)),
        history: history.filter(|history| *history == History::Event),
        unit: unit.or(size.then_some("bytes")),
        decimals: (money && last != "cents").then_some(2),
        good: welcome(&named),
        note: note.to_owned(),
        ..plain(subject, "sum")
    })
}

/// Conditions are SQL as it is: what is not a plain lower-case word needs quotes.
pub fn spelled(name: &str) -> String {
    const RESERVED: &[&str] = &[
        "order", "group", "user", "check", "default", "table", "primary", "desc", "end", "all",
    ];
    let is_plain = name
        .chars()
        .all(|letter| letter.is_ascii_lowercase() || letter == '_' || letter.is_ascii_digit());
    let begins = name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_');
    match is_plain && begins && !RESERVED.contains(&name) {
        true => name.to_owned(),
        false => format!("\"{name}\""),
    }
}
