//! What Daybook promises of its book, kept on MariaDB.

#![expect(
    dead_code,
    reason = "what these tests share with others they do not use whole"
)]

mod backtest;
mod beryl;
mod beryl_catalog;
#[path = "book_home/on_mariadb.rs"]
mod book_home;

mod book;
mod book_copy;
mod books;
mod browsing;
mod certificates;
mod delivering;
mod delivery_kills;
mod detail_pages;
mod dice;
mod exports;
mod faults;
mod hard_tables;
mod histories;
mod hostile;
mod http_server;
mod imports;
mod kills;
mod mariadb;
mod monitored;
mod mutes;
mod one_snapshot;
mod original;
mod pages;
mod pairs;
mod posted;
mod postgres;
mod prometheus;
mod prune;
mod read_page;
mod recipients;
mod refreshing;
mod renames;
mod running;
mod sending;
mod server_book;
mod serving;
mod smtp_server;
mod stored_days;
mod team;
mod top;
mod top_book;
mod truth;
mod verifying;
mod world;
