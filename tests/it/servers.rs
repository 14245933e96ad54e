//! The promises that need a real server: `cargo test --test servers`, part of `make test`.

mod postgres;
mod with_servers;
mod world;
