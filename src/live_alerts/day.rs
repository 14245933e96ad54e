//! What was raised on a day, for its letter.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::config::LiveSettings;
use crate::live::store::{RaisedOnce, Store, StoreError};
use crate::live::watch::{Words, limit_of};
use crate::report::LiveAlert;

use super::words;

/// The most severe first. Without a file nothing was.
pub async fn raised_between(
    live: &LiveSettings,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<LiveAlert>, StoreError> {
    let Some(mut store) = Store::open_reading(&live.database).await? else {
        return Ok(Vec::new());
    };
    let raised = store.raised_between(from, to).await;
    store.close().await?;
    let mut groups: BTreeMap<(String, Words), LiveAlert> = BTreeMap::new();
    for once in raised? {
        let group = (once.alert.clone(), once.words.clone());
        let new = told(live, once);
        groups
            .entry(group)
            .and_modify(|known| add(known, &new))
            .or_insert(new);
    }
    let mut all: Vec<LiveAlert> = groups.into_values().collect();
    all.sort_by_key(|alert| (std::cmp::Reverse(alert.severity), alert.since));
    Ok(all)
}

fn told(live: &LiveSettings, once: RaisedOnce) -> LiveAlert {
    let declared = live.alerts.iter().find(|alert| alert.key == once.alert);
    let scale = declared.map(|alert| words::scale(alert, &live.kinds[&alert.watch.figure.kind]));
    LiveAlert {
        label: match declared {
            Some(alert) => words::what(alert, &once.words),
            None => once.alert.clone(),
        },
        unit: scale.map(|scale| scale.unit.to_owned()).unwrap_or_default(),
        decimals: scale.and_then(|scale| scale.decimals),
        limit: declared.and_then(|alert| limit_of(alert, once.severity)),
        key: once.alert,
        severity: once.severity,
        value: once.value,
        times: 1,
        since: once.since,
        until: once.until,
    }
}

/// Once more, later than all that are known.
fn add(known: &mut LiveAlert, later: &LiveAlert) {
    if later.severity > known.severity {
        (known.severity, known.value) = (later.severity, later.value);
        known.limit = later.limit;
    }
    known.times += 1;
    known.until = later.until;
}
