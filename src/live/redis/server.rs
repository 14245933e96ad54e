//! The connection to the server.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, FromRedisValue, IntoConnectionInfo,
    Pipeline, RedisConnectionInfo, RedisError, ServerErrorKind, TlsCertificates, ToRedisArgs,
};
use secrecy::ExposeSecret;
use tokio::time::{Duration, timeout};

use crate::config::live_redis::RedisSettings;
use crate::config::redis_url::Place;
use crate::text::duration::spoken;

use super::changes::Call;
use super::keys;

const APPLY: &str = include_str!("apply.lua");
/// What a replica's name ends with where its rollups are meant.
pub const ROLLUPS: &str = ":rollups";
/// A server that takes longer for one answer is not there.
const ANSWER: Duration = Duration::from_secs(10);
/// The first that checks a whole script before it begins.
const LEAST_VERSION: u32 = 7;

/// What the server did not do, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Trouble(pub String);

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    Now,
    /// The mark was not the one before the batch, but this one.
    NotBehind(String),
}

/// What the server says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    pub version: String,
    /// Another one whenever it starts.
    pub run: String,
    /// What goes when its memory is full.
    pub policy: String,
}

/// A process that forwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replica {
    pub name: String,
    /// How far it has come with points, and with rollups.
    pub mark: String,
    pub rolled: String,
    /// It has forwarded all that it recorded until then.
    pub until: Option<DateTime<Utc>>,
}

pub struct Server {
    connection: MultiplexedConnection,
    /// By what the server knows scripts.
    scripts: HashMap<&'static str, String>,
}

impl Server {
    pub async fn connect(settings: &RedisSettings) -> Result<Self, Trouble> {
        let client = client(settings)?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(Some(ANSWER));
        let connecting = async {
            let connected = client.get_multiplexed_async_connection_with_config(&config);
            let mut connection = connected.await?;
            // Who takes connections may still not answer.
            redis::cmd("PING")
                .query_async::<()>(&mut connection)
                .await?;
            Ok(connection)
        };
        let limit = settings.connect_timeout;
        let connection = match timeout(limit, connecting).await {
            Ok(connected) => connected.map_err(trouble)?,
            Err(_) => {
                let waited = spoken(limit);
                return Err(Trouble(format!("no connection within {waited}")));
            }
        };
        Ok(Self {
            connection,
            scripts: HashMap::new(),
        })
    }

    /// What the server is, if it is one that can be used.
    pub async fn check(&mut self) -> Result<About, Trouble> {
        let about = self.about().await?;
        let major = about
            .version
            .split('.')
            .next()
            .and_then(|text| text.parse().ok());
        if major.is_none_or(|major: u32| major < LEAST_VERSION) {
            let version = about.version.escape_debug();
            return Err(Trouble(format!(
                "it is Redis {version}: version {LEAST_VERSION} or later is needed"
            )));
        }
        if about.policy.starts_with("allkeys") {
            return Err(Trouble(format!(
                "its `maxmemory-policy` is `{}`, which may forget what was forwarded, so that it would count twice: set `noeviction` or `volatile-ttl`",
                about.policy
            )));
        }
        Ok(about)
    }

    pub async fn about(&mut self) -> Result<About, Trouble> {
        let text: String = self
            .ask(redis::cmd("INFO").arg("server").arg("memory"))
            .await?;
        let line = |name: &str| {
            let mut lines = text.lines();
            let found = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            found.unwrap_or_default().trim().to_owned()
        };
        Ok(About {
            version: line("redis_version"),
            run: line("run_id"),
            policy: line("maxmemory_policy"),
        })
    }

    /// One round trip.
    pub async fn apply(&mut self, call: &Call) -> Result<Applied, Trouble> {
        let (applied, mark): (i64, String) =
            self.script(APPLY, &call.keys, &call.arguments).await?;
        Ok(match applied {
            1 => Applied::Now,
            _ => Applied::NotBehind(mark),
        })
    }

    /// Runs a script, which the server is only told when it does not know it.
    pub async fn script<T: FromRedisValue>(
        &mut self,
        script: &'static str,
        keys: &[impl ToRedisArgs],
        arguments: &[impl ToRedisArgs],
    ) -> Result<T, Trouble> {
        let mut is_new = false;
        loop {
            let hash = match self.scripts.get(script) {
                Some(hash) => hash.clone(),
                None => {
                    is_new = true;
                    self.ask(redis::cmd("SCRIPT").arg("LOAD").arg(script))
                        .await?
                }
            };
            let mut command = redis::cmd("EVALSHA");
            command.arg(&hash).arg(keys.len()).arg(keys).arg(arguments);
            let answer: Result<T, RedisError> = command.query_async(&mut self.connection).await;
            match answer {
                Err(error) if error.kind() == ServerErrorKind::NoScript.into() && !is_new => {
                    self.scripts.remove(script);
                }
                answer => {
                    self.scripts.insert(script, hash);
                    return answer.map_err(trouble);
                }
            }
        }
    }

    /// How far each of these has come; empty: nothing is known of it.
    pub async fn marks(&mut self, prefix: &str, names: &[&str]) -> Result<Vec<String>, Trouble> {
        let mut command = redis::cmd("HMGET");
        command.arg(keys::applied(prefix)).arg(names);
        let marks: Vec<Option<String>> = self.ask(&command).await?;
        Ok(marks.into_iter().map(Option::unwrap_or_default).collect())
    }

    pub async fn hashes(
        &mut self,
        keys: impl Iterator<Item = String>,
    ) -> Result<Vec<HashMap<String, String>>, Trouble> {
        let mut all = redis::pipe();
        for key in keys {
            all.hgetall(key);
        }
        match all.is_empty() {
            true => Ok(Vec::new()),
            // One by one: a server that is full refuses a transaction even to readers.
            false => all.query_async(&mut self.connection).await.map_err(trouble),
        }
    }

    /// Every replica that has forwarded and was not retired.
    pub async fn replicas(&mut self, prefix: &str) -> Result<Vec<Replica>, Trouble> {
        let mut both = redis::pipe();
        both.hgetall(keys::applied(prefix))
            .hgetall(keys::applied_until(prefix));
        let (marks, until): (HashMap<String, String>, BTreeMap<String, i64>) =
            self.ask_all(&mut both).await?;
        let mark = |name: String| marks.get(&name).cloned().unwrap_or_default();
        let replicas = until
            .into_iter()
            .filter(|(name, _)| !name.ends_with(ROLLUPS));
        let replica = |(name, until): (String, i64)| Replica {
            mark: mark(name.clone()),
            rolled: mark(format!("{name}{ROLLUPS}")),
            until: DateTime::from_timestamp_micros(until),
            name,
        };
        Ok(replicas.map(replica).collect())
    }

    /// Waits no longer for a replica. Its marks stay: what it has forwarded last may be in no rollup yet, and it may come back.
    pub async fn retire(&mut self, prefix: &str, replica: &str) -> Result<(), Trouble> {
        let names = [replica.to_owned(), format!("{replica}{ROLLUPS}")];
        let mut forget = redis::cmd("HDEL");
        forget.arg(keys::applied_until(prefix)).arg(&names);
        self.ask(&forget).await
    }

    /// Whether nobody else has had this turn for so long.
    pub async fn take_turn(&mut self, every: Duration) -> Result<bool, Trouble> {
        let mut take = redis::cmd("SET");
        take.arg(keys::KEPT)
            .arg(1)
            .arg("NX")
            .arg("EX")
            .arg(every.as_secs());
        let taken: Option<String> = self.ask(&take).await?;
        Ok(taken.is_some())
    }

    /// A number that no other connection gets.
    pub async fn new_chain(&mut self) -> Result<u64, Trouble> {
        self.ask(redis::cmd("INCR").arg(keys::CHAINS)).await
    }

    pub async fn ask<T: FromRedisValue>(&mut self, command: &Cmd) -> Result<T, Trouble> {
        command
            .query_async(&mut self.connection)
            .await
            .map_err(trouble)
    }

    /// All of it as it was at one instant.
    pub async fn ask_all<T: FromRedisValue>(
        &mut self,
        commands: &mut Pipeline,
    ) -> Result<T, Trouble> {
        commands
            .atomic()
            .query_async(&mut self.connection)
            .await
            .map_err(trouble)
    }
}

fn client(settings: &RedisSettings) -> Result<Client, Trouble> {
    let server = &settings.server;
    let address = match &server.place {
        Place::Tcp { host, port } => ConnectionAddr::Tcp(host.clone(), *port),
        Place::Tls { host, port } => ConnectionAddr::TcpTls {
            host: host.clone(),
            port: *port,
            insecure: false,
            tls_params: None,
        },
        Place::Socket(path) => ConnectionAddr::Unix(path.clone()),
    };
    let mut login = RedisConnectionInfo::default()
        .set_db(server.database.unwrap_or(0).into())
        // A user may not be allowed to tell a name.
        .set_skip_set_lib_name();
    if let Some(user) = &server.user {
        login = login.set_username(user);
    }
    if let Some(password) = &server.password {
        login = login.set_password(password.expose_secret());
    }
    let info = address.into_connection_info().map_err(trouble)?;
    let info = info.set_redis_settings(login);
    let client = match &settings.authority {
        Some(file) => {
            let failed = |error| Trouble(format!("cannot read {}: {error}", file.display()));
            let root_cert = Some(std::fs::read(file).map_err(failed)?);
            Client::build_with_tls(
                info,
                TlsCertificates {
                    client_tls: None,
                    root_cert,
                },
            )
        }
        None => Client::open(info),
    };
    client.map_err(trouble)
}

/// As the server says it, where it has a word for it.
fn trouble(error: RedisError) -> Trouble {
    match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => Trouble(format!("{code} {detail}")),
        _ => Trouble(error.to_string()),
    }
}
