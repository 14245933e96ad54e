//! The promises that need a real server: `cargo test --test servers`, part of `make test`.

mod beryl;
mod postgres;
mod truth;
mod with_servers;
mod world;
