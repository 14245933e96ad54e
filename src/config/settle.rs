//! One setting at a time: the environment before the file, each value checked where it stands.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use crate::catalog::{Document, Mistake};

use super::Request;
use super::database_url::DatabaseUrl;
use super::environment::{Given, given, read_secret};
use super::find::Found;

/// Where a setting was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Default,
    File { name: String, line: usize },
    Environment(String),
    Credential(String),
}

pub struct Settler<'a> {
    document: &'a Document<'a>,
    found: &'a Found,
    request: &'a Request,
    pub origins: BTreeMap<String, Origin>,
    pub mistakes: Vec<Mistake>,
    pub warnings: Vec<String>,
}

impl<'a> Settler<'a> {
    pub fn new(document: &'a Document<'a>, found: &'a Found, request: &'a Request) -> Self {
        Self {
            document,
            found,
            request,
            origins: BTreeMap::new(),
            mistakes: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// The value of `setting` (its path in the file), or nothing where it is left at its default.
    pub fn value<T>(
        &mut self,
        setting: &str,
        variable: Option<&str>,
        written: Option<String>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let in_file = written.and_then(|text| match read(&text) {
            Ok(value) => Some(value),
            Err(message) => {
                self.wrong(setting, message);
                None
            }
        });
        let Some(given) = variable.and_then(|variable| self.given(variable)) else {
            if in_file.is_some() {
                self.note(setting);
            }
            return in_file;
        };
        self.accept(setting, given, read)
    }

    /// Reads `SECTION.database_url`, `SECTION.database_url_file` or the variable.
    pub fn database_url(
        &mut self,
        section: &str,
        variable: &str,
        url: Option<&String>,
        url_file: Option<&String>,
    ) -> Option<DatabaseUrl> {
        let (plain, file) = (
            format!("{section}.database_url"),
            format!("{section}.database_url_file"),
        );
        if url.is_some() && url_file.is_some() {
            self.wrong(
                &file,
                "`database_url` and `database_url_file` are both set: keep one of them",
            );
        }
        let directory = self.found.directory.clone();
        let in_file = self.value(&plain, None, url.cloned(), |text| {
            DatabaseUrl::parse(text, &directory)
        });
        if let Some(given) = self.given(variable) {
            let cwd = &self.request.cwd;
            return self.accept(&plain, given, |text| DatabaseUrl::parse(text, cwd));
        }
        if let Some(url) = in_file {
            let path = self.found.path.clone();
            self.warn_if_open(&url, &path, &self.found.name.clone());
            return Some(url);
        }
        let path = directory.join(url_file?);
        let name = self.found.beside(url_file?);
        match read_secret(&path, &name).and_then(|text| DatabaseUrl::parse(&text, &directory)) {
            Ok(url) => {
                self.origins.insert(plain, self.place(&file));
                self.warn_if_open(&url, &path, &name);
                Some(url)
            }
            Err(message) => {
                self.wrong(&file, message);
                None
            }
        }
    }

    /// Remembers that the file sets `setting`.
    pub fn note(&mut self, setting: &str) {
        self.origins.insert(setting.to_owned(), self.place(setting));
    }

    /// A mistake at `setting` in the file, or at its section where it is not written.
    pub fn wrong(&mut self, setting: &str, message: impl Into<String>) {
        let path: Vec<&str> = setting.split('.').collect();
        self.wrong_at(&path, message);
    }

    pub fn wrong_at(&mut self, path: &[&str], message: impl Into<String>) {
        let span = self.document.span(&self.document.root, path);
        self.mistakes.push(self.document.mistake(span, message));
    }

    /// A mistake at the place that set `setting`.
    pub fn wrong_at_origin(&mut self, setting: &str, message: String) {
        match self.origins.get(setting) {
            Some(origin @ (Origin::Environment(_) | Origin::Credential(_))) => {
                self.mistakes
                    .push(Mistake::elsewhere(origin.to_string(), message));
            }
            _ => self.wrong(setting, message),
        }
    }

    fn accept<T>(
        &mut self,
        setting: &str,
        given: Given,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        match read(&given.text) {
            Ok(value) => {
                self.origins.insert(setting.to_owned(), given.origin);
                Some(value)
            }
            Err(message) => {
                self.mistakes
                    .push(Mistake::elsewhere(given.origin.to_string(), message));
                None
            }
        }
    }

    fn given(&mut self, variable: &str) -> Option<Given> {
        match given(variable, &self.request.environment, &self.request.cwd) {
            Ok(given) => given,
            Err(mistake) => {
                self.mistakes.push(mistake);
                None
            }
        }
    }

    fn place(&self, setting: &str) -> Origin {
        let path: Vec<&str> = setting.split('.').collect();
        let span = self.document.span(&self.document.root, &path);
        Origin::File {
            name: self.document.source.name.clone(),
            line: self.document.source.line_at(span.start),
        }
    }

    fn warn_if_open(&mut self, url: &DatabaseUrl, path: &Path, name: &str) {
        if url.has_password() && others_can_read(path) {
            self.warnings.push(format!(
                "{name} holds a database password and others can read it: `chmod 600 {name}`"
            ));
        }
    }
}

#[cfg(unix)]
fn others_can_read(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o044 != 0)
}

#[cfg(not(unix))]
fn others_can_read(_: &Path) -> bool {
    false
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { name, line } => write!(f, "{name}:{line}"),
            Self::Environment(variable) => write!(f, "environment {variable}"),
            Self::Credential(name) => write!(f, "credential {name}"),
        }
    }
}
