//! A reader's language and number format.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Defaults to English words and Swiss numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Locale {
    pub language: Language,
    pub numbers: Numbers,
}

#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum Language {
    #[default]
    #[serde(rename = "en")]
    English,
    #[serde(rename = "de")]
    German,
}

/// How numbers are written, by country or language.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum Numbers {
    /// `1'234'567.8`
    #[default]
    #[serde(rename = "ch")]
    Swiss,
    /// `1.234.567,8`
    #[serde(rename = "de")]
    German,
    /// `1 234 567,8`, with narrow spaces that do not break
    #[serde(rename = "fr")]
    French,
    /// `1.234.567,8`
    #[serde(rename = "it")]
    Italian,
    /// `1,234,567.8`
    #[serde(rename = "en")]
    English,
}

impl Language {
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// As in settings and in the `lang` of a page.
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|language| language.code() == code)
    }
}

impl Numbers {
    pub const ALL: [Self; 5] = [
        Self::Swiss,
        Self::German,
        Self::French,
        Self::Italian,
        Self::English,
    ];

    pub fn code(self) -> &'static str {
        match self {
            Self::Swiss => "ch",
            Self::German => "de",
            Self::French => "fr",
            Self::Italian => "it",
            Self::English => "en",
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|numbers| numbers.code() == code)
    }

    /// Between thousands.
    pub fn separator(self) -> &'static str {
        match self {
            Self::Swiss => "'",
            Self::German | Self::Italian => ".",
            Self::French => "\u{202f}",
            Self::English => ",",
        }
    }

    /// Before the fraction.
    pub fn point(self) -> &'static str {
        match self {
            Self::Swiss | Self::English => ".",
            Self::German | Self::French | Self::Italian => ",",
        }
    }
}
