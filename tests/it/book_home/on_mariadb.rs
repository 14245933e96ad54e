//! Each book has a database of its own on MariaDB here.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::path::Path;

use daybook::config::DatabaseUrl;
use daybook::engine::Engine;

use crate::books::alone;
use crate::mariadb;

pub(crate) const ENGINE: Engine = Engine::Mysql;

pub(crate) fn url(_file: &Path) -> DatabaseUrl {
    let making = std::thread::spawn(|| alone(mariadb::database()));
    let database = making.join().unwrap();
    DatabaseUrl::parse(&database.url(), Path::new("/")).unwrap()
}
