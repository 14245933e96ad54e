//! Daybook: one honest row of numbers for every day of an application.
//!
//! The modules in reading order: vocabulary, steps of the night, wings, commands.

pub mod engine;
pub mod files;
pub mod text;
pub mod trust;

pub mod calendar;
pub mod catalog;
pub mod entry;

pub mod locale;

pub mod notice;

pub mod kinds;

pub mod plan;

pub mod config;

pub mod database;

pub mod collect;

pub mod book;

pub mod threshold;

pub mod compare;

pub mod report;

pub mod render;

pub mod deliver;

pub mod prune;

pub mod live;

pub mod live_alerts;
pub mod live_readings;

pub mod nightly;

pub mod web;

pub mod api;

pub mod look;

pub mod operate;

pub mod cli;

pub mod commands;
