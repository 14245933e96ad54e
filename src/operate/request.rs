//! What operators ask of the app databases.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use crate::calendar::AsOf;
use crate::collect::{self, Request, Work};
use crate::config::Config;

/// Every metric of one day, once and silently.
pub fn one_day(
    config: &Config,
    as_of: AsOf,
    now: DateTime<Utc>,
    stop: CancellationToken,
) -> Request<'_> {
    Request {
        catalog: &config.catalog,
        keys: (config.catalog.metrics.iter())
            .map(|metric| metric.key.clone())
            .collect(),
        work: Work::Night(as_of),
        now,
        grace: config.collect.grace(),
        retry_for: Duration::ZERO,
        follower_timeout: Duration::ZERO,
        limits: collect::limits(config, stop),
        recipients: None,
        progress: &|_, _| {},
        retrying: &|_, _| {},
    }
}
