//! The promises that need a real server: `cargo test --test servers`, part of `make test`.

mod beryl;
mod dice;
mod one_snapshot;
mod postgres;
mod team;
mod truth;
mod with_servers;
mod world;
