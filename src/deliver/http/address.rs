//! Parses an address: where to connect, what to request, and which parts are secret.

use std::cmp::Reverse;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use tokio_rustls::rustls::pki_types::ServerName;
use url::{Host, Url};

/// Shorter segments of a path are words like `hooks`, not secrets.
const SHORTEST_SECRET_SEGMENT: usize = 8;
/// For a query's value or a user's name: hiding each `1` of `?v=1` would make messages unreadable.
const SHORTEST_SECRET_VALUE: usize = 4;

pub(super) struct Address {
    /// As shown in errors.
    pub host: String,
    /// To look up: an IPv6 address without brackets.
    pub name: String,
    pub port: u16,
    /// The name in the certificate; `None` without TLS.
    pub tls_name: Option<ServerName<'static>>,
    pub host_header: String,
    /// Path and query.
    pub target: String,
    pub authorization: Option<String>,
    /// The longest first.
    pub secrets: Vec<String>,
}

impl Address {
    /// More secrets that the server may repeat.
    pub(super) fn conceal(&mut self, secrets: &[&str]) {
        self.secrets.extend(secrets.iter().map(ToString::to_string));
        sort(&mut self.secrets);
    }

    pub(super) fn with_port(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    pub(super) fn read(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let name = match url.host()? {
            Host::Domain(name) => name.to_owned(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        let tls_name = match url.scheme() {
            "https" => Some(ServerName::try_from(name.clone()).ok()?),
            "http" => None,
            _ => return None,
        };
        let host = url.host_str()?.to_owned();
        let host_header = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.clone(),
        };
        let credentials = credentials(&url);
        let token = credentials.map(|text| STANDARD.encode(text));
        let mut secrets = secrets(&url);
        secrets.extend(token.clone());
        sort(&mut secrets);
        Some(Self {
            host,
            name,
            port: url.port_or_known_default()?,
            tls_name,
            host_header,
            target: target(&url),
            authorization: token.map(|token| format!("Basic {token}")),
            secrets,
        })
    }
}

/// So that none hides a part of another.
fn sort(secrets: &mut Vec<String>) {
    secrets.retain(|secret| !secret.is_empty());
    secrets.sort_by_key(|secret| Reverse(secret.len()));
}

/// Hides these secrets in a text: servers often repeat the request.
pub(super) fn concealed<'a>(text: &str, secrets: impl IntoIterator<Item = &'a str>) -> String {
    secrets
        .into_iter()
        .filter(|secret| !secret.is_empty())
        .fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
}

fn target(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

fn credentials(url: &Url) -> Option<Vec<u8>> {
    let password = url.password();
    if url.username().is_empty() && password.is_none() {
        return None;
    }
    let mut text: Vec<u8> = percent_decode_str(url.username()).collect();
    text.push(b':');
    text.extend(percent_decode_str(password.unwrap_or_default()));
    Some(text)
}

/// Everything before and after the host, whole and in pieces, as written and decoded.
fn secrets(url: &Url) -> Vec<String> {
    let mut written: Vec<String> = url.password().map(str::to_owned).into_iter().collect();
    let mut add = |text: &str, shortest: usize| {
        if text.len() >= shortest {
            written.push(text.to_owned());
        }
    };
    add(url.username(), SHORTEST_SECRET_VALUE);
    add(&target(url), SHORTEST_SECRET_SEGMENT);
    add(url.path(), SHORTEST_SECRET_SEGMENT);
    for segment in url.path_segments().into_iter().flatten() {
        add(segment, SHORTEST_SECRET_SEGMENT);
    }
    let query = url.query().unwrap_or_default();
    add(query, SHORTEST_SECRET_VALUE);
    for pair in query.split('&') {
        let (_, value) = pair.split_once('=').unwrap_or((pair, pair));
        add(value, SHORTEST_SECRET_VALUE);
        add(&value.replace('+', " "), SHORTEST_SECRET_VALUE);
    }
    let meant: Vec<String> = written
        .iter()
        .map(|text| percent_decode_str(text).decode_utf8_lossy().into_owned())
        .collect();
    written.extend(meant);
    written
}
