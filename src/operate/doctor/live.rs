//! The file of live events: what lies in it, what waits, what was dropped or cannot be read.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};

use crate::config::{Config, LiveSettings};
use crate::kinds::MOST_GROUPS;
use crate::live::spans::MOST_OPEN;
use crate::live::store::{Dropped, Fill, Store, StoreError};

use super::disk_space::spoken;
use super::{Finding, counted};

const AREA: &str = "live events";
/// The keeper seals an hour soon after it is over.
const LATE: TimeDelta = TimeDelta::hours(3);

pub(super) async fn examine(config: &Config, now: DateTime<Utc>) -> Vec<Finding> {
    let Some(live) = &config.live else {
        return Vec::new();
    };
    let file = live.database.display();
    let mut findings = match read(live, now).await {
        Ok(None) => vec![Finding::ok(
            AREA,
            format!("{file} does not exist yet"),
            "`daybook live record` creates it with the first event, or `daybook serve` with `accept = true`.",
        )],
        Ok(Some(Contents {
            fills,
            dropped,
            open_spans,
            messages,
        })) => {
            let undeclared = fills
                .iter()
                .filter(|fill| !live.kinds.contains_key(&fill.kind));
            let mut findings: Vec<Finding> =
                fills.iter().flat_map(|fill| judge(fill, now)).collect();
            findings.extend(undeclared.map(not_declared));
            findings.extend(dropped.iter().map(too_many_values));
            findings.extend(open(open_spans));
            findings.extend(alerts(live, &messages));
            findings.insert(0, size(&live.database, &fills));
            findings
        }
        Err(error) => {
            let means = "Events cannot be recorded or asked about.";
            let advice = "Fix what the message says.";
            vec![Finding::error(AREA, error.to_string(), means, advice)]
        }
    };
    findings.extend(without_server(config, live));
    findings
}

struct Contents {
    fills: Vec<Fill>,
    dropped: Vec<Dropped>,
    open_spans: u64,
    /// How many messages about alerts of the last day are in which state.
    messages: Vec<(String, i64)>,
}

async fn read(live: &LiveSettings, now: DateTime<Utc>) -> Result<Option<Contents>, StoreError> {
    let Some(mut store) = Store::open_reading(&live.database).await? else {
        return Ok(None);
    };
    Ok(Some(Contents {
        fills: store.fill().await?,
        dropped: store.dropped().await?,
        open_spans: store.open_span_count(None).await?,
        messages: store
            .alert_delivery_counts(now - TimeDelta::days(1))
            .await?,
    }))
}

fn alerts(live: &LiveSettings, messages: &[(String, i64)]) -> Option<Finding> {
    if live.alerts.is_empty() {
        return None;
    }
    let watched = format!(
        "{} watched by `daybook serve`",
        counted(live.alerts.len(), "alert")
    );
    if live.alerts.iter().all(|alert| alert.notify.is_empty()) {
        let means = "They are shown and sent to nobody: `[live] notify` is not set.";
        return Some(Finding::ok(AREA, watched, means));
    }
    let count = |state: &str| {
        let found = messages.iter().find(|(known, _)| known == state);
        found.map_or(0, |(_, count)| *count)
    };
    let (failed, in_doubt) = (count("failed"), count("ambiguous"));
    if failed + in_doubt == 0 {
        let accepted = counted(count("accepted") as u64, "message");
        let means = format!("{accepted} of the last day accepted.");
        return Some(Finding::ok(AREA, watched, means));
    }
    let what = format!(
        "of the last day's messages about alerts {failed} failed and {in_doubt} are in doubt"
    );
    let means = "Somebody was not told, or perhaps not.";
    let advice = "The log of `daybook serve` has the answers. Check `[live] notify`, the webhooks and the mail server.";
    Some(Finding::warning(AREA, what, means, advice))
}

fn without_server(config: &Config, live: &LiveSettings) -> Option<Finding> {
    let mut told = live.alerts.iter().flat_map(|alert| &alert.notify);
    let address = told.find(|name| name.contains('@') && config.mail.is_none())?;
    let what = format!("alerts are to be told to {address}, and there is no mail server");
    let means = "Such alerts reach nobody.";
    let advice = "Set `smtp_url` under [mail], or name a webhook in `notify`.";
    Some(Finding::warning(AREA, what, means, advice))
}

fn open(spans: u64) -> Option<Finding> {
    let what = match spans {
        0 => return None,
        1 => "1 span is open".to_owned(),
        spans => format!("{spans} spans are open"),
    };
    if spans * 2 < MOST_OPEN {
        let means = "They count as failed if nobody ends them within `span_timeout`.";
        return Some(Finding::ok(AREA, what, means));
    }
    let means = format!("At {MOST_OPEN} no further one is taken.");
    let advice =
        "Find the program that begins spans and does not end them, or shorten `span_timeout`.";
    Some(Finding::warning(AREA, what, means, advice))
}

fn size(file: &Path, fills: &[Fill]) -> Finding {
    let points: i64 = fills.iter().map(|fill| fill.points).sum();
    let bytes: i64 = fills.iter().map(|fill| fill.bytes).sum();
    let bytes = spoken(bytes.unsigned_abs());
    let kinds = counted(fills.len(), "kind");
    let what = format!(
        "{} holds {} of {kinds} in {bytes}",
        file.display(),
        counted(points as u64, "point")
    );
    let whole = std::fs::metadata(file).map_or(0, |file| file.len());
    let means = format!("With rollups and ids the file has {}.", spoken(whole));
    Finding::ok(AREA, what, means)
}

fn judge(fill: &Fill, now: DateTime<Utc>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if fill.broken > 0 {
        let chunks = counted(fill.broken as u64, "chunk");
        let what = format!("{chunks} of `{}` cannot be read", fill.kind);
        let means = "Their points are missing in answers and rollups. They are kept as they are.";
        let advice = "Check the disk. Restore live.db from a backup if the points matter.";
        findings.push(Finding::error(AREA, what, means, advice));
    }
    let oldest = fill
        .oldest_fresh
        .and_then(DateTime::<Utc>::from_timestamp_micros);
    if let Some(oldest) = oldest.filter(|oldest| now - *oldest > LATE) {
        let points = counted(fill.fresh_points as u64, "point");
        let oldest = oldest.format("%Y-%m-%d %H:%M UTC");
        let what = format!(
            "{points} of `{}` are not sealed, the oldest of {oldest}",
            fill.kind
        );
        let means = "Nothing seals and prunes them: they take more room, and answers are slower.";
        let advice =
            "Points are sealed while `daybook serve` takes events, or `daybook live record` runs.";
        findings.push(Finding::warning(AREA, what, means, advice));
    }
    findings
}

fn not_declared(fill: &Fill) -> Finding {
    let what = format!("the kind `{}` is no longer declared", fill.kind);
    let means = "Its points stay as they are: they are not sealed, pruned or shown.";
    let advice = "Declare it again under `[live.kinds]` until its points are pruned.";
    Finding::warning(AREA, what, means, advice)
}

fn too_many_values(dropped: &Dropped) -> Finding {
    let Dropped {
        kind,
        label,
        points,
        word,
        is_group,
    } = dropped;
    let points = counted(*points as u64, "point");
    let shown: String = word.chars().take(40).collect();
    let shown = shown.escape_debug();
    if *is_group {
        let what = format!(
            "{points} of `{kind}` rolled up as `other` by `{label}`, in place of `{shown}` and more"
        );
        let means = format!("A kind has at most {MOST_GROUPS} groups a month.");
        let advice = "Roll up by labels with fewer values: shorten `by`.";
        return Finding::warning(AREA, what, means, advice);
    }
    let what = format!(
        "{points} of `{kind}` kept with `other` as `{label}`, in place of `{shown}` and more"
    );
    let means = "The label has more values than it may have.";
    let advice = format!("Raise `most` of `{label}`, or set `find = true` if it is an id.");
    Finding::warning(AREA, what, means, advice)
}
