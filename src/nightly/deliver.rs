//! Delivers: signals to the health check, the plan of a day that was stored before or of a failed night, and everything
//! due.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::book::{self, Book, BookError, Channel, Delivery, DeliveryState, Filter, Plan, Subject};
use crate::config::{Config, recipient};
use crate::deliver::ping::Signal;
use crate::deliver::{self, Delivering};

use super::choose::Choice;
use super::error::NightError;
use super::store::Store;
use super::time_limit::within_least_time;
use super::types::{About, Night, NightContext, Orders};
use super::{letters, plan};

/// A book that another process is creating has nothing to deliver yet.
const OPEN_TIMEOUT: Duration = Duration::from_secs(1);

/// Signals the beginning of the night to the health check, unless it already got the day's end: it would wait for another.
pub(super) async fn announce(
    context: &NightContext<'_>,
    store: &Store,
    choice: &Choice,
    night: &mut Night,
) -> Result<(), BookError> {
    let (Some(book), Some(topic)) = (store.writable(), &choice.topic) else {
        return Ok(());
    };
    let filter = Filter {
        date: Some(topic.about.date),
        ..Filter::default()
    };
    let is_done = |row: &Delivery| {
        let over = match row.state {
            DeliveryState::Accepted => true,
            DeliveryState::Failed => row.retry_at.is_none(),
            _ => false,
        };
        row.channel == Channel::Ping && row.subject == topic.about.subject && over
    };
    if !book::deliveries(book, &filter).await?.iter().any(is_done) {
        let failed = signal(context.config, Signal::Start, "daybook collect begins").await;
        night.remarks.extend(failed);
    }
    Ok(())
}

/// Signals to the health check that the night broke off, unless it gets a message without numbers.
pub(super) async fn signal_break_off(
    context: &NightContext<'_>,
    orders: &Orders,
    done: &Result<Night, NightError>,
) {
    let error = match done {
        Err(error) => Some(error),
        Ok(night) => night.broke_off.as_ref(),
    };
    let is_planned = |error: &&NightError| done.is_ok() && error.leaves_no_numbers();
    if let (Some(error), true) = (error.filter(|error| !is_planned(error)), orders.send) {
        // The error itself is reported, whatever becomes of the signal.
        drop(signal(context.config, Signal::Failure, &error.to_string()).await);
    }
}

/// Plans the messages that there are no numbers, unless the day has them.
pub(super) async fn report_no_numbers(
    context: &NightContext<'_>,
    store: &Store,
    choice: &Choice,
    error: &NightError,
    night: &mut Night,
) -> Result<(), BookError> {
    let Some(About { date, subject }) = choice.topic.as_ref().map(|topic| topic.about) else {
        return Ok(());
    };
    let stored = match store.book() {
        Some(book) => book::entry(book, date).await?,
        None => None,
    };
    if stored.is_some_and(|entry| !entry.partial || subject == Subject::Open) {
        if store.writable().is_some() {
            let failed = signal(context.config, Signal::Failure, &error.to_string()).await;
            night.remarks.extend(failed);
        }
        return Ok(());
    }
    let reason = error.reason_for_readers();
    let planning = within_least_time(context, async |timed: &NightContext<'_>| {
        plan::failure(timed, store.book(), date, &reason).await
    });
    let plan = Box::pin(planning).await?;
    store.plan(plan, night).await
}

/// Plans the report of a day that was stored before, and delivers everything due.
pub(super) async fn deliver(
    context: &NightContext<'_>,
    orders: &Orders,
    store: &Store,
    choice: &Choice,
    night: &mut Night,
) -> Result<(), BookError> {
    let topic = choice.topic.as_ref();
    if let Some(topic) = topic.filter(|topic| choice.todo.complete.contains(&topic.about.date))
        && let Some(book) = store.book()
        && night.broke_off.is_none()
    {
        let entries = letters::judged_entries(book, topic.about.date).await?;
        let planning = within_least_time(context, async |timed: &NightContext<'_>| {
            plan::report(timed, Some(book), topic, &entries, None).await
        });
        let plan = Box::pin(planning).await?;
        remark_on_recipients(context, plan.as_ref(), night);
        if let Some(plan) = plan {
            store.plan(plan, night).await?;
        }
    }
    if let Some(book) = store.writable() {
        night.deliveries = Box::pin(due(context, book, orders.retry_for, None)).await?;
    }
    night.remarks.extend(missing_recipients(context.config));
    Ok(())
}

/// While another process counts, both may deliver what is due.
pub(super) async fn elsewhere(
    context: &NightContext<'_>,
    orders: &Orders,
) -> Result<Night, NightError> {
    let mut night = Night {
        elsewhere: true,
        ..Night::default()
    };
    let url = &context.config.book.url;
    let may_be_there = url.sqlite_path().is_none_or(|path| path.exists());
    if orders.send && may_be_there {
        match Book::open(url, OPEN_TIMEOUT).await {
            Ok(book) => {
                night.deliveries = due(context, &book, orders.retry_for, None).await?;
                book.close().await;
            }
            // The other process is creating or migrating the book.
            Err(BookError::Held { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    match stuck(context).await {
        Some(error) => Err(error),
        None => Ok(night),
    }
}

/// Why the collect lock stays taken, unless its holder is another night at work.
async fn stuck(context: &NightContext<'_>) -> Option<NightError> {
    let holder = Book::collector(&context.config.book.url).await.ok()??;
    let trouble = holder.trouble(context.now, context.config.collect.longest_night())?;
    Some(trouble.into())
}

/// Adds remarks on recipients who get no report although a query names them.
pub(super) fn remark_on_recipients(
    context: &NightContext<'_>,
    plan: Option<&Plan>,
    night: &mut Night,
) {
    let Some(Plan { report, .. }) = plan else {
        return;
    };
    let warned = &context.config.report.bad_addresses;
    let bad = report.bad_addresses.iter();
    for (address, why) in bad.filter(|one| !warned.contains(one)) {
        // A reader with an unknown preference still gets the report.
        let gets_it = report.recipients.iter().any(|one| one.address == *address);
        let skipping = if gets_it { "" } else { "skipping " };
        let address = recipient::shown(address);
        night
            .remarks
            .push(format!("{skipping}recipient `{address}`: {why}"));
    }
    if let Some(why) = &report.stale_recipients {
        night.readers_missing = true;
        night.remarks.push(format!(
            "cannot read the recipients, so the report goes to the last known ones: {why}"
        ));
    }
}

/// A mail server without recipients deserves a warning.
fn missing_recipients(config: &Config) -> Option<String> {
    let report = &config.report;
    let nobody = report.recipients.is_empty() && report.recipients_query.is_none();
    (config.mail.is_some() && nobody).then(|| {
        "a mail server is set, but no recipients: set `recipients` under [report]".to_owned()
    })
}

/// A remark if the health check could not be reached.
async fn signal(config: &Config, signal: Signal, words: &str) -> Option<String> {
    let failed = deliver::signal(config, signal, words).await.err()?;
    Some(format!("the health check could not be reached: {failed}"))
}

pub(super) async fn due(
    context: &NightContext<'_>,
    book: &Book,
    retry_for: Duration,
    only: Option<BTreeSet<i64>>,
) -> Result<Vec<Delivery>, BookError> {
    let work = Delivering {
        book,
        config: context.config,
        now: context.now,
        begun: context.begun,
        stop: &context.stop,
        retry_for,
        only,
    };
    let compose = async |date, subject| {
        letters::letter(context.config, book, About { date, subject }, context.now).await
    };
    deliver::deliver(&work, compose).await
}
