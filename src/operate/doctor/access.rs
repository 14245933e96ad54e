//! Who could open the dashboard under these settings.

use crate::config::Config;

use super::Finding;

const AREA: &str = "serve";

/// `serve` refuses to start if this is an error.
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
        None => Finding::error(
            AREA,
            format!("{what}, without access control"),
            "`daybook serve` refuses to start: anyone on the network could read the numbers.",
            "Set `token_file` or `password_file` under [serve], name the proxy's header in `proxy_header`, or let it listen on 127.0.0.1.",
        ),
    }
}
