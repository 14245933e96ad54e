//! Whenever and wherever the program is killed or told to stop while it delivers, nobody gets a report twice
//! and nobody is left out in silence.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod clocks;
mod figures;
mod left_behind;
mod run;
mod scene;
mod strikes;
mod told_to_stop;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::world::in_a_file;
use figures::Figures;
use scene::Templates;
use strikes::Story;

/// So many worlds at once.
const THREADS: usize = 4;

/// One world for each seed, in each of them programs that are killed.
async fn kills(seeds: u64) -> Figures {
    let templates = Templates::make().await;
    let next = AtomicU64::new(0);
    let all = Mutex::new(Figures::default());
    let work = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let mine = || Some(next.fetch_add(1, Ordering::SeqCst)).filter(|seed| *seed < seeds);
        while let Some(seed) = mine() {
            let figures = runtime.block_on(run::run(&Story::of(seed), &templates));
            all.lock().unwrap().add(&figures);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(work);
        }
    });
    all.into_inner().unwrap()
}

#[tokio::test]
async fn whoever_is_killed_at_whatever_step_nobody_gets_a_report_twice_or_is_left_out() {
    if !in_a_file() {
        return;
    }
    let figures = kills(50).await;
    assert_eq!(figures.runs, 50);
    assert!(figures.kills() > 0, "nothing was killed: {figures}");
}

#[tokio::test]
#[ignore = "takes some minutes: `make soak`"]
async fn a_thousand_deliveries_with_kills() {
    let figures = kills(1000).await;
    println!("{figures}");
    assert_eq!(figures.runs, 1000);
    assert!(figures.kills() > 500, "hardly anything was killed");
}
