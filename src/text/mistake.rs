//! One mistake in a configuration file, shown with its line and a caret.

use std::fmt;
use std::ops::Range;

use super::secrets::{secrets_of, without, without_secrets};

/// A configuration file as read.
#[derive(Debug, Clone)]
pub struct Source {
    pub name: String,
    pub text: String,
}

impl Source {
    /// The line on which this byte stands; the first is 1.
    pub fn line_at(&self, offset: usize) -> usize {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }
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
        let line = source.text[line_start..].lines().next().unwrap_or_default();
        let begin = (start - line_start).min(line.len());
        let end = span.end.saturating_sub(line_start).clamp(begin, line.len());
        let secrets = secrets_of(line);
        let columns = |until: usize| without(&secrets, line, until).chars().count();
        Self {
            file: source.name.clone(),
            line: source.line_at(start),
            column: columns(begin) + 1,
            width: columns(end).saturating_sub(columns(begin)).max(1),
            shown: without(&secrets, line, line.len()),
            message: without_secrets(&message.into()),
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
            message: without_secrets(&message.into()),
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
