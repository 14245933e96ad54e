//! Access control.

mod guesses;

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use url::Url;

use crate::config::live::{May, Token};
use crate::config::{Config, ServeSettings};

use super::caller::Proxies;
use guesses::Guesses;

/// The address is reachable by others, without access control.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the dashboard would be open to anyone who reaches {0}: set a token (DAYBOOK_SERVE_TOKEN_FILE or [serve] token_file), a password (DAYBOOK_SERVE_PASSWORD_FILE or [serve] password_file) or a proxy that authenticates users (--behind-proxy or [serve] proxy_header), or listen on 127.0.0.1"
)]
pub struct Exposed(pub SocketAddr);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The request names no host, several, or more than a host.
    Hostless,
    /// It names another host: a foreign page made its browser ask here.
    Misdirected,
    /// A browser asks for a page of another site, or of another port.
    Foreign,
    /// It has no token or password, or a wrong one.
    Unknown,
    /// It bypasses the proxy.
    Forbidden,
    /// Its token is for other things.
    OutOfScope,
    /// It has a wrong one, and its address has guessed too often.
    Guessing { wait: Duration },
}

/// What a program was let in as.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grant {
    /// The name of its token; empty for whoever has access to the dashboard.
    pub token: String,
    /// The only one that it may speak for.
    pub organisation: Option<String>,
}

pub struct Access {
    secrets: Option<Secrets>,
    programs: Vec<Program>,
    pub proxies: Arc<Proxies>,
    /// The header in which proxies name the user.
    user_header: Option<HeaderName>,
    /// The names of this server.
    hosts: BTreeSet<String>,
    guesses: Mutex<Guesses>,
}

/// Digests of the secrets: they have one length, so comparing them reveals nothing.
struct Secrets {
    token: Option<Secret>,
    user: Secret,
    password: Option<Secret>,
}

struct Program {
    secret: Secret,
    may: May,
    grant: Grant,
}

struct Secret([u8; 32]);

impl Access {
    pub fn new(config: &Config, listen: SocketAddr) -> Result<Self, Exposed> {
        let settings = &config.serve;
        if settings.is_open_to_others_at(listen) {
            return Err(Exposed(listen));
        }
        let user_header = settings.proxy_header.as_deref();
        Ok(Self {
            secrets: Secrets::from_settings(settings),
            programs: programs(config),
            proxies: Arc::new(Proxies::new(settings)),
            user_header: user_header.and_then(|name| name.parse().ok()),
            hosts: hosts(config, listen),
            guesses: Mutex::default(),
        })
    }

    /// A request without a secret must name this host. Otherwise any web page could give its own name this address and
    /// read the dashboard through the browser of a user with access.
    pub(super) fn admit(
        &self,
        peer: IpAddr,
        uri: &Uri,
        headers: &HeaderMap,
        now: Instant,
    ) -> Result<(), Refused> {
        if self.is_signed_in_by_proxy(peer, headers) {
            return self.means_us(uri, headers);
        }
        match (&self.secrets, &self.user_header) {
            (None, None) => self.means_us(uri, headers),
            (None, Some(_)) => Err(Refused::Forbidden),
            (Some(secrets), _) => self.knows_a_secret(secrets, peer, headers, now),
        }
    }

    /// A program needs a token for `what`, or where there are no tokens the same as a reader.
    pub fn admit_program(
        &self,
        peer: IpAddr,
        uri: &Uri,
        headers: &HeaderMap,
        what: May,
        now: Instant,
    ) -> Result<Grant, Refused> {
        if self.programs.is_empty() {
            self.admit(peer, uri, headers, now)?;
            if serves_another_site(headers) {
                return Err(Refused::Foreign);
            }
            return match self.comes_from_elsewhere(headers) {
                true => Err(Refused::Misdirected),
                false => Ok(Grant::default()),
            };
        }
        let shown = only(headers, &AUTHORIZATION).and_then(|shown| shown.split_once(' '));
        let shown = shown.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let shown = shown.map_or("", |(_, token)| token.trim());
        // All are compared, so that the time says nothing.
        let mut fitting = None;
        for program in &self.programs {
            if bool::from(program.secret.is(shown)) {
                fitting = Some(program);
            }
        }
        match fitting {
            Some(program) if program.may == May::Admin || program.may == what => {
                Ok(program.grant.clone())
            }
            Some(_) => Err(Refused::OutOfScope),
            None if !headers.contains_key(AUTHORIZATION) => Err(Refused::Unknown),
            None => Err(self.wrong_guess(peer, headers, now)),
        }
    }

    fn is_signed_in_by_proxy(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        self.user_header.as_ref().is_some_and(|header| {
            let named = only(headers, header);
            self.proxies.include(peer) && named.is_some_and(|name| !name.trim().is_empty())
        })
    }

    fn knows_a_secret(
        &self,
        secrets: &Secrets,
        peer: IpAddr,
        headers: &HeaderMap,
        now: Instant,
    ) -> Result<(), Refused> {
        if !headers.contains_key(AUTHORIZATION) {
            return Err(Refused::Unknown);
        }
        // Compared first, so that strangers behind an admin's address cannot lock the admin out.
        if only(headers, &AUTHORIZATION).is_some_and(|shown| secrets.include(shown)) {
            return Ok(());
        }
        Err(self.wrong_guess(peer, headers, now))
    }

    fn wrong_guess(&self, peer: IpAddr, headers: &HeaderMap, now: Instant) -> Refused {
        let caller = self.proxies.caller(peer, headers);
        let mut guesses = self.guesses.lock().unwrap_or_else(PoisonError::into_inner);
        match guesses.count(caller, now) {
            Ok(()) => Refused::Unknown,
            Err(wait) => Refused::Guessing { wait },
        }
    }

    /// A browser sends it for another site's page, with whatever access its user has.
    fn comes_from_elsewhere(&self, headers: &HeaderMap) -> bool {
        let mut origins = headers.get_all(ORIGIN).iter();
        let is_ours = |origin: &HeaderValue| {
            let url = origin
                .to_str()
                .ok()
                .and_then(|origin| Url::parse(origin).ok());
            let host = url.as_ref().and_then(Url::host_str);
            host.is_some_and(|host| self.hosts.contains(host))
        };
        !origins.all(is_ours)
    }

    fn means_us(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refused> {
        let meant = match uri.authority() {
            Some(authority) => Some(authority.as_str()),
            None => only(headers, &HOST),
        };
        let host = meant.and_then(without_port).ok_or(Refused::Hostless)?;
        match self.hosts.contains(&host.to_ascii_lowercase()) {
            true => Ok(()),
            false => Err(Refused::Misdirected),
        }
    }
}

impl Secrets {
    fn from_settings(settings: &ServeSettings) -> Option<Self> {
        let secret = |text: &Option<SecretString>| {
            let text = text.as_ref()?;
            Some(Secret::new(text.expose_secret()))
        };
        let (token, password) = (secret(&settings.token), secret(&settings.password));
        (token.is_some() || password.is_some()).then(|| Self {
            token,
            user: Secret::new(&settings.user),
            password,
        })
    }

    /// `Bearer TOKEN`, or `Basic` with user and password. Browsers know only `Basic`, so the token may be the password of
    /// any user.
    fn include(&self, shown: &str) -> bool {
        let Some((scheme, rest)) = shown.split_once(' ') else {
            return false;
        };
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return bool::from(is(&self.token, rest));
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return false;
        }
        let decoded = BASE64_STANDARD.decode(rest).unwrap_or_default();
        let decoded = String::from_utf8(decoded).unwrap_or_default();
        let Some((user, password)) = decoded.split_once(':') else {
            return false;
        };
        let signed_in = self.user.is(user) & is(&self.password, password);
        bool::from(signed_in | is(&self.token, password))
    }
}

impl Secret {
    fn new(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }

    fn is(&self, shown: &str) -> Choice {
        self.0.ct_eq(&Self::new(shown).0)
    }
}

fn is(secret: &Option<Secret>, shown: &str) -> Choice {
    let compared = secret.as_ref().map(|secret| secret.is(shown));
    compared.unwrap_or_else(|| Choice::from(0))
}

fn programs(config: &Config) -> Vec<Program> {
    let tokens = config.live.iter().flat_map(|live| &live.tokens);
    let program = |token: &Token| Program {
        secret: Secret::new(token.secret.expose_secret()),
        may: token.may,
        grant: Grant {
            token: token.name.clone(),
            organisation: token.organisation.clone(),
        },
    };
    tokens.map(program).collect()
}

/// The machine's own names, the listening address, and the configured hosts.
fn hosts(config: &Config, listen: SocketAddr) -> BTreeSet<String> {
    let own = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned);
    let address = match listen.ip() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    let public = config.report.public_url.as_ref();
    let public = public.and_then(|url| url.host_str().map(str::to_owned));
    let named = config.serve.hosts.iter().cloned();
    own.into_iter()
        .chain([address])
        .chain(public)
        .chain(named)
        .collect()
}

/// The host without port and final dot: `[::1]:8321`, `localhost.:8321`. `None`: there is more, as in `localhost:1@example.org`.
fn without_port(authority: &str) -> Option<&str> {
    let end = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    let colon = authority[end..].find(':').map(|at| end + at);
    let (host, port) = authority.split_at(colon.unwrap_or(authority.len()));
    let is_port = port.bytes().skip(1).all(|byte| byte.is_ascii_digit());
    is_port.then(|| host.strip_suffix('.').unwrap_or(host))
}

/// A browser says for whom it asks. What comes back is not shown to that site, but it takes time, and that can be measured.
fn serves_another_site(headers: &HeaderMap) -> bool {
    let mut sites = headers.get_all("sec-fetch-site").iter();
    sites.any(|site| site == "cross-site" || site == "same-site")
}

/// The value, if there is exactly one.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}
