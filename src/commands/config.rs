//! `daybook config`: checks and shows the configuration.

use std::path::PathBuf;

use comfy_table::{Table, TableStyle};
use serde_json::json;

use crate::cli::Config as Action;
use crate::config::handbook;
use crate::operate::doctor;
use crate::text::counted::counted;

use super::{CommandError, Ended, World, load, output};

pub async fn run(
    path: Option<PathBuf>,
    action: &Action,
    world: &World,
) -> Result<Ended, CommandError> {
    match action {
        Action::Schema => output::json(&crate::config::schema())?,
        Action::Check { database } => {
            let config = load(path, world)?;
            output::say(&format!(
                "{}: {} on {}, no errors",
                config.file.display(),
                counted(config.catalog.shown().count(), "metric"),
                counted(config.catalog.tables.len(), "table")
            ));
            if *database {
                let findings = doctor::app_databases(&config, world.now, &world.stop).await;
                return super::doctor::print(&findings, false, world);
            }
        }
        Action::Show { json: false } => {
            let config = load(path, world)?;
            let mut table = Table::new();
            table
                .load_style(TableStyle::new())
                .set_header(["setting", "value", "from"]);
            for row in crate::config::show(&config) {
                table.add_row([row.setting, row.value, row.origin]);
            }
            output::page(&output::plain(table))?;
        }
        Action::Show { json: true } => {
            let config = load(path, world)?;
            let rows = crate::config::show(&config).into_iter();
            let rows = rows.map(
                |row| json!({ "setting": row.setting, "value": row.value, "origin": row.origin }),
            );
            output::json(&json!({ "schema": 1, "settings": rows.collect::<Vec<_>>() }))?;
        }
        Action::Metrics => output::page(&handbook::page(&load(path, world)?))?,
    }
    Ok(Ended::Done)
}
