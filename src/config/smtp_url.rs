//! A mail server's URL: `smtp://USER:PASSWORD@HOST:PORT`, `smtps://…`, `smtp://localhost?tls=none`.

use std::fmt;

use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use url::{Host, Url};

use super::{SmtpServer, Tls};

const EXPECTED: &str =
    "a mail server's URL is `smtp://USER@HOST:587`, or `smtps:` where TLS begins at once";

const ENCODED: &str = "in user and password an at sign is written `%40`, `/` is `%2F`, `#` is `%23`, `?` is `%3F` and `%` is `%25`";

/// Errors quote nothing but the scheme: the text may hold a password anywhere.
pub fn parse(text: &str) -> Result<SmtpServer, String> {
    let implicit = match text.split_once("://") {
        Some(("smtp", _)) => false,
        Some(("smtps", _)) => true,
        Some((scheme, _)) if is_scheme(scheme) => {
            return Err(format!("`{scheme}` is not supported: {EXPECTED}"));
        }
        _ => return Err(format!("not the URL of a mail server: {EXPECTED}")),
    };
    if text.contains(|letter: char| letter.is_control() || letter.is_whitespace()) {
        return Err(format!("a space or line break in it: {EXPECTED}"));
    }
    let url = Url::parse(text).map_err(|error| format!("{error}: {EXPECTED}; {ENCODED}"))?;
    let host = host(&url)?;
    if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
        return Err(format!(
            "unexpected text after the server's name: {EXPECTED}; {ENCODED}"
        ));
    }
    let without_tls = without_tls(&url)?;
    let tls = match (implicit, without_tls) {
        (true, true) => {
            return Err("`smtps` with `tls=none` contradicts itself: write `smtp`".to_owned());
        }
        (true, false) => Tls::Implicit,
        (false, true) if is_this_machine(&host) => Tls::None,
        (false, true) => {
            return Err(
                "`tls=none` is only for a mail server on this machine (localhost, 127.0.0.1, ::1): leave it out, and the connection is encrypted by STARTTLS"
                    .to_owned(),
            );
        }
        (false, false) => Tls::StartTls,
    };
    let user = decoded(url.username())?;
    let password = decoded(url.password().unwrap_or_default())?;
    if user.is_none() && password.is_some() {
        return Err(format!("a password without a user: {EXPECTED}"));
    }
    let usual_port = match tls {
        Tls::Implicit => 465,
        Tls::StartTls => 587,
        Tls::None => 25,
    };
    Ok(SmtpServer {
        host: host.to_string().trim_matches(['[', ']']).to_owned(),
        port: url.port().unwrap_or(usual_port),
        tls,
        user,
        password: password.map(SecretString::from),
        ca_file: None,
    })
}

/// `localhost` and the loopback addresses.
pub fn is_this_machine(host: &Host<String>) -> bool {
    match host {
        Host::Domain(name) => name.eq_ignore_ascii_case("localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// `Url` checks the host only of web addresses.
fn host(url: &Url) -> Result<Host<String>, String> {
    let missing = || format!("the server's name is missing: {EXPECTED}; {ENCODED}");
    let host = url.host().ok_or_else(missing)?.to_owned();
    match host {
        Host::Domain(name) if name.is_empty() => Err(missing()),
        Host::Domain(name) => {
            Host::parse(&name).map_err(|error| format!("the server's name is wrong: {error}"))
        }
        address => Ok(address),
    }
}

fn without_tls(url: &Url) -> Result<bool, String> {
    match url.query() {
        None | Some("") => Ok(false),
        Some("tls=none") => Ok(true),
        Some(_) => Err(format!(
            "after the `?` only `tls=none` is known: {EXPECTED}; {ENCODED}"
        )),
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter))
}

/// `%40` is `@`; an empty text is nothing.
fn decoded(text: &str) -> Result<Option<String>, String> {
    let is_code = |rest: &str| {
        let digits = rest.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    if !text.split('%').skip(1).all(is_code) {
        return Err(format!("a `%` stands alone: {ENCODED}"));
    }
    let bytes = percent_decode_str(text).collect();
    let text = String::from_utf8(bytes)
        .map_err(|_| "user or password is not UTF-8 when `%` is resolved".to_owned())?;
    if text.contains(char::is_control) {
        return Err("a control character in user or password".to_owned());
    }
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// As in the settings, its password hidden.
impl fmt::Display for SmtpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.tls {
            Tls::Implicit => "smtps",
            Tls::StartTls | Tls::None => "smtp",
        };
        write!(f, "{scheme}://")?;
        if let Some(user) = &self.user {
            let password = self.password.as_ref().map_or("", |_| ":***");
            write!(f, "{user}{password}@")?;
        }
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port)?,
            false => write!(f, "{}:{}", self.host, self.port)?,
        }
        match self.tls {
            Tls::None => f.write_str("?tls=none"),
            Tls::Implicit | Tls::StartTls => Ok(()),
        }
    }
}
