//! Days on their way to other programs.

pub mod backfill;
pub mod grafana;
pub mod prometheus;
pub mod series;
