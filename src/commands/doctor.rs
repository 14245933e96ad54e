//! `daybook doctor`: finds what could stop the next report, and says what to do.

use serde_json::json;

use crate::cli::Doctor;
use crate::config::Config;
use crate::operate::doctor::{Finding, Level, examine};
use crate::text::counted::counted;
use crate::text::plain::printable;

use super::{CommandError, Ended, World, output, show};

/// The column of the finding, under which the explanations begin.
const INDENT: usize = 20;

pub async fn run(config: &Config, args: &Doctor, world: &World) -> Result<Ended, CommandError> {
    let findings = examine(config, world.now, &world.stop).await;
    print(&findings, args.json, world)
}

pub(super) fn print(
    findings: &[Finding],
    json: bool,
    world: &World,
) -> Result<Ended, CommandError> {
    if world.stop.is_cancelled() {
        return Err(CommandError::Interrupted);
    }
    let count = |level: Level| findings.iter().filter(|one| one.level == level).count();
    let (warnings, errors) = (count(Level::Warning), count(Level::Error));
    if json {
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
        let lines = findings.iter().map(|finding| lines(finding, color));
        let lines: String = lines.collect();
        output::data(&format!("{lines}\n{}", summary(errors, warnings)))?;
    }
    Ok(match errors {
        0 => Ended::Done,
        _ => Ended::Unsound,
    })
}

/// One line, and two more that explain a problem. Control characters are made visible.
fn lines(finding: &Finding, color: bool) -> String {
    let Finding {
        area,
        what,
        means,
        advice,
        level,
    } = finding;
    let word = format!("{:<8}", level.word());
    let code = match level {
        Level::Ok => 32,
        Level::Warning => 33,
        Level::Error => 31,
    };
    let word = match color {
        false => word,
        true => format!("\x1b[{code}m{word}\x1b[0m"),
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
