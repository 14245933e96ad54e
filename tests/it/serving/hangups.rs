//! Clients that hang up while the book is looked at for them.

use std::sync::Arc;
use std::time::Duration;

use daybook::look::edition_cache::EditionCache;
use futures_util::FutureExt;

use super::world;
use crate::running::program::real_now;
use crate::world::World;

#[tokio::test]
async fn a_book_is_read_to_its_end_although_nobody_waits_for_it() {
    let world = world("").await;
    let shelf = shelf(&world);
    for _ in 0..600 {
        // Asked once and not again, as by somebody whose patience never suffices.
        if let Some(edition) = shelf.edition().now_or_never() {
            assert!(edition.is_some(), "the book could be read");
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("each who hung up began the book anew");
}

#[tokio::test]
async fn a_book_that_nobody_wrote_to_is_not_read_again_after_a_hang_up() {
    let world = world("").await;
    let shelf = shelf(&world);
    let before = shelf.edition().await.unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert!(
        shelf.edition().now_or_never().is_none(),
        "after a second the book has to be looked at"
    );
    let after = shelf.edition().await.unwrap();
    assert!(Arc::ptr_eq(&before, &after), "the same book was read twice");
}

fn shelf(world: &World) -> EditionCache {
    EditionCache::new(world.book_url(), Arc::new(world.config()), real_now)
}
