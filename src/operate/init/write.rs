//! The proposal as a settings file that can be read aloud, every guess marked.

use crate::catalog::{Good, TimeKind};
use crate::collect::schema::survey::rows::after_name;
use crate::text::plain::printable;

use super::metric::Metric;
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
    let mut text = format!("\n[tables.{}]\n", subject.id);
    let mut line = |key: &str, value: &str, why: &str| {
        let why = if why.is_empty() {
            String::new()
        } else {
            format!(" # {}", printable(why))
        };
        text.push_str(&format!("{key:<10} = {}{why}\n", quoted(value)));
    };
    let rows = subject.relation.rows.words().unwrap_or_default();
    line("name", &subject.relation.name, &rows);
    if let Some(born) = &subject.born {
        line("created_at", &born.column, "GUESS: when a row was created");
    }
    if let Some(ended) = &subject.ended {
        let why = format!("GUESS: {}", subject.why_ended);
        line("deleted_at", &ended.column, &why);
    }
    if let Some(alive) = &subject.alive {
        line("where", alive, "GUESS: rows marked as deleted never count");
    }
    if let Some(Time { kind, why, .. }) = &subject.time {
        let sure = *kind == TimeKind::Instant;
        line(
            "time",
            kind.word(),
            &format!("{}{why}", if sure { "" } else { "GUESS: " }),
        );
    }
    text
}

/// Whether rows of deleted rows count is for people to decide, so it is only offered.
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
        "# Should a row not count if its row in {} is deleted? Then remove the #:\n# belongs_to = [{}]\n",
        names.join(" or "),
        all.join(", ")
    )
}

fn one(metric: &Metric) -> String {
    let mut text = String::from("\n[[metrics]]\n");
    let mut line = |key: &str, value: String, why: &str| {
        let why = if why.is_empty() {
            String::new()
        } else {
            format!(" # {}", printable(why))
        };
        text.push_str(&format!("{key:<7} = {value}{why}\n"));
    };
    // What is guessed of a count is which rows it has or how far back it is known, of a sum what it adds up.
    let note = metric.note.as_str();
    let (at_measure, at_condition, at_history) =
        match (metric.measure.0, metric.history, &metric.condition) {
            ("count", Some(_), _) => ("", "", note),
            ("count", None, Some(_)) => ("", note, ""),
            _ => (note, "", ""),
        };
    line("key", quoted(&metric.key), "");
    line("label", quoted(&metric.label), "");
    line("section", quoted(&metric.section), "");
    line("table", quoted(&metric.table), "");
    line(metric.measure.0, quoted(&metric.measure.1), at_measure);
    if let Some(condition) = &metric.condition {
        line("where", quoted(condition), at_condition);
    }
    for (key, value) in parts(metric) {
        line(key, value, "");
    }
    if let Some(history) = metric.history {
        line("history", quoted(history.word()), at_history);
    }
    if let Some(unit) = metric.unit {
        line("unit", quoted(unit), "");
    }
    if let Some(decimals) = metric.decimals {
        line("decimals", decimals.to_string(), "");
    }
    if metric.alerts_on_falls {
        let why = "its growth shows in the new ones";
        line("alert", "{ percent = { on = \"falls\" } }".to_owned(), why);
    }
    match metric.good {
        Good::Up => line("good", quoted("up"), ""),
        Good::Down => line("good", quoted("down"), ""),
        Good::Neutral => {}
    }
    text
}

/// Windows, splits and distributions: inline tables of their own.
fn parts(metric: &Metric) -> Vec<(&'static str, String)> {
    let within = metric.within.as_ref().map(|(column, kind)| {
        let kind = kind.map_or(String::new(), |kind| {
            format!(", time = {}", quoted(kind.word()))
        });
        let column = quoted(column);
        (
            "within",
            format!("{{ column = {column}, days = [1, 7, 30]{kind} }}"),
        )
    });
    let split = metric.split.as_ref().map(|(column, parts)| {
        let into = parts.iter().map(|part| (&part.value, &part.key));
        let labels = parts
            .iter()
            .filter_map(|part| part.label.as_ref().map(|label| (&part.key, label)));
        let labels = match inline(labels) {
            none if none.is_empty() => none,
            some => format!(", labels = {{ {some} }}"),
        };
        let (column, into) = (quoted(column), inline(into));
        (
            "split",
            format!("{{ column = {column}, into = {{ {into} }}{labels} }}"),
        )
    });
    let by = metric.by.as_ref().map(|by| {
        let label = by.label.as_ref().map_or(String::new(), |label| {
            let [table, key, column] =
                [&label.table, &label.key, &label.column].map(|name| quoted(name));
            format!(", label = {{ table = {table}, key = {key}, column = {column} }}")
        });
        (
            "by",
            format!("{{ column = {}, top = 20{label} }}", quoted(&by.column)),
        )
    });
    [within, split, by].into_iter().flatten().collect()
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

/// A TOML string, whatever stands in it.
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
