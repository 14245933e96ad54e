//! What several test programs and measurements share: worlds to tell stories in, servers, and samples.

pub mod beryl;
pub mod book_home;
pub mod books;
pub mod certificates;
pub mod checkouts;
pub mod dates_alone;
pub mod dice;
pub mod exact_numbers;
pub mod init;
pub mod lacking_index;
pub mod mariadb;
pub mod monitored;
pub mod mornings;
pub mod newest;
pub mod one_snapshot;
pub mod original;
pub mod parts;
pub mod postgres;
pub mod proxy;
pub mod redis;
pub mod sample_letters;
pub mod sample_views;
pub mod smtp_server;
pub mod team;
pub mod top_book;
pub mod truth;
pub mod undeclared_keys;
pub mod unlisted;
pub mod world;

use std::ffi::OsString;

/// The program that these tests are about.
pub fn program() -> OsString {
    std::env::var_os("CARGO_BIN_EXE_daybook").expect("run by `cargo test` or `cargo nextest`")
}
