//! The recorder: batches wait in a queue of limited size, are committed together, and are answered when that is done.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, SubsecRound, Utc};
use chrono_tz::Tz;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::config::LiveSettings;
use crate::config::live::Durable;
use crate::kinds::{DURATION, Kind, Kinds};

use super::batch::{Batch, Outcome, Reply};
use super::columns::Columns;
use super::event::{Event, Number};
use super::keep::{Keeper, Keeping, Rules};
use super::log::EventLog;
use super::recent::Recent;
use super::redis::forward::{self, Running, Window};
use super::store::{CHUNK, Kept, Known, Store, StoreError};

/// While more points than this wait to be sealed, writing waits for the keeper: they take room, and every question reads them.
const BACKLOG: i64 = 32 * CHUNK as i64;
/// A keeper that is away or slow holds up no commit for longer.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// How long the writer waits for a reader that keeps the log from being emptied, before it looks again.
const HELD_PAUSE: Duration = Duration::from_secs(1);
/// So long after a commit that failed, the next one is not expected to succeed.
const DOUBTFUL: Duration = Duration::from_secs(10);
/// A commit that has more bytes of texts takes no further batch.
const MOST_BYTES: usize = 8 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    pub durable: Durable,
    /// Points of one commit; more wait for the next.
    pub batch: usize,
    /// With `memory`: how long points wait at most before they are written.
    pub flush_every: Duration,
    /// Points that may wait; what would be more is turned away.
    pub queue: usize,
    /// Ids and keys that are remembered at most; the oldest go first.
    pub ids: i64,
}

impl From<&LiveSettings> for Settings {
    fn from(live: &LiveSettings) -> Self {
        Self {
            durable: live.durable,
            batch: live.batch as usize,
            flush_every: live.flush_every,
            queue: live.queue as usize,
            ids: i64::from(live.ids),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            durable: Durable::Commit,
            batch: 10_000,
            flush_every: Duration::from_secs(5),
            queue: 100_000,
            ids: 5_000_000,
        }
    }
}

/// Why a batch was not kept; nothing of it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    #[error("the queue is full: try again in a second")]
    Full,
    #[error("the recorder is stopping")]
    Stopped,
    /// Another program has been writing or reading for too long.
    #[error("{0}")]
    Busy(String),
    #[error("{0}")]
    Store(String),
}

impl From<&StoreError> for RecordError {
    fn from(error: &StoreError) -> Self {
        let text = error.to_string();
        match error {
            StoreError::Busy { .. } | StoreError::Held { .. } => Self::Busy(text),
            _ => Self::Store(text),
        }
    }
}

struct Waiting {
    batch: Batch,
    /// Its place in the queue, given back once it is written.
    place: OwnedSemaphorePermit,
    /// Nobody waits for the answer with `memory`.
    answer: Option<oneshot::Sender<Answer>>,
}

type Answer = Result<Outcome, RecordError>;

/// Cheap to clone; all clones feed one store.
#[derive(Clone)]
pub struct Recorder {
    kinds: Arc<Kinds>,
    settings: Settings,
    clock: fn() -> DateTime<Utc>,
    /// `None`: recording is off.
    queue: Option<mpsc::UnboundedSender<Waiting>>,
    places: Arc<Semaphore>,
    recent: Arc<Mutex<Recent>>,
    state: Arc<State>,
}

/// What recorder and writer tell of themselves.
#[derive(Default)]
struct State {
    lost_spans: AtomicU64,
    /// When a commit failed, if none has succeeded since.
    failed: Mutex<Option<Instant>>,
}

/// The writer behind a recorder, to be waited for at the end.
pub struct Writer {
    task: JoinHandle<Result<Store, StoreError>>,
    places: Arc<Semaphore>,
    stop: CancellationToken,
    keeping: Option<Keeping>,
    forwarding: Option<Running>,
}

impl Recorder {
    /// Opens the file that the settings name, begins to write into it, and keeps it: what is written is sealed, rolled up and
    /// pruned meanwhile. Needs a tokio runtime, as all of this does.
    pub async fn open(
        live: &LiveSettings,
        zone: Tz,
        clock: fn() -> DateTime<Utc>,
    ) -> Result<(Self, Writer), StoreError> {
        let store = Store::open(&live.database, live.durable).await?;
        let keeper = Keeper {
            store: Store::open(&live.database, live.durable).await?,
            rules: Rules::of(live, zone),
            every: live.keep_every,
            clock,
        };
        let keeping = keeper.start()?;
        let forwarding = match &live.redis {
            Some(redis) => Some(forward::start(live, redis, zone, clock).await?),
            None => None,
        };
        let log = live.log_file.clone();
        let log = log.map(|path| EventLog::new(path, zone, clock));
        let kinds = live.kinds.clone();
        let (recorder, writer) = Self::begin(store, kinds, live.into(), clock, Some(keeping), log);
        let writer = Writer {
            forwarding,
            ..writer
        };
        Ok((recorder, writer))
    }

    /// Begins to write into the store, which nobody keeps.
    pub fn start(
        store: Store,
        kinds: Kinds,
        settings: Settings,
        clock: fn() -> DateTime<Utc>,
    ) -> (Self, Writer) {
        Self::start_logged(store, kinds, settings, clock, None)
    }

    /// The same; what is new in the store also goes into the log.
    pub fn start_logged(
        store: Store,
        kinds: Kinds,
        settings: Settings,
        clock: fn() -> DateTime<Utc>,
        log: Option<EventLog>,
    ) -> (Self, Writer) {
        Self::begin(store, kinds, settings, clock, None, log)
    }

    fn begin(
        store: Store,
        kinds: Kinds,
        settings: Settings,
        clock: fn() -> DateTime<Utc>,
        keeping: Option<Keeping>,
        log: Option<EventLog>,
    ) -> (Self, Writer) {
        let (queue, waiting) = mpsc::unbounded_channel();
        let kinds = Arc::new(kinds);
        let places = Arc::new(Semaphore::new(settings.queue));
        let stop = CancellationToken::new();
        let recent = Arc::new(Mutex::default());
        let state = Arc::new(State::default());
        let writer = Writing {
            store,
            kinds: Arc::clone(&kinds),
            settings,
            clock,
            known: Known::new(settings.ids, log.is_some()),
            is_kept: keeping.is_some(),
            unchecked: 0,
            log,
            recent: Arc::clone(&recent),
            state: Arc::clone(&state),
            stop: stop.clone(),
        };
        let recorder = Self {
            kinds,
            settings,
            clock,
            queue: Some(queue),
            places: Arc::clone(&places),
            recent,
            state,
        };
        let writer = Writer {
            task: tokio::spawn(writer.run(waiting)),
            places,
            stop,
            keeping,
            forwarding: None,
        };
        (recorder, writer)
    }

    /// Checks and answers as always, and keeps nothing.
    pub fn off(kinds: Kinds, clock: fn() -> DateTime<Utc>) -> Self {
        Self {
            kinds: Arc::new(kinds),
            settings: Settings::default(),
            clock,
            queue: None,
            places: Arc::new(Semaphore::new(0)),
            recent: Arc::default(),
            state: Arc::default(),
        }
    }

    /// Records into memory; the writer's store holds what was written, for a test to look at.
    pub async fn for_tests(
        kinds: Kinds,
        clock: fn() -> DateTime<Utc>,
    ) -> Result<(Self, Writer), StoreError> {
        let store = Store::in_memory().await?;
        Ok(Self::start(store, kinds, Settings::default(), clock))
    }

    pub fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    /// In microseconds, as points are kept.
    pub fn now(&self) -> DateTime<Utc> {
        (self.clock)().trunc_subsecs(6)
    }

    /// Whether it keeps anything.
    pub fn is_on(&self) -> bool {
        self.queue.is_some()
    }

    /// Points that wait to be written, and how many may.
    pub fn waiting(&self) -> (usize, usize) {
        let queue = self.settings.queue;
        match self.is_on() {
            true => (queue - self.places.available_permits(), queue),
            false => (0, queue),
        }
    }

    /// Whether the last commit failed a moment ago. Later nobody knows: others may have to try.
    pub fn is_failing(&self) -> bool {
        let failed = self.state.failed.lock().ok().and_then(|failed| *failed);
        failed.is_some_and(|at| at.elapsed() < DOUBTFUL)
    }

    /// The newest 60 samples of one host, or of whatever else the kind's cluster label names, the newest first: of the last
    /// 65,536 samples that this recorder kept.
    pub fn recent(&self, kind: &str, value: &str) -> Columns {
        self.look(kind, |recent, kind| recent.of(kind, value))
    }

    /// The latest of these samples of each.
    pub fn latest(&self, kind: &str) -> Columns {
        self.look(kind, Recent::latest)
    }

    fn look(&self, kind: &str, answer: impl FnOnce(&Recent, &Kind) -> Columns) -> Columns {
        match (self.kinds.get(kind), self.recent.lock()) {
            (Some(kind), Ok(recent)) => answer(&recent, kind),
            _ => Columns::default(),
        }
    }

    /// Records one event.
    pub async fn record(&self, event: &Event<'_>) -> Result<Reply, RecordError> {
        let mut batch = Batch::default();
        batch.add(1, event, &self.kinds, self.now());
        self.send(batch).await
    }

    /// Keeps the batch's points, all or none, and answers once they are as safe as `durable` says. A full queue is an error
    /// at once.
    pub async fn send(&self, batch: Batch) -> Result<Reply, RecordError> {
        let place = Arc::clone(&self.places).try_acquire_many_owned(self.size(&batch));
        let place = place.map_err(|error| match error {
            TryAcquireError::NoPermits => RecordError::Full,
            TryAcquireError::Closed => RecordError::Stopped,
        });
        self.send_at(batch, place).await
    }

    /// The same for a sender that can wait until the queue has room.
    pub async fn send_when_free(&self, batch: Batch) -> Result<Reply, RecordError> {
        let place = match self.queue {
            Some(_) => Arc::clone(&self.places)
                .acquire_many_owned(self.size(&batch))
                .await
                .ok(),
            None => None,
        };
        self.send_at(batch, place.ok_or(RecordError::Stopped)).await
    }

    async fn send_at(
        &self,
        batch: Batch,
        place: Result<OwnedSemaphorePermit, RecordError>,
    ) -> Result<Reply, RecordError> {
        let reply = batch.reply();
        let Some(queue) = self.queue.as_ref().filter(|_| !batch.is_empty()) else {
            return Ok(reply);
        };
        let (answer, answered) = oneshot::channel();
        // Only the store knows whether a span has begun or ended already.
        let waits = self.settings.durable == Durable::Commit || batch.span.is_some();
        let answer = waits.then_some(answer);
        let waiting = Waiting {
            batch,
            place: place?,
            answer,
        };
        queue.send(waiting).map_err(|_| RecordError::Stopped)?;
        if !waits {
            return Ok(reply);
        }
        match answered.await {
            Ok(Ok(outcome)) => Ok(Reply {
                duplicate: outcome.duplicate,
                known: outcome.known,
                remembered_since: outcome.remembered_since,
                ..reply
            }),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(RecordError::Stopped),
        }
    }

    /// A batch larger than the whole queue takes all of it.
    fn size(&self, batch: &Batch) -> u32 {
        batch.len().min(self.settings.queue) as u32
    }

    /// For those who cannot wait for an answer. `false`: it was not kept.
    fn send_unanswered(&self, batch: Batch) -> bool {
        let Some(queue) = &self.queue else {
            return true;
        };
        let place = Arc::clone(&self.places).try_acquire_many_owned(self.size(&batch));
        place.is_ok_and(|place| {
            let waiting = Waiting {
                batch,
                place,
                answer: None,
            };
            queue.send(waiting).is_ok()
        })
    }

    /// Measures from now until the guard is dropped, and records that.
    pub fn span(&self, kind: &str) -> Span {
        Span {
            recorder: self.clone(),
            event: Some(Event::new(kind.to_owned())),
            begun: Instant::now(),
            failed: false,
        }
    }

    /// Spans that could not be kept since the recorder began: the queue was full, or they were refused.
    pub fn lost_spans(&self) -> u64 {
        self.state.lost_spans.load(Ordering::Relaxed)
    }
}

/// Records how long it lived and how it ended: dropped in a panic, or after [`Span::error`], it did not go well.
#[must_use = "a span ends when it is dropped"]
pub struct Span {
    recorder: Recorder,
    event: Option<Event<'static>>,
    begun: Instant,
    failed: bool,
}

impl Span {
    pub fn label(mut self, name: &str, text: &str) -> Self {
        self.event = self
            .event
            .take()
            .map(|event| event.label(name.to_owned(), text.to_owned()));
        self
    }

    pub fn value(&mut self, name: &str, number: impl Into<Number>) {
        self.event = self
            .event
            .take()
            .map(|event| event.value(name.to_owned(), number));
    }

    /// It did not go well; the message goes into the details, where the kind keeps some.
    pub fn error(&mut self, message: &str) {
        self.failed = true;
        self.event = self
            .event
            .take()
            .map(|event| match self.recorder.kinds.get(&*event.kind) {
                Some(kind) if kind.details > 0 => event.details(json!({ "error": message })),
                _ => event,
            });
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        let Some(event) = self.event.take() else {
            return;
        };
        let took = self.begun.elapsed().as_secs_f64() * 1000.0;
        let ok = !self.failed && !std::thread::panicking();
        let event = event.value(DURATION, took).ok(ok);
        let mut batch = Batch::default();
        batch.add(1, &event, &self.recorder.kinds, self.recorder.now());
        if batch.is_empty() || !self.recorder.send_unanswered(batch) {
            let lost = &self.recorder.state.lost_spans;
            lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Writer {
    /// What is to be seen of forwarding, if anything is forwarded.
    pub fn forwarding(&self) -> Option<Window> {
        self.forwarding.as_ref().map(Running::window)
    }

    /// Takes nothing more, writes what waits, and gives the store back.
    pub async fn stop(self) -> Result<Store, StoreError> {
        self.places.close();
        self.stop.cancel();
        let ended = self.task.await;
        if let Some(keeping) = self.keeping {
            keeping.stop().await;
        }
        // All is written, so all of it can go.
        if let Some(forwarding) = self.forwarding {
            forwarding.stop().await;
        }
        ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }
}

struct Writing {
    store: Store,
    kinds: Arc<Kinds>,
    settings: Settings,
    clock: fn() -> DateTime<Utc>,
    known: Known,
    is_kept: bool,
    /// Points that were written since the backlog was looked at.
    unchecked: usize,
    log: Option<EventLog>,
    recent: Arc<Mutex<Recent>>,
    state: Arc<State>,
    stop: CancellationToken,
}

impl Writing {
    /// Whatever came while the last commit was on its way goes into the next.
    async fn run(
        mut self,
        mut queue: mpsc::UnboundedReceiver<Waiting>,
    ) -> Result<Store, StoreError> {
        loop {
            let first = tokio::select! {
                first = queue.recv() => first,
                () = self.stop.cancelled(), if !queue.is_closed() => {
                    queue.close();
                    continue;
                }
            };
            let Some(first) = first else {
                return Ok(self.store);
            };
            self.wait_for_the_keeper().await;
            let group = self.gather(first, &mut queue).await;
            let kept = self.write(group).await;
            self.log(kept).await;
        }
    }

    async fn wait_for_the_keeper(&mut self) {
        if !self.is_kept || self.unchecked < CHUNK {
            return;
        }
        self.unchecked = 0;
        let until = Instant::now() + LONGEST_WAIT;
        while let Ok(BACKLOG..) = self.store.fresh_points().await
            && Instant::now() < until
            && !self.stop.is_cancelled()
        {
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Everyone has been answered; the next commit waits, so that lines stay in their order.
    async fn log(&mut self, kept: Vec<Kept>) {
        let Some(mut log) = self.log.take_if(|_| !kept.is_empty()) else {
            return;
        };
        let written = tokio::task::spawn_blocking(move || {
            log.write(&kept);
            log
        });
        self.log = written.await.ok();
    }

    async fn gather(
        &self,
        first: Waiting,
        queue: &mut mpsc::UnboundedReceiver<Waiting>,
    ) -> Vec<Waiting> {
        let (mut points, mut bytes) = (first.batch.len(), first.batch.text_bytes());
        let mut somebody_waits = first.answer.is_some();
        let mut group = vec![first];
        let until = Instant::now() + self.settings.flush_every;
        while points < self.settings.batch && bytes < MOST_BYTES {
            let next = match somebody_waits || self.stop.is_cancelled() {
                false => tokio::select! {
                    next = timeout_at(until, queue.recv()) => next.ok().flatten(),
                    () = self.stop.cancelled() => queue.try_recv().ok(),
                },
                true => queue.try_recv().ok(),
            };
            let Some(next) = next else {
                break;
            };
            points += next.batch.len();
            bytes += next.batch.text_bytes();
            somebody_waits |= next.answer.is_some();
            group.push(next);
        }
        group
    }

    /// Writes what waits, answers, and says what was kept that is logged.
    async fn write(&mut self, group: Vec<Waiting>) -> Vec<Kept> {
        let mut batches = Vec::with_capacity(group.len());
        let mut answers = Vec::with_capacity(group.len());
        for waiting in group {
            self.unchecked += waiting.batch.len();
            batches.push(waiting.batch);
            answers.push((waiting.answer, waiting.place));
        }
        let written = loop {
            let now = (self.clock)().trunc_subsecs(6);
            let written = self
                .store
                .commit(&mut batches, &self.kinds, now, &mut self.known)
                .await;
            match written {
                // Nothing of it was touched. The queue fills meanwhile, and says so.
                Err(StoreError::Held { .. }) if !self.stop.is_cancelled() => tokio::select! {
                    () = tokio::time::sleep(HELD_PAUSE) => {}
                    () = self.stop.cancelled() => {}
                },
                written => break written,
            }
        };
        let written = written.map_err(|error| RecordError::from(&error));
        if let Err(error) = &written {
            tracing::error!("events were not kept: {error}");
        }
        if let Ok(mut failed) = self.state.failed.lock() {
            *failed = written.is_err().then(Instant::now);
        }
        let kept = self.known.take_kept();
        if let Ok(mut recent) = self.recent.lock() {
            kept.iter()
                .for_each(|kept| recent.add(&kept.kind, &kept.points, &self.kinds));
        }
        for (at, (answer, place)) in answers.into_iter().enumerate() {
            drop(place);
            if let Some(answer) = answer {
                // Whoever has gone wants no answer.
                let outcome = written
                    .as_ref()
                    .map(|outcomes| outcomes[at])
                    .map_err(Clone::clone);
                drop(answer.send(outcome));
            }
        }
        kept
    }
}
