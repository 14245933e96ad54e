//! The report on demand.
