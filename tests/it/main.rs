//! Everything Daybook promises, one file per promise.

mod beryl_catalog;
mod book;
mod compare;
mod config;
mod demo;
mod migrations;
mod prune;
mod render;
mod stored_days;
