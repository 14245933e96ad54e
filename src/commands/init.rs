//! `daybook init`: proposes settings for a database.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::anyhow;
use serde_json::json;

use crate::cli::Init;
use crate::collect::Unreachable;
use crate::collect::schema::survey::survey;
use crate::config::environment::read_secret;
use crate::config::{AppDatabase, DatabaseUrl};
use crate::database::Limits;
use crate::operate::init::{Address, Proposal, propose, roles, times, write};
use crate::text::counted::counted;

use super::target::Target;
use super::{CommandError, Ended, World, input, output};

const VARIABLE: &str = "DAYBOOK_APP_DATABASE_URL";

const STATEMENT_TIMEOUT: Duration = Duration::from_secs(20);

pub async fn run(args: &Init, world: &World) -> Result<Ended, CommandError> {
    let to_stdout = args.output == Path::new("-");
    if to_stdout && args.json {
        let message = "--json and the configuration cannot both go to standard output: name a file with --output";
        return Err(CommandError::Usage(message.to_owned()));
    }
    let file = world.directory.join(&args.output);
    if !to_stdout && file.exists() && !args.force {
        let file = file.display();
        return Err(CommandError::Failed(anyhow!(
            "{file} already exists: choose another file with --output, or overwrite it with --force"
        )));
    }
    let (url, address) = database(args, world).await?;
    let limits = Limits {
        statement_timeout: STATEMENT_TIMEOUT,
        lock_timeout: Duration::from_secs(2),
        stop: world.stop.clone(),
    };
    let app = AppDatabase {
        url,
        connections: 1,
    };
    let found = survey(&app, roles::may_be_sampled, &limits).await;
    let found = found.map_err(|error| {
        let name = String::new();
        CommandError::Unavailable(Unreachable { name, error }.to_string())
    })?;
    let proposal = propose(&found).ok_or_else(|| nothing(&app.url, found.relations.len()))?;
    let text = write::settings(&proposal, &address);
    let mut target = Target::open(Some(&args.output), false, world)?;
    // `finish` reports an error.
    drop(target.write_all(text.as_bytes()));
    target.finish()?;
    if args.json {
        output::json(&as_json(&proposal, &file))?;
    }
    output::say(&next(&proposal, args, world));
    Ok(Ended::Done)
}

fn nothing(url: &DatabaseUrl, relations: usize) -> CommandError {
    let seen = match relations {
        0 => "no table this user can see".to_owned(),
        some => format!("{some} tables and views, but none to count"),
    };
    CommandError::Failed(anyhow!(
        "{url} has {seen}; nothing was written: check that it is the right database, that this user may read it (GRANT SELECT), and that the application has created its tables"
    ))
}

/// The URL, and how the settings give it.
async fn database(args: &Init, world: &World) -> Result<(DatabaseUrl, Address), CommandError> {
    if let Some(path) = &args.url_file {
        let path = world.directory.join(path);
        let name = path.display().to_string();
        let text = read_secret(&path, &name).map_err(CommandError::Usage)?;
        let url = input::database_url(&text, &name, world)?;
        return Ok((url, Address::File(name)));
    }
    let missing = format!(
        "no database URL: set {VARIABLE} or {VARIABLE}_FILE, name a file with --url-file, or pipe the URL in with --stdin"
    );
    let url = match args.url.as_deref() {
        Some(text) if text != "-" && !args.stdin => input::database_url(text, "URL", world)?,
        None if !args.stdin => {
            let url = input::url_from_environment(VARIABLE, &missing, world)?;
            // A file or credential keeps it.
            if !world.environment.contains_key(VARIABLE) {
                return Ok((url, Address::Elsewhere));
            }
            url
        }
        _ => {
            let text = input::standard_input(&world.stop).await?;
            input::database_url(&text, "standard input", world)?
        }
    };
    let address = written(&url, args, world);
    Ok((url, address))
}

/// A URL without a password is written into the file, with a full path if the file is in another folder.
fn written(url: &DatabaseUrl, args: &Init, world: &World) -> Address {
    let output = world.directory.join(&args.output);
    let beside = output.parent() == Some(world.directory.as_path());
    match url.sqlite_path() {
        _ if url.has_password() => Address::Elsewhere,
        Some(path) if !beside => Address::Written(DatabaseUrl::sqlite(&path).expose().to_owned()),
        _ => Address::Written(url.expose().to_owned()),
    }
}

fn as_json(proposal: &Proposal<'_>, file: &Path) -> serde_json::Value {
    let tables = proposal.subjects.iter().map(|subject| {
        let column = |time: &Option<times::Time>| time.as_ref().map(|time| time.column.clone());
        json!({
            "table": subject.id,
            "name": subject.relation.name,
            "rows": subject.relation.rows.number(),
            "created_at": column(&subject.born),
            "deleted_at": column(&subject.ended),
            "where": subject.alive,
        })
    });
    let left_out = proposal.left_out.iter();
    let left_out =
        left_out.map(|one| json!({ "name": one.name, "rows": one.rows.number(), "why": one.why }));
    let metrics = proposal.metrics.iter().map(|metric| {
        json!({ "key": metric.key, "label": metric.label, "section": metric.section, "table": metric.table })
    });
    json!({
        "schema": 1,
        "file": file.display().to_string(),
        "tables": tables.collect::<Vec<_>>(),
        "metrics": metrics.collect::<Vec<_>>(),
        "left_out": left_out.collect::<Vec<_>>(),
        "unused": proposal.unused,
    })
}

fn next(proposal: &Proposal<'_>, args: &Init, world: &World) -> String {
    let numbers: usize = proposal.metrics.iter().map(|metric| metric.numbers()).sum();
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for one in &proposal.left_out {
        *reasons.entry(one.why).or_default() += 1;
    }
    let (file, in_file, next) = match args.output.display().to_string() {
        file if file == "-" => {
            let next = "\nNext, once they are in daybook.toml:";
            ("daybook.toml".to_owned(), String::new(), next)
        }
        file => (file.clone(), format!(" in {file}"), "\nNext:"),
    };
    let names = proposal.subjects.iter().map(|one| &one.relation.name);
    let tables = counted(names.collect::<BTreeSet<_>>().len(), "table");
    let numbers = counted(numbers, "metric");
    let mut text =
        format!("Proposed {numbers} for {tables}{in_file}. Check the lines marked GUESS.");
    for (why, count) in reasons {
        text.push_str(&format!("\n  {count} skipped: {why}"));
    }
    let program = match file == "daybook.toml" {
        true => world.program.clone(),
        false => format!("{} --config {file}", world.program),
    };
    let steps = [
        ("config check", "list all errors"),
        ("explain", "how each number is counted"),
        ("collect --dry-run", "count, store nothing"),
        ("collect --date yesterday", "store the first day"),
        ("doctor", "check everything the next night needs"),
    ];
    text.push_str(next);
    for (command, what) in steps {
        text.push_str(&format!("\n  {program} {command:<25} # {what}"));
    }
    text.push_str("\nThen every night, from cron; the second line catches up on what failed:");
    let directory = world.directory.display();
    let lines = [
        ("15 0 * * *", "--date yesterday"),
        ("45 * * * *", "--catch-up"),
    ];
    for (time, what) in lines {
        text.push_str(&format!(
            "\n  {time}  cd {directory} && {program} collect {what} --send-email --quiet"
        ));
    }
    text.push_str("\ncron does not know your environment: set PATH and the database URL in the crontab, as crontab.example shows.");
    text
}
