//! Values from outside the file: variables, files they name (`…_FILE`) and systemd credentials.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::text::mistake::Mistake;

use super::origin::Origin;
use super::secret::SecretPlace;

/// All environment variables, by name.
pub type Environment = BTreeMap<String, String>;

/// A value with where it comes from. It may be a secret, so it has no `Debug`.
pub struct Given {
    pub text: String,
    pub origin: Origin,
    pub place: SecretPlace,
}

/// The value of `variable`: from `…_FILE`, else the credential of the same name in lower case, else the variable itself.
pub fn given(
    variable: &str,
    environment: &Environment,
    cwd: &Path,
) -> Result<Option<Given>, Mistake> {
    let with_file = format!("{variable}_FILE");
    let plain = environment.get(variable);
    if let Some(path) = environment.get(&with_file) {
        let origin = Origin::Environment(with_file.clone());
        if plain.is_some() {
            let message = format!("{variable} and {with_file} are both set: keep one of them");
            return Err(Mistake::elsewhere(origin.to_string(), message));
        }
        let path = cwd.join(path);
        return content(&path, origin, SecretPlace::File(path.clone())).map(Some);
    }
    if let Some(directory) = credentials(environment) {
        let name = variable.to_lowercase();
        let path = directory.join(&name);
        if path.exists() {
            let place = SecretPlace::Credential(path.clone());
            return content(&path, Origin::Credential(name), place).map(Some);
        }
    }
    let origin = Origin::Environment(variable.to_owned());
    plain
        .cloned()
        .map(|text| not_empty(text, origin, SecretPlace::Environment(variable.to_owned())))
        .transpose()
}

/// Whether there is anything that [`given`] reads.
pub fn is_given(variable: &str, environment: &Environment) -> bool {
    let credential = |directory: PathBuf| directory.join(variable.to_lowercase()).exists();
    environment.contains_key(variable)
        || environment.contains_key(&format!("{variable}_FILE"))
        || credentials(environment).is_some_and(credential)
}

/// The parts between `prefix` and `suffix` of variables and credentials, in lower case: the names of app databases in
/// `DAYBOOK_APP_<NAME>_DATABASE_URL`.
pub fn names_between(prefix: &str, suffix: &str, environment: &Environment) -> BTreeSet<String> {
    let listed = credentials(environment).and_then(|directory| directory.read_dir().ok());
    let credentials = listed
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.to_uppercase()));
    let name = |variable: String| {
        let plain = variable.strip_suffix("_FILE").unwrap_or(&variable);
        let name = plain.strip_prefix(prefix)?;
        Some(name.strip_suffix(suffix)?.to_lowercase())
    };
    environment
        .keys()
        .cloned()
        .chain(credentials)
        .filter_map(name)
        .collect()
}

/// A file's text without the newline that editors leave at its end.
pub fn read_secret(path: &Path, name: &str) -> Result<String, String> {
    let mut text =
        std::fs::read_to_string(path).map_err(|error| format!("cannot read `{name}`: {error}"))?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

fn content(path: &Path, origin: Origin, place: SecretPlace) -> Result<Given, Mistake> {
    match read_secret(path, &path.display().to_string()) {
        Ok(text) => not_empty(text, origin, place),
        Err(message) => Err(Mistake::elsewhere(origin.to_string(), message)),
    }
}

fn not_empty(text: String, origin: Origin, place: SecretPlace) -> Result<Given, Mistake> {
    if text.is_empty() {
        let message = "set, but empty: give it a value or unset it";
        return Err(Mistake::elsewhere(origin.to_string(), message));
    }
    Ok(Given {
        text,
        origin,
        place,
    })
}

fn credentials(environment: &Environment) -> Option<PathBuf> {
    environment.get("CREDENTIALS_DIRECTORY").map(PathBuf::from)
}

/// Checks a name that becomes part of a variable's name; `what` says whose it is.
pub fn check_name(name: &str, what: &str) -> Result<(), String> {
    let is_sound = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
    match is_sound {
        true => Ok(()),
        false => Err(format!(
            "`{}` cannot name {what}: a name begins with a letter a-z and goes on with letters a-z, digits and `_`",
            name.escape_debug()
        )),
    }
}
