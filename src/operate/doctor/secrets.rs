//! Where secrets are kept, and who besides the owner could read them.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::config::Config;
use crate::config::secret::{Secret, SecretPlace};

use super::Finding;

const AREA: &str = "secrets";

pub(super) fn examine(config: &Config) -> Vec<Finding> {
    if config.secrets.is_empty() {
        let means = "The configuration contains no secrets.";
        return vec![Finding::ok(AREA, "no passwords or tokens are set", means)];
    }
    config.secrets.iter().map(one).collect()
}

/// Whether this area reports what a warning of the settings says.
pub(super) fn reports(config: &Config, warning: &str) -> bool {
    config.secrets.iter().any(|secret| {
        let words = format!(" contains {}, and other users can read it", secret.held);
        matches!(secret.place, SecretPlace::File(_)) && warning.contains(&words)
    })
}

fn one(secret: &Secret) -> Finding {
    let held = secret.held;
    match &secret.place {
        SecretPlace::File(path) => in_file(held, path),
        SecretPlace::Credential(path) => Finding::ok(
            AREA,
            format!("the credential {} holds {held}", path.display()),
            "Only this service can read it.",
        ),
        SecretPlace::Environment(variable) => Finding::ok(
            AREA,
            format!("the variable {variable} holds {held}"),
            format!(
                "Other programs of this user can read it. To prevent that, use a file named by {variable}_FILE, or a systemd credential."
            ),
        ),
    }
}

fn in_file(held: &str, path: &Path) -> Finding {
    let name = path.display();
    let mode = match std::fs::metadata(path) {
        Ok(file) => file.permissions().mode() & 0o7777,
        Err(error) => {
            let what = format!("{name} contained {held} and cannot be checked: {error}");
            return Finding::error(
                AREA,
                what,
                "The next command may not find it.",
                "Check that the file exists and that this user may read it.",
            );
        }
    };
    let what = format!("{name} holds {held}, mode {mode:04o}");
    match mode & 0o077 {
        0 => Finding::ok(AREA, what, "Only its owner can read it."),
        _ => Finding::warning(
            AREA,
            what,
            "Other users on this machine may read or change it, and use it.",
            format!("`chmod 600 {name}`"),
        ),
    }
}
