//! The night: choose the days, count them, store them, bring out their report, prune. Every decision lives here.

mod beginnings;
pub mod clock;
mod counting;
pub mod days;
mod ending;
pub mod letters;
pub mod morning;
pub mod plans;
mod prepare;
mod readers;
pub mod refresh;
mod rehearsal;
pub mod resend;
mod retention;
mod time_limit;
pub mod todo;

use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use thiserror::Error;

use crate::book::{self, Book, BookError, CollectLock, Delivery, Message, Stages};
use crate::collect::Unreachable;
use crate::config::{Config, duration};
use crate::entry::Entry;
use crate::entry::merge::{Mode, merge};
use crate::prune;
use crate::report::STOPPED_AFTER;
use tokio_util::sync::CancellationToken;

use counting::{Counted, count, failures, noted};
use plans::Topic;
use prepare::{Prepared, prepare};
use retention::forget;
use time_limit::within_time;

pub use days::{Refusal, Which, known_keys};
pub use refresh::Change;
pub use todo::{Task, Todo};

/// What the operator asked for.
#[derive(Debug, Clone)]
pub struct Orders {
    pub which: Which,
    pub metric: Option<String>,
    pub force: bool,
    pub dry_run: bool,
    /// Plan the report and bring out whatever is due.
    pub send: bool,
    pub retry_for: Duration,
}

impl Orders {
    /// One metric filled in is no report of its day, though whatever is due is brought out all the same.
    fn reports(&self) -> bool {
        self.send && self.metric.is_none()
    }
}

/// What the night did.
#[derive(Debug, Default)]
pub struct Night {
    /// Another process collects into this book; it does the work.
    pub elsewhere: bool,
    pub days: Vec<DayDone>,
    /// Days asked for that are not collected, and why.
    pub skipped: Vec<(NaiveDate, String)>,
    pub unreachable: Vec<Unreachable>,
    /// What ended the night before its end; what stands here was done before.
    pub broke_off: Option<NightError>,
    /// Whatever was due, as it stands in the ledger now.
    pub deliveries: Vec<Delivery>,
    /// A rehearsal's messages, with the day that they would be about.
    pub would_send: Option<(NaiveDate, Vec<Message>)>,
    /// The query for the readers failed, so only those known before got the report.
    pub readers_missing: bool,
    /// What else is to be said about bringing out the report.
    pub remarks: Vec<String>,
    pub pruned: u64,
    /// Days that are too old were left, and why.
    pub unpruned: Option<prune::Doubt>,
    pub duration_ms: i64,
}

/// One day's result. Without an entry nothing was to be done.
#[derive(Debug)]
pub struct DayDone {
    pub date: NaiveDate,
    pub entry: Option<Entry>,
    pub refilled: bool,
    /// If the day was refreshed: what reads otherwise now.
    pub changes: Option<Vec<Change>>,
    /// Metrics that failed now, with their errors; the entry may still hold an older value of them.
    pub failed: Vec<(String, String)>,
}

#[derive(Debug, Error)]
pub enum NightError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Book(#[from] BookError),
    #[error(transparent)]
    Clock(#[from] clock::Doubt),
    /// Nothing could be counted.
    #[error("{0}")]
    Unavailable(Unreachable),
    #[error(
        "reading the databases took longer than max_duration = {}: days already stored were kept; see `daybook runs` for the slow statements, or raise `max_duration` under [collect]",
        duration::spoken(*.0)
    )]
    TooLong(Duration),
    #[error("interrupted; days already stored were kept")]
    Stopped,
}

impl NightError {
    /// The readers are told that there are no numbers.
    pub fn leaves_no_numbers(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::TooLong(_))
    }

    /// Why there are no numbers, for readers, who can change no setting.
    fn reason_for_readers(&self) -> String {
        match self {
            Self::TooLong(limit) => format!("{STOPPED_AFTER}{}", duration::spoken(*limit)),
            error => error.to_string(),
        }
    }
}

/// Told as the night goes on.
pub trait Listener {
    fn statement(&self, done: usize, of: usize);
    fn stored(&self, days: usize, of: usize);
    /// A database is away, and tried again for so long.
    fn retrying(&self, _away: &Unreachable, _for_so_long: Duration) {}
}

/// Everything a night is made of, besides the orders.
pub struct Setting<'a> {
    pub config: &'a Config,
    pub now: DateTime<Utc>,
    pub stop: CancellationToken,
    pub listener: &'a dyn Listener,
}

/// Runs the night. One process per book counts; any other says so and leaves the work to it.
pub async fn run(setting: &Setting<'_>, orders: &Orders) -> Result<Night, NightError> {
    let begun = Instant::now();
    if orders.dry_run {
        let rehearse =
            async |timed: &Setting<'_>| Box::pin(rehearsal::rehearse(timed, orders, begun)).await;
        return Box::pin(within_time(setting, begun, rehearse)).await;
    }
    days::check(setting, orders)?;
    // All that waits inside a night, kept off the stack of whoever asked for it.
    let done = Box::pin(night(setting, orders, begun)).await;
    morning::broke_off(setting, orders, &done).await;
    done
}

async fn night(
    setting: &Setting<'_>,
    orders: &Orders,
    begun: Instant,
) -> Result<Night, NightError> {
    let opened = tokio::select! {
        opened = open(setting) => opened?,
        () = setting.stop.cancelled() => return Err(NightError::Stopped),
    };
    let Some((lock, book)) = opened else {
        let night = morning::elsewhere(setting, orders, begun).await?;
        return morning::stuck(setting).await.map_or(Ok(night), Err);
    };
    let run = book::begin_run(&book, "collect", setting.now).await?;
    let mut stages = Stages::default();
    let mut night = Night::default();
    let done = under_lock(
        setting,
        orders,
        (&book, run),
        (begun, &mut stages),
        &mut night,
    );
    let broke_off = done.await.err();
    let error = broke_off.as_ref().or(night.broke_off.as_ref());
    let ending = ending::of(&night, error, setting.now, (begun, stages));
    let noted = book::end_run(&book, run, &ending).await;
    book.close().await;
    lock.let_go().await;
    night.duration_ms = ending.duration_ms;
    if let Some(error) = broke_off {
        if ending.days == 0 {
            return Err(error);
        }
        night.broke_off = Some(error);
    }
    // What broke the night off says more than that it could not be noted.
    if night.broke_off.is_none() {
        noted?;
    }
    Ok(night)
}

/// The book, under the collect lock; nothing where another process has it.
async fn open(setting: &Setting<'_>) -> Result<Option<(CollectLock, Book)>, BookError> {
    let Some(lock) = Book::lock(&setting.config.book.url).await? else {
        return Ok(None);
    };
    let book = Book::open_under(&lock).await?;
    Ok(Some((lock, book)))
}

async fn under_lock(
    setting: &Setting<'_>,
    orders: &Orders,
    (book, run): (&Book, i64),
    (begun, stages): (Instant, &mut Stages),
    night: &mut Night,
) -> Result<(), NightError> {
    let Prepared {
        stored,
        todo,
        topic,
        skipped,
        hindrance,
    } = prepare(setting, orders, Some(book), begun).await?;
    night.skipped = skipped;
    night.remarks.extend(clock::future_days(setting, &stored));
    if let Some(topic) = &topic {
        night
            .remarks
            .extend(morning::begins(setting, book, topic).await?);
    }
    let work = (&todo, topic.as_ref());
    let counted = within_time(setting, begun, async |timed: &Setting<'_>| {
        if let Some(error) = hindrance {
            return Err(error);
        }
        let done = (&mut *night, &mut *stages);
        Box::pin(count_all(timed, orders, (book, run), work, done)).await
    });
    match Box::pin(counted).await {
        Ok(()) => night.days.extend(todo.settled.iter().copied().map(settled)),
        // Others may be due, even where there is no report.
        Err(error) if orders.send && error.leaves_no_numbers() => {
            if let Some(topic) = &topic {
                morning::no_numbers(setting, (book, begun), topic, &error, night).await?;
            }
            night.broke_off = Some(error);
        }
        Err(error) => return Err(error),
    }
    if night.broke_off.is_none() {
        // The numbers are stored; who asks for them in SQL can wait, the report's readers cannot.
        let updated = book::columns::update(book, &setting.config.catalog).await;
        let remark = updated.err().map(|error| error.to_string());
        night.remarks.extend(remark);
    }
    if orders.send {
        let bringing = Instant::now();
        let work = (&todo, topic.as_ref());
        Box::pin(morning::bring_out(
            setting,
            orders,
            (book, begun),
            work,
            night,
        ))
        .await?;
        add_time(&mut stages.deliver, bringing);
    }
    if night.broke_off.is_none() {
        let forgetting = Instant::now();
        forget(setting, book, &stored, night).await?;
        add_time(&mut stages.prune, forgetting);
    }
    Ok(())
}

/// Counts and stores one task after another. The report's plan is written together with its day.
async fn count_all(
    setting: &Setting<'_>,
    orders: &Orders,
    (book, run): (&Book, i64),
    (todo, topic): (&Todo, Option<&Topic>),
    (night, stages): (&mut Night, &mut Stages),
) -> Result<(), NightError> {
    let total = todo.tasks.iter().map(|task| task.days.len()).sum();
    let mut away = None;
    for task in &todo.tasks {
        if away.is_some() && task.mode == Mode::Refresh {
            continue;
        }
        let topic = topic.filter(|topic| task.holds(topic.date));
        let query = topic.and(setting.config.report.recipients_query.as_ref());
        let counting = Instant::now();
        let counted = count(setting, orders, (task, todo), query, night).await;
        add_time(&mut stages.collect, counting);
        let counted = match counted {
            // The night may need less than the refresh before it, and has its report to bring out.
            Err(NightError::Unavailable(one))
                if orders.which.refreshes_first() && task.mode == Mode::Refresh =>
            {
                away = Some(one);
                continue;
            }
            counted => counted?,
        };
        book::record_statements(book, run, &noted(&counted.costs)).await?;
        let plan = match topic {
            Some(topic) => {
                let entries = as_stored(book, topic, (task, todo), &counted).await?;
                let found = counted.recipients;
                plans::report(setting, Some(book), topic, &entries, found).await?
            }
            None => None,
        };
        morning::tell_of_readers(setting, plan.as_ref(), night);
        let failed: Vec<_> = counted.entries.iter().map(failures).collect();
        let storing = Instant::now();
        let stored = book::store_and_plan(book, counted.entries, task.mode, plan.as_ref()).await?;
        add_time(&mut stages.store, storing);
        for (stored, failed) in stored.into_iter().zip(failed) {
            let days = (stored.before.as_ref(), stored.after);
            night.days.push(done(setting, task, days, failed));
        }
        setting.listener.stored(night.days.len(), total);
    }
    let heard = |one: &Unreachable| night.unreachable.iter().any(|other| other.name == one.name);
    let away = away.filter(|one| !heard(one));
    night.unreachable.extend(away);
    Ok(())
}

/// The entries behind the report, as they will stand once this task is stored.
async fn as_stored(
    book: &Book,
    topic: &Topic,
    (task, todo): (&Task, &Todo),
    counted: &Counted,
) -> Result<Vec<Entry>, BookError> {
    let entries = letters::judged_entries(book, topic.date).await?;
    Ok(laid_over(
        entries,
        topic.date,
        (task, todo),
        &counted.entries,
    ))
}

fn laid_over(
    mut entries: Vec<Entry>,
    date: NaiveDate,
    (task, todo): (&Task, &Todo),
    counted: &[Entry],
) -> Vec<Entry> {
    for new in counted.iter().filter(|new| new.date <= date) {
        let whole = merge(todo.stored.get(&new.date), new.clone(), task.mode);
        entries.retain(|entry| entry.date != new.date);
        entries.push(whole);
    }
    entries.sort_by_key(|entry| entry.date);
    entries
}

fn done(
    setting: &Setting<'_>,
    task: &Task,
    (before, after): (Option<&Entry>, Entry),
    failed: Vec<(String, String)>,
) -> DayDone {
    if task.mode == Mode::Refresh {
        return refresh::done(&setting.config.catalog, (before, after), failed);
    }
    DayDone {
        date: after.date,
        entry: Some(after),
        refilled: task.refill,
        changes: None,
        failed,
    }
}

fn settled(date: NaiveDate) -> DayDone {
    DayDone {
        date,
        entry: None,
        refilled: false,
        changes: None,
        failed: Vec::new(),
    }
}

/// Adds the time since then to what the stage took before.
fn add_time(stage: &mut Option<i64>, since: Instant) {
    *stage = Some(stage.unwrap_or(0) + milliseconds(since));
}

/// How long after a day's end mutable columns still speak for it.
pub fn grace(config: &Config) -> TimeDelta {
    TimeDelta::from_std(config.collect.grace).unwrap_or(TimeDelta::MAX)
}

fn milliseconds(since: Instant) -> i64 {
    i64::try_from(since.elapsed().as_millis()).unwrap_or(i64::MAX)
}
