//! How long a night may count.

use std::time::Instant;

use super::{NightError, Setting};

/// Counting ends after `max_duration` as it does at a signal. What became of it is sent and noted all the same.
pub(super) async fn within_time<T>(
    setting: &Setting<'_>,
    begun: Instant,
    counting: impl AsyncFnOnce(&Setting<'_>) -> Result<T, NightError>,
) -> Result<T, NightError> {
    let Some(longest) = setting.config.collect.max_duration else {
        return counting(setting).await;
    };
    let timed = Setting {
        stop: setting.stop.child_token(),
        ..*setting
    };
    let alarm = async {
        tokio::time::sleep(longest.saturating_sub(begun.elapsed())).await;
        timed.stop.cancel();
        std::future::pending::<()>().await;
    };
    let done = tokio::select! {
        done = counting(&timed) => done,
        () = alarm => unreachable!("the alarm only rings"),
    };
    match done {
        Err(NightError::Stopped) if !setting.stop.is_cancelled() => {
            Err(NightError::TooLong(longest))
        }
        done => done,
    }
}
