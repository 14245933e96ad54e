//! Everything that is promised about PostgreSQL, on a server that these tests start themselves.

mod beryl_truth;
mod chromium;
mod faults;
mod harness;
mod rights;
mod snapshot;
mod team_truth;
mod two_databases;
