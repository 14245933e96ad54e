//! Delivers planned reports by mail, files, webhooks and pings, and records each in the ledger.
//!
//! Row by row under the delivery lock, so that several processes share the work and nothing is sent twice. Temporary
//! failures are retried in rounds, then by the next run. The success ping goes last.

pub mod attempt;
mod email;
pub mod http;
pub mod message;
pub mod outbox;
pub mod ping;
mod rendered;
pub mod signals;
pub mod smtp;
mod stream;
pub mod webhook;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use crate::book::{
    self, Book, BookError, Channel, Delivery, DeliveryEnding, DeliveryLock, DeliveryState, Filter,
    Subject, Terms, delivery_lock,
};
use crate::config::{Config, OnAmbiguous, Webhook};
use crate::report::Letter;
use crate::text::duration;

use email::MailSession;
use rendered::Rendered;

pub use attempt::{Attempt, Refusal};
pub use signals::signal;

/// Everything that delivering needs besides the letters.
pub struct Delivering<'a> {
    pub book: &'a Book,
    pub config: &'a Config,
    /// The run's clock: what it showed at the beginning, and when that was.
    pub now: DateTime<Utc>,
    pub begun: Instant,
    /// When cancelled, the remaining rows stay due.
    pub stop: &'a CancellationToken,
    /// How long temporary failures are retried before they are left to the next run.
    pub retry_for: Duration,
    /// Only these rows of the ledger; `None` for all that are due.
    pub only: Option<BTreeSet<i64>>,
}

/// The letter for a subject of a day, or why there is none.
pub type Composed = Result<Letter, String>;

pub trait Compose: AsyncFn(NaiveDate, Subject) -> Result<Composed, BookError> {}

impl<F: AsyncFn(NaiveDate, Subject) -> Result<Composed, BookError>> Compose for F {}

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Each further attempt at a message in doubt may deliver it twice, so a run makes few.
const ROUNDS_IN_DOUBT: u32 = 2;

/// Another process holds the lock for one message at a time: after this long, its server must be dead.
const LOCK_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// How long one attempt to get the delivery lock waits before it checks for the signal to stop.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Resend remembers a message's key for this long, so a second attempt cannot deliver it twice.
const KEY_REMEMBERED: TimeDelta = TimeDelta::hours(24);

/// Delivers everything due, of whatever day, and returns those rows as they are in the ledger now.
pub async fn deliver(
    work: &Delivering<'_>,
    compose: impl Compose,
) -> Result<Vec<Delivery>, BookError> {
    let begun = Instant::now();
    let mut touched = given_up(work).await?;
    let abandoned = abandoned_claims(work).await?;
    let mut is_our_turn = abandoned.is_some();
    touched.extend(abandoned.into_iter().flatten());
    let mut rendered = Rendered::new(compose);
    let mut session = MailSession::default();
    let mut pause = FIRST_PAUSE;
    for count in 1.. {
        let due = due(work, count).await?;
        touched.extend(due.iter().map(|row| row.id));
        if is_our_turn {
            let (is_complete, abandoned) =
                round(work, &due, &mut session, &mut rendered, pause).await?;
            touched.extend(abandoned);
            is_our_turn = is_complete;
        }
        let left = work.retry_for.saturating_sub(begun.elapsed());
        if !is_our_turn || left.is_zero() || !worth_another_round(work, count + 1).await? {
            break;
        }
        wait(work, pause.min(left)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    session.close().await;
    if !work.stop.is_cancelled() {
        signals::failures(work, &due(work, 1).await?).await?;
    }
    current_rows(work.book, touched).await
}

/// Whether the next run sends a delivery in doubt again.
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

    fn terms(&self) -> Terms {
        terms(self.config, self.now)
    }
}

fn terms(config: &Config, now: DateTime<Utc>) -> Terms {
    let mail = config.mail.as_ref();
    let by_resend = mail.is_some_and(|mail| mail.server.is_resend());
    let give_up = TimeDelta::from_std(config.report.give_up).unwrap_or(TimeDelta::MAX);
    let oldest = now.checked_sub_signed(give_up);
    let oldest = oldest.unwrap_or(DateTime::<Utc>::MIN_UTC);
    Terms {
        planned_after: oldest,
        ambiguous_after: match config.report.on_ambiguous {
            OnAmbiguous::Resend => Some(oldest),
            OnAmbiguous::Hold if by_resend => Some(now - KEY_REMEMBERED),
            OnAmbiguous::Hold => None,
        },
    }
}

/// Gives up what has been due for too long.
async fn given_up(work: &Delivering<'_>) -> Result<Vec<i64>, BookError> {
    if work.only.is_some() {
        return Ok(Vec::new());
    }
    let limit = duration::spoken(work.config.report.give_up);
    let words = format!("gave up after {limit}");
    let rows = book::give_up(work.book, work.terms().planned_after, &words).await?;
    Ok(rows.iter().map(|row| row.id).collect())
}

/// What dead processes were sending: under the lock, no living one can be. `None` without the lock.
async fn abandoned_claims(work: &Delivering<'_>) -> Result<Option<Vec<i64>>, BookError> {
    match lock(work).await? {
        Some(lock) => Ok(Some(book::mark_abandoned_claims(work.book, &lock).await?)),
        None => Ok(None),
    }
}

async fn due(work: &Delivering<'_>, round: u32) -> Result<Vec<Delivery>, BookError> {
    let mut due = book::due(work.book, &work.terms()).await?;
    let in_doubt = |row: &Delivery| row.state == DeliveryState::Ambiguous;
    due.retain(|row| {
        let is_meant = work.only.as_ref().is_none_or(|only| only.contains(&row.id));
        is_meant && (round <= ROUNDS_IN_DOUBT || !in_doubt(row))
    });
    Ok(due)
}

/// A ping that only waits for messages that will not be accepted is not worth another round.
async fn worth_another_round(work: &Delivering<'_>, round: u32) -> Result<bool, BookError> {
    for row in due(work, round).await? {
        if row.channel != Channel::Ping || !signals::waits(work, &row).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether we got the lock for every row (after one timeout, the round ends), and what dead processes were sending.
async fn round(
    work: &Delivering<'_>,
    due: &[Delivery],
    session: &mut MailSession,
    rendered: &mut Rendered<impl Compose>,
    pause: Duration,
) -> Result<(bool, Vec<i64>), BookError> {
    session.begin_round();
    let (pings, messages): (Vec<_>, Vec<_>) =
        due.iter().partition(|row| row.channel == Channel::Ping);
    let mut abandoned: Vec<i64> = Vec::new();
    for row in messages.into_iter().chain(pings) {
        match one(work, row.id, session, rendered, pause).await? {
            Some(found) => abandoned.extend(found),
            None => return Ok((false, abandoned)),
        }
    }
    Ok((true, abandoned))
}

/// Delivers one row if it is still due, and records the result, all under the lock. Returns what dead processes were
/// sending; `None` without the lock.
async fn one(
    work: &Delivering<'_>,
    id: i64,
    session: &mut MailSession,
    rendered: &mut Rendered<impl Compose>,
    pause: Duration,
) -> Result<Option<Vec<i64>>, BookError> {
    let Some(lock) = lock(work).await? else {
        return Ok(None);
    };
    let abandoned = book::mark_abandoned_claims(work.book, &lock).await?;
    let Some(row) = book::still_due(work.book, id, &work.terms()).await? else {
        return Ok(Some(abandoned));
    };
    tracing::debug!(
        attempt = row.attempts + 1,
        "{} to {}",
        row.channel.word(),
        row.recipient
    );
    let attempt = match row.channel {
        Channel::Email => email::send(work, &row, session, rendered).await?,
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
    Ok(Some(abandoned))
}

/// An attempt that may be made twice ends at the signal to stop: the row stays due.
async fn unless_stopped(
    work: &Delivering<'_>,
    attempt: impl Future<Output = Result<Option<Attempt>, BookError>>,
) -> Result<Option<Attempt>, BookError> {
    tokio::select! {
        attempt = attempt => attempt,
        () = work.stop.cancelled() => Ok(None),
    }
}

async fn outbox_file(
    work: &Delivering<'_>,
    row: &Delivery,
    rendered: &mut Rendered<impl Compose>,
) -> Result<Attempt, BookError> {
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
        Err(refusal) => refusal.into(),
    })
}

async fn to_webhook(
    work: &Delivering<'_>,
    row: &Delivery,
    rendered: &mut Rendered<impl Compose>,
) -> Result<Option<Attempt>, BookError> {
    let is_named = |webhook: &&Webhook| webhook.name == row.recipient;
    let Some(webhook) = work.config.webhooks.iter().find(is_named) else {
        let why = "no webhook of this name is configured any more";
        return Ok(Some(refused(why)));
    };
    let body = match webhook::service(webhook) {
        None => rendered.json(row).await?.map(Cow::Borrowed),
        Some(service) => {
            let notice = rendered.notice(row).await?;
            notice.map(|notice| notice.body(service).to_string().into())
        }
    };
    let body = match body {
        Ok(body) => body,
        Err(why) => return Ok(Some(refused(why))),
    };
    let id = row.message_id.trim_matches(['<', '>']);
    Ok(Some(webhook::post(webhook, &body, id, work.at()).await))
}

/// Refused on our side: the operator may correct the settings in time.
fn refused(why: &str) -> Attempt {
    Refusal::passing(why).into()
}

/// Only a mail can be in doubt: everything else may be delivered twice.
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

/// The delivery lock; `None` after the timeout or the signal to stop.
async fn lock(work: &Delivering<'_>) -> Result<Option<DeliveryLock>, BookError> {
    let begun = Instant::now();
    while begun.elapsed() < LOCK_TIMEOUT && !work.stop.is_cancelled() {
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
async fn current_rows(book: &Book, touched: Vec<i64>) -> Result<Vec<Delivery>, BookError> {
    let filter = Filter {
        ids: Some(touched),
        ..Filter::default()
    };
    let mut rows = book::deliveries(book, &filter).await?;
    rows.sort_by_key(|row| (row.date, row.channel == Channel::Ping, row.id));
    Ok(rows)
}
