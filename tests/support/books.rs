//! What tests do to books behind the program's back, wherever these are kept.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use daybook::engine::Engine;

use crate::book_home;
use crate::world::{App, World};

impl World {
    /// Whether the book has that table yet.
    pub async fn has_table(&self, name: &str) -> bool {
        let tables = match book_home::engine() {
            Engine::Sqlite if !self.path("daybook.db").exists() => return false,
            Engine::Sqlite => "SELECT name FROM sqlite_schema WHERE name",
            Engine::Postgres => "SELECT tablename FROM pg_tables WHERE tablename",
            Engine::Mysql => {
                "SELECT table_name FROM information_schema.tables WHERE table_schema = database() AND table_name"
            }
        };
        !self.book(&format!("{tables} = '{name}'")).await.is_empty()
    }

    /// Takes the book away, as if there had never been one.
    pub fn forget_book(&self) {
        let url = self.book_url();
        let text = match url.engine() {
            Engine::Sqlite => {
                for name in [
                    "daybook.db",
                    "daybook.db-wal",
                    "daybook.db-shm",
                    "daybook.db.lock",
                ] {
                    drop(std::fs::remove_file(self.path(name)));
                }
                return;
            }
            Engine::Postgres => "DROP SCHEMA public CASCADE; CREATE SCHEMA public".to_owned(),
            Engine::Mysql => {
                let name = url.expose().rsplit('/').next().unwrap().to_owned();
                format!("DROP DATABASE {name}; CREATE DATABASE {name} CHARACTER SET utf8mb4")
            }
        };
        let done = std::thread::spawn(move || alone(async { App::new(&url).execute(&text).await }));
        done.join().unwrap();
    }

    /// Changes the book behind the program's back.
    pub async fn meddle(&self, sql: &str) {
        App::new(&self.book_url()).execute(&for_the_book(sql)).await;
    }
}

/// Instants as a file has them, as MySQL reads them: nothing else in these texts ends in `Z`.
pub fn for_the_book(sql: &str) -> String {
    match book_home::engine() {
        Engine::Mysql => sql.replace("Z'", "'"),
        Engine::Sqlite | Engine::Postgres => sql.to_owned(),
    }
}

/// In a runtime of its own, as a thread has it that is not one of tokio's.
pub fn alone<T>(work: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(work)
}
