//! The setting `holidays`: lists of known days, by name or in files.

use crate::catalog::{KnownDay, holidays};

use super::find::Found;
use super::settle::Settler;

/// The days that these names include. A user's own files come first, so that they can rename a country's days.
pub(super) fn known_days(
    written: &[String],
    found: &Found,
    settler: &mut Settler<'_>,
) -> Vec<KnownDay> {
    if written.is_empty() {
        return Vec::new();
    }
    settler.note("holidays");
    let mut files = Vec::new();
    let is_path = |name: &str| name.contains(['.', '/']);
    for (at, path) in written.iter().enumerate().filter(|(_, name)| is_path(name)) {
        match found.source_beside(path) {
            Ok(source) => files.push(holidays::read(&source, Some(path), &mut settler.mistakes)),
            Err(message) => settler.wrong_at(&["holidays", &at.to_string()], message),
        }
    }
    files.extend(holidays::of_countries(&mut settler.mistakes));
    let names = files.iter().flat_map(|file| &file.names);
    let known: Vec<&str> = names
        .map(String::as_str)
        .filter(|name| !is_path(name))
        .collect();
    for (at, name) in written.iter().enumerate() {
        if !is_path(name) && !known.contains(&name.as_str()) {
            let message = format!("no holidays are called `{name}`{}", nearest(name, &known));
            settler.wrong_at(&["holidays", &at.to_string()], message);
        }
    }
    files
        .iter()
        .flat_map(|file| file.days_of(written))
        .collect()
}

/// `zh` suggests `CH-ZH`; other names are too short for suggestions.
fn nearest(name: &str, known: &[&str]) -> String {
    let region = format!("-{}", name.to_uppercase());
    let is_meant = |known: &&&str| known.eq_ignore_ascii_case(name) || known.ends_with(&region);
    match known.iter().find(is_meant) {
        Some(meant) => format!("; did you mean `{meant}`?"),
        None => format!(
            "; known are {}, and files such as `holidays/company.toml`",
            known.join(", ")
        ),
    }
}
