//! The database engines.

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    Sqlite,
    Postgres,
    /// MariaDB too.
    Mysql,
}
