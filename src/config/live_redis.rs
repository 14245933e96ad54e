//! The section `[live.redis]`: the server where replicas of the live half meet.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use crate::text::duration::{HOUR, MINUTE, SECOND, spoken, within};

use super::redis_url::{PORT, Place, RedisServer, database};
use super::rows::{Row, or_not_set, section};
use super::settle::{Sealed, Settler, whole};

const MILLISECOND: Duration = Duration::from_millis(1);

#[derive(Debug, Clone)]
pub struct RedisSettings {
    pub server: RedisServer,
    /// The certificates that its own must come from, in place of those that the host trusts.
    pub authority: Option<PathBuf>,
    pub connect_timeout: Duration,
    /// Attempts to connect until it is told that there is none.
    pub attempts: u32,
    /// Attempts with one batch or question until it is told, or our own store answers.
    pub retries: u32,
    /// The longest time before what is recorded is forwarded.
    pub every: Duration,
    pub stream: String,
    /// Events that the stream keeps.
    pub stream_most: Option<u64>,
    /// It may keep somewhat more.
    pub stream_roughly: bool,
    pub prefix: String,
    pub scans: Scans,
    pub history: History,
    /// Days for which samples of hosts are kept.
    pub retention: u32,
    /// Days for which rollups of scans and the stream are kept; `None`: for ever.
    pub keep_scans: Option<u32>,
    /// What this process is called among those that forward; `None`: as the machine.
    pub replica: Option<String>,
    /// Bytes of the file that may wait to be forwarded.
    pub backlog: u64,
}

/// In which form scans are laid out; dashboards read one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scans {
    Documented,
    /// With rollups of all guilds, by acceleration, and with squares.
    Later,
}

/// In which form the past of hosts is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    Documented,
    Compact,
    Both,
}

impl History {
    pub fn has_documented(self) -> bool {
        self != Self::Compact
    }

    pub fn has_compact(self) -> bool {
        self != Self::Documented
    }
}

/// `None`: no server is named.
pub fn redis(written: Option<&written::Redis>, settler: &mut Settler<'_>) -> Option<RedisSettings> {
    let is_written = written.is_some();
    let nothing = written::Redis::default();
    let written = written.unwrap_or(&nothing);
    let scans = settler.value("live.redis.scans", &written.scans, scans);
    let scans = scans.unwrap_or(Scans::Documented);
    let known_before = settler.mistakes.len();
    let mut server = match server(written, settler) {
        Some(server) => server,
        None => {
            if is_written && settler.mistakes.len() == known_before {
                settler.note("live.redis");
                let message =
                    "no server is named, so nothing is forwarded: set `url`, or METRICS_REDIS_URL";
                settler.warn("live.redis", message);
            }
            return None;
        }
    };
    if scans == Scans::Later {
        server.database = server.database.or(Some(1));
    }
    if let Some(user) = settler.value("live.redis.user", &written.user, text) {
        server.user = Some(user);
    }
    let authority = settler.value(
        "live.redis.certificate_authority",
        &written.certificate_authority,
        text,
    );
    let authority = authority.map(|file| settler.beside_the_file(&file));
    let mut time = |setting, variable, written: &Option<String>, most| {
        let read = within(MILLISECOND..=most);
        let in_file = settler.value(setting, written, &read);
        let milliseconds = |text: &str| {
            let number: u32 = whole(0..=u32::MAX)(text.trim())?;
            read(&format!("{number}ms"))
        };
        let in_variable = settler.filled_or_value(setting, variable, &None::<String>, milliseconds);
        in_variable.or(in_file)
    };
    let connect_timeout = time(
        "live.redis.connect_timeout",
        "REDIS_CONNECT_TIMEOUT",
        &written.connect_timeout,
        5 * MINUTE,
    );
    let every = time(
        "live.redis.every",
        "REDIS_BATCH_WRITE_INTERVAL_MS",
        &written.every,
        HOUR,
    );
    let mut number = |setting, variable, written: &Option<u32>, most| {
        settler.filled_or_value(setting, variable, written, whole(1..=most))
    };
    let attempts = number(
        "live.redis.attempts",
        "REDIS_RETRY_STRATEGY",
        &written.attempts,
        1000,
    );
    let retries = number(
        "live.redis.retries",
        "REDIS_MAX_RETRIES_PER_REQUEST",
        &written.retries,
        1000,
    );
    let retention = number(
        "live.redis.retention",
        "REDIS_METRICS_RETENTION_DAYS",
        &written.retention,
        36_500,
    );
    let keep_scans = settler.value(
        "live.redis.keep_scans",
        &written.keep_scans,
        whole(1..=36_500),
    );
    let replica = settler.value("live.redis.replica", &written.replica, replica);
    let backlog = settler.value(
        "live.redis.backlog",
        &written.backlog,
        whole(16..=1_000_000),
    );
    let stream = settler.filled_or_value(
        "live.redis.stream",
        "METRICS_REDIS_STREAM",
        &written.stream,
        text,
    );
    let prefix = settler.filled_or_value(
        "live.redis.prefix",
        "METRICS_REDIS_PREFIX",
        &written.prefix,
        text,
    );
    let history = settler.value("live.redis.history", &written.history, history);
    Some(RedisSettings {
        server,
        authority,
        connect_timeout: connect_timeout.unwrap_or(5 * SECOND),
        attempts: attempts.unwrap_or(3),
        retries: retries.unwrap_or(3),
        every: every.unwrap_or(200 * MILLISECOND),
        stream: stream.unwrap_or_else(|| "moderator:metrics".to_owned()),
        stream_most: stream_most(written, settler),
        stream_roughly: stream_roughly(written, settler),
        prefix: prefix.unwrap_or_else(|| "moderator:metrics".to_owned()),
        scans,
        history: history.unwrap_or(History::Documented),
        retention: retention.unwrap_or(30),
        keep_scans,
        replica,
        backlog: u64::from(backlog.unwrap_or(1024)) << 20,
    })
}

/// By its URL, else by its parts.
fn server(written: &written::Redis, settler: &mut Settler<'_>) -> Option<RedisServer> {
    let variable = match settler.is_filled("METRICS_REDIS_URL") {
        true => "METRICS_REDIS_URL",
        false => "REDIS_URL",
    };
    let sealed = Sealed {
        setting: "live.redis.url",
        variable,
        plain: &written.url,
        file: &written.url_file,
    };
    let holds = |server: &RedisServer| server.password.is_some().then_some("a Redis password");
    let named = settler.is_filled(variable) || written.url.is_some() || written.url_file.is_some();
    if named {
        warn_of_parts(written, settler);
        return settler.sealed(&sealed, |text, _| RedisServer::parse(text), holds);
    }
    let host = settler.filled_or_value("live.redis.host", "REDIS_HOST", &written.host, host_name);
    let port = settler.filled_or_value(
        "live.redis.port",
        "REDIS_PORT",
        &written.port,
        whole(1..=65_535),
    );
    let number = settler.filled_or_value(
        "live.redis.database",
        "REDIS_DB",
        &written.database,
        database,
    );
    let sealed = Sealed {
        setting: "live.redis.password",
        variable: "REDIS_PASSWORD",
        plain: &written.password,
        file: &written.password_file,
    };
    let is_given = settler.is_filled("REDIS_PASSWORD")
        || written.password.is_some()
        || written.password_file.is_some();
    let password = match is_given {
        true => settler.sealed(
            &sealed,
            |text, _| Ok(SecretString::from(text)),
            |_| Some("a Redis password"),
        ),
        false => None,
    };
    if host.is_none() && port.is_none() && number.is_none() && password.is_none() {
        return None;
    }
    Some(RedisServer {
        place: Place::Tcp {
            host: host.unwrap_or_else(|| "localhost".to_owned()),
            port: port.map_or(PORT, |port| port as u16),
        },
        user: None,
        password,
        database: number,
    })
}

/// A URL says all of it.
fn warn_of_parts(written: &written::Redis, settler: &mut Settler<'_>) {
    let parts = [
        ("live.redis.host", written.host.is_some()),
        ("live.redis.port", written.port.is_some()),
        ("live.redis.database", written.database.is_some()),
        ("live.redis.password", written.password.is_some()),
        ("live.redis.password_file", written.password_file.is_some()),
    ];
    for (setting, is_written) in parts {
        if is_written {
            settler.warn(
                setting,
                "it is not used, since a URL names the server: put it there",
            );
        }
    }
}

/// A URL in its place would show its password.
fn host_name(written: &str) -> Result<String, String> {
    let name = text(written)?;
    match name.contains(['@', '/', ' ']) {
        true => Err("it is no host name, such as `redis.example.com`".to_owned()),
        false => Ok(name),
    }
}

/// What is no number above 0 keeps everything, as the bot has it; somebody may have meant something else.
fn stream_most(written: &written::Redis, settler: &mut Settler<'_>) -> Option<u64> {
    let setting = "live.redis.stream_most";
    let read = |text: &str| Ok(text.trim().parse::<u64>().ok().filter(|most| *most > 0));
    let most = settler.filled_or_value(
        setting,
        "METRICS_REDIS_STREAM_MAXLEN",
        &written.stream_most,
        read,
    );
    if most == Some(None) {
        settler.warn(
            setting,
            "it is no number above 0, so the stream keeps every event",
        );
    }
    most.flatten()
}

fn stream_roughly(written: &written::Redis, settler: &mut Settler<'_>) -> bool {
    let setting = "live.redis.stream_roughly";
    let read = |text: &str| {
        Ok(match text.trim().to_ascii_lowercase().as_str() {
            "1" | "true" | "t" | "yes" | "y" | "on" => Some(true),
            "0" | "false" | "f" | "no" | "n" | "off" => Some(false),
            _ => None,
        })
    };
    let roughly = settler.filled_or_value(
        setting,
        "METRICS_REDIS_STREAM_APPROX",
        &written.stream_roughly,
        read,
    );
    if roughly == Some(None) {
        settler.warn(
            setting,
            "it is neither true nor false, so the stream is cut roughly",
        );
    }
    roughly.flatten().unwrap_or(true)
}

fn text(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("it is empty: give it a value or leave it out".to_owned()),
        text => Ok(text.to_owned()),
    }
}

fn replica(text: &str) -> Result<String, String> {
    let is_sound = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    match (1..=64).contains(&text.len()) && text.chars().all(is_sound) {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "`{}` cannot name a replica: write 1 to 64 letters, digits, `.`, `_` and `-`",
            text.escape_debug()
        )),
    }
}

fn scans(text: &str) -> Result<Scans, String> {
    match text {
        "documented" => Ok(Scans::Documented),
        "later" => Ok(Scans::Later),
        _ => Err(format!(
            "`{}` is neither `documented` nor `later`",
            text.escape_debug()
        )),
    }
}

fn history(text: &str) -> Result<History, String> {
    match text {
        "documented" => Ok(History::Documented),
        "compact" => Ok(History::Compact),
        "both" => Ok(History::Both),
        _ => Err(format!(
            "`{}` is none of `documented`, `compact` and `both`",
            text.escape_debug()
        )),
    }
}

impl RedisSettings {
    pub(super) fn rows(&self) -> Vec<Row> {
        let scans = match self.scans {
            Scans::Documented => "documented",
            Scans::Later => "later",
        };
        let history = match self.history {
            History::Documented => "documented",
            History::Compact => "compact",
            History::Both => "both",
        };
        let days = |days: u32| format!("{days}d");
        let authority = self.authority.as_ref().map(|file| file.display());
        let rows = [
            ("url", self.server.to_string()),
            ("certificate_authority", or_not_set(authority)),
            ("connect_timeout", spoken(self.connect_timeout)),
            ("attempts", self.attempts.to_string()),
            ("retries", self.retries.to_string()),
            ("every", spoken(self.every)),
            ("scans", scans.to_owned()),
            ("stream", self.stream.clone()),
            ("stream_most", or_not_set(self.stream_most)),
            ("stream_roughly", self.stream_roughly.to_string()),
            ("prefix", self.prefix.clone()),
            (
                "keep_scans",
                self.keep_scans.map_or("forever".to_owned(), days),
            ),
            ("history", history.to_owned()),
            ("retention", days(self.retention)),
            ("replica", or_not_set(self.replica.as_ref())),
            ("backlog", format!("{} MB", self.backlog >> 20)),
        ];
        section("live.redis", rows)
    }
}

/// The section as people write it.
pub mod written {
    use schemars::JsonSchema;
    use serde::Deserialize;

    #[derive(Debug, Default, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct Redis {
        /// `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`, `rediss://…` for TLS, `unix:///PATH[?db=DATABASE]`, or `redis+sentinel://[USER:PASSWORD@]HOST[:PORT],…/SERVICE[/DATABASE]`.
        pub url: Option<String>,
        /// The file that holds the URL, since it may hold a password.
        pub url_file: Option<String>,
        /// Without a URL: the server's name; `localhost` when left out.
        pub host: Option<String>,
        /// Without a URL; 6379 when left out.
        #[schemars(range(min = 1, max = 65_535))]
        pub port: Option<u32>,
        /// Without a URL: the password itself. Better in a file of its own.
        pub password: Option<String>,
        /// Without a URL: the file that holds the password.
        pub password_file: Option<String>,
        /// Without a URL: the number of the database; 0 when left out, 1 with `scans = "later"`.
        pub database: Option<u32>,
        /// The user of the server's access list.
        pub user: Option<String>,
        /// A file with the certificates (PEM) that the server's own must come from. When left out: those that the host trusts.
        pub certificate_authority: Option<String>,
        /// How long connecting may take; `5s` when left out.
        #[schemars(regex(pattern = r"^[0-9]+(ms|[smhd])$"))]
        pub connect_timeout: Option<String>,
        /// Attempts to connect until it is said that there is no Redis; 3 when left out. It is tried on.
        #[schemars(range(min = 1, max = 1000))]
        pub attempts: Option<u32>,
        /// Attempts with one batch until it is said that it failed, and with one question until the own file answers; 3 when left out.
        #[schemars(range(min = 1, max = 1000))]
        pub retries: Option<u32>,
        /// The longest time before what is recorded is forwarded; `200ms` when left out.
        #[schemars(regex(pattern = r"^[0-9]+(ms|[smhd])$"))]
        pub every: Option<String>,
        /// The stream of scans; `moderator:metrics` when left out.
        pub stream: Option<String>,
        /// Events that the stream keeps. When left out: all.
        pub stream_most: Option<u64>,
        /// It may keep somewhat more than `stream_most`, which costs less; `true` when left out.
        pub stream_roughly: Option<bool>,
        /// What the keys of scans begin with; `moderator:metrics` when left out.
        pub prefix: Option<String>,
        /// `documented`, or `later`: with rollups of all guilds, by acceleration, and with squares. `documented` when left out.
        #[schemars(regex(pattern = r"^(documented|later)$"))]
        pub scans: Option<String>,
        /// Days for which rollups of scans and the stream are kept. When left out: for ever.
        #[schemars(range(min = 1, max = 36_500))]
        pub keep_scans: Option<u32>,
        /// The past of hosts: `documented`, `compact` (a fifteenth of the memory, read by Daybook only) or `both`; `documented` when left out.
        #[schemars(regex(pattern = r"^(documented|compact|both)$"))]
        pub history: Option<String>,
        /// Days for which samples of hosts are kept; 30 when left out.
        #[schemars(range(min = 1, max = 36_500))]
        pub retention: Option<u32>,
        /// What this process is called among those that forward to the server. When left out: as the machine.
        #[schemars(regex(pattern = r"^[A-Za-z0-9._-]{1,64}$"))]
        pub replica: Option<String>,
        /// Megabytes of the file that may wait to be forwarded; of more the oldest are given up. 1024 when left out.
        #[schemars(range(min = 16, max = 1_000_000))]
        pub backlog: Option<u32>,
    }
}
