//! The promises that need a real server: `cargo test --test servers`, part of `make test`.

mod exact_numbers;
mod init;
mod judged_by_others;
mod newest;
mod original;
mod parts;
mod postfix;
mod scraped;
mod with_servers;

use support::{
    beryl, certificates, lacking_index, mariadb, monitored, one_snapshot, postgres, sample_letters,
    sample_views, team, top_book, truth, world,
};
