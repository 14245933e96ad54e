//! Whether others could read the traffic to a database, or impersonate it.

use crate::config::DatabaseUrl;
use crate::database::{Transport, transport};
use crate::engine::Engine;

use super::Finding;

pub(super) fn examine(
    area: &'static str,
    called: &str,
    url: &DatabaseUrl,
    is_encrypted: bool,
) -> Finding {
    let (is, means) = match transport(url, is_encrypted) {
        Transport::Encrypted => (
            "is encrypted",
            "Nobody can read the password or the numbers in transit.",
        ),
        Transport::Local => ("is not encrypted", "It does not leave this machine."),
        Transport::Unproven => (
            "is encrypted, but the server is not verified",
            "An attacker in between can impersonate it, and read the password's proof and the numbers.",
        ),
        Transport::Open => (
            "is not encrypted",
            "An attacker in between can read the password's proof and the numbers.",
        ),
    };
    let what = format!("the connection to {called} {is}");
    let advice = match (transport(url, is_encrypted), url.engine()) {
        (Transport::Encrypted | Transport::Local, _) => return Finding::ok(area, what, means),
        (_, Engine::Mysql) => {
            "Write `ssl-mode=VERIFY_IDENTITY` into the database's URL, or leave `ssl-mode` out; `ssl-ca=FILE` names an authority of your own."
        }
        _ => {
            "Write `sslmode=verify-full` into the database's URL, or leave `sslmode` out; `sslrootcert=FILE` names an authority of your own."
        }
    };
    Finding::warning(area, what, means, advice)
}
