//! The way out of the night: the health check, the plan of a day that was stored before or of a night that
//! failed, and whatever is due.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::book::{self, Book, BookError, Channel, Delivery, DeliveryState, Filter, Plan, Subject};
use crate::config::{Config, recipient};
use crate::deliver::ping::Signal;
use crate::deliver::{self, Delivering};

use super::plans::{self, Topic};
use super::time_limit::within_a_moment;
use super::{Night, NightError, Orders, Setting, Todo, letters};

/// A book that somebody else is about to make has nothing to deliver yet.
const PATIENCE: Duration = Duration::from_secs(1);

/// Tells the health check that the night begins; not again after it heard how the day ended, or it would wait
/// for another end.
pub(super) async fn begins(
    setting: &Setting<'_>,
    book: &Book,
    topic: &Topic,
) -> Result<Vec<String>, BookError> {
    let filter = Filter {
        date: Some(topic.date),
        ..Filter::default()
    };
    let is_done = |row: &Delivery| {
        let over = match row.state {
            DeliveryState::Accepted => true,
            DeliveryState::Failed => row.retry_at.is_none(),
            _ => false,
        };
        row.channel == Channel::Ping && row.subject == topic.subject && over
    };
    if book::deliveries(book, &filter).await?.iter().any(is_done) {
        return Ok(Vec::new());
    }
    Ok(told(setting.config, Signal::Start, "daybook collect begins").await)
}

/// Tells the health check of a night that broke off, unless it heard that there are no numbers.
pub(super) async fn broke_off(
    setting: &Setting<'_>,
    orders: &Orders,
    done: &Result<Night, NightError>,
) {
    let error = match done {
        Err(error) => Some(error),
        Ok(night) => night.broke_off.as_ref(),
    };
    let is_told = |error: &&NightError| done.is_ok() && error.leaves_no_numbers();
    if let (Some(error), true) = (error.filter(|error| !is_told(error)), orders.send) {
        // The error itself is what will be said.
        drop(told(setting.config, Signal::Failure, &error.to_string()).await);
    }
}

/// Plans what tells readers and the health check that there are no numbers, unless the day has them.
pub(super) async fn no_numbers(
    setting: &Setting<'_>,
    (book, begun): (&Book, Instant),
    topic: &Topic,
    error: &NightError,
    night: &mut Night,
) -> Result<(), BookError> {
    let stored = book::entry(book, topic.date).await?;
    if stored.is_some_and(|entry| !entry.partial || topic.subject == Subject::Open) {
        let heard = told(setting.config, Signal::Failure, &error.to_string()).await;
        night.remarks.extend(heard);
        return Ok(());
    }
    let reason = error.reason_for_readers();
    let planning = within_a_moment(setting, begun, async |timed: &Setting<'_>| {
        plans::failure(timed, book, topic.date, &reason).await
    });
    let plan = Box::pin(planning).await?;
    book::plan(book, &plan).await.map(drop)
}

/// Plans the report of a day that was stored before, and brings out all that is due.
pub(super) async fn bring_out(
    setting: &Setting<'_>,
    orders: &Orders,
    (book, begun): (&Book, Instant),
    (todo, topic): (&Todo, Option<&Topic>),
    night: &mut Night,
) -> Result<(), BookError> {
    if let Some(topic) = topic.filter(|topic| todo.settled.contains(&topic.date))
        && night.broke_off.is_none()
    {
        let entries = letters::judged_entries(book, topic.date).await?;
        let planning = within_a_moment(setting, begun, async |timed: &Setting<'_>| {
            plans::report(timed, Some(book), topic, &entries, None).await
        });
        let plan = Box::pin(planning).await?;
        tell_of_readers(setting, plan.as_ref(), night);
        if let Some(plan) = plan {
            book::plan(book, &plan).await?;
        }
    }
    night.deliveries = due(setting, orders.retry_for, (book, begun), None).await?;
    night.remarks.extend(silence(setting.config));
    Ok(())
}

/// Another process counts; what is due may be brought out by both.
pub(super) async fn elsewhere(
    setting: &Setting<'_>,
    orders: &Orders,
    begun: Instant,
) -> Result<Night, NightError> {
    let mut night = Night {
        elsewhere: true,
        ..Night::default()
    };
    let url = &setting.config.book.url;
    let may_be_there = url.sqlite_path().is_none_or(|path| path.exists());
    if !orders.send || !may_be_there {
        return Ok(night);
    }
    match Book::open(url, PATIENCE).await {
        Ok(book) => {
            night.deliveries = due(setting, orders.retry_for, (&book, begun), None).await?;
            book.close().await;
        }
        // The other one is making the book, or bringing it up to date.
        Err(BookError::Held { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(night)
}

/// What keeps the collect lock from every night, if it is not another one that goes on.
pub(super) async fn stuck(setting: &Setting<'_>) -> Option<NightError> {
    let holder = Book::collector(&setting.config.book.url).await.ok()??;
    let trouble = holder.trouble(setting.now, setting.config.collect.longest_night())?;
    Some(trouble.into())
}

/// What a rehearsed plan would bring to whom, less what was planned before.
pub(super) async fn would_send(
    book: Option<&Book>,
    plan: Option<Plan>,
    night: &mut Night,
) -> Result<(), BookError> {
    let Some(Plan {
        report,
        mut messages,
    }) = plan
    else {
        return Ok(());
    };
    if let Some(book) = book {
        let filter = Filter {
            date: Some(report.date),
            ..Filter::default()
        };
        let planned = book::deliveries(book, &filter).await?;
        let is_there = |channel: Channel, recipient: &str| {
            let mut rows = planned.iter();
            rows.any(|row| row.subject == report.subject && row.is_to(channel, recipient))
        };
        messages.retain(|message| !is_there(message.channel, &message.recipient));
    }
    night.would_send = Some((report.date, messages));
    Ok(())
}

/// Who gets no report although a query names them is told at once, not only in the report of others.
pub(super) fn tell_of_readers(setting: &Setting<'_>, plan: Option<&Plan>, night: &mut Night) {
    let Some(Plan { report, .. }) = plan else {
        return;
    };
    let warned = &setting.config.report.bad_addresses;
    let bad = report.bad_addresses.iter();
    for (address, why) in bad.filter(|one| !warned.contains(one)) {
        let address = recipient::shown(address);
        night
            .remarks
            .push(format!("`{address}` gets no report: {why}"));
    }
    if let Some(why) = &report.stale_recipients {
        night.readers_missing = true;
        night
            .remarks
            .push(format!("only readers known before get the report: {why}"));
    }
}

/// Nobody may be waiting for a mail that nobody was to get.
pub fn silence(config: &Config) -> Option<String> {
    let report = &config.report;
    let nobody = report.recipients.is_empty() && report.recipients_query.is_none();
    (config.mail.is_some() && nobody).then(|| {
        "a mail server is set, but nobody to write to: set `recipients` under [report]".to_owned()
    })
}

async fn told(config: &Config, signal: Signal, words: &str) -> Vec<String> {
    let heard = deliver::signal(config, signal, words).await;
    let unheard = |why: String| format!("the health check could not be told: {why}");
    heard.err().map(unheard).into_iter().collect()
}

pub(super) async fn due(
    setting: &Setting<'_>,
    retry_for: Duration,
    (book, begun): (&Book, Instant),
    only: Option<BTreeSet<i64>>,
) -> Result<Vec<Delivery>, BookError> {
    let work = Delivering {
        book,
        config: setting.config,
        now: setting.now,
        begun,
        stop: &setting.stop,
        retry_for,
        only,
    };
    let compose = async |date, subject| {
        letters::letter(setting.config, book, (date, subject), setting.now).await
    };
    deliver::deliver(&work, compose).await
}
