//! Everything Daybook promises, one file per promise.

mod beryl_catalog;
mod demo;
