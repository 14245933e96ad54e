//! File, environment and credentials become one checked `Config`; all mistakes are reported at once.

pub mod alerts;
pub mod apps;
pub mod channels;
pub mod collect;
pub mod database_url;
pub mod environment;
pub mod find;
pub mod handbook;
mod holidays;
pub mod live;
pub mod live_alerts;
pub mod live_redis;
pub mod mail;
mod network;
pub mod origin;
pub mod recipient;
pub mod redis_url;
pub mod report;
mod rows;
pub mod secret;
pub mod serve;
pub mod settings;
pub mod settle;
pub mod show;
pub mod smtp_url;
pub mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use chrono_tz::Tz;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use toml::de::ValueDeserializer;

use crate::catalog::{Catalog, Document, check, read_value};
use crate::text::mistake::{Mistake, Source};

pub use crate::engine::Engine;
pub use apps::{AppDatabase, BookDatabase};
pub use channels::{Format, Outbox, Ping, Webhook};
pub use collect::CollectSettings;
pub use database_url::DatabaseUrl;
pub use environment::Environment;
pub use live::LiveSettings;
pub use mail::{MailSettings, Sender, SmtpServer, Tls};
pub use network::Network;
pub use origin::Origin;
pub use report::{OnAmbiguous, Recipient, RecipientsQuery, ReportSettings, When};
pub use secret::Secret;
pub use serve::{PrometheusSettings, ServeSettings};
pub use show::{Shown, show};
pub use written::schema;

/// The input of [`load`].
#[derive(Debug, Clone)]
pub struct Request {
    /// The file asked for; otherwise the usual places are searched.
    pub path: Option<PathBuf>,
    pub environment: Environment,
    pub cwd: PathBuf,
}

#[derive(Debug, Clone)]
pub struct Config {
    /// The configuration file read.
    pub file: PathBuf,
    /// Its folder: relative paths in the file begin here.
    pub directory: PathBuf,
    /// The application's name.
    pub name: String,
    pub time_zone: Tz,
    pub catalog: Catalog,
    /// The setting `holidays`: their days are among the catalog's known days.
    pub holidays: Vec<String>,
    /// Changes with the tables and metrics, and with nothing else.
    pub catalog_hash: String,
    /// App databases whose URL is known; the unnamed one is `""`.
    pub apps: BTreeMap<String, AppDatabase>,
    /// All app databases that the file or the environment mentions.
    pub declared_apps: BTreeSet<String>,
    pub book: BookDatabase,
    pub collect: CollectSettings,
    pub retention_days: u32,
    pub report: ReportSettings,
    /// The mail server; without one the report goes to the outbox.
    pub mail: Option<MailSettings>,
    pub outbox: Option<Outbox>,
    pub webhooks: Vec<Webhook>,
    pub ping: Option<Ping>,
    pub serve: ServeSettings,
    pub prometheus: PrometheusSettings,
    /// `None`: live events are not used.
    pub live: Option<LiveSettings>,
    /// Where each setting was set, unless it has its default.
    pub origins: BTreeMap<String, Origin>,
    pub warnings: Vec<String>,
    /// Where secrets are set.
    pub secrets: Vec<Secret>,
}

/// All mistakes of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    pub mistakes: Vec<Mistake>,
}

/// Reads the configuration file with all it includes, lays the environment over it and checks the whole.
pub fn load(request: &Request) -> Result<Config, ConfigError> {
    let found = find::file(request)?;
    let source = found.read()?;
    let main = Document::parse(&source).map_err(|mistakes| ConfigError { mistakes })?;
    let mut mistakes = Vec::new();
    let file: written::File = read_value(&main, &main.root, &mut mistakes).unwrap_or_default();
    let included = included_sources(&file, &found, &main, &mut mistakes);
    let documents = parse_included(main, &included)?;
    for document in &documents[1..] {
        let _: Option<written::Included> = read_value(document, &document.root, &mut mistakes);
    }
    let (mut config, wrong) = settings::settle(&file, &documents[0], &found, request);
    mistakes.extend(wrong);
    let mut catalog = catalog(&documents, &config, &mut mistakes);
    catalog.known_days.append(&mut config.catalog.known_days);
    catalog.thresholds = config.catalog.thresholds;
    let apps = config.apps.iter();
    let engines = apps.map(|(name, app)| (name.clone(), app.url.engine()));
    check::sql_is_whole(&documents, &engines.collect(), &mut mistakes);
    let prefix = &config.prometheus.prefix;
    check::series_are_unique(&documents, &catalog, prefix, &mut mistakes);
    if !mistakes.is_empty() {
        let documents = documents
            .iter()
            .map(|document| document.source.name.clone());
        let holidays = file.holidays.iter().map(|path| found.beside(path));
        let order: Vec<String> = documents.chain(holidays).collect();
        return Err(ConfigError::sorted(mistakes, &order));
    }
    config.catalog = catalog;
    config.catalog_hash = catalog_hash(&documents);
    Ok(config)
}

fn included_sources(
    file: &written::File,
    found: &find::Found,
    main: &Document<'_>,
    mistakes: &mut Vec<Mistake>,
) -> Vec<Source> {
    let mut sources = Vec::new();
    for (at, path) in file.include.iter().enumerate() {
        match found.source_beside(path) {
            Ok(source) => sources.push(source),
            Err(message) => {
                let span = main.span(&main.root, &["include", &at.to_string()]);
                mistakes.push(main.mistake(span, message));
            }
        }
    }
    sources
}

/// A file with broken syntax cannot be checked any further.
fn parse_included<'a>(
    main: Document<'a>,
    included: &'a [Source],
) -> Result<Vec<Document<'a>>, ConfigError> {
    let mut documents = vec![main];
    let mut mistakes = Vec::new();
    for source in included {
        match Document::parse(source) {
            Ok(document) => documents.push(document),
            Err(broken) => mistakes.extend(broken),
        }
    }
    if mistakes.is_empty() {
        Ok(documents)
    } else {
        Err(ConfigError { mistakes })
    }
}

fn catalog(documents: &[Document<'_>], config: &Config, mistakes: &mut Vec<Mistake>) -> Catalog {
    check::databases_exist(documents, &config.declared_apps, mistakes);
    if documents
        .iter()
        .all(|document| document.get("metrics").is_none())
    {
        mistakes.push(Mistake::elsewhere(
            &documents[0].source.name,
            "no metrics: declare at least one `[[metrics]]`, of a table under `[tables.NAME]` or of live events, such as `live = { kind = \"task\", value = \"count\" }`",
        ));
    }
    // Of settings that were not understood nothing follows.
    let is_understood = mistakes.is_empty();
    let live = config.live.as_ref().filter(|_| is_understood);
    let kinds = live.map(|live| &live.kinds);
    match Catalog::read(documents, kinds) {
        Ok(catalog) => catalog,
        Err(found) => {
            let is_true = |mistake: &Mistake| is_understood || mistake.message != check::NO_LIVE;
            mistakes.extend(found.into_iter().filter(is_true));
            Catalog::default()
        }
    }
}

/// Of the tables and metrics as written; comments, layout and settings change nothing.
fn catalog_hash(documents: &[Document<'_>]) -> String {
    let mut hash = Sha256::new();
    for document in documents {
        for key in ["tables", "metrics"] {
            let value = document.get(key).cloned().and_then(|value| {
                serde_json::Value::deserialize(ValueDeserializer::from(value)).ok()
            });
            hash.update(format!("{key} {}\n", value.unwrap_or_default()));
        }
    }
    let digest = hash.finalize();
    digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

impl Config {
    /// The app database of this name, `""` for the unnamed one; an error that says how to set its URL.
    pub fn app(&self, name: &str) -> Result<&AppDatabase, ConfigError> {
        self.apps.get(name).ok_or_else(|| {
            let (what, section) = match name {
                "" => ("the app database".to_owned(), "app".to_owned()),
                _ => (format!("the app database `{name}`"), format!("apps.{name}")),
            };
            let message = format!(
                "{what} has no URL: set `database_url` or `database_url_file` under `[{section}]`, or {} in the environment",
                apps::app_variable(name)
            );
            ConfigError::one(Mistake::elsewhere(self.file.display().to_string(), message))
        })
    }
}

impl ConfigError {
    fn one(mistake: Mistake) -> Self {
        Self {
            mistakes: vec![mistake],
        }
    }

    /// In the order of the files and of their lines; mistakes outside files come last.
    fn sorted(mut mistakes: Vec<Mistake>, files: &[String]) -> Self {
        let file = |mistake: &Mistake| files.iter().position(|name| *name == mistake.file);
        mistakes.sort_by_key(|mistake| {
            let file = file(mistake).unwrap_or(files.len());
            (file, mistake.line, mistake.column)
        });
        mistakes.dedup();
        Self { mistakes }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, mistake) in self.mistakes.iter().enumerate() {
            if at > 0 {
                f.write_str("\n\n")?;
            }
            write!(f, "{mistake}")?;
        }
        match self.mistakes.len() {
            0 | 1 => Ok(()),
            count => write!(f, "\n\n{count} errors in the configuration"),
        }
    }
}
