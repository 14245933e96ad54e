//! Everything Daybook promises, one file per promise.

mod config;
