//! Books are files here.

use std::path::Path;

use daybook::config::DatabaseUrl;
use daybook::engine::Engine;

pub(crate) const ENGINE: Engine = Engine::Sqlite;

pub(crate) fn url(file: &Path) -> DatabaseUrl {
    DatabaseUrl::sqlite(file)
}
