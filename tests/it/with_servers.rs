//! Everything that is promised about PostgreSQL, on a server that these tests start themselves.

mod beryl_truth;
mod faults;
mod harness;
mod recipients;
mod rights;
mod snapshot;
mod team_truth;
mod two_databases;
