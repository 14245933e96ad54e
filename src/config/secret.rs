//! Where secrets are set: files and variables that others must not read.

use std::path::PathBuf;

/// Something secret, without itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// `a database password`
    pub held: &'static str,
    pub place: SecretPlace,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretPlace {
    File(PathBuf),
    /// A file that only this service can read, by systemd.
    Credential(PathBuf),
    /// The variable's name.
    Environment(String),
}

/// The warning that others can read a file.
pub fn exposed(held: &str, name: &str) -> String {
    format!("{name} contains {held}, and other users can read it: run `chmod 600 {name}`")
}
