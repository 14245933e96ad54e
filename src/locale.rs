//! How a reader is spoken to: the language of the fixed words, and the way numbers are written.

/// A reader's language and number style; English words and Swiss numbers when nothing is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Locale {
    pub language: Language,
    pub numbers: Numbers,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    #[default]
    English,
    German,
}

/// Named by the country or language whose habit it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Numbers {
    /// `1'234'567.8`
    #[default]
    Swiss,
    /// `1.234.567,8`
    German,
    /// `1 234 567,8`, with narrow spaces that do not break
    French,
    /// `1.234.567,8`
    Italian,
    /// `1,234,567.8`
    English,
}

impl Language {
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// As it is written in settings and in the `lang` of a page.
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    pub fn of_code(code: &str) -> Option<Self> {
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

    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|numbers| numbers.code() == code)
    }

    /// What stands between thousands.
    pub fn separator(self) -> &'static str {
        match self {
            Self::Swiss => "'",
            Self::German | Self::Italian => ".",
            Self::French => "\u{202f}",
            Self::English => ",",
        }
    }

    /// What stands before the fraction.
    pub fn point(self) -> &'static str {
        match self {
            Self::Swiss | Self::English => ".",
            Self::German | Self::French | Self::Italian => ",",
        }
    }
}
