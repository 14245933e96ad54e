//! Brings planned reports to their readers: mail, files, webhooks and pings, each noted in the ledger.
//!
//! Row by row under the delivery lock, so that several processes share the work and nothing is sent twice.
//! What is refused in passing is tried again in rounds, then left to the next run. The success ping goes last.

pub mod attempt;
mod email;
pub mod http;
pub mod message;
pub mod outbox;
pub mod ping;
mod rendered;
pub mod signals;
pub mod smtp;
mod trust;
pub mod webhook;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use crate::book::{
    self, Book, BookError, Channel, Delivery, DeliveryEnding, DeliveryLock, DeliveryState, Filter,
    Subject, Terms, delivery_lock,
};
use crate::config::{Config, OnAmbiguous, duration};
use crate::report::Letter;

use email::Line;
use rendered::Rendered;

pub use attempt::Attempt;
pub use signals::signal;

/// What delivering needs besides the letters.
pub struct Delivering<'a> {
    pub book: &'a Book,
    pub config: &'a Config,
    /// The run's clock: what it showed at the beginning, and when that was.
    pub now: DateTime<Utc>,
    pub begun: Instant,
    /// Cancelled: what is left stays due.
    pub stop: &'a CancellationToken,
    /// How long what is refused in passing is tried again before it is left to the next run.
    pub retry_for: Duration,
    /// Only these rows of the ledger; all that is due when nothing is said.
    pub only: Option<BTreeSet<i64>>,
}

/// A letter for each subject of a day, or why there is none.
pub type Composed = Result<Letter, String>;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Every attempt at a message in doubt may be one message too many, so a run makes few.
const ROUNDS_IN_DOUBT: u32 = 2;

/// Another process holds the lock for one message at a time, so whoever waits longer waits for a dead server.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// How long one try to get the delivery lock waits before it looks whether to stop.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Resend knows a message's key for this long, so sending it again cannot make two of it.
const KEY_REMEMBERED: TimeDelta = TimeDelta::hours(24);

/// Brings out all that is due, whatever day it is of, and gives every row that was, as the ledger has it now.
pub async fn deliver<F>(work: &Delivering<'_>, compose: F) -> Result<Vec<Delivery>, BookError>
where
    F: AsyncFn(NaiveDate, Subject) -> Result<Composed, BookError>,
{
    let begun = Instant::now();
    let mut touched = given_up(work).await?;
    let left = left_on_the_way(work).await?;
    let mut is_our_turn = left.is_some();
    touched.extend(left.into_iter().flatten());
    let mut rendered = Rendered::new(compose);
    let mut line = Line::default();
    let mut pause = FIRST_PAUSE;
    for count in 1.. {
        let due = due(work, count).await?;
        touched.extend(due.iter().map(|row| row.id));
        if is_our_turn {
            let (came, died) = round(work, &due, &mut line, &mut rendered, pause).await?;
            touched.extend(died);
            is_our_turn = came;
        }
        let left = work.retry_for.saturating_sub(begun.elapsed());
        if !is_our_turn || left.is_zero() || !worth_another_round(work, count + 1).await? {
            break;
        }
        wait(work, pause.min(left)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    line.close().await;
    if !work.stop.is_cancelled() {
        signals::failures(work, &due(work, 1).await?).await?;
    }
    as_it_stands(work.book, touched).await
}

/// Whether a delivery that perhaps arrived is sent again by the next run.
pub fn is_sent_again(row: &Delivery, config: &Config, now: DateTime<Utc>) -> bool {
    let Terms {
        planned_after,
        ambiguous_after,
    } = terms(config, now);
    let doubt = row.in_doubt_since.zip(ambiguous_after);
    row.planned_at >= planned_after && doubt.is_some_and(|(since, after)| since >= after)
}

impl Delivering<'_> {
    pub(crate) fn at(&self) -> DateTime<Utc> {
        self.now + TimeDelta::from_std(self.begun.elapsed()).unwrap_or_default()
    }

    fn oldest(&self) -> DateTime<Utc> {
        oldest(self.config, self.now)
    }

    fn terms(&self) -> Terms {
        terms(self.config, self.now)
    }

    fn is_meant(&self, id: i64) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(&id))
    }
}

fn oldest(config: &Config, now: DateTime<Utc>) -> DateTime<Utc> {
    let give_up = TimeDelta::from_std(config.report.give_up).unwrap_or(TimeDelta::MAX);
    now.checked_sub_signed(give_up)
        .unwrap_or(DateTime::<Utc>::MIN_UTC)
}

fn terms(config: &Config, now: DateTime<Utc>) -> Terms {
    let mail = config.mail.as_ref();
    let by_resend = mail.is_some_and(|mail| mail.server.is_resend());
    let oldest = oldest(config, now);
    Terms {
        planned_after: oldest,
        ambiguous_after: match config.report.on_ambiguous {
            OnAmbiguous::Resend => Some(oldest),
            OnAmbiguous::Hold if by_resend => Some(now - KEY_REMEMBERED),
            OnAmbiguous::Hold => None,
        },
    }
}

/// What has been due for too long.
async fn given_up(work: &Delivering<'_>) -> Result<Vec<i64>, BookError> {
    if work.only.is_some() {
        return Ok(Vec::new());
    }
    let words = format!(
        "gave up after {}",
        duration::spoken(work.config.report.give_up)
    );
    let rows = book::give_up(work.book, work.oldest(), &words).await?;
    Ok(rows.iter().map(|row| row.id).collect())
}

/// What a dead process was sending. Under the lock nobody else can be; `None` when it cannot be had.
async fn left_on_the_way(work: &Delivering<'_>) -> Result<Option<Vec<i64>>, BookError> {
    let Some(lock) = lock(work).await? else {
        return Ok(None);
    };
    book::mark_abandoned_claims(work.book, &lock)
        .await
        .map(Some)
}

async fn due(work: &Delivering<'_>, round: u32) -> Result<Vec<Delivery>, BookError> {
    let mut due = book::due(work.book, &work.terms()).await?;
    let in_doubt = |row: &Delivery| row.state == DeliveryState::Ambiguous;
    due.retain(|row| work.is_meant(row.id) && (round <= ROUNDS_IN_DOUBT || !in_doubt(row)));
    Ok(due)
}

/// A ping that only waits for messages which will not be accepted is not worth waiting for.
async fn worth_another_round(work: &Delivering<'_>, round: u32) -> Result<bool, BookError> {
    for row in due(work, round).await? {
        if row.channel != Channel::Ping || !signals::waits(work, &row).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether our turn came for every row: who waited in vain for one would wait as long for each other. And what
/// dead processes were sending, which whoever finds it must tell.
async fn round<F>(
    work: &Delivering<'_>,
    due: &[Delivery],
    line: &mut Line,
    rendered: &mut Rendered<F>,
    pause: Duration,
) -> Result<(bool, Vec<i64>), BookError>
where
    F: AsyncFn(NaiveDate, Subject) -> Result<Composed, BookError>,
{
    line.begin_round();
    let (pings, messages): (Vec<_>, Vec<_>) =
        due.iter().partition(|row| row.channel == Channel::Ping);
    let mut died: Vec<i64> = Vec::new();
    for row in messages.into_iter().chain(pings) {
        match one(work, row.id, line, rendered, pause).await? {
            Some(found) => died.extend(found),
            None => return Ok((false, died)),
        }
    }
    Ok((true, died))
}

/// One row, while nobody else delivers: is it still due, bring it out, note what became of it. Gives what dead
/// processes were sending; `None` when the lock cannot be had.
async fn one<F>(
    work: &Delivering<'_>,
    id: i64,
    line: &mut Line,
    rendered: &mut Rendered<F>,
    pause: Duration,
) -> Result<Option<Vec<i64>>, BookError>
where
    F: AsyncFn(NaiveDate, Subject) -> Result<Composed, BookError>,
{
    let Some(lock) = lock(work).await? else {
        return Ok(None);
    };
    let died = book::mark_abandoned_claims(work.book, &lock).await?;
    let Some(row) = book::still_due(work.book, id, &work.terms()).await? else {
        return Ok(Some(died));
    };
    tracing::debug!(
        attempt = row.attempts + 1,
        "{} to {}",
        row.channel.word(),
        row.recipient
    );
    let attempt = match row.channel {
        Channel::Email => email::bring_out(work, &row, line, rendered).await?,
        Channel::Outbox => Some(outbox_file(work, &row, rendered).await?),
        Channel::Webhook => unless_stopped(work, to_webhook(work, &row, rendered)).await?,
        Channel::Ping => unless_stopped(work, signals::ring(work, &row)).await?,
    };
    if let Some(attempt) = attempt {
        let at = work.at();
        let retry_at = at + TimeDelta::from_std(pause).unwrap_or_default();
        let ending = ending(attempt, row.channel, retry_at);
        book::note(work.book, row.id, &ending, at).await?;
    }
    drop(lock);
    Ok(Some(died))
}

/// What may be handed over twice is broken off when somebody asks to stop: it stays due.
async fn unless_stopped(
    work: &Delivering<'_>,
    attempt: impl Future<Output = Result<Option<Attempt>, BookError>>,
) -> Result<Option<Attempt>, BookError> {
    tokio::select! {
        attempt = attempt => attempt,
        () = work.stop.cancelled() => Ok(None),
    }
}

async fn outbox_file<F>(
    work: &Delivering<'_>,
    row: &Delivery,
    rendered: &mut Rendered<F>,
) -> Result<Attempt, BookError>
where
    F: AsyncFn(NaiveDate, Subject) -> Result<Composed, BookError>,
{
    let Some(outbox) = &work.config.outbox else {
        return Ok(refused("no outbox is configured any more"));
    };
    let mail = match rendered.mail(row).await? {
        Ok(mail) => mail,
        Err(why) => return Ok(refused(why)),
    };
    let stem = match row.subject {
        Subject::Report => row.date.to_string(),
        other => format!("{}.{}", row.date, other.word()),
    };
    Ok(match email::as_bytes(work.config, row, mail) {
        Ok(eml) => outbox::write(&outbox.directory, &stem, mail, &eml),
        Err(why) => Attempt::Refused {
            reply: format!("the message cannot be built: {why}"),
            may_pass: false,
        },
    })
}

async fn to_webhook<F>(
    work: &Delivering<'_>,
    row: &Delivery,
    rendered: &mut Rendered<F>,
) -> Result<Option<Attempt>, BookError>
where
    F: AsyncFn(NaiveDate, Subject) -> Result<Composed, BookError>,
{
    let named = |webhook: &&crate::config::Webhook| webhook.name == row.recipient;
    let Some(webhook) = work.config.webhooks.iter().find(named) else {
        return Ok(Some(refused(
            "no webhook of this name is configured any more",
        )));
    };
    let body = match rendered.json(row).await? {
        Ok(body) => body,
        Err(why) => return Ok(Some(refused(why))),
    };
    let id = row.message_id.trim_matches(['<', '>']);
    Ok(Some(webhook::post(webhook, body, id, work.at()).await))
}

/// Refused on our side; settings may be mended before it is given up.
fn refused(why: &str) -> Attempt {
    Attempt::Refused {
        reply: why.to_owned(),
        may_pass: true,
    }
}

/// Only a mail can be in doubt: everything else may be handed over twice.
fn ending(attempt: Attempt, channel: Channel, retry_at: DateTime<Utc>) -> DeliveryEnding {
    match attempt {
        Attempt::Accepted { reply } => DeliveryEnding::Accepted { reply },
        Attempt::Refused { reply, may_pass } => DeliveryEnding::Refused {
            reply,
            retry_at: may_pass.then_some(retry_at),
        },
        Attempt::InDoubt { reply } if channel == Channel::Email => {
            DeliveryEnding::Ambiguous { reply }
        }
        Attempt::InDoubt { reply } => DeliveryEnding::Refused {
            reply,
            retry_at: Some(retry_at),
        },
    }
}

/// The delivery lock, unless somebody asks to stop before it is free.
async fn lock(work: &Delivering<'_>) -> Result<Option<DeliveryLock>, BookError> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE && !work.stop.is_cancelled() {
        if let Some(lock) = delivery_lock(work.book, POLL_INTERVAL).await? {
            return Ok(Some(lock));
        }
    }
    Ok(None)
}

async fn wait(work: &Delivering<'_>, pause: Duration) {
    tokio::select! {
        () = tokio::time::sleep(pause) => {}
        () = work.stop.cancelled() => {}
    }
}

/// Oldest day first, pings last.
async fn as_it_stands(book: &Book, touched: Vec<i64>) -> Result<Vec<Delivery>, BookError> {
    let filter = Filter {
        ids: Some(touched),
        ..Filter::default()
    };
    let mut rows = book::deliveries(book, &filter).await?;
    rows.sort_by_key(|row| (row.date, row.channel == Channel::Ping, row.id));
    Ok(rows)
}
