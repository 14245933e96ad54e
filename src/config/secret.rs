//! Where secrets were found: the files and variables that hold what others must not read.

use std::path::PathBuf;

/// Something secret, without itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// `a database password`
    pub held: &'static str,
    pub place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    File(PathBuf),
    /// A file that systemd keeps for this service alone.
    Credential(PathBuf),
    /// The variable's name.
    Environment(String),
}

/// How a warning says that a file is open to others.
pub fn exposed(held: &str, name: &str) -> String {
    format!("{name} contains {held}, and other users can read it: run `chmod 600 {name}`")
}
