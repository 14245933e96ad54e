//! The promises that need a real server: `cargo test --test servers`, part of `make test`.

mod beryl;
#[path = "book_home/file.rs"]
mod book_home;
mod certificates;
mod dates_alone;
mod dice;
mod exact_numbers;
mod init;
mod judged_by_others;
mod lacking_index;
mod mariadb;
mod monitored;
mod newest;
mod one_snapshot;
mod original;
mod parts;
mod postfix;
mod postgres;
mod sample_letters;
mod sample_views;
mod scraped;
mod team;
mod top_book;
mod truth;
mod undeclared_keys;
mod unlisted;
mod with_servers;
mod world;
