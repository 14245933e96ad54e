//! Daybook: one honest row of numbers for every day of an application.

pub mod calendar;
pub mod catalog;
pub mod entry;

pub mod config;
