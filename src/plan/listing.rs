//! Statements as text for people.

use std::fmt;

use chrono::SecondsFormat;

use super::{Bind, Statement};

impl Statement {
    /// The statement with each clause on its own line, then the bound values.
    pub fn listing(&self) -> String {
        let mut lines = vec![self.laid_out()];
        lines.extend(self.bound());
        lines.join("\n")
    }

    /// The statement with each clause on its own line.
    pub fn laid_out(&self) -> String {
        let mut text = self.sql.trim().to_owned();
        for clause in [
            " FROM ",
            " LEFT JOIN ",
            " JOIN ",
            " WHERE ",
            " GROUP BY ",
            " ORDER BY ",
        ] {
            text = text.replace(clause, &format!("\n{}", clause.trim_start()));
        }
        text
    }

    /// `$1 = 2025-10-03T22:00:00Z`
    pub fn bound(&self) -> Vec<String> {
        let sign = if self.sql.contains("$1") { '$' } else { '?' };
        let numbered = self.binds.iter().enumerate();
        numbered
            .map(|(at, bind)| format!("{sign}{} = {bind}", at + 1))
            .collect()
    }
}

impl fmt::Display for Bind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instant(at) => f.write_str(&at.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            Self::Local(local) => write!(f, "{local}"),
            Self::Text(text) => write!(f, "'{text}'"),
            Self::Integer(whole) => write!(f, "{whole}"),
            Self::Instants(many) => write!(f, "{} day edges", many.len()),
            Self::Locals(many) => write!(f, "{} day edges", many.len()),
            Self::Integers(many) => write!(f, "{} day edges", many.len()),
            Self::Texts(many) => f.write_str(&many.join(", ")),
        }
    }
}
