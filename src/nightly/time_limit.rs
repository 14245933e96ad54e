//! How long a night may ask its databases.

use std::time::Duration;

use super::error::NightError;
use super::types::NightContext;

/// A night that has used up its time still has to find out whom to tell.
const A_MOMENT: Duration = Duration::from_secs(10);

/// Counting, and what has to be asked before, ends after `max_duration` as it does at a signal. What became of it is sent
/// and noted all the same.
pub(super) async fn within_time<T>(
    context: &NightContext<'_>,
    counting: impl AsyncFnOnce(&NightContext<'_>) -> Result<T, NightError>,
) -> Result<T, NightError> {
    let Some(longest) = context.config.collect.max_duration else {
        return counting(context).await;
    };
    let left = longest.saturating_sub(context.begun.elapsed());
    match stopped_after(context, left, counting).await {
        Err(NightError::Stopped) if !context.stop.is_cancelled() => {
            Err(NightError::TooLong(longest))
        }
        done => done,
    }
}

/// The same for what is asked after counting, which gets a moment at least.
pub(super) async fn within_a_moment<T>(
    context: &NightContext<'_>,
    asking: impl AsyncFnOnce(&NightContext<'_>) -> T,
) -> T {
    let Some(longest) = context.config.collect.max_duration else {
        return asking(context).await;
    };
    let left = longest.saturating_sub(context.begun.elapsed());
    stopped_after(context, left.max(A_MOMENT), asking).await
}

async fn stopped_after<T>(
    context: &NightContext<'_>,
    left: Duration,
    asking: impl AsyncFnOnce(&NightContext<'_>) -> T,
) -> T {
    let timed = NightContext {
        stop: context.stop.child_token(),
        ..*context
    };
    let alarm = async {
        tokio::time::sleep(left).await;
        timed.stop.cancel();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        done = asking(&timed) => done,
        () = alarm => unreachable!("the alarm only rings"),
    }
}
