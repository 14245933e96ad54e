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
mod histories;
mod migrations;
mod prune;
mod render;
mod running;
mod stored_days;
mod truth;
mod world;
