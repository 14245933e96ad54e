//! stub
use crate::catalog::Catalog;
pub use crate::catalog::Engine;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
#[derive(Clone)]
pub struct DatabaseUrl(pub String);
impl DatabaseUrl {
    pub fn engine(&self) -> Engine {
        if self.0.starts_with("sqlite") {
            Engine::Sqlite
        } else {
            Engine::Postgres
        }
    }
    pub fn expose(&self) -> &str {
        &self.0
    }
    pub fn sqlite_path(&self) -> Option<PathBuf> {
        Some(self.0.trim_start_matches("sqlite:").into())
    }
}
impl std::fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("url")
    }
}
pub struct AppDatabase {
    pub url: DatabaseUrl,
    pub connections: u32,
}
pub struct BookDatabase {
    pub url: DatabaseUrl,
}
pub struct CollectSettings {
    pub grace: Duration,
    pub catch_up_days: u32,
    pub retry_for: Option<Duration>,
    pub max_duration: Option<Duration>,
    pub statement_timeout: Duration,
    pub lock_timeout: Duration,
}
pub struct Config {
    pub file: PathBuf,
    pub directory: PathBuf,
    pub name: String,
    pub time_zone: chrono_tz::Tz,
    pub catalog: Catalog,
    pub catalog_hash: String,
    pub apps: BTreeMap<String, AppDatabase>,
    pub book: BookDatabase,
    pub collect: CollectSettings,
    pub retention_days: u32,
}
