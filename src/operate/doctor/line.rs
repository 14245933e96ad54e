//! Who could listen on the way to a database, or pretend to be it.

use crate::config::DatabaseUrl;
use crate::database::{Line, line};
use crate::engine::Engine;

use super::{Finding, Level};

pub(super) fn examine(
    area: &'static str,
    called: &str,
    url: &DatabaseUrl,
    is_encrypted: bool,
) -> Finding {
    let found =
        |is: &str, means| Finding::ok(area, format!("the connection to {called} {is}"), means);
    let advice = match url.engine() {
        Engine::Mysql => {
            "Write `ssl-mode=VERIFY_IDENTITY` into the database's URL, or leave `ssl-mode` out; `ssl-ca=FILE` names an authority of your own."
        }
        _ => {
            "Write `sslmode=verify-full` into the database's URL, or leave `sslmode` out; `sslrootcert=FILE` names an authority of your own."
        }
    };
    match line(url, is_encrypted) {
        Line::Encrypted => found(
            "is encrypted",
            "Nobody can read the password or the numbers in transit.",
        ),
        Line::Here => found(
            "is not encrypted",
            "It does not leave this machine.",
        ),
        Line::Unproven => found(
            "is encrypted, but the server is not verified",
            "An attacker in between can impersonate it, and read the password's proof and the numbers.",
        )
        .advising(Level::Warning, advice),
        Line::Open => found(
            "is not encrypted",
            "An attacker in between can read the password's proof and the numbers.",
        )
        .advising(Level::Warning, advice),
    }
}
