//! The sections `[app]`, `[apps]` and `[book]`: the databases that are read, and the one that is written.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::text::mistake::Mistake;

use super::environment::{is_sound_word, names_between};
use super::origin::Origin;
use super::rows::Row;
use super::settle::{Settler, whole};
use super::{DatabaseUrl, Request};

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// `sqlite:FILE`, `postgres://USER:PASSWORD@HOST:PORT/DATABASE` or `mysql://USER:PASSWORD@HOST:PORT/DATABASE`, which MariaDB answers too. A URL with a password is better kept in the environment.
    pub database_url: Option<String>,
    /// A file that holds the URL, relative to this one.
    pub database_url_file: Option<String>,
    /// How many connections read at the same time; 2 when left out. MySQL and MariaDB are read over one.
    #[schemars(range(min = 1, max = 16))]
    pub connections: Option<u32>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Book {
    /// `sqlite:daybook.db` beside this file when left out; or on a server, `postgres` or `mysql` with
    /// `://USER@HOST:PORT/DATABASE`, which may be the application's own.
    pub database_url: Option<String>,
    /// A file that holds the URL, relative to this one.
    pub database_url_file: Option<String>,
}

#[derive(Debug, Clone)]
pub struct AppDatabase {
    pub url: DatabaseUrl,
    pub connections: u32,
}

#[derive(Debug, Clone)]
pub struct BookDatabase {
    pub url: DatabaseUrl,
}

/// The variable that holds the URL of this app database; `""` is the unnamed one.
pub fn app_variable(name: &str) -> String {
    match name {
        "" => "DAYBOOK_APP_DATABASE_URL".to_owned(),
        _ => format!("DAYBOOK_APP_{}_DATABASE_URL", name.to_uppercase()),
    }
}

/// The book's URL; a wrong one stands beside the file.
pub fn book(
    written: &Book,
    apps: &BTreeMap<String, AppDatabase>,
    settler: &mut Settler<'_>,
) -> Option<DatabaseUrl> {
    let book = settler.database_url(
        "book",
        "DAYBOOK_BOOK_DATABASE_URL",
        written.database_url.as_ref(),
        written.database_url_file.as_ref(),
    );
    book.filter(|url| {
        let mistake = misplaced(url, apps);
        if let Some(message) = mistake {
            settler.wrong_at_origin("book.database_url", message.to_owned());
        }
        mistake.is_none()
    })
}

/// Why the book cannot be kept there. On a server it may stand beside the application's tables.
fn misplaced(url: &DatabaseUrl, apps: &BTreeMap<String, AppDatabase>) -> Option<&'static str> {
    let file = |url: &DatabaseUrl| {
        url.sqlite_path()
            .map(|path| path.canonicalize().unwrap_or(path))
    };
    let book = file(url)?;
    let shared = apps
        .values()
        .any(|app| file(&app.url).as_ref() == Some(&book));
    shared.then_some("this is the application's database, which Daybook only reads: give the book a file of its own")
}

pub fn apps(
    unnamed: &App,
    named: &BTreeMap<String, App>,
    request: &Request,
    settler: &mut Settler<'_>,
) -> (BTreeMap<String, AppDatabase>, BTreeSet<String>) {
    let mut apps = BTreeMap::new();
    apps.extend(app("", unnamed, settler).map(|app| (String::new(), app)));
    let mut declared: BTreeSet<String> = named.keys().cloned().collect();
    declared.extend(names_between(
        "DAYBOOK_APP_",
        "_DATABASE_URL",
        &request.environment,
    ));
    let unwritten = App::default();
    for name in &declared {
        let written = named.get(name);
        if is_sound_word(name) {
            let app = app(name, written.unwrap_or(&unwritten), settler);
            apps.extend(app.map(|app| (name.clone(), app)));
            continue;
        }
        let message = format!(
            "`{}` cannot name an app database: a name begins with a letter a-z and goes on with letters a-z, digits and `_`",
            name.escape_debug()
        );
        match written {
            Some(_) => settler.wrong_at(&["apps", name], message),
            None => settler.mistakes.push(Mistake::elsewhere(
                Origin::Environment(app_variable(name)).to_string(),
                message,
            )),
        }
    }
    (apps, declared)
}

fn app(name: &str, written: &App, settler: &mut Settler<'_>) -> Option<AppDatabase> {
    let section = section_of(name);
    let connections = settler.value(
        &format!("{section}.connections"),
        None,
        written.connections.map(|count| count.to_string()),
        whole(1..=16),
    );
    let url = settler.database_url(
        &section,
        &app_variable(name),
        written.database_url.as_ref(),
        written.database_url_file.as_ref(),
    )?;
    Some(AppDatabase {
        url,
        connections: connections.unwrap_or(2),
    })
}

pub(super) fn rows(apps: &BTreeMap<String, AppDatabase>, declared: &BTreeSet<String>) -> Vec<Row> {
    let mut rows = Vec::new();
    let unnamed = std::iter::once(String::new());
    for name in unnamed.chain(declared.iter().cloned()) {
        let section = section_of(&name);
        let app = apps.get(&name);
        let url = app.map_or_else(|| "not set".to_owned(), |app| app.url.to_string());
        rows.push((format!("{section}.database_url"), url));
        if let Some(app) = app {
            rows.push((
                format!("{section}.connections"),
                app.connections.to_string(),
            ));
        }
    }
    rows
}

fn section_of(name: &str) -> String {
    match name {
        "" => "app".to_owned(),
        _ => format!("apps.{name}"),
    }
}
