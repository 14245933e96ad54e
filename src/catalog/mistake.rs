//! One mistake in a configuration file, shown with its line and a caret.

use std::fmt;
use std::ops::Range;

/// A configuration file as read.
#[derive(Debug, Clone)]
pub struct Source {
    pub name: String,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    pub file: String,
    /// One-based; zero when the mistake belongs to no line.
    pub line: usize,
    pub column: usize,
    pub width: usize,
    pub shown: String,
    pub message: String,
}

impl Mistake {
    pub fn at(source: &Source, span: Range<usize>, message: impl Into<String>) -> Self {
        let start = span.start.min(source.text.len());
        let line_start = source.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let shown = source.text[line_start..]
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned();
        let column = source.text[line_start..start].chars().count();
        let marked = source
            .text
            .get(start..span.end.min(line_start + shown.len()))
            .unwrap_or_default();
        Self {
            file: source.name.clone(),
            line: source.text[..line_start].matches('\n').count() + 1,
            column: column + 1,
            width: marked.chars().count().max(1),
            shown,
            message: message.into(),
        }
    }

    /// A mistake that no line of a file shows, such as one in the environment.
    pub fn elsewhere(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            file: place.into(),
            line: 0,
            column: 0,
            width: 0,
            shown: String::new(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            return write!(f, "{}: {}", self.file, self.message);
        }
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        let indent = " ".repeat(self.column - 1);
        writeln!(
            f,
            "{}:{}:{}: {}",
            self.file, self.line, self.column, self.message
        )?;
        writeln!(f, "{gutter} |")?;
        writeln!(f, "{number} | {}", self.shown)?;
        write!(f, "{gutter} | {indent}{}", "^".repeat(self.width))
    }
}

/// `; did you mean `x`?`, or nothing when no candidate is near.
pub fn did_you_mean<'a>(found: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(found, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 4)
        .min()
        .map(|(_, candidate)| format!("; did you mean `{candidate}`?"))
        .unwrap_or_default()
}
