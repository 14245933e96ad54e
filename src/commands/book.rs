//! `daybook book copy`: the book moves to another database.

use std::time::Duration;

use serde_json::json;

use crate::book::{self, Book, columns};
use crate::cli;
use crate::config::environment::given;
use crate::config::{Config, ConfigError, DatabaseUrl};

use super::{CommandError, Ended, World, input, output};

const VARIABLE: &str = "DAYBOOK_BOOK_COPY_DATABASE_URL";

/// How long a night or a delivery that goes on is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

pub async fn run(
    config: &Config,
    action: &cli::Book,
    world: &World,
) -> Result<Ended, CommandError> {
    let cli::Book::Copy(args) = action;
    let target = target(args, world).await?;
    let source = &config.book.url;
    if is_same(source, &target) {
        let message = format!("{target} is the book itself: name another database");
        return Err(CommandError::Usage(message));
    }
    // Before anything is made there: a book that cannot be read is not copied.
    Book::open_to_read(source).await?.close().await;
    let night = Book::wait_for_lock(source, PATIENCE).await?;
    let from = Book::open_under(&night).await?;
    let _delivering = book::wait_for_delivery_lock(&from, PATIENCE).await?;
    let other = Book::wait_for_lock(&target, PATIENCE).await?;
    let to = Book::open_under(&other).await?;
    let copied = book::copy(&from, &to).await?;
    columns::update(&to, &config.catalog).await?;
    to.close().await;
    from.close().await;
    other.let_go().await;
    night.let_go().await;

    if args.json {
        let tables = copied
            .iter()
            .map(|one| json!({ "table": one.table, "rows": one.rows, "sha256": one.digest }));
        output::json(&json!({
            "schema": 1,
            "from": source.to_string(),
            "to": target.to_string(),
            "tables": tables.collect::<Vec<_>>(),
        }))?;
        return Ok(Ended::Done);
    }
    for one in &copied {
        output::data(&format!(
            "{:<15} {:>8} rows, the same in both",
            one.table, one.rows
        ))?;
    }
    output::say(&next(&target));
    Ok(Ended::Done)
}

fn next(target: &DatabaseUrl) -> String {
    let how = match target.has_password() {
        true => "Set DAYBOOK_BOOK_DATABASE_URL, or the file that DAYBOOK_BOOK_DATABASE_URL_FILE names, to its URL".to_owned(),
        false => format!("Write `database_url = \"{target}\"` under [book] in daybook.toml"),
    };
    format!("{how}, wherever daybook runs. The old book is unchanged.")
}

async fn target(args: &cli::Copy, world: &World) -> Result<DatabaseUrl, CommandError> {
    let cwd = world.directory.as_path();
    let parsed = |text: &str, what: &str| {
        let url = DatabaseUrl::parse(text.trim(), cwd);
        url.map_err(|why| CommandError::Usage(format!("{what}: {why}")))
    };
    match args.to.as_deref() {
        Some("-") => parsed(&input::standard_input(&world.stop).await?, "standard input"),
        Some(text) => parsed(text, "--to"),
        None => {
            let found = given(VARIABLE, &world.environment, cwd);
            let found = found.map_err(|mistake| ConfigError {
                mistakes: vec![mistake],
            })?;
            let found = found.ok_or_else(|| {
                CommandError::Usage(format!(
                    "no target: give --to URL, or set {VARIABLE} or {VARIABLE}_FILE if the URL has a password"
                ))
            })?;
            parsed(&found.text, VARIABLE)
        }
    }
}

fn is_same(one: &DatabaseUrl, other: &DatabaseUrl) -> bool {
    let file = |url: &DatabaseUrl| {
        url.sqlite_path()
            .map(|path| path.canonicalize().unwrap_or(path))
    };
    one.engine() == other.engine()
        && match (file(one), file(other)) {
            (Some(one), Some(other)) => one == other,
            _ => one.expose() == other.expose(),
        }
}
