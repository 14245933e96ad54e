//! Statements as people read them.

use std::fmt;

use chrono::SecondsFormat;

use super::{Bind, Statement};

impl Statement {
    /// Its text with the clauses on lines of their own, then what is bound to its placeholders.
    pub fn told(&self) -> String {
        let mut text = self.laid_out();
        for bound in self.bound() {
            text.push_str(&format!("\n{bound}"));
        }
        text
    }

    /// Long statements read better with their clauses on lines of their own.
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
