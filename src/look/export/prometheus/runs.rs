//! Series about runs and lost deliveries.

use chrono::NaiveDate;

use crate::book::{self, BookError, Nights, Outcome, Run};
use crate::catalog::series::Own;
use crate::config::Config;
use crate::look::edition::Edition;

use super::{milliseconds, one, seconds, several};
use crate::text::exposition::labels;

pub(super) fn series(nights: &Nights, prefix: &str) -> String {
    let mut text = String::new();
    if let Some(last) = &nights.last {
        let ended = seconds(last.ended_at.unwrap_or(last.started_at));
        one(&mut text, Own::LastRun, prefix, ended);
        let well = matches!(last.outcome, Outcome::Stored | Outcome::Nothing);
        one(&mut text, Own::LastRunSuccess, prefix, u8::from(well));
        one(&mut text, Own::LastRunDays, prefix, last.days);
        let durations = durations(last).map(|(stage, took)| {
            let labels = labels(&[("stage", stage)]);
            (labels, milliseconds(took))
        });
        several(&mut text, Own::LastRunDuration, prefix, durations);
    }
    let success = nights.last_success.as_ref();
    if let Some(ended) = success.and_then(|run| run.ended_at) {
        one(&mut text, Own::LastSuccess, prefix, seconds(ended));
    }
    text
}

/// How many messages the next report would list as lost.
pub(super) async fn undelivered(edition: &Edition, config: &Config) -> Result<usize, BookError> {
    let next = edition.newest_complete().and_then(|date| date.succ_opt());
    let next = next.unwrap_or(NaiveDate::MIN);
    let give_up = config.report.give_up;
    let lost = book::lost_to_readers(&edition.book, next, NaiveDate::MAX, give_up);
    Ok(lost.await?.len())
}

fn durations(run: &Run) -> impl Iterator<Item = (&'static str, i64)> {
    let stages = run.stages.named().into_iter();
    let all = stages.chain([("total", run.duration_ms)]);
    all.filter_map(|(stage, took)| Some((stage, took?)))
}
