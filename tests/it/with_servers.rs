//! Everything that is promised about PostgreSQL, on a server that these tests start themselves.

mod beryl_truth;
mod harness;
