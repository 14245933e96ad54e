//! A dashboard for Grafana, made of the catalog: its state on top, then a row for each section.

mod colour;
mod family;
mod grid;
mod panel;
mod query;
mod surroundings;
mod unit;

use serde_json::{Value as Json, json};

use crate::catalog::Metric;
use crate::config::Config;

use family::Family;
use grid::Grid;

/// The newest schema of the classic JSON that Grafana's file provisioning and HTTP API take as it is.
const SCHEMA_VERSION: u32 = 41;

/// Classic JSON, as Grafana provisions it.
pub fn dashboard(config: &Config) -> Json {
    json!({
        "id": null,
        "uid": surroundings::uid(&config.name),
        "title": format!("{} Daily Metrics", config.name).trim(),
        "description": "Made from the catalog by `daybook grafana`: change the catalog, not this dashboard.",
        "tags": ["daybook"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": true,
        "graphTooltip": 1,
        "fiscalYearStartMonth": 0,
        "liveNow": false,
        "timezone": config.time_zone.name(),
        "time": { "from": "now-90d", "to": "now" },
        "timepicker": {},
        "refresh": "5m",
        "links": surroundings::links(config),
        "templating": { "list": surroundings::variables(config) },
        "annotations": { "list": surroundings::annotations(config) },
        "panels": panels(config),
    })
}

/// As `POST /api/dashboards/db` takes it; a dashboard of the same uid is replaced.
pub fn request(config: &Config, folder: Option<&str>) -> Json {
    let mut request = json!({ "dashboard": dashboard(config), "overwrite": true });
    if let Some(folder) = folder {
        request["folderUid"] = json!(folder);
    }
    request
}

fn panels(config: &Config) -> Vec<Json> {
    let mut grid = Grid::default();
    grid.heading("State");
    for stat in panel::state(config) {
        grid.place(stat, 4, 4);
    }
    grid.place(panel::what_stands_out(config), 12, 7);
    grid.place(panel::run_durations(config), 12, 7);
    for section in config.catalog.sections() {
        let of_section = |metric: &&Metric| metric.section == section;
        let metrics: Vec<&Metric> = config.catalog.shown().filter(of_section).collect();
        grid.heading(section);
        place_section(section, &metrics, config, &mut grid);
    }
    grid.panels
}

/// Today's numbers side by side, below them how they came there, then the distributions.
fn place_section(section: &str, metrics: &[&Metric], config: &Config, grid: &mut Grid) {
    let (wholes, parted): (Vec<&Metric>, Vec<&Metric>) =
        metrics.iter().partition(|metric| !metric.is_distribution());
    for metric in &wholes {
        grid.place(panel::value(metric, config), 4, 4);
    }
    grid.new_line();
    let families = Family::gather(&wholes);
    let together = Family::of_section(section, &families);
    for family in together.iter().chain(&families) {
        grid.place(panel::past(family, config), 8, 8);
    }
    grid.new_line();
    for metric in parted {
        grid.place(panel::distribution(metric, config), 12, 9);
    }
    grid.new_line();
}
