//! How long a night may ask its databases.

use std::time::{Duration, Instant};

use super::{NightError, Setting};

/// A night that has used up its time still has to find out whom to tell.
const A_MOMENT: Duration = Duration::from_secs(10);

/// Counting, and what has to be asked before, ends after `max_duration` as it does at a signal. What became of it is sent
/// and noted all the same.
pub(super) async fn within_time<T>(
    setting: &Setting<'_>,
    begun: Instant,
    counting: impl AsyncFnOnce(&Setting<'_>) -> Result<T, NightError>,
) -> Result<T, NightError> {
    let Some(longest) = setting.config.collect.max_duration else {
        return counting(setting).await;
    };
    let left = longest.saturating_sub(begun.elapsed());
    match stopped_after(setting, left, counting).await {
        Err(NightError::Stopped) if !setting.stop.is_cancelled() => {
            Err(NightError::TooLong(longest))
        }
        done => done,
    }
}

/// The same for what is asked after counting, which gets a moment at least.
pub(super) async fn within_a_moment<T>(
    setting: &Setting<'_>,
    begun: Instant,
    asking: impl AsyncFnOnce(&Setting<'_>) -> T,
) -> T {
    let Some(longest) = setting.config.collect.max_duration else {
        return asking(setting).await;
    };
    let left = longest.saturating_sub(begun.elapsed()).max(A_MOMENT);
    stopped_after(setting, left, asking).await
}

async fn stopped_after<T>(
    setting: &Setting<'_>,
    left: Duration,
    asking: impl AsyncFnOnce(&Setting<'_>) -> T,
) -> T {
    let timed = Setting {
        stop: setting.stop.child_token(),
        ..*setting
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
