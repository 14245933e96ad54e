//! The kinds of four systems that Daybook replaces, by the names `[live] presets` knows.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::text::suggest::did_you_mean;

use super::{Kind, written};

/// Names and declarations, as `daybook live kinds` prints them.
pub const PRESETS: [(&str, &str); 4] = [
    ("bot", include_str!("bot.toml")),
    ("agents", include_str!("agents.toml")),
    ("hosts", include_str!("hosts.toml")),
    ("moderation", include_str!("moderation.toml")),
];

/// A preset's TOML; else what there is in its place.
pub fn find(name: &str) -> Result<&'static str, String> {
    if let Some((_, toml)) = PRESETS.iter().find(|(known, _)| *known == name) {
        return Ok(toml);
    }
    let names = PRESETS.map(|(name, _)| name);
    let hint = match did_you_mean(name, names) {
        none if none.is_empty() => format!("; there are {}", names.join(", ")),
        hint => hint,
    };
    Err(format!("no preset `{}`{hint}", name.escape_debug()))
}

#[derive(Deserialize)]
struct Preset {
    kinds: BTreeMap<String, written::Kind>,
}

/// The kinds of a preset. They are part of the program, and a test holds them sound.
pub fn kinds(toml: &str) -> Vec<Kind> {
    let preset: Preset = toml::from_str(toml).unwrap_or_else(|error| panic!("{error}"));
    preset
        .kinds
        .iter()
        .map(|(name, written)| {
            super::check(name, written, &mut |place, message| {
                panic!("{name} {place:?}: {message}")
            })
        })
        .collect()
}
