//! Everything Daybook promises, one file per promise.

mod architecture;
mod beryl;
mod beryl_catalog;
mod beryl_truth;
mod book;
mod calendar;
mod compare;
mod config;
mod demo;
mod dice;
mod faults;
mod hard_tables;
mod histories;
mod kills;
mod long_runs;
mod migrations;
mod one_snapshot;
mod prune;
mod renames;
mod render;
mod running;
mod stored_days;
mod team;
mod team_truth;
mod truth;
mod world;
