//! The connection to the server.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Duration, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::config::live_redis::RedisSettings;
use crate::config::redis_url::{Place, RedisServer};
use crate::text::duration::spoken;
use crate::trust;

use super::changes::Call;
use super::keys;
use super::wire::{Answer, Answers, Commands, HIDDEN, Parts, Unexpected, command};

const APPLY: &str = include_str!("apply.lua");
/// What a replica's name ends with where its rollups are meant.
pub const ROLLUPS: &str = ":rollups";
/// A server that takes longer for one answer is not there.
const ANSWER: Duration = Duration::from_secs(10);
/// The beginning of a password that nobody says by accident.
const TELLING: usize = 8;
/// The setting that names whom to trust.
const AUTHORITY: &str = "certificate_authority";
/// Bytes that are read at a time, at least.
const ROOM: usize = 16 << 10;
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
    /// Something was forgotten since the connection began.
    Forgotten,
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

impl About {
    /// Whether nothing goes that was forwarded.
    pub fn check_policy(&self) -> Result<(), Trouble> {
        match self.policy.as_str() {
            "" | "noeviction" => Ok(()),
            policy => Err(Trouble(format!(
                "its `maxmemory-policy` is `{}`, which lets go of what was forwarded once memory is full: set `noeviction`",
                policy.escape_debug()
            ))),
        }
    }
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

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

pub struct Server {
    reader: ReadHalf<Box<dyn Stream>>,
    writer: WriteHalf<Box<dyn Stream>>,
    /// An answer may still come, for which nobody waits any more.
    is_behind: bool,
    password: Option<SecretString>,
    /// By what the server knows scripts.
    scripts: HashMap<&'static str, String>,
}

impl Server {
    pub async fn connect(settings: &RedisSettings) -> Result<Self, Trouble> {
        let limit = settings.connect_timeout;
        let connecting = async {
            let stream = reach(settings).await?;
            let mut server = Self::over(stream, settings.server.password.clone());
            server.sign_in(&settings.server).await?;
            if matches!(settings.server.place, Place::Sentinels { .. }) {
                server.refuse_replica().await?;
            }
            Ok(server)
        };
        let connected = timeout(limit, connecting).await;
        let connected = connected.unwrap_or_else(|_| {
            let waited = spoken(limit);
            Err(Trouble(format!("no connection within {waited}")))
        });
        connected.map_err(|trouble| hiding(trouble, settings.server.password.as_ref()))
    }

    fn over(stream: Box<dyn Stream>, password: Option<SecretString>) -> Self {
        let (reader, writer) = split(stream);
        Self {
            reader,
            writer,
            is_behind: false,
            password,
            scripts: HashMap::new(),
        }
    }

    /// Sentinels may not know yet that another one has taken its place.
    async fn refuse_replica(&mut self) -> Result<(), Trouble> {
        let about: String = self.ask(command("INFO").arg("replication")).await?;
        match about.lines().any(|line| line.trim() == "role:master") {
            true => Ok(()),
            false => Err(Trouble(
                "the sentinels say a server that is a replica".to_owned(),
            )),
        }
    }

    async fn sign_in(&mut self, server: &RedisServer) -> Result<(), Trouble> {
        if server.user.is_some() || server.password.is_some() {
            let mut sign_in = command("AUTH");
            sign_in.args(&server.user);
            let password = server.password.as_ref();
            sign_in.arg(password.map_or("", |password| password.expose_secret()));
            self.ask::<()>(&sign_in).await?;
        }
        if let Some(database) = server.database.filter(|number| *number > 0) {
            self.ask::<()>(command("SELECT").number(database.into()))
                .await?;
        }
        // Who takes connections may still not answer.
        self.ask(&command("PING")).await
    }

    /// Whether it was given up in the middle of an answer.
    pub fn is_behind(&self) -> bool {
        self.is_behind
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
        about.check_policy()?;
        Ok(about)
    }

    pub async fn about(&mut self) -> Result<About, Trouble> {
        let mut about = command("INFO");
        let text: String = self.ask(about.args(["server", "memory"])).await?;
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
            2 => Applied::Forgotten,
            _ => Applied::NotBehind(mark),
        })
    }

    /// Runs a script, which the server is only told when it does not know it.
    pub async fn script<T: Answer>(
        &mut self,
        script: &'static str,
        keys: &Parts,
        arguments: &Parts,
    ) -> Result<T, Trouble> {
        let mut is_new = false;
        loop {
            let hash = match self.scripts.get(script) {
                Some(hash) => hash.clone(),
                None => {
                    is_new = true;
                    self.ask(command("SCRIPT").arg("LOAD").arg(script)).await?
                }
            };
            let mut run = command("EVALSHA");
            run.arg(&hash).number(keys.count() as i64);
            let answer = self.ask(run.append(keys).append(arguments)).await;
            match answer {
                Err(Trouble(said)) if said.starts_with("NOSCRIPT") && !is_new => {
                    self.scripts.remove(script);
                }
                answer => {
                    self.scripts.insert(script, hash);
                    return answer;
                }
            }
        }
    }

    /// How far each of these has come, empty if nothing is known of it, and up to when the first has forwarded what it recorded.
    pub async fn marks(
        &mut self,
        prefix: &str,
        names: &[&str],
    ) -> Result<(Vec<String>, Option<i64>), Trouble> {
        let (mut marks, mut until) = (command("HMGET"), command("HMGET"));
        let mut both = Commands::default();
        both.add(marks.arg(keys::applied(prefix)).args(names));
        both.add(until.arg(keys::applied_until(prefix)).args(&names[..1]));
        let answers = self.exchange(&both).await?;
        let mut answers = answers.read();
        let marks: Vec<Option<String>> = answers.take()?;
        let until: Vec<Option<i64>> = answers.take()?;
        let marks = marks.into_iter().map(Option::unwrap_or_default);
        Ok((marks.collect(), until.into_iter().flatten().next()))
    }

    pub async fn hashes(
        &mut self,
        keys: impl Iterator<Item = String>,
    ) -> Result<Vec<HashMap<String, String>>, Trouble> {
        let mut all = Commands::default();
        for key in keys {
            all.add(command("HGETALL").arg(key));
        }
        // One by one: a server that is full refuses a transaction even to readers.
        let answers = self.exchange(&all).await?;
        let mut answers = answers.read();
        (0..all.count()).map(|_| Ok(answers.take()?)).collect()
    }

    /// Every replica that has forwarded and was not retired.
    pub async fn replicas(&mut self, prefix: &str) -> Result<Vec<Replica>, Trouble> {
        let mut both = Commands::default();
        both.add(command("HGETALL").arg(keys::applied(prefix)));
        both.add(command("HGETALL").arg(keys::applied_until(prefix)));
        let answers = self.at_once(&both).await?;
        let mut answers = answers.read();
        let marks: HashMap<String, String> = answers.take()?;
        let until: BTreeMap<String, String> = answers.take()?;
        let mark = |name: String| marks.get(&name).cloned().unwrap_or_default();
        let replicas = until
            .into_iter()
            .filter(|(name, _)| !name.ends_with(ROLLUPS));
        let replica = |(name, until): (String, String)| Replica {
            mark: mark(name.clone()),
            rolled: mark(format!("{name}{ROLLUPS}")),
            until: until.parse().ok().and_then(DateTime::from_timestamp_micros),
            name,
        };
        Ok(replicas.map(replica).collect())
    }

    /// Waits no longer for a replica. Its marks stay: what it has forwarded last may be in no rollup yet, and it may come back.
    pub async fn retire(&mut self, prefix: &str, replica: &str) -> Result<(), Trouble> {
        let names = [replica.to_owned(), format!("{replica}{ROLLUPS}")];
        let mut both = Commands::default();
        both.add(command("HDEL").arg(keys::applied_until(prefix)).args(names));
        both.add(command("HDEL").args([keys::FORGOTTEN_DONE, replica]));
        Ok(self.exchange(&both).await?.read().skip(2)?)
    }

    /// Whether nobody else has had this turn for so long.
    pub async fn take_turn(&mut self, every: Duration) -> Result<bool, Trouble> {
        let mut take = command("SET");
        take.args([keys::KEPT, "1", "NX", "EX"]);
        take.number(every.as_secs() as i64);
        let taken: Option<String> = self.ask(&take).await?;
        Ok(taken.is_some())
    }

    /// A number that no other connection gets.
    pub async fn new_chain(&mut self) -> Result<u64, Trouble> {
        self.ask(command("INCR").arg(keys::CHAINS)).await
    }

    pub async fn ask<T: Answer>(&mut self, command: &Parts) -> Result<T, Trouble> {
        let mut one = Commands::default();
        one.add(command);
        Ok(self.exchange(&one).await?.read().take()?)
    }

    /// The answers to all commands as it was at one instant.
    pub async fn at_once(&mut self, commands: &Commands) -> Result<Answers, Trouble> {
        let mut at_once = Commands::default();
        at_once.add_at_once(commands);
        let answers = self.exchange(&at_once).await?;
        Ok(answers.of_transaction(commands.count())?)
    }

    /// The same of several parts, each at an instant of its own. Each is taken while the server is busy with the next ones.
    pub async fn each_at_once(
        &mut self,
        parts: &[Commands],
        mut take: impl FnMut(usize, Answers) -> Result<(), Unexpected>,
    ) -> Result<(), Trouble> {
        let mut all = Commands::default();
        for commands in parts {
            all.add_at_once(commands);
        }
        let counts: Vec<usize> = parts.iter().map(|commands| commands.count() + 2).collect();
        let mut number = 0;
        let take = |answers: Answers| {
            take(number, answers.of_transaction(parts[number].count())?)?;
            number += 1;
            Ok(())
        };
        self.exchange_in_parts(&all, &counts, take).await
    }

    /// Sends commands, and takes their answers while others are still under way.
    pub async fn exchange(&mut self, commands: &Commands) -> Result<Answers, Trouble> {
        let mut all = Answers::begun(0, Vec::new());
        let take = |answers| {
            all = answers;
            Ok(())
        };
        self.exchange_in_parts(commands, &[commands.count()], take)
            .await?;
        Ok(all)
    }

    /// Answers are taken in parts of so many.
    async fn exchange_in_parts(
        &mut self,
        commands: &Commands,
        counts: &[usize],
        mut take: impl FnMut(Answers) -> Result<(), Unexpected>,
    ) -> Result<(), Trouble> {
        if std::mem::replace(&mut self.is_behind, true) {
            return Err(Trouble("an earlier answer was not waited for".to_owned()));
        }
        let (reader, writer) = (&mut self.reader, &mut self.writer);
        let password = self.password.as_ref();
        let sending = async {
            writer.write_all(commands.bytes()).await?;
            Ok(writer.flush().await?)
        };
        let reading = async {
            let mut taken = Ok(());
            let mut rest = Vec::new();
            for count in counts {
                let mut answers = Answers::begun(*count, rest);
                while !answers.are_whole()? {
                    let room = answers.room();
                    room.reserve(ROOM);
                    if reader.read_buf(room).await? == 0 {
                        return Err(Trouble("it closed the connection".to_owned()));
                    }
                }
                rest = answers.take_rest();
                answers.hide(|said| is_telling(said, password));
                // Those that follow are waited for, too.
                taken = taken.and_then(|()| take(answers));
            }
            Ok(taken)
        };
        let exchanged = timeout(ANSWER, async { tokio::try_join!(sending, reading) }).await;
        let late = |_| Trouble(format!("no answer within {}", spoken(ANSWER)));
        let exchanged = exchanged.map_err(late).flatten();
        let ((), taken) = exchanged.map_err(|trouble| hiding(trouble, password))?;
        self.is_behind = false;
        Ok(taken?)
    }
}

/// A server may repeat what it was given.
fn hiding(trouble: Trouble, password: Option<&SecretString>) -> Trouble {
    match is_telling(trouble.0.as_bytes(), password) {
        true => Trouble(HIDDEN.to_owned()),
        false => trouble,
    }
}

fn is_telling(said: &[u8], password: Option<&SecretString>) -> bool {
    let password = password.map_or("", |password| password.expose_secret());
    let begin = &password.as_bytes()[..password.len().min(TELLING)];
    !begin.is_empty() && said.windows(begin.len()).any(|part| part == begin)
}

/// Where the server is, as the first of the sentinels says that knows it.
async fn master(
    sentinels: &[(String, u16)],
    service: &str,
    limit: Duration,
) -> Result<(String, u16), Trouble> {
    let mut said = Vec::new();
    let each = limit / (sentinels.len() as u32 + 1);
    for (host, port) in sentinels {
        let asking = async {
            let stream = TcpStream::connect((host.as_str(), *port)).await?;
            let mut sentinel = Server::over(Box::new(stream), None);
            let mut ask = command("SENTINEL");
            ask.args(["get-master-addr-by-name", service]);
            sentinel.ask::<Option<(String, u64)>>(&ask).await
        };
        let why = match timeout(each, asking).await {
            Ok(Ok(Some((host, port)))) => return Ok((host, port as u16)),
            Ok(Ok(None)) => format!("it knows no service `{}`", service.escape_debug()),
            Ok(Err(trouble)) => trouble.0,
            Err(_) => format!("no answer within {}", spoken(each)),
        };
        said.push(format!("{host}:{port}: {why}"));
    }
    let said = said.join("; ");
    Err(Trouble(format!("no sentinel says where it is: {said}")))
}

async fn reach(settings: &RedisSettings) -> Result<Box<dyn Stream>, Trouble> {
    let tcp = |host: String, port: u16| async move {
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        Ok::<_, io::Error>(stream)
    };
    match settings.server.place.clone() {
        Place::Socket(path) => Ok(Box::new(UnixStream::connect(path).await?)),
        Place::Sentinels { sentinels, service } => {
            let (host, port) = master(&sentinels, &service, settings.connect_timeout).await?;
            Ok(Box::new(tcp(host, port).await?))
        }
        Place::Tcp { host, port } => Ok(Box::new(tcp(host, port).await?)),
        Place::Tls { host, port } => {
            let config = match &settings.authority {
                Some(file) => trust::only(file, AUTHORITY),
                None => trust::client(None),
            };
            let connector = TlsConnector::from(Arc::new(config.map_err(Trouble)?));
            let name = ServerName::try_from(host.clone())
                .map_err(|_| Trouble(format!("`{host}` can have no certificate")))?;
            let stream = tcp(host, port).await?;
            let encrypted = connector.connect(name, stream).await;
            Ok(Box::new(encrypted.map_err(|error| {
                Trouble(trust::failure(&error, AUTHORITY))
            })?))
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<Unexpected> for Trouble {
    fn from(unexpected: Unexpected) -> Self {
        let (Unexpected::Said(why) | Unexpected::Other(why)) = unexpected;
        Self(why)
    }
}
