//! A dashboard for Grafana, made of the catalog.

use serde_json::{Value as Json, json};

use crate::config::Config;

/// Classic JSON, as Grafana provisions it.
pub fn dashboard(config: &Config) -> Json {
    json!({ "title": config.name })
}
