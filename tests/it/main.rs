//! Everything Daybook promises, one file per promise.

mod beryl;
mod beryl_catalog;
mod beryl_truth;
mod book;
mod compare;
mod config;
mod demo;
mod dice;
mod hard_tables;
mod migrations;
mod one_snapshot;
mod prune;
mod render;
mod stored_days;
mod team;
mod team_truth;
mod truth;
mod world;
