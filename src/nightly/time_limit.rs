//! Limits how long a night may query its databases.

use std::time::Duration;

use super::error::NightError;
use super::types::NightContext;

/// A night that has used all its time still has to read its recipients.
const LEAST_TIME: Duration = Duration::from_secs(10);

/// Ends counting after `max_duration` like the signal to stop. Its results are still sent and recorded.
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

/// The same for queries after counting, which get at least `LEAST_TIME`.
pub(super) async fn within_least_time<T>(
    context: &NightContext<'_>,
    asking: impl AsyncFnOnce(&NightContext<'_>) -> T,
) -> T {
    let Some(longest) = context.config.collect.max_duration else {
        return asking(context).await;
    };
    let left = longest.saturating_sub(context.begun.elapsed());
    stopped_after(context, left.max(LEAST_TIME), asking).await
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
