//! `daybook doctor`: what could keep the next report from its readers, and what to do about it.

use serde_json::json;

use crate::cli::Doctor;
use crate::config::Config;
use crate::operate::doctor::{Finding, Level, examine};
use crate::text::counted::counted;
use crate::text::plain::printable;

use super::{CommandError, Ended, World, output, show};

/// Where what is explained begins, below what was found.
const INDENT: usize = 20;

pub async fn run(config: &Config, args: &Doctor, world: &World) -> Result<Ended, CommandError> {
    let findings = examine(config, world.now, &world.stop).await;
    tell(&findings, args.json, world)
}

/// Prints what was found, with what to do about it.
pub(super) fn tell(
    findings: &[Finding],
    as_data: bool,
    world: &World,
) -> Result<Ended, CommandError> {
    if world.stop.is_cancelled() {
        return Err(CommandError::Interrupted);
    }
    let count = |level: Level| findings.iter().filter(|one| one.level == level).count();
    let (warnings, errors) = (count(Level::Warning), count(Level::Error));
    if as_data {
        let all: Vec<_> = findings.iter().map(as_json).collect();
        output::json(&json!({
            "schema": 1,
            "findings": all,
            "ok": count(Level::Ok),
            "warnings": warnings,
            "errors": errors,
        }))?;
    } else {
        let color = show::look(world).color;
        let told: String = findings
            .iter()
            .map(|finding| told(finding, color))
            .collect();
        output::data(&format!("{told}\n{}", summary(errors, warnings)))?;
    }
    Ok(match errors {
        0 => Ended::Done,
        _ => Ended::Unsound,
    })
}

/// One line; what is not in order is explained beneath. Nothing in it moves the cursor.
fn told(finding: &Finding, color: bool) -> String {
    let Finding {
        area,
        what,
        means,
        advice,
        level,
    } = finding;
    let word = format!("{:<8}", level.word());
    let word = match (color, level) {
        (false, _) => word,
        (true, Level::Ok) => format!("\x1b[32m{word}\x1b[0m"),
        (true, Level::Warning) => format!("\x1b[33m{word}\x1b[0m"),
        (true, Level::Error) => format!("\x1b[31m{word}\x1b[0m"),
    };
    let line = format!("{word} {area:<10} {}\n", printable(what));
    let beneath = |text: &str| format!("{:INDENT$}{}\n", "", printable(text));
    match level {
        Level::Ok => line,
        Level::Warning | Level::Error => line + &beneath(means) + &beneath(advice),
    }
}

/// `2 errors, 1 warning`
fn summary(errors: usize, warnings: usize) -> String {
    let parts = [(errors, "error"), (warnings, "warning")];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts.map(|(count, noun)| counted(count, noun)).collect();
    match parts.is_empty() {
        true => "all well".to_owned(),
        false => parts.join(", "),
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
