//! `daybook doctor`: what could keep the next report from its readers, and what to do about it.

use serde_json::json;

use crate::cli::Doctor;
use crate::config::Config;
use crate::operate::doctor::{Finding, Level, examine};

use super::{CommandError, Ended, World, output};

pub async fn run(config: &Config, args: &Doctor, world: &World) -> Result<Ended, CommandError> {
    let findings = examine(config, world.now).await;
    if args.json {
        let findings: Vec<_> = findings.iter().map(as_json).collect();
        output::json(&json!({ "schema": 1, "findings": findings }))?;
    } else {
        let told: String = findings.iter().map(told).collect();
        output::page(&told)?;
    }
    let sound = findings.iter().all(|finding| finding.level < Level::Error);
    Ok(if sound { Ended::Done } else { Ended::Unsound })
}

/// One line; what is not in order is explained beneath.
fn told(finding: &Finding) -> String {
    let Finding {
        area,
        what,
        means,
        advice,
        level,
    } = finding;
    let line = format!("{:<8} {area:<9} {what}\n", level.word());
    match level {
        Level::Ok => line,
        Level::Warning | Level::Error => format!("{line}{0:19}{means}\n{0:19}{advice}\n", ""),
    }
}

fn as_json(finding: &Finding) -> serde_json::Value {
    json!({
        "area": finding.area,
        "level": finding.level.word(),
        "what": finding.what,
        "means": finding.means,
        "advice": finding.advice,
    })
}
