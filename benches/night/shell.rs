//! The night's own statements run by SQLite's shell, without Daybook: what the engine itself needs for them.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value as Json;

use crate::program::with;

/// The statements in two files, the longest first into the emptier one, and the database they read.
pub(crate) struct Halves {
    files: [PathBuf; 2],
    database: PathBuf,
}

pub(crate) fn halves(demo: &Path) -> Result<Halves> {
    let mut explain = with(&demo.join("daybook.toml"), &["explain", "--json"]);
    let output = explain.stdout(Stdio::piped()).output()?;
    let explained: Json = serde_json::from_slice(&output.stdout).context("what explain prints")?;
    let statements = explained["statements"].as_array().context("statements")?;
    let mut all: Vec<String> = statements.iter().map(written_out).collect();
    all.sort_by_key(|sql| std::cmp::Reverse(sql.matches("SELECT").count()));
    let mut halves = [String::new(), String::new()];
    for (at, sql) in all.iter().enumerate() {
        halves[at % 2].push_str(&format!("{sql};\n"));
    }
    let files = [demo.join("first.sql"), demo.join("second.sql")];
    for (file, half) in files.iter().zip(halves) {
        std::fs::write(file, half)?;
    }
    Ok(Halves {
        files,
        database: demo.join("app.db"),
    })
}

fn written_out(statement: &Json) -> String {
    let mut sql = statement["sql"].as_str().unwrap_or_default().to_owned();
    let binds: Vec<&Json> = statement["binds"]
        .as_array()
        .into_iter()
        .flatten()
        .collect();
    for (at, bind) in binds.iter().enumerate().rev() {
        let value = bind
            .as_str()
            .map_or_else(|| bind.to_string(), str::to_owned);
        let literal = match value.parse::<i64>() {
            Ok(_) => value,
            Err(_) => format!("'{}'", value.trim_matches('\'')),
        };
        sql = sql.replace(&format!("?{}", at + 1), &literal);
    }
    // Debian's shell is older than this function; the times it measures are ASCII.
    sql.replace("octet_length(", "length(")
}

/// Both at once; nothing where the shell is not installed.
pub(crate) fn run(halves: &Halves) -> Result<Option<Duration>> {
    let begun = Instant::now();
    let mut running: Vec<Child> = Vec::new();
    for file in &halves.files {
        let mut shell = Command::new("sqlite3");
        shell
            .arg("-readonly")
            .arg(&halves.database)
            .stdin(std::fs::File::open(file)?)
            .stdout(Stdio::null());
        match shell.spawn() {
            Ok(child) => running.push(child),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
    for mut child in running {
        let ended = child.wait()?;
        if !ended.success() {
            bail!("sqlite3 ended with {ended}");
        }
    }
    Ok(Some(begun.elapsed()))
}
