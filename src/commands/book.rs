//! `daybook book copy`: copies the book to another database.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::book::{self, Book, columns};
use crate::cli;
use crate::config::{Config, DatabaseUrl};

use super::{CommandError, Ended, World, input, output};

const VARIABLE: &str = "DAYBOOK_BOOK_COPY_DATABASE_URL";

/// How long to wait for a running night or delivery.
const LOCK_TIMEOUT: Duration = Duration::from_secs(60);

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
    // An unreadable book must fail before the target is created.
    Book::open_to_read(source).await?.close().await;
    let night = Book::wait_for_lock(source, LOCK_TIMEOUT).await?;
    let from = Book::open_under(&night).await?;
    let _delivering = book::wait_for_delivery_lock(&from, LOCK_TIMEOUT).await?;
    let other = Book::wait_for_lock(&target, LOCK_TIMEOUT).await?;
    let to = Book::open_under(&other).await?;
    let copied = book::copy(&from, &to).await?;
    columns::update(&to, &config.catalog).await?;
    to.close().await;
    from.close().await;
    other.release().await;
    night.release().await;

    if args.json {
        let tables = copied.iter();
        let tables =
            tables.map(|one| json!({ "table": one.table, "rows": one.rows, "sha256": one.digest }));
        let tables: Json = tables.collect();
        let (from, to) = (source.to_string(), target.to_string());
        output::json(&json!({ "schema": 1, "from": from, "to": to, "tables": tables }))?;
        return Ok(Ended::Done);
    }
    for one in &copied {
        let (table, rows) = (&one.table, one.rows);
        output::data(&format!("{table:<15} {rows:>8} rows, the same in both"))?;
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
    let missing = format!(
        "no target: give --to URL, or set {VARIABLE} or {VARIABLE}_FILE if the URL has a password"
    );
    match args.to.as_deref() {
        Some("-") => {
            let text = input::standard_input(&world.stop).await?;
            input::database_url(&text, "standard input", world)
        }
        Some(text) => input::database_url(text, "--to", world),
        None => input::url_from_environment(VARIABLE, &missing, world),
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
