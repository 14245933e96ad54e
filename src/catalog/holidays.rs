//! Holidays by name: built-in ones of countries, and those of users' files.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::document::{Document, read_value};
use super::gather::known_days;
use super::written::KnownDay;
use crate::text::mistake::{Mistake, Source};

const COUNTRIES: [(&str, &str); 1] = [("holidays/ch.toml", include_str!("../../holidays/ch.toml"))];

/// A file of holidays.
#[derive(Debug, Default)]
pub struct Holidays {
    /// The names that `holidays` may use.
    pub names: Vec<String>,
    /// Each with the names that include it.
    days: Vec<KnownDay>,
}

/// The file without its days, which are read one by one.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    pub code: Option<String>,
    #[serde(default)]
    pub regions: Vec<String>,
    pub calendar: Option<IgnoredAny>,
}

pub fn of_countries(mistakes: &mut Vec<Mistake>) -> Vec<Holidays> {
    let sources = COUNTRIES.map(|(name, text)| Source {
        name: name.to_owned(),
        text: text.to_owned(),
    });
    let read = |source| read(source, None, mistakes);
    sources.iter().map(read).collect()
}

/// `path` is the name of the file itself, for its days without a region.
pub fn read(source: &Source, path: Option<&str>, mistakes: &mut Vec<Mistake>) -> Holidays {
    let document = match Document::parse(source) {
        Ok(document) => document,
        Err(broken) => {
            mistakes.extend(broken);
            return Holidays::default();
        }
    };
    let head: Head = read_value(&document, &document.root, mistakes).unwrap_or_default();
    let name = |region: &String| match &head.code {
        Some(code) => format!("{code}-{region}"),
        None => region.clone(),
    };
    let whole = path.map(str::to_owned).into_iter().chain(head.code.clone());
    let names: Vec<String> = whole.chain(head.regions.iter().map(name)).collect();
    let mut days = known_days(&document, &head.regions, mistakes);
    for day in &mut days {
        day.regions = match day.regions.is_empty() {
            true => names.clone(),
            false => day.regions.iter().map(name).collect(),
        };
    }
    Holidays { names, days }
}

impl Holidays {
    /// The days that any of these names includes.
    pub fn days_of(&self, names: &[String]) -> impl Iterator<Item = KnownDay> {
        let is_included =
            move |day: &&KnownDay| day.regions.iter().any(|name| names.contains(name));
        self.days.iter().filter(is_included).cloned()
    }
}
