//! The night: choose the days, count them, store them, deliver their report, prune. All its decisions are made here.

mod choose;
mod count;
mod deliver;
mod error;
pub mod letters;
mod plan;
mod prune;
mod refresh;
pub mod resend;
mod run_record;
mod store;
mod time_limit;
mod types;

use std::time::Instant;

use crate::book;

use store::{Opened, Store};

pub use choose::known_keys;
pub use error::{ClockDoubt, NightError, Refusal};
pub use types::{About, Change, DayDone, Listener, Night, NightContext, Orders, Which};

/// Runs the night. One process per book counts; others say so and leave the work to it. A dry run is the same night on a
/// store that writes nothing.
pub async fn run(context: &NightContext<'_>, orders: &Orders) -> Result<Night, NightError> {
    choose::check(context, orders)?;
    // A night's future is large: boxes keep it off the caller's stack.
    if orders.dry_run {
        return Box::pin(dry_run(context, orders)).await;
    }
    let done = Box::pin(recorded(context, orders)).await;
    deliver::signal_break_off(context, orders, &done).await;
    done
}

async fn dry_run(context: &NightContext<'_>, orders: &Orders) -> Result<Night, NightError> {
    let mut night = Night::default();
    let store = Store::to_read(context).await?;
    let done = steps(context, orders, &store, &mut night).await;
    night.duration_ms = types::milliseconds(context.begun);
    store.close().await;
    night.ended(done)
}

/// Runs the night under the collect lock, and records it in the book.
async fn recorded(context: &NightContext<'_>, orders: &Orders) -> Result<Night, NightError> {
    let opened = tokio::select! {
        opened = store::open(context) => opened?,
        () = context.stop.cancelled() => return Err(NightError::Stopped),
    };
    let Some(Opened { lock, book }) = opened else {
        return deliver::elsewhere(context, orders).await;
    };
    let run = book::begin_run(&book, "collect", context.now).await?;
    tracing::debug!("run {run} begins");
    let store = Store::Book { book, run };
    let mut night = Night::default();
    let done = steps(context, orders, &store, &mut night).await;
    let ending = run_record::ending(context, &night, done.as_ref().err());
    night.duration_ms = ending.duration_ms;
    let noted = store.end_run(&ending).await;
    store.close().await;
    lock.release().await;
    let night = night.ended(done)?;
    // What broke the night off is more important than a failure to record it.
    if night.broke_off.is_none() {
        noted?;
    }
    Ok(night)
}

async fn steps(
    context: &NightContext<'_>,
    orders: &Orders,
    store: &Store,
    night: &mut Night,
) -> Result<(), NightError> {
    let mut choice = choose::choose(context, orders, store.book()).await?;
    night.skipped.append(&mut choice.skipped);
    night.remarks.append(&mut choice.remarks);
    deliver::announce(context, store, &choice, night).await?;

    match count::count(context, orders, store, &mut choice, night).await {
        Ok(()) => {}
        // Other messages may be due, even without a report.
        Err(error) if orders.send && error.leaves_no_numbers() => {
            deliver::report_no_numbers(context, store, &choice, &error, night).await?;
            night.broke_off = Some(error);
        }
        Err(error) => return Err(error),
    }

    if orders.send {
        let delivering = Instant::now();
        deliver::deliver(context, orders, store, &choice, night).await?;
        types::add_time(&mut night.stages.deliver, delivering);
    }
    if night.broke_off.is_none() {
        let pruning = Instant::now();
        prune::prune(context, store, &choice, night).await?;
        types::add_time(&mut night.stages.prune, pruning);
    }
    Ok(())
}
