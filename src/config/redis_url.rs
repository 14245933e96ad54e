//! Where a Redis server is, and as whom it is used; its password never shows.

use std::fmt;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use url::Url;

pub const PORT: u16 = 6379;

const EXPECTED: &str = "expected redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], rediss://… for TLS, or unix:///PATH[?db=DATABASE]";

#[derive(Debug, Clone)]
pub struct RedisServer {
    pub place: Place,
    pub user: Option<String>,
    pub password: Option<SecretString>,
    /// `None`: it was not said.
    pub database: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Tcp { host: String, port: u16 },
    Tls { host: String, port: u16 },
    Socket(PathBuf),
}

impl RedisServer {
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text.trim()).map_err(|error| format!("{error}: {EXPECTED}"))?;
        let path = decoded(url.path())?;
        let mut server = Self {
            place: place(&url, &path)?,
            user: decoded(url.username())?,
            password: decoded(url.password().unwrap_or_default())?.map(SecretString::from),
            database: None,
        };
        if !matches!(server.place, Place::Socket(_)) {
            let path = path.unwrap_or_default();
            server.database = match path.trim_matches('/') {
                "" => None,
                number => Some(database(number)?),
            };
        }
        for (name, value) in url.query_pairs() {
            match &*name {
                "db" => server.database = Some(database(&value)?),
                "user" | "username" => server.user = Some(value.into_owned()),
                "pass" | "password" => server.password = Some(value.into_owned().into()),
                _ => {
                    let name = name.escape_debug();
                    return Err(format!("after the `?` there is no `{name}`: {EXPECTED}"));
                }
            }
        }
        Ok(server)
    }
}

fn place(url: &Url, path: &Option<String>) -> Result<Place, String> {
    let server = || match url.host_str() {
        Some(host) if !host.is_empty() => {
            let host = host.trim_matches(['[', ']']).to_owned();
            Ok((host, url.port().unwrap_or(PORT)))
        }
        _ => Err(format!("the server's name is missing: {EXPECTED}")),
    };
    match url.scheme() {
        "redis" | "valkey" => server().map(|(host, port)| Place::Tcp { host, port }),
        "rediss" | "valkeys" => server().map(|(host, port)| Place::Tls { host, port }),
        "unix" | "redis+unix" | "valkey+unix" => match path {
            Some(path) => Ok(Place::Socket(PathBuf::from(path))),
            None => Err(format!("the socket's path is missing: {EXPECTED}")),
        },
        scheme => Err(format!(
            "`{}` is none of redis, rediss and unix: {EXPECTED}",
            scheme.escape_debug()
        )),
    }
}

pub(super) fn database(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| {
        let text = text.escape_debug();
        format!("`{text}` is not the number of a database, such as 0")
    })
}

/// An empty text is nothing.
fn decoded(text: &str) -> Result<Option<String>, String> {
    let decoded = percent_decode_str(text).decode_utf8();
    let text = decoded.map_err(|_| "it is not UTF-8 when `%` is resolved".to_owned())?;
    Ok(Some(text.into_owned()).filter(|text| !text.is_empty()))
}

impl fmt::Display for RedisServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.place {
            Place::Tcp { .. } => "redis",
            Place::Tls { .. } => "rediss",
            Place::Socket(_) => "unix",
        };
        write!(f, "{scheme}://")?;
        match (&self.user, &self.password) {
            (None, None) => {}
            // Without a password it may be one.
            (Some(_), None) => f.write_str("***@")?,
            (user, Some(_)) => write!(f, "{}:***@", user.as_deref().unwrap_or_default())?,
        }
        match &self.place {
            Place::Socket(path) => {
                write!(f, "{}", path.display())?;
                self.database
                    .map_or(Ok(()), |number| write!(f, "?db={number}"))
            }
            Place::Tcp { host, port } | Place::Tls { host, port } => {
                match host.contains(':') {
                    true => write!(f, "[{host}]:{port}")?,
                    false => write!(f, "{host}:{port}")?,
                }
                self.database
                    .map_or(Ok(()), |number| write!(f, "/{number}"))
            }
        }
    }
}
