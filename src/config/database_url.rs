//! A database's URL, whose password never shows.

use std::fmt;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use crate::engine::Engine;
use crate::text::secrets::masked;

#[derive(Clone)]
pub struct DatabaseUrl {
    text: SecretString,
    engine: Engine,
    file: Option<PathBuf>,
}

impl DatabaseUrl {
    /// Relative SQLite files are looked for in `base`.
    pub fn parse(text: &str, base: &Path) -> Result<Self, String> {
        // URLs ignore line breaks, so the parts around one would merge.
        let text = text.trim();
        if text.contains(char::is_control) {
            let why = "a database URL has no line breaks, tabs or other control characters";
            return Err(why.to_owned());
        }
        let scheme = text.split(':').next().unwrap_or_default();
        let (engine, file) = match scheme {
            "sqlite" => (Engine::Sqlite, Some(base.join(sqlite_file(text)?))),
            "postgres" | "postgresql" if text[scheme.len()..].starts_with("://") => {
                (Engine::Postgres, None)
            }
            "mysql" | "mariadb" if text[scheme.len()..].starts_with("://") => (Engine::Mysql, None),
            _ => return Err(unknown_engine(text, scheme)),
        };
        Ok(Self {
            text: SecretString::from(text),
            engine,
            file,
        })
    }

    pub fn sqlite(file: &Path) -> Self {
        Self {
            text: SecretString::from(format!("sqlite://{}", file.display())),
            engine: Engine::Sqlite,
            file: Some(file.to_owned()),
        }
    }

    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// The SQLite file, with the folder it is relative to in front.
    pub fn sqlite_path(&self) -> Option<PathBuf> {
        self.file.clone()
    }

    /// The URL as written, with its password: to connect with, never to show.
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }

    pub fn has_password(&self) -> bool {
        masked(self.expose()) != self.expose()
    }
}

fn sqlite_file(text: &str) -> Result<&str, String> {
    let path = text.trim_start_matches("sqlite:");
    let path = path.strip_prefix("//").unwrap_or(path);
    let path = path.split('?').next().unwrap_or_default();
    match path {
        "" => Err("`sqlite:` names no file: write `sqlite:app.db` or `sqlite:///var/lib/app.db`".to_owned()),
        ":memory:" | "memory:" => Err("a database in memory is gone when the command ends: name a file, such as `sqlite:app.db`".to_owned()),
        _ => Ok(path),
    }
}

/// Does not quote a text that is no URL: it may be a misplaced password.
fn unknown_engine(text: &str, scheme: &str) -> String {
    let expected = "a database URL is `sqlite:FILE`, or `postgres` or `mysql` with `://USER@HOST:PORT/DATABASE`";
    if text[scheme.len()..].starts_with("://") {
        format!("`{scheme}` is not supported: {expected}")
    } else {
        format!("not a database URL: {expected}")
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&masked(self.expose()))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}
