//! A night that naps in one of its statements: then its snapshot is taken, and its other tables are not read yet.

use std::pin::pin;

/// What the night gives, with the change made while it naps. A night that nobody saw napping is a failure.
pub(crate) async fn changed_in_the_nap<T>(
    night: impl Future<Output = T>,
    napping: impl Future<Output = ()>,
    change: impl Future<Output = ()>,
) -> T {
    let mut night = pin!(night);
    tokio::select! {
        () = napping => {}
        _ = &mut night => panic!("the night was over before anybody saw it nap"),
    }
    let (night, ()) = tokio::join!(night, change);
    night
}
