//! Daybook: one honest row of numbers for every day of an application.

pub mod calendar;
pub mod catalog;
pub mod collect;
pub mod config;
pub mod database;
pub mod entry;
pub mod plan;
pub mod book;
pub mod prune;
pub mod nightly;
