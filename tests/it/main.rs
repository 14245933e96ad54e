//! Everything Daybook promises, one file per promise.

mod book;
mod migrations;
mod prune;
