//! The dashboard around the panels: its uid, links, variables and annotations.

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use crate::catalog::series::Own;
use crate::config::Config;

/// Letters of a name that stay in the address; Grafana takes 40 in all.
const SLUG: usize = 22;

/// The dashboard's address: the same for the same name, so that a new version replaces the old one.
pub(super) fn uid(name: &str) -> String {
    let lower = name.to_lowercase();
    let words: Vec<&str> = lower
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let slug = words.join("-");
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == ' ';
    let is_whole = name.len() <= SLUG && name.chars().all(is_plain);
    if is_whole && !slug.is_empty() {
        return format!("daybook-{slug}");
    }
    // Tells names apart that have the same address otherwise.
    let digest = Sha256::digest(name);
    let mark: String = digest[..4]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let slug: String = slug.chars().take(SLUG).collect();
    match slug.trim_matches('-') {
        "" => format!("daybook-{mark}"),
        slug => format!("daybook-{slug}-{mark}"),
    }
}

/// The way to Daybook's own pages, where they have an address.
pub(super) fn links(config: &Config) -> Vec<Json> {
    let to = |url: &url::Url| {
        json!({
            "type": "link", "title": "Daybook", "url": url.as_str(), "icon": "external link",
            "targetBlank": true, "asDropdown": false, "includeVars": false, "keepTime": false, "tags": [],
        })
    };
    config.report.public_url.iter().map(to).collect()
}

/// Which Prometheus, and which Daybook of those that it knows.
pub(super) fn variables(config: &Config) -> Vec<Json> {
    let jobs = format!(
        "label_values({}, job)",
        Own::Build.name(&config.prometheus.prefix)
    );
    vec![
        json!({
            "name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus",
            "refresh": 1, "regex": "", "hide": 0, "multi": false, "includeAll": false,
            "current": {}, "options": [],
        }),
        // Backfilled days have no job: "All" must find them too.
        json!({
            "name": "job", "label": "Job", "type": "query", "datasource": datasource(),
            "query": { "query": jobs, "refId": "job" }, "definition": jobs,
            "refresh": 1, "regex": "", "sort": 1, "hide": 0, "multi": false,
            "includeAll": true, "allValue": ".*",
            "current": { "text": "All", "value": "$__all" }, "options": [],
        }),
    ]
}

/// Critical alerts are marked by default, warnings only on request.
pub(super) fn annotations(config: &Config) -> Vec<Json> {
    let severity = super::query::own(Own::Severity, config);
    let mark = |name: &str, level: u8, colour: &str, enabled: bool| {
        json!({
            "name": name, "enable": enabled, "hide": false, "iconColor": colour,
            "datasource": datasource(),
            "expr": format!("max by (metric) ({severity}) == {level}"),
            "step": "1h", "titleFormat": format!("{name}: {{{{metric}}}}"), "tagKeys": "metric",
        })
    };
    vec![
        json!({
            "name": "Annotations & Alerts", "builtIn": 1, "type": "dashboard", "enable": true, "hide": true,
            "iconColor": "rgba(0, 211, 255, 1)",
            "datasource": { "type": "grafana", "uid": "-- Grafana --" },
        }),
        mark("Critical", 2, "red", true),
        mark("Warning", 1, "orange", false),
    ]
}

/// The Prometheus that was chosen at the top.
pub(super) fn datasource() -> Json {
    json!({ "type": "prometheus", "uid": "${datasource}" })
}
