//! Everything that is promised about PostgreSQL and Postfix, on servers that these tests start themselves.

mod beryl_truth;
mod chromium;
mod faults;
mod harness;
mod imports;
mod postfix;
mod recipients;
mod rights;
mod snapshot;
mod team_truth;
mod two_databases;
