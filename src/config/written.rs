//! The types behind the TOML file and its JSON Schema.

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::catalog::written::{KnownDay, Metric, Table};

use super::alerts::Alerts;
use super::apps::{App, Book};
use super::channels::written::{Outbox, Ping, Webhook};
use super::collect::{Collect, Retention};
use super::live::written::Live;
use super::mail::written::Mail;
use super::report::written::Report;
use super::serve::written::{Prometheus, Serve};

/// Daybook's configuration file: the settings, and the catalog of what is measured.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Daybook configuration")]
pub struct File {
    /// The application's name, as readers of the report know it.
    #[schemars(length(min = 1, max = 100))]
    pub name: Option<String>,
    /// The IANA time zone that decides when a day begins; `Europe/Zurich` when left out.
    pub time_zone: Option<String>,
    /// More files with tables, metrics and known days, relative to this one.
    #[serde(default)]
    pub include: Vec<String>,
    /// No day before it is collected or counts as history: `YYYY-MM-DD`.
    #[schemars(with = "Option<String>")]
    pub since: Option<IgnoredAny>,
    /// Holidays as known days: `CH` for those of all of Switzerland, `CH-ZH` and the like for a canton's, or files of your own,
    /// relative to this one.
    #[serde(default)]
    pub holidays: Vec<String>,
    /// The application's database. Daybook only ever reads it.
    #[serde(default)]
    pub app: App,
    /// More app databases, by the name that tables refer to.
    #[serde(default)]
    pub apps: BTreeMap<String, App>,
    /// Daybook's own database.
    #[serde(default)]
    pub book: Book,
    /// Limits of the nightly collection.
    #[serde(default)]
    pub collect: Collect,
    /// How long to keep entries.
    #[serde(default)]
    pub retention: Retention,
    /// When a change deserves attention, unless a metric says otherwise.
    #[serde(default)]
    pub alerts: Alerts,
    /// The report: its recipients and language.
    #[serde(default)]
    pub report: Report,
    /// The mail server.
    #[serde(default)]
    pub mail: Mail,
    /// A folder for reports as files.
    #[serde(default)]
    pub outbox: Outbox,
    /// Programs that get every report as JSON.
    #[serde(default)]
    pub webhooks: Vec<Webhook>,
    /// A health check that gets a ping every night.
    #[serde(default)]
    pub ping: Ping,
    /// The dashboard: its address and access.
    #[serde(default)]
    pub serve: Serve,
    /// Names of the series for monitoring systems.
    #[serde(default)]
    pub prometheus: Prometheus,
    /// Events between two nights.
    pub live: Option<Live>,
    /// Tables of the app databases, by the name that metrics use.
    #[schemars(with = "Option<BTreeMap<String, Table>>")]
    pub tables: Option<IgnoredAny>,
    /// The metrics, in the order of the report.
    #[schemars(with = "Option<Vec<Metric>>")]
    pub metrics: Option<IgnoredAny>,
    /// Days that are known to be different.
    #[schemars(with = "Option<Vec<KnownDay>>")]
    pub calendar: Option<IgnoredAny>,
}

/// An included file holds catalog only.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Included {
    pub tables: Option<IgnoredAny>,
    pub metrics: Option<IgnoredAny>,
    pub calendar: Option<IgnoredAny>,
}

/// The JSON Schema of the whole file, for editors.
pub fn schema() -> serde_json::Value {
    let settings = SchemaSettings::draft2020_12().with_transform(RecursiveTransform(without_null));
    let mut schema = settings.into_generator().into_root_schema_for::<File>();
    without_null(&mut schema);
    schema.to_value()
}

/// TOML has no null: what is optional is left out.
fn without_null(schema: &mut Schema) {
    let is_null = |value: &serde_json::Value| value.get("type").is_some_and(|kind| kind == "null");
    if let Some(kinds) = schema
        .get_mut("type")
        .and_then(|kinds| kinds.as_array_mut())
    {
        kinds.retain(|kind| kind != "null");
        if let [only] = &kinds[..] {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(choices) = schema
        .get_mut("anyOf")
        .and_then(|choices| choices.as_array_mut())
    {
        choices.retain(|choice| !is_null(choice));
        if let [only] = &mut choices[..]
            && let Some(only) = only.as_object_mut()
        {
            let only = std::mem::take(only);
            schema.remove("anyOf");
            for (key, value) in only {
                schema.insert(key, value);
            }
        }
    }
}
