//! The sections `[app]`, `[apps]` and `[book]`: the app databases and the book.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::text::mistake::Mistake;

use super::environment::{check_name, names_between};
use super::origin::Origin;
use super::rows::{Row, or_not_set};
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

/// The book's URL; `None` if it is wrong or not set.
pub fn book(
    written: &Book,
    apps: &BTreeMap<String, AppDatabase>,
    settler: &mut Settler<'_>,
) -> Option<DatabaseUrl> {
    let book = settler.database_url(
        "book",
        "DAYBOOK_BOOK_DATABASE_URL",
        &written.database_url,
        &written.database_url_file,
    );
    book.filter(|url| {
        let mistake = misplaced(url, apps);
        if let Some(message) = mistake {
            settler.wrong_at_origin("book.database_url", message.to_owned());
        }
        mistake.is_none()
    })
}

/// Why the book cannot be there. On a server it may share the application's database.
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
        match (check_name(name, "an app database"), written) {
            (Ok(()), _) => {
                let app = app(name, written.unwrap_or(&unwritten), settler);
                apps.extend(app.map(|app| (name.clone(), app)));
            }
            (Err(message), Some(_)) => settler.wrong_at(&["apps", name], message),
            (Err(message), None) => settler.mistakes.push(Mistake::elsewhere(
                Origin::Environment(app_variable(name)).to_string(),
                message,
            )),
        }
    }
    (apps, declared)
}

fn app(name: &str, written: &App, settler: &mut Settler<'_>) -> Option<AppDatabase> {
    let section = section_of(name);
    let setting = format!("{section}.connections");
    let connections = settler.value(&setting, &written.connections, whole(1..=16));
    let url = settler.database_url(
        &section,
        &app_variable(name),
        &written.database_url,
        &written.database_url_file,
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
        let url = or_not_set(app.map(|app| &app.url));
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
