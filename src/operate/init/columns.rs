//! What the columns of a table offer beside its rows: money, states, flags, quantities.

use crate::catalog::History;
use crate::collect::schema::survey::{Column, Relation, Survey};

use super::metric::{By, Label, Metric, Part, history, plain};
use super::names::{Words, is_sound, key, own, plural, spelled, spoken, words};
use super::roles::state_since;
use super::tables::{Subject, is_flag, is_small};
use super::times::is_number;
use super::welcome::welcome;

/// At most one metric a column, the most interesting first.
pub fn metrics(subject: &Subject<'_>, survey: &Survey) -> Vec<Metric> {
    let columns = subject.relation.columns.iter();
    let mut all: Vec<(u8, Metric)> = columns
        .filter(|column| column.is_readable && is_sound(&column.name))
        .filter_map(|column| {
            let kind = |order: u8| move |metric| (order, metric);
            flag(subject, column)
                .map(kind(3))
                .or_else(|| state(subject, column, survey).map(kind(2)))
                .or_else(|| money(subject, column).map(kind(0)))
                .or_else(|| quantity(subject, column).map(kind(4)))
                .or_else(|| since(subject, column).map(kind(1)))
        })
        .collect();
    all.sort_by_key(|(order, _)| *order);
    all.into_iter().map(|(_, metric)| metric).collect()
}

/// Flags that people ask about.
fn flag(subject: &Subject<'_>, column: &Column) -> Option<Metric> {
    const INTERESTING: Words = Words(
        "active staff confirmed verified paid approved reported flagged banned suspended blocked
         moderated closed locked published failed spam admin moderator favorite newsletter enabled
         exists superuser marketing",
    );
    let mut named = own(&column.name, &subject.words);
    let is_reference = named.last().is_some_and(|last| last == "id");
    let asked = named
        .iter()
        .any(|word| INTERESTING.contains(word.trim_end_matches("bool")));
    let name = spelled(&column.name);
    // A whole number is a flag where its name leaves nothing else: `failed` may count.
    let says_flag = ["is", "has"].contains(&named.first()?.as_str())
        || ["active", "enabled"].contains(&column.name.to_lowercase().as_str());
    let is_number = is_small(column) || is_number(column) && says_flag;
    let (condition, note) = match (is_flag(column), is_number) {
        (true, _) => (name, ""),
        (_, true) => (format!("{name} = 1"), "GUESS: 1 means yes"),
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
        note: note.to_owned(),
        ..plain(subject, "flag")
    })
}

/// A time that is set only once something has happened: `banned_at`.
fn since(subject: &Subject<'_>, column: &Column) -> Option<Metric> {
    let times = [&subject.born, &subject.ended, &subject.seen];
    let mut known = times.into_iter().flatten();
    let state = state_since(subject.relation, column)?;
    let is_flag_too =
        |other: &Column| is_flag(other) && own(&other.name, &subject.words).last() == state.last();
    if known.any(|time| time.column == column.name)
        || subject.relation.columns.iter().any(is_flag_too)
    {
        return None;
    }
    let name = spelled(&column.name);
    // A zero stands for "never" where times are numbers.
    let condition = match is_number(column) {
        true => format!("{name} > 0"),
        false => format!("{name} IS NOT NULL"),
    };
    Some(Metric {
        key: made(subject, &state),
        label: format!("{}: {}", spoken(&subject.words), state.join(" ")),
        condition: Some(condition),
        history: Some(History::Now),
        good: welcome(&state),
        note: "GUESS: set while true and cleared afterwards, so past days stay unknown".to_owned(),
        ..plain(subject, "since")
    })
}

fn made(subject: &Subject<'_>, named: &[String]) -> String {
    let mut all: Vec<String> = subject.id.split('_').map(str::to_owned).collect();
    all.extend_from_slice(named);
    key(&all, 52)
}

/// Few-valued columns: by the values the schema promises, else as a distribution.
fn state(subject: &Subject<'_>, column: &Column, survey: &Survey) -> Option<Metric> {
    const STATES: Words = Words("status state type kind visibility role currency category genre");
    let mut named = own(&column.name, &subject.words);
    if named.last().is_some_and(|last| last == "id") {
        named.pop();
    }
    let last = named.last()?.as_str();
    let is_address = last == "state" && is_in_address(subject.relation, column);
    // `category` of categories is their name.
    let is_name = subject.words.last() == Some(&plural(last));
    let is_state = STATES.contains(last) || !column.values.is_empty();
    if !is_state || is_address || is_name || column.is_key {
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
        let whose = format!("{}: {}", spoken(&subject.words), named.join(" "));
        // A key can say `paid`, and cannot say `PG-13`.
        let is_plain = |value: &String| words(value).join(" ") == *value;
        let all_are_plain = column.values.iter().all(is_plain);
        let values = column.values.iter().map(|value| Part {
            value: value.clone(),
            key: made(subject, &[named.clone(), words(value)].concat()),
            label: (!all_are_plain).then(|| format!("{whose} {value}")),
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
        note: "GUESS: a column with few values, by its name".to_owned(),
        ..base
    })
}

/// `billing_state` beside `billing_city` is a place.
fn is_in_address(relation: &Relation, column: &Column) -> bool {
    const PLACES: Words = Words("city town zip postcode country");
    let all = words(&column.name);
    let before = all.split_last().map(|(_, before)| before);
    relation.columns.iter().any(|other| {
        let other = words(&other.name);
        let place = other.split_last();
        place.is_some_and(|(last, its)| PLACES.contains(last) && Some(its) == before)
    })
}

/// Where the parts' names come from: what the foreign key points to, if that has one.
fn labelled(relation: &Relation, column: &Column, survey: &Survey) -> Option<Label> {
    let mut keys = relation.foreign_keys.iter();
    let (_, parent, key) = keys.find(|(own, ..)| *own == column.name)?;
    let table = survey.relations.iter().find(|one| one.name == *parent)?;
    let names = ["display_name", "name", "title", "label"];
    let named = |name: &&str| {
        let mut columns = table.columns.iter();
        columns.find(|column| column.name.eq_ignore_ascii_case(name))
    };
    let name = names.iter().find_map(named)?;
    (name.is_readable && [&name.name, parent, key].iter().all(|one| is_sound(one))).then(|| Label {
        table: parent.clone(),
        key: key.clone(),
        column: name.name.clone(),
    })
}

const MONEY: Words =
    Words("total amount subtotal revenue turnover paid betrag summe umsatz montant");

/// `total_chf`
fn currency(word: &str) -> Option<&'static str> {
    let known = ["CHF", "EUR", "USD", "GBP"];
    known
        .into_iter()
        .find(|code| code.eq_ignore_ascii_case(word))
}

/// Of money people ask how much came in lately.
fn money(subject: &Subject<'_>, column: &Column) -> Option<Metric> {
    let named = own(&column.name, &subject.words);
    let last = named.last()?.as_str();
    let unit = currency(last);
    let is_exact = is_exact(column) && (unit.is_some() || MONEY.contains(last));
    let is_hundredths = column.kind.contains("int") && last == "cents";
    // Its own type in PostgreSQL depends on the server's locale.
    if !is_exact && !is_hundredths || column.kind == "money" {
        return None;
    }
    let born = subject.born.as_ref();
    let history = born.map(|_| history(subject).0);
    let history = history.filter(|history| *history == History::Event);
    let note = match (unit, is_hundredths, history) {
        (Some(_), ..) => "GUESS: an amount of money",
        (None, true, _) => "GUESS: an amount of money, in hundredths",
        (None, false, Some(_)) => "GUESS: an amount of money; add `unit = \"CHF\"`",
        (None, false, None) => {
            "GUESS: an amount of money; add `unit = \"CHF\"`, and `history = \"event\"` if it never changes: past days are known then"
        }
    };
    Some(Metric {
        within: born.map(|born| (born.column.clone(), None)),
        history,
        unit,
        decimals: (!is_hundredths).then_some(2),
        note: note.to_owned(),
        ..sum(subject, column, &named)
    })
}

/// Sizes and quantities add up too.
fn quantity(subject: &Subject<'_>, column: &Column) -> Option<Metric> {
    let named = own(&column.name, &subject.words);
    let last = named.last()?.as_str();
    let is_whole = column.kind.contains("int");
    let is_size = ["size", "bytes", "filesize"].contains(&last) && is_whole;
    let adds_up = ["quantity", "qty", "views", "violations"].contains(&last);
    (is_size || adds_up && (is_whole || is_exact(column))).then(|| Metric {
        unit: is_size.then_some("bytes"),
        note: "GUESS: a quantity that adds up".to_owned(),
        ..sum(subject, column, &named)
    })
}

fn is_exact(column: &Column) -> bool {
    let kinds = ["numeric", "decimal", "money", "double", "real", "float"];
    kinds.iter().any(|kind| column.kind.starts_with(kind))
}

fn sum(subject: &Subject<'_>, column: &Column, named: &[String]) -> Metric {
    Metric {
        key: made(subject, named),
        label: format!("{}: {}", spoken(&subject.words), named.join(" ")),
        measure: ("sum", column.name.clone()),
        good: welcome(named),
        ..plain(subject, "sum")
    }
}
