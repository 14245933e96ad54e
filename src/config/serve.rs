//! The sections `[serve]` and `[prometheus]`: the dashboard and the series for monitoring systems.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use secrecy::SecretString;

use super::network::Network;
use super::rows::{Row, or_not_set, section};
use super::settle::{Sealed, Settler};

/// The default address of the dashboard.
pub const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8321);

#[derive(Debug, Clone)]
pub struct ServeSettings {
    pub listen: SocketAddr,
    pub token: Option<SecretString>,
    pub user: String,
    pub password: Option<SecretString>,
    /// The header, in lower case, in which a proxy names the authenticated user.
    pub proxy_header: Option<String>,
    /// The header, in lower case, in which a proxy appends the client's address.
    pub address_header: Option<String>,
    pub proxies: Vec<Network>,
    /// In lower case, without port.
    pub hosts: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrometheusSettings {
    pub prefix: String,
}

impl ServeSettings {
    /// What protects the dashboard, if anything does.
    pub fn guard(&self) -> Option<&'static str> {
        if self.token.is_some() {
            Some("a token")
        } else if self.password.is_some() {
            Some("a password")
        } else {
            self.proxy_header.as_ref().map(|_| "the proxy in front")
        }
    }

    /// Everybody that reaches the address could read the numbers.
    pub fn is_open_to_others_at(&self, listen: SocketAddr) -> bool {
        self.guard().is_none() && !listen.ip().to_canonical().is_loopback()
    }
}

pub fn serve(written: &written::Serve, settler: &mut Settler<'_>) -> ServeSettings {
    let listen = settler.value_or_variable(
        "serve.listen",
        "DAYBOOK_SERVE_LISTEN",
        &written.listen,
        listen,
    );
    let token = Sealed {
        setting: "serve.token",
        variable: "DAYBOOK_SERVE_TOKEN",
        plain: &written.token,
        file: &written.token_file,
    };
    let password = Sealed {
        setting: "serve.password",
        variable: "DAYBOOK_SERVE_PASSWORD",
        plain: &written.password,
        file: &written.password_file,
    };
    let token = settler.sealed(&token, secret, |_| Some("the dashboard's token"));
    let password = settler.sealed(&password, secret, |_| Some("the dashboard's password"));
    let proxies = list("serve.proxies", &written.proxies, Network::parse, settler);
    let user = settler.value("serve.user", &written.user, user);
    ServeSettings {
        listen: listen.unwrap_or(LISTEN),
        token,
        user: user.unwrap_or_else(|| "admin".to_owned()),
        password,
        proxy_header: settler.value("serve.proxy_header", &written.proxy_header, header),
        address_header: settler.value("serve.address_header", &written.address_header, header),
        proxies: proxies.unwrap_or_else(Network::loopback),
        hosts: list("serve.hosts", &written.hosts, host, settler).unwrap_or_default(),
    }
}

pub fn prometheus(written: &written::Prometheus, settler: &mut Settler<'_>) -> PrometheusSettings {
    let prefix = settler.value("prometheus.prefix", &written.prefix, prefix);
    PrometheusSettings {
        prefix: prefix.unwrap_or_else(|| "daybook".to_owned()),
    }
}

/// Address and port, such as `127.0.0.1:8321`; `localhost` is this machine's IPv4 address.
pub fn listen(text: &str) -> Result<SocketAddr, String> {
    let numbers = text.replace("localhost:", "127.0.0.1:");
    numbers.parse().map_err(|_| {
        format!(
            "`{}` is not an address with a port, such as `127.0.0.1:8321` or `[::1]:8321`",
            text.escape_debug()
        )
    })
}

/// A header's name in lower case.
pub fn header(text: &str) -> Result<String, String> {
    let is_token = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    match !text.is_empty() && text.len() <= 100 && text.chars().all(is_token) {
        true => Ok(text.to_ascii_lowercase()),
        false => Err(format!(
            "`{}` is not the name of a header, such as `X-Forwarded-User`",
            text.escape_debug()
        )),
    }
}

/// Every element that can be read; the others become mistakes.
fn list<T>(
    setting: &str,
    written: &Option<Vec<String>>,
    read: impl Fn(&str) -> Result<T, String>,
    settler: &mut Settler<'_>,
) -> Option<Vec<T>> {
    let written = written.as_ref()?;
    settler.note(setting);
    let mut all = Vec::new();
    for (at, text) in written.iter().enumerate() {
        match read(text) {
            Ok(value) => all.push(value),
            Err(message) => settler.wrong(&format!("{setting}.{at}"), message),
        }
    }
    Some(all)
}

fn host(text: &str) -> Result<String, String> {
    let parsed = url::Host::parse(text);
    let wrong = |_| {
        format!(
            "`{}` is not a host name, such as `metrics.example.org`, without port",
            text.escape_debug()
        )
    };
    parsed.map(|host| host.to_string()).map_err(wrong)
}

fn user(text: &str) -> Result<String, String> {
    let sound = !text.is_empty() && !text.contains(':') && !text.chars().any(char::is_control);
    match sound {
        true => Ok(text.to_owned()),
        false => Err("a user's name is one line without `:`".to_owned()),
    }
}

/// Short ones can be guessed.
pub fn secret(text: &str, _: &Path) -> Result<SecretString, String> {
    match text.chars().count() {
        0..12 => Err("it is shorter than 12 characters: choose a longer one".to_owned()),
        _ => Ok(SecretString::from(text)),
    }
}

fn prefix(text: &str) -> Result<String, String> {
    let letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let begins = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    match begins && text.len() <= 60 && text.chars().all(letter) {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "`{}` cannot begin a series' name: write letters, digits and `_`, no digit first",
            text.escape_debug()
        )),
    }
}

impl ServeSettings {
    pub(super) fn rows(&self) -> Vec<Row> {
        let proxies: Vec<String> = self.proxies.iter().map(ToString::to_string).collect();
        let hosts = Some(self.hosts.join(", ")).filter(|all| !all.is_empty());
        let rows = [
            ("listen", self.listen.to_string()),
            ("token", or_not_set(self.token.as_ref().map(|_| "***"))),
            ("user", self.user.clone()),
            (
                "password",
                or_not_set(self.password.as_ref().map(|_| "***")),
            ),
            ("proxy_header", or_not_set(self.proxy_header.as_ref())),
            ("address_header", or_not_set(self.address_header.as_ref())),
            ("proxies", proxies.join(", ")),
            ("hosts", or_not_set(hosts)),
        ];
        section("serve", rows)
    }
}

/// The section as people write it.
pub mod written {
    use schemars::JsonSchema;
    use serde::Deserialize;

    #[derive(Debug, Default, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct Serve {
        /// Address and port; `127.0.0.1:8321` when left out. An address that others can reach needs a token, a password or a proxy.
        pub listen: Option<String>,
        /// Clients that send it as a bearer token may look. Better kept in a file or in the environment.
        pub token: Option<String>,
        /// A file that holds the token, relative to this one.
        pub token_file: Option<String>,
        /// The name that goes with the password; `admin` when left out.
        pub user: Option<String>,
        /// Users that sign in with it may look. Better kept in a file or in the environment.
        pub password: Option<String>,
        /// A file that holds the password, relative to this one.
        pub password_file: Option<String>,
        /// The header in which a proxy names the authenticated user, such as `X-Forwarded-User`.
        pub proxy_header: Option<String>,
        /// The header in which trusted proxies append the client's address: `X-Forwarded-For`, or `Forwarded` as in RFC 7239. Wrong guesses then count by that address. Name it only if the proxies set it on every request.
        pub address_header: Option<String>,
        /// Addresses and networks of the proxies whose headers are trusted; `127.0.0.1` and `::1` when left out.
        pub proxies: Option<Vec<String>>,
        /// More host names under which browsers reach the dashboard, beside this machine's own and that of `public_url`.
        pub hosts: Option<Vec<String>>,
    }

    #[derive(Debug, Default, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct Prometheus {
        /// The prefix of series that the catalog does not name; `daybook` when left out.
        #[schemars(regex(pattern = r"^[a-zA-Z_][a-zA-Z0-9_]*$"))]
        pub prefix: Option<String>,
    }
}
