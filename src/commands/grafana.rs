//! `daybook grafana`: a dashboard made of the catalog.

use crate::cli::Grafana;
use crate::config::Config;
use crate::look::export::grafana::{dashboard, request};

use super::{CommandError, Ended, output};

pub fn run(config: &Config, args: &Grafana) -> Result<Ended, CommandError> {
    let made = match args.api {
        true => request(config, args.folder.as_deref()),
        false => dashboard(config),
    };
    output::json(&made)?;
    Ok(Ended::Done)
}
