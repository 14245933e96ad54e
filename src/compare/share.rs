//! Parallel work with the results in order.

use std::panic::resume_unwind;
use std::thread;

/// Maps items on several threads.
pub(super) fn side_by_side<Item: Sync, Done: Send>(
    items: &[Item],
    work: impl Fn(&Item) -> Done + Sync,
) -> Vec<Done> {
    const MOST_THREADS: usize = 4;
    /// Fewer are done before a thread starts.
    const WORTH_A_THREAD: usize = 16;
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let threads = processors
        .min(MOST_THREADS)
        .min(items.len() / WORTH_A_THREAD);
    if threads < 2 {
        return items.iter().map(work).collect();
    }
    let work = &work;
    thread::scope(|scope| {
        let shares = items.chunks(items.len().div_ceil(threads));
        let begun: Vec<_> = shares
            .map(|share| scope.spawn(move || share.iter().map(work).collect::<Vec<Done>>()))
            .collect();
        let ended = begun.into_iter();
        ended
            .flat_map(|share| share.join().unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    })
}
