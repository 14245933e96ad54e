//! The dashboard and the monitoring as people write them: sections of the configuration file.

use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Serve {
    /// Address and port; `127.0.0.1:8321` when left out. An address that others can reach needs a token, a password or a proxy.
    pub listen: Option<String>,
    /// Who sends it as a bearer token may look. Better kept in a file or in the environment.
    pub token: Option<String>,
    /// A file that holds the token, relative to this one.
    pub token_file: Option<String>,
    /// The name that goes with the password; `admin` when left out.
    pub user: Option<String>,
    /// Who signs in with it may look. Better kept in a file or in the environment.
    pub password: Option<String>,
    /// A file that holds the password, relative to this one.
    pub password_file: Option<String>,
    /// A proxy in front signs people in and says who they are in this header, such as `X-Forwarded-User`.
    pub proxy_header: Option<String>,
    /// The header in which trusted proxies append the client's address: `X-Forwarded-For`, or `Forwarded` as in RFC 7239. Wrong guesses then count by that address. Name it only if the proxies set it on every request.
    pub address_header: Option<String>,
    /// Addresses and networks of the proxies in front, the only ones believed about these headers; `127.0.0.1` and `::1` when left out.
    pub proxies: Option<Vec<String>>,
    /// More host names under which browsers reach the dashboard, beside this machine's own and that of `public_url`.
    pub hosts: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prometheus {
    /// What the names of series begin with that the catalog gives no name of its own; `daybook` when left out.
    #[schemars(regex(pattern = r"^[a-zA-Z_][a-zA-Z0-9_]*$"))]
    pub prefix: Option<String>,
}
