//! Reads one setting at a time, the environment before the file, and points mistakes at where it was set.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::catalog::Document;
use crate::text::mistake::Mistake;

use super::Request;
use super::database_url::DatabaseUrl;
use super::environment::{Environment, Given, given, is_given, read_secret};
use super::find::Found;
use super::origin::Origin;
use super::secret::{Secret, SecretPlace, exposed};

pub struct Settler<'a> {
    document: &'a Document<'a>,
    found: &'a Found,
    request: &'a Request,
    pub origins: BTreeMap<String, Origin>,
    pub mistakes: Vec<Mistake>,
    pub warnings: Vec<String>,
    pub secrets: Vec<Secret>,
}

/// Where a setting that may be a secret can be set.
pub struct Sealed<'a> {
    pub setting: &'a str,
    pub variable: &'a str,
    pub plain: &'a Option<String>,
    pub file: &'a Option<String>,
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
            secrets: Vec::new(),
        }
    }

    /// The value of `setting` (its path in the file); `None` for its default.
    pub fn value<T>(
        &mut self,
        setting: &str,
        written: &Option<impl ToString>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let value = written.as_ref().map(|written| read(&written.to_string()));
        match value? {
            Ok(value) => {
                self.note(setting);
                Some(value)
            }
            Err(message) => {
                self.wrong(setting, message);
                None
            }
        }
    }

    /// The same; the environment's `variable` comes before the file.
    pub fn value_or_variable<T>(
        &mut self,
        setting: &str,
        variable: &str,
        written: &Option<impl ToString>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let in_file = self.value(setting, written, &read);
        match self.given(variable) {
            Some(given) => self.accept(setting, given, read),
            None => in_file,
        }
    }

    /// The same; a variable that is blank is not set, as where these come from.
    pub fn filled_or_value<T>(
        &mut self,
        setting: &str,
        variable: &str,
        written: &Option<impl ToString>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        match self.is_filled(variable) {
            true => self.value_or_variable(setting, variable, written, read),
            false => self.value(setting, written, read),
        }
    }

    /// Whether the environment has more than blanks for a variable, or a file or credential in its place.
    pub fn is_filled(&self, variable: &str) -> bool {
        let environment = &self.request.environment;
        let is_blank = |text: &String| text.trim().is_empty();
        !environment.get(variable).is_some_and(is_blank) && is_given(variable, environment)
    }

    /// A path: in the file relative to its folder, in `variable` to the working directory.
    pub fn path(
        &mut self,
        setting: &str,
        variable: &str,
        written: &Option<String>,
    ) -> Option<PathBuf> {
        let in_file = self.value(setting, written, file_name);
        let Some(given) = self.given(variable) else {
            return in_file.map(|path| self.beside_the_file(&path));
        };
        let cwd = &self.request.cwd;
        self.accept(setting, given, |text| Ok(cwd.join(file_name(text)?)))
    }

    /// Reads `SECTION.database_url`, `SECTION.database_url_file` or the variable.
    pub fn database_url(
        &mut self,
        section: &str,
        variable: &str,
        url: &Option<String>,
        url_file: &Option<String>,
    ) -> Option<DatabaseUrl> {
        let sealed = Sealed {
            setting: &format!("{section}.database_url"),
            variable,
            plain: url,
            file: url_file,
        };
        let holds = |url: &DatabaseUrl| url.has_password().then_some("a database password");
        self.sealed(&sealed, DatabaseUrl::parse, holds)
    }

    /// Reads a setting that may be a secret; `read` also gets the folder that paths are relative to. `holds` names the
    /// secret in the value.
    pub fn sealed<T>(
        &mut self,
        sealed: &Sealed<'_>,
        read: impl Fn(&str, &Path) -> Result<T, String>,
        holds: impl Fn(&T) -> Option<&'static str>,
    ) -> Option<T> {
        let setting = sealed.setting;
        let file = format!("{setting}_file");
        if sealed.plain.is_some() && sealed.file.is_some() {
            let key = setting.rsplit('.').next().unwrap_or(setting);
            let message = format!("`{key}` and `{key}_file` are both set: keep one of them");
            self.wrong(&file, message);
        }
        let directory = self.found.directory.clone();
        let in_file = self.value(setting, sealed.plain, |text| read(text, &directory));
        if let Some(given) = self.given(sealed.variable) {
            let (cwd, place) = (&self.request.cwd, given.place.clone());
            let value = self.accept(setting, given, |text| read(text, cwd))?;
            self.keep(holds(&value), place);
            return Some(value);
        }
        if let Some(value) = in_file {
            let path = self.found.path.clone();
            self.warn_if_open(holds(&value), &path, &self.found.name.clone());
            return Some(value);
        }
        self.in_file_of_its_own(&file, sealed.file.as_ref()?, |text| {
            let value = read(text, &directory)?;
            let held = holds(&value);
            Ok((value, held))
        })
        .inspect(|_| {
            self.origins.insert(setting.to_owned(), self.origin(&file));
        })
    }

    /// The content of the file that `setting` names. `read` also names the secret in it.
    pub fn in_file_of_its_own<T>(
        &mut self,
        setting: &str,
        file: &str,
        read: impl Fn(&str) -> Result<(T, Option<&'static str>), String>,
    ) -> Option<T> {
        let path = self.found.directory.join(file);
        let name = self.found.beside(file);
        match read_secret(&path, &name).and_then(|text| read(&text)) {
            Ok((value, held)) => {
                self.warn_if_open(held, &path, &name);
                Some(value)
            }
            Err(message) => {
                self.wrong(setting, message);
                None
            }
        }
    }

    /// A path in the file is relative to the file's folder.
    pub fn beside_the_file(&self, path: &str) -> PathBuf {
        self.found.directory.join(path)
    }

    pub fn environment(&self) -> &'a Environment {
        &self.request.environment
    }

    /// Names the settings of a list's element by the element's name.
    pub fn rename(&mut self, from: &str, to: &str) {
        if let Some(origin) = self.origins.remove(from) {
            self.origins.insert(to.to_owned(), origin);
        }
    }

    /// A warning that begins with where `setting` was set.
    pub fn warn(&mut self, setting: &str, message: &str) {
        let place = match self.origins.get(setting) {
            Some(origin) => origin.clone(),
            None => self.origin(setting),
        };
        self.warnings.push(format!("{place}: {message}"));
    }

    /// Remembers that the file sets `setting`.
    pub fn note(&mut self, setting: &str) {
        self.origins
            .insert(setting.to_owned(), self.origin(setting));
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

    /// A mistake where `setting` was set.
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

    fn origin(&self, setting: &str) -> Origin {
        let path: Vec<&str> = setting.split('.').collect();
        let span = self.document.span(&self.document.root, &path);
        Origin::File {
            name: self.document.source.name.clone(),
            line: self.document.source.line_at(span.start),
        }
    }

    fn warn_if_open(&mut self, held: Option<&'static str>, path: &Path, name: &str) {
        self.keep(held, SecretPlace::File(path.to_owned()));
        if let Some(held) = held
            && others_can_read(path)
        {
            let warning = exposed(held, name);
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
    }

    fn keep(&mut self, held: Option<&'static str>, place: SecretPlace) {
        let secret = held.map(|held| Secret { held, place });
        let new = secret.filter(|secret| !self.secrets.contains(secret));
        self.secrets.extend(new);
    }
}

fn others_can_read(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o044 != 0)
}

/// A file's name; the caller knows what it is relative to.
pub fn file_name(text: &str) -> Result<String, String> {
    match text.is_empty() {
        true => Err("it names nothing: give a path".to_owned()),
        false => Ok(text.to_owned()),
    }
}

/// Reads a whole number of that range.
pub fn whole(range: RangeInclusive<u32>) -> impl Fn(&str) -> Result<u32, String> {
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        let (least, most) = (range.start(), range.end());
        number.ok_or_else(|| format!("`{text}` is not a whole number from {least} to {most}"))
    }
}
