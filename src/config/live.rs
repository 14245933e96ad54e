//! The section `[live]`: events between two nights.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use crate::kinds::{self, Kinds, OTHER, presets};
use crate::text::duration::{DAY, HOUR, SECOND, spoken, within};

use super::environment::check_name;
use super::live_alerts::{self, LiveAlert};
use super::live_redis::{self, RedisSettings};
use super::rows::{Row, section};
use super::serve::secret;
use super::settle::{Sealed, Settler, file_name, whole};

#[derive(Debug, Clone)]
pub struct LiveSettings {
    /// Otherwise events are checked and answered, and none is kept.
    pub is_on: bool,
    /// `serve` takes events.
    pub accepts: bool,
    pub database: PathBuf,
    pub durable: Durable,
    /// Points of one commit.
    pub batch: u32,
    /// Points that may wait.
    pub queue: u32,
    /// Ids and keys that are remembered.
    pub ids: u32,
    /// With `memory`: the longest time between two commits.
    pub flush_every: Duration,
    /// When a span that was begun and not ended counts as failed.
    pub span_timeout: Duration,
    /// How often the keeper goes round.
    pub keep_every: Duration,
    /// Where points that are older than their tier are kept, if they are.
    pub archive: Option<Archive>,
    pub archive_folder: PathBuf,
    /// Where kept events are logged too, if they are.
    pub log_file: Option<PathBuf>,
    pub presets: Vec<String>,
    pub kinds: Kinds,
    pub alerts: Vec<LiveAlert>,
    /// Where replicas meet, if they do.
    pub redis: Option<RedisSettings>,
    /// Who may send and ask. Without any: whoever has access to the dashboard.
    pub tokens: Vec<Token>,
}

/// A program's access to live events.
#[derive(Debug, Clone)]
pub struct Token {
    pub name: String,
    pub secret: SecretString,
    pub may: May,
    /// Events of others are refused.
    pub organisation: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum May {
    Write,
    Read,
    Admin,
}

/// When an event counts as kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durable {
    /// It is on disk.
    Commit,
    /// At once; a kill loses what came since the last flush.
    Memory,
}

/// In which form points are archived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Archive {
    Parquet,
}

/// `None`: the section is not there, and nothing of it is.
/// `webhooks`: the names that alerts may be sent to.
pub fn live(
    written: Option<&written::Live>,
    webhooks: &[String],
    settler: &mut Settler<'_>,
) -> Option<LiveSettings> {
    let written = written?;
    let database = settler.path("live.database", "METRICS_DATABASE", &written.database);
    let durable = settler.value("live.durable", &written.durable, durable);
    let batch = settler.value("live.batch", &written.batch, whole(1..=65_536));
    let queue = settler.value("live.queue", &written.queue, whole(1..=10_000_000));
    let ids = settler.value("live.ids", &written.ids, whole(1000..=100_000_000));
    let mut time =
        |setting, text: &Option<String>, most| settler.value(setting, text, within(SECOND..=most));
    let flush_every = time("live.flush_every", &written.flush_every, HOUR);
    let keep_every = time("live.keep_every", &written.keep_every, HOUR);
    let span_timeout = time("live.span_timeout", &written.span_timeout, 7 * DAY);
    let archive = settler.value("live.archive", &written.archive, archive);
    let folder = settler.value("live.archive_folder", &written.archive_folder, file_name);
    let folder = folder.as_deref().unwrap_or("live-archive");
    let database = database.unwrap_or_else(|| settler.beside_the_file("live.db"));
    let log_file = settler.path("live.log_file", "METRICS_LOG_FILE", &written.log_file);
    if log_file.as_ref() == Some(&database) {
        let message = "this is the file of the events: name another one".to_owned();
        settler.wrong_at_origin("live.log_file", message);
    }
    let is_on = settler.value_or_variable("live.on", "ENABLE_METRICS", &written.on, yes_or_no);
    let accepts = settler.value("live.accept", &written.accept, yes_or_no);
    let kinds = kinds(written, settler);
    Some(LiveSettings {
        is_on: is_on.unwrap_or(true),
        accepts: accepts.unwrap_or(false),
        database,
        durable: durable.unwrap_or(Durable::Commit),
        batch: batch.unwrap_or(10_000),
        queue: queue.unwrap_or(100_000),
        ids: ids.unwrap_or(5_000_000),
        flush_every: flush_every.unwrap_or(5 * SECOND),
        span_timeout: span_timeout.unwrap_or(HOUR),
        keep_every: keep_every.unwrap_or(2 * SECOND),
        archive,
        log_file,
        archive_folder: settler.beside_the_file(folder),
        alerts: live_alerts::alerts(
            &written.presets,
            &written.alerts,
            written.notify.as_deref().unwrap_or_default(),
            &kinds,
            webhooks,
            settler,
        ),
        kinds,
        redis: live_redis::redis(written.redis.as_ref(), settler),
        presets: written.presets.clone(),
        tokens: tokens(written, settler),
    })
}

fn tokens(written: &written::Live, settler: &mut Settler<'_>) -> Vec<Token> {
    let mut all: Vec<Token> = Vec::new();
    for (name, written) in &written.tokens {
        let setting = format!("live.tokens.{name}");
        if let Err(message) = check_name(name, "a token") {
            settler.wrong(&setting, message);
            continue;
        }
        let sealed = Sealed {
            setting: &format!("{setting}.token"),
            variable: &format!("DAYBOOK_LIVE_TOKEN_{}", name.to_ascii_uppercase()),
            plain: &written.token,
            file: &written.token_file,
        };
        let known_before = settler.mistakes.len();
        let secret = settler.sealed(&sealed, secret, |_| Some("a token for live events"));
        let may = settler.value(&format!("{setting}.may"), &written.may, may);
        let organisation = settler.value(
            &format!("{setting}.organisation"),
            &written.organisation,
            organisation,
        );
        let Some(secret) = secret else {
            if settler.mistakes.len() == known_before {
                let message = format!(
                    "this token has no secret: set `token_file`, or {}",
                    sealed.variable
                );
                settler.wrong(&setting, message);
            }
            continue;
        };
        let same = all
            .iter()
            .find(|other| other.secret.expose_secret() == secret.expose_secret());
        if let Some(other) = same {
            let message = format!(
                "it has the same secret as `{}`: give it one of its own",
                other.name
            );
            settler.wrong(&setting, message);
        }
        all.push(Token {
            name: name.clone(),
            secret,
            may: may.unwrap_or(May::Write),
            organisation,
        });
    }
    all
}

fn may(text: &str) -> Result<May, String> {
    match text {
        "write" => Ok(May::Write),
        "read" => Ok(May::Read),
        "admin" => Ok(May::Admin),
        _ => Err(format!(
            "`{}` is none of `write`, `read` and `admin`",
            text.escape_debug()
        )),
    }
}

fn organisation(text: &str) -> Result<String, String> {
    match text.len() {
        _ if text == OTHER => Err(format!("`{OTHER}` stands for values that are too many")),
        1..=256 => Ok(text.to_owned()),
        length => Err(format!("{length} bytes, expected 1 to 256")),
    }
}

/// Those of the presets, then those of the file; one that the file declares takes the preset's place.
fn kinds(written: &written::Live, settler: &mut Settler<'_>) -> Kinds {
    let mut all = Kinds::new();
    for (at, name) in written.presets.iter().enumerate() {
        match presets::find(name) {
            Ok(toml) => {
                let kinds = presets::kinds(toml).into_iter();
                all.extend(kinds.map(|kind| (kind.name.clone(), kind)));
            }
            Err(message) => settler.wrong(&format!("live.presets.{at}"), message),
        }
    }
    for (name, written) in &written.kinds {
        let mut wrong = |place: &[&str], message: String| {
            let path: Vec<&str> = ["live", "kinds", name.as_str()]
                .iter()
                .chain(place)
                .copied()
                .collect();
            settler.wrong_at(&path, message);
        };
        all.insert(name.clone(), kinds::check(name, written, &mut wrong));
    }
    all
}

fn durable(text: &str) -> Result<Durable, String> {
    match text {
        "commit" => Ok(Durable::Commit),
        "memory" => Ok(Durable::Memory),
        _ => Err(format!("`{text}` is neither `commit` nor `memory`")),
    }
}

fn archive(text: &str) -> Result<Archive, String> {
    match text {
        "parquet" => Ok(Archive::Parquet),
        _ => Err(format!(
            "`{}` is not `parquet`; leave it out to archive nothing",
            text.escape_debug()
        )),
    }
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "t" | "yes" | "y" | "on" => Ok(true),
        "0" | "false" | "f" | "no" | "n" | "off" => Ok(false),
        _ => Err(format!(
            "`{}` is neither true nor false",
            text.escape_debug()
        )),
    }
}

impl LiveSettings {
    pub(super) fn rows(&self) -> Vec<Row> {
        let durable = match self.durable {
            Durable::Commit => "commit",
            Durable::Memory => "memory",
        };
        let log_file = self
            .log_file
            .as_ref()
            .map(|file| file.display().to_string());
        let log_file = log_file.unwrap_or_else(|| "none".to_owned());
        let archive = match self.archive {
            Some(Archive::Parquet) => "parquet",
            None => "none",
        };
        let listed = |names: Vec<&str>| match names[..] {
            [] => "none".to_owned(),
            _ => names.join(", "),
        };
        let rows = [
            ("on", self.is_on.to_string()),
            ("accept", self.accepts.to_string()),
            ("database", self.database.display().to_string()),
            ("durable", durable.to_owned()),
            ("batch", self.batch.to_string()),
            ("queue", self.queue.to_string()),
            ("ids", self.ids.to_string()),
            ("flush_every", spoken(self.flush_every)),
            ("span_timeout", spoken(self.span_timeout)),
            ("keep_every", spoken(self.keep_every)),
            ("archive", archive.to_owned()),
            ("archive_folder", self.archive_folder.display().to_string()),
            ("log_file", log_file),
            (
                "presets",
                listed(self.presets.iter().map(String::as_str).collect()),
            ),
            (
                "kinds",
                listed(self.kinds.keys().map(String::as_str).collect()),
            ),
            (
                "alerts",
                listed(self.alerts.iter().map(|alert| alert.key.as_str()).collect()),
            ),
            (
                "tokens",
                listed(
                    self.tokens
                        .iter()
                        .map(|token| token.name.as_str())
                        .collect(),
                ),
            ),
        ];
        let mut rows = section("live", rows);
        rows.extend(self.redis.iter().flat_map(RedisSettings::rows));
        rows
    }
}

/// The section as people write it.
pub mod written {
    use std::collections::BTreeMap;

    use schemars::JsonSchema;
    use serde::Deserialize;

    use crate::config::live_alerts::written::Alert;
    use crate::config::live_redis::written::Redis;
    use crate::kinds::written::Kind;

    #[derive(Debug, Default, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct Token {
        /// The secret itself, at least 12 characters. Better in a file of its own.
        pub token: Option<String>,
        /// The file that holds the secret.
        pub token_file: Option<String>,
        /// What it is for: `write`, `read`, or both with `admin`; `write` when left out.
        #[schemars(regex(pattern = r"^(write|read|admin)$"))]
        pub may: Option<String>,
        /// Events get it as their label `organisation`; those of others are refused.
        pub organisation: Option<String>,
    }

    #[derive(Debug, Default, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct Live {
        /// `daybook serve` takes events; `false` when left out.
        pub accept: Option<bool>,
        /// `false`: events are checked and answered, and none is kept. `true` when left out.
        pub on: Option<bool>,
        /// The file of the events, relative to this one; `live.db` when left out. Never the book's file.
        pub database: Option<String>,
        /// `commit`: what is answered is on disk. `memory`: answered at once, a kill loses at most `flush_every`. `commit` when left out.
        #[schemars(regex(pattern = r"^(commit|memory)$"))]
        pub durable: Option<String>,
        /// Points that are written together at most; 10000 when left out.
        #[schemars(range(min = 1, max = 65_536))]
        pub batch: Option<u32>,
        /// Points that may wait to be written; what would be more is turned away. 100000 when left out.
        #[schemars(range(min = 1, max = 10_000_000))]
        pub queue: Option<u32>,
        /// Ids of events and keys of batches that are remembered for a day at most; 5000000 when left out.
        #[schemars(range(min = 1000, max = 100_000_000))]
        pub ids: Option<u32>,
        /// With `memory`: points are written at the latest after this time; `5s` when left out.
        #[schemars(regex(pattern = r"^[0-9]+[smhd]$"))]
        pub flush_every: Option<String>,
        /// A span that was begun and not ended counts as failed after this time; `1h` when left out.
        #[schemars(regex(pattern = r"^[0-9]+[smhd]$"))]
        pub span_timeout: Option<String>,
        /// How often points are merged, sealed and pruned; `2s` when left out.
        #[schemars(regex(pattern = r"^[0-9]+[smhd]$"))]
        pub keep_every: Option<String>,
        /// `parquet`: points that are older than their tier are written to files before they are deleted. When left out: deleted.
        #[schemars(regex(pattern = r"^parquet$"))]
        pub archive: Option<String>,
        /// The folder of these files, relative to this one; `live-archive` when left out.
        pub archive_folder: Option<String>,
        /// A log of kept events, a line of JSON each, relative to this file. When left out: none.
        pub log_file: Option<String>,
        /// Kinds that come with Daybook: `bot`, `agents`, `hosts`, `moderation`.
        #[serde(default)]
        pub presets: Vec<String>,
        /// Kinds of events, by their names.
        #[serde(default)]
        pub kinds: BTreeMap<String, Kind>,
        /// What is watched between two nights.
        #[serde(default)]
        pub alerts: Vec<Alert>,
        /// Where alerts are sent unless they say otherwise: names of webhooks, and addresses. When left out: nowhere.
        pub notify: Option<Vec<String>>,
        /// The Redis server where several processes meet, and which dashboards read.
        pub redis: Option<Redis>,
        /// Tokens of programs that send events or ask about them, by their names.
        #[serde(default)]
        pub tokens: BTreeMap<String, Token>,
    }
}
