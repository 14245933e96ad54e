//! `daybook grafana`: a dashboard made of the catalog.

use crate::cli::Grafana;
use crate::config::Config;
use crate::look::export::grafana::dashboard;

use super::{CommandError, Ended, output};

pub fn run(config: &Config, args: &Grafana) -> Result<Ended, CommandError> {
    let _: bool = args.api;
    output::json(&dashboard(config))?;
    Ok(Ended::Done)
}
