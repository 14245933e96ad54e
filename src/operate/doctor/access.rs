//! Who could open the dashboard, were it served as the settings say.

use crate::config::Config;

use super::{Finding, Level};

const AREA: &str = "serve";

/// `serve` itself refuses to begin where this is an error.
pub(super) fn examine(config: &Config) -> Finding {
    let serve = &config.serve;
    let listen = serve.listen;
    let what = format!("the dashboard listens on {listen}");
    match serve.guard() {
        Some(guard) => Finding::ok(
            AREA,
            format!("{what}, behind {guard}"),
            "Only authenticated users see the numbers.",
        ),
        None if !serve.is_open_to_others_at(listen) => {
            Finding::ok(AREA, what, "Only this machine can reach it.")
        }
        None => Finding::ok(
            AREA,
            format!("{what}, without access control"),
            "`daybook serve` refuses to start: anyone on the network could read the numbers.",
        )
        .advising(
            Level::Error,
            "Set `token_file` or `password_file` under [serve], name the proxy's header in `proxy_header`, or let it listen on 127.0.0.1.",
        ),
    }
}
