//! The proposal as a settings file, every guess marked.

use crate::catalog::{Good, TimeKind};
use crate::collect::schema::survey::rows::after_name;
use crate::text::plain::printable;

use super::metric::{By, Label, Metric};
use super::tables::{LeftOut, Parent, Subject, parents};
use super::times::Time;
use super::{Address, Proposal};

pub fn settings(proposal: &Proposal<'_>, address: &Address) -> String {
    let mut text = heading(address);
    for subject in &proposal.subjects {
        text.push_str(&table(subject));
        text.push_str(&choices(&parents(subject, &proposal.subjects)));
    }
    let mut section = None;
    for metric in &proposal.metrics {
        if section != Some(&metric.section) {
            text.push_str(&format!("\n# ---- {} ----\n", printable(&metric.section)));
            section = Some(&metric.section);
        }
        text.push_str(&one(metric));
    }
    text.push_str(&rest(&proposal.left_out, &proposal.unused));
    text
}

fn heading(address: &Address) -> String {
    let app = match address {
        Address::Written(url) => format!("[app]\ndatabase_url = {}\n", quoted(url)),
        Address::File(path) => format!("[app]\ndatabase_url_file = {}\n", quoted(path)),
        Address::Elsewhere => "\
# The database's address has a password or comes from outside, so it does not stand here. Give it in the environment,
#     DAYBOOK_APP_DATABASE_URL, or DAYBOOK_APP_DATABASE_URL_FILE=/etc/daybook/app_url
# or keep it in a file that only Daybook may read (chmod 600) and name that:
# [app]
# database_url_file = \"/etc/daybook/app_url\"
"
        .to_owned(),
    };
    format!(
        "\
# Proposed by `daybook init` from the database's tables. Check it before the first night: lines marked GUESS rest on names
# and types alone. Delete what nobody needs, and use your readers' own words.

name = \"Application\"            # GUESS: the application's name in reports
time_zone = \"Europe/Zurich\"     # GUESS: the time zone in which days begin and end

{app}
[book]
database_url = \"sqlite:daybook.db\"

# ==== Tables ====
"
    )
}

fn table(subject: &Subject<'_>) -> String {
    let rows = subject.relation.rows.words().unwrap_or_default();
    let column = |time: &Option<Time>| time.as_ref().map(|time| quoted(&time.column));
    let time = subject.time.as_ref();
    let guess = match time.map(|time| time.kind) {
        Some(TimeKind::Instant) => "",
        _ => "GUESS: ",
    };
    let why_time = time.map_or_else(String::new, |time| format!("{guess}{}", time.why));
    let entries = [
        ("name", Some(quoted(&subject.relation.name)), rows.as_str()),
        (
            "created_at",
            column(&subject.born),
            "GUESS: when a row was created",
        ),
        (
            "deleted_at",
            column(&subject.ended),
            &format!("GUESS: {}", subject.why_ended),
        ),
        (
            "where",
            subject.alive.as_deref().map(quoted),
            "GUESS: rows marked as deleted never count",
        ),
        ("time", time.map(|time| quoted(time.kind.word())), &why_time),
    ];
    format!("\n[tables.{}]\n{}", subject.id, lines(&entries, 10))
}

/// `key = value # why`, for each key that has a value.
fn lines(entries: &[(&str, Option<String>, &str)], width: usize) -> String {
    let mut text = String::new();
    for (key, value, why) in entries {
        if let Some(value) = value {
            let why = match *why {
                "" => String::new(),
                why => format!(" # {}", printable(why)),
            };
            text.push_str(&format!("{key:<width$} = {value}{why}\n"));
        }
    }
    text
}

/// Suggests `belongs_to` in a comment: people must decide whether rows of deleted parents count.
fn choices(parents: &[Parent<'_>]) -> String {
    if parents.is_empty() {
        return String::new();
    }
    let one = |parent: &Parent<'_>| {
        let (table, column) = (quoted(parent.id), quoted(parent.column));
        let key = match parent.key {
            "id" => String::new(),
            key => format!(", key = {}", quoted(key)),
        };
        format!("{{ table = {table}, column = {column}{key} }}")
    };
    let all: Vec<String> = parents.iter().map(one).collect();
    let mut names: Vec<String> = Vec::new();
    for parent in parents {
        let same = parents.iter().filter(|other| other.id == parent.id);
        let columns: Vec<&str> = same.map(|other| other.column).collect();
        let name = match columns.as_slice() {
            [_] => parent.id.to_owned(),
            several => format!("{} (by {})", parent.id, several.join(" or ")),
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    format!(
        "# If a row should not count once its row in {} is deleted, remove the #:\n# belongs_to = [{}]\n",
        names.join(" or "),
        all.join(", ")
    )
}

fn one(metric: &Metric) -> String {
    // The note explains which rows are counted or how far back they are known; of a sum, what it adds up.
    let note = metric.note.as_str();
    let (at_measure, at_condition, at_history) =
        match (metric.measure.0, metric.history, &metric.condition) {
            ("count", Some(_), _) => ("", "", note),
            ("count", None, Some(_)) => ("", note, ""),
            _ => (note, "", ""),
        };
    let falls = || "{ percent = { on = \"falls\" } }".to_owned();
    let good = match metric.good {
        Good::Up => Some("up"),
        Good::Down => Some("down"),
        Good::Neutral => None,
    };
    let entries = [
        ("key", Some(quoted(&metric.key)), ""),
        ("label", Some(quoted(&metric.label)), ""),
        ("section", Some(quoted(&metric.section)), ""),
        ("table", Some(quoted(&metric.table)), ""),
        (
            metric.measure.0,
            Some(quoted(&metric.measure.1)),
            at_measure,
        ),
        (
            "where",
            metric.condition.as_deref().map(quoted),
            at_condition,
        ),
        ("within", within(metric), ""),
        ("split", split(metric), ""),
        ("by", by(metric), ""),
        (
            "history",
            metric.history.map(|history| quoted(history.word())),
            at_history,
        ),
        ("unit", metric.unit.map(quoted), ""),
        (
            "decimals",
            metric.decimals.map(|decimals| decimals.to_string()),
            "",
        ),
        (
            "alert",
            metric.alerts_on_falls.then(falls),
            "growth shows in the metric of new rows",
        ),
        ("good", good.map(quoted), ""),
    ];
    format!("\n[[metrics]]\n{}", lines(&entries, 7))
}

fn within(metric: &Metric) -> Option<String> {
    let (column, kind) = metric.within.as_ref()?;
    let kind = kind.map(|kind| format!(", time = {}", quoted(kind.word())));
    let (column, kind) = (quoted(column), kind.unwrap_or_default());
    Some(format!("{{ column = {column}, days = [1, 7, 30]{kind} }}"))
}

fn split(metric: &Metric) -> Option<String> {
    let (column, parts) = metric.split.as_ref()?;
    let into = inline(parts.iter().map(|part| (&part.value, &part.key)));
    let labels = parts.iter();
    let labels = match inline(labels.filter_map(|part| Some((&part.key, part.label.as_ref()?)))) {
        none if none.is_empty() => none,
        some => format!(", labels = {{ {some} }}"),
    };
    let column = quoted(column);
    Some(format!(
        "{{ column = {column}, into = {{ {into} }}{labels} }}"
    ))
}

fn by(metric: &Metric) -> Option<String> {
    let By { column, label } = metric.by.as_ref()?;
    let label = label.as_ref().map(|Label { table, key, column }| {
        let [table, key, column] = [table, key, column].map(|name| quoted(name));
        format!(", label = {{ table = {table}, key = {key}, column = {column} }}")
    });
    let (column, label) = (quoted(column), label.unwrap_or_default());
    Some(format!("{{ column = {column}, top = 20{label} }}"))
}

fn inline<'a>(pairs: impl Iterator<Item = (&'a String, &'a String)>) -> String {
    let pairs = pairs.map(|(key, value)| format!("{} = {}", quoted(key), quoted(value)));
    pairs.collect::<Vec<_>>().join(", ")
}

fn rest(left_out: &[LeftOut], unused: &[String]) -> String {
    let mut text = String::new();
    let mut reasons: Vec<&str> = left_out.iter().map(|one| one.why).collect();
    reasons.sort_unstable();
    reasons.dedup();
    if !reasons.is_empty() {
        text.push_str("\n# ==== Left out ====\n");
    }
    for why in reasons {
        text.push_str(&format!("#\n# {why}:\n"));
        for one in left_out.iter().filter(|one| one.why == why) {
            let rows = after_name(one.rows);
            text.push_str(&format!("#   {}{rows}\n", printable(&one.name)));
        }
    }
    if !unused.is_empty() {
        text.push_str("\n# ==== More that could be counted; more numbers would make the report too long to read ====\n#\n");
        for name in unused {
            text.push_str(&format!("#   {}\n", printable(name)));
        }
    }
    text
}

/// Any text as a TOML string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            _ if letter.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(letter))),
            _ => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}
