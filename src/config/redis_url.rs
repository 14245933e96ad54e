//! Where a Redis server is, and as whom it is used; its password never shows.

use std::fmt;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use url::Url;

pub const PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

const EXPECTED: &str = "expected redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], rediss://… for TLS, unix:///PATH[?db=DATABASE], or redis+sentinel://[USER:PASSWORD@]HOST[:PORT],HOST[:PORT],…/SERVICE[/DATABASE]";
const SENTINEL: &str = "redis+sentinel://";

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
    Tcp {
        host: String,
        port: u16,
    },
    Tls {
        host: String,
        port: u16,
    },
    Socket(PathBuf),
    /// The server that these say, by the name of its service.
    Sentinels {
        sentinels: Vec<(String, u16)>,
        service: String,
    },
}

impl RedisServer {
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(rest) = text.trim().strip_prefix(SENTINEL) {
            return Self::of_sentinels(rest);
        }
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

    /// `USER:PASSWORD@HOST:PORT,HOST:PORT/SERVICE/DATABASE`
    fn of_sentinels(rest: &str) -> Result<Self, String> {
        let (user, all) = match rest.rsplit_once('@') {
            Some((user, all)) => (format!("{user}@"), all),
            None => (String::new(), rest),
        };
        let (hosts, path) = all.split_once('/').unwrap_or((all, ""));
        let (service, database) = path.split_once('/').unwrap_or((path, ""));
        let service = decoded(service)?
            .ok_or_else(|| format!("the service's name is missing: {EXPECTED}"))?;
        let one = |host: &str| Self::parse(&format!("redis://{user}{host}/{database}"));
        let servers: Result<Vec<Self>, String> = hosts.split(',').map(one).collect();
        let mut servers = servers?;
        let sentinels = servers.iter().zip(hosts.split(','));
        let sentinels = sentinels.map(|(server, host)| match &server.place {
            Place::Tcp { host: name, .. } if !names_port(host) => (name.clone(), SENTINEL_PORT),
            Place::Tcp { host, port } => (host.clone(), *port),
            _ => (String::new(), SENTINEL_PORT),
        });
        let sentinels = sentinels.collect();
        Ok(Self {
            place: Place::Sentinels { sentinels, service },
            ..servers.swap_remove(0)
        })
    }
}

fn names_port(host: &str) -> bool {
    let name = host.rsplit(']').next().unwrap_or(host);
    name.contains(':')
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
            Place::Sentinels { .. } => "redis+sentinel",
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
                f.write_str(&address(host, *port))?;
                self.database
                    .map_or(Ok(()), |number| write!(f, "/{number}"))
            }
            Place::Sentinels { sentinels, service } => {
                let all = sentinels.iter().map(|(host, port)| address(host, *port));
                let all: Vec<String> = all.collect();
                write!(f, "{}/{service}", all.join(","))?;
                self.database
                    .map_or(Ok(()), |number| write!(f, "/{number}"))
            }
        }
    }
}

fn address(host: &str, port: u16) -> String {
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}
