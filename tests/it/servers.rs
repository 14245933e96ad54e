//! The promises that need a real server: `cargo test --test servers`, part of `make test`.

mod judged_by_others;
mod live_examples;
mod postfix;
mod read_back;
mod scraped;
mod with_servers;

// So that modules name them as their own: `crate::world`.
use support::{
    beryl, certificates, lacking_index, mariadb, monitored, one_snapshot, postgres, sample_letters,
    sample_views, team, top_book, truth, world,
};
