//! Where books are kept: in files, or each in a database of its own on the server that `DAYBOOK_TEST_ENGINE` names.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::path::Path;

use daybook::config::DatabaseUrl;
use daybook::engine::Engine;

use crate::books::alone;
use crate::{mariadb, postgres};

pub fn engine() -> Engine {
    let Some(name) = std::env::var_os("DAYBOOK_TEST_ENGINE") else {
        return Engine::Sqlite;
    };
    match name.to_str() {
        Some("postgres") => Engine::Postgres,
        Some("mariadb") => Engine::Mysql,
        _ => panic!("DAYBOOK_TEST_ENGINE is {name:?}, not `postgres` or `mariadb`"),
    }
}

/// That file, or a new database.
pub fn url(file: &Path) -> DatabaseUrl {
    let making = match engine() {
        Engine::Sqlite => return DatabaseUrl::sqlite(file),
        Engine::Postgres => std::thread::spawn(|| alone(postgres::database())),
        Engine::Mysql => std::thread::spawn(|| alone(mariadb::database())),
    };
    let database = making.join().unwrap();
    DatabaseUrl::parse(&database.url(), Path::new("/")).unwrap()
}
