//! Forwards what is recorded: in the order of the commits, and each batch once, whatever is repeated.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::iter::zip;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::config::LiveSettings;
use crate::config::live_redis::RedisSettings;
use crate::kinds::Kinds;

use super::super::follow::Position;
use super::super::keep::{Until, forget_until, lock};
use super::super::store::{Backlog, Forwarding, Store, StoreError, Waiting};
use super::batches::{Batch, Batches, Cursor};
use super::forget::{self, Note};
use super::generic;
use super::keep::Keeper;
use super::layouts::Layouts;
use super::rolling::{BATCH, Laid, Piece, Rolling};
use super::server::{Applied, ROLLUPS, Server, Trouble};

/// Points of a batch: larger ones gain little and make others wait. Of a server that is far away a round trip is worth more.
const FAR_BATCH: usize = 10_000;
const FAR: Duration = Duration::from_millis(100);
const BATCH_BYTES: usize = 4 << 20;
/// How often a server that gets nothing is looked at, since it may have been replaced.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often it is told up to which instant it has everything.
const TELL_EVERY: Duration = Duration::from_secs(10);
/// How often what is too old is deleted.
const KEEP_EVERY: Duration = Duration::from_secs(3600);
const NOTE_EVERY: Duration = Duration::from_secs(5);
/// A server may lose what it acknowledged, when another takes its place; after this time it will not.
const SETTLED: Duration = Duration::from_secs(600);
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// So often in a row forwarding begins anew at once.
const FEW: u32 = 10;
/// Whoever asks to stop waits so long at most; what is not forwarded then stays in the file.
const LONGEST_STOP: Duration = Duration::from_secs(25);

/// What others see of it.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub is_connected: bool,
    pub backlog: Backlog,
    /// Points that were given up.
    pub lost: u64,
    pub batches: u64,
    /// Batches that were not applied.
    pub failed: u64,
    /// The last note of what others forgot that was seen to.
    pub forgotten: i64,
    pub trouble: Option<String>,
}

impl Seen {
    /// Seconds for which the oldest has waited.
    pub fn age(&self, now: DateTime<Utc>) -> f64 {
        let oldest = self
            .backlog
            .oldest
            .and_then(DateTime::from_timestamp_micros);
        oldest.map_or(0.0, |oldest| (now - oldest).as_seconds_f64().max(0.0))
    }
}

/// Shows others what the forwarder does.
#[derive(Debug, Clone, Default)]
pub struct Window(Arc<Mutex<Seen>>);

impl Window {
    pub fn seen(&self) -> Seen {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A forwarder at work.
pub struct Running {
    stop: CancellationToken,
    thread: JoinHandle<()>,
    window: Window,
}

/// Forwards on a thread of its own, in one process a file.
pub async fn start(
    live: &LiveSettings,
    redis: &RedisSettings,
    zone: Tz,
    clock: fn() -> DateTime<Utc>,
) -> Result<Running, StoreError> {
    let store = Store::open(&live.database, live.durable).await?;
    let file = store.path().display().to_string();
    let failed = |error| StoreError::Io {
        doing: "start the forwarder of",
        file: file.clone(),
        error,
    };
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().map_err(failed)?;
    let stop = CancellationToken::new();
    let window = Window::default();
    let forwarder = Forwarder {
        store,
        kinds: live.kinds.clone(),
        settings: redis.clone(),
        zone,
        clock,
        window: window.clone(),
        told: Told::Nothing,
        failures: 0,
        begun: 0,
        acknowledged: VecDeque::new(),
        unanswered: Vec::new(),
        own: random_digits(),
    };
    let stopped = stop.clone();
    let named = thread::Builder::new().name("forwarder".to_owned());
    let thread = named.spawn(move || runtime.block_on(forwarder.run(stopped)));
    Ok(Running {
        stop,
        thread: thread.map_err(failed)?,
        window,
    })
}

impl Running {
    pub fn window(&self) -> Window {
        self.window.clone()
    }

    /// Once nothing is recorded any more: what waits is forwarded, as far as that goes.
    pub async fn stop(self) {
        self.stop.cancel();
        // It has said what went wrong.
        drop(tokio::task::spawn_blocking(|| self.thread.join()).await);
    }
}

struct Forwarder {
    store: Store,
    kinds: Kinds,
    settings: RedisSettings,
    zone: Tz,
    clock: fn() -> DateTime<Utc>,
    window: Window,
    told: Told,
    /// Attempts since something was applied, and beginnings anew.
    failures: u32,
    begun: u32,
    /// When the server had everything before which chunk, the oldest first.
    acknowledged: VecDeque<(Instant, i64)>,
    /// Marks behind batches of which nobody knows whether they were applied.
    unanswered: Vec<String>,
    /// Stands in the marks that this process makes: another one that forwards a copy of the file has the same positions.
    own: String,
}

/// What was said last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Nothing,
    Enabled,
    Away,
    Failed,
}

/// Why forwarding was broken off.
enum Broken {
    Store(StoreError),
    /// There is no connection.
    Away(Trouble),
    /// Something was not done.
    Refused(Trouble),
    /// Begin anew at once.
    Replaced,
}

impl From<StoreError> for Broken {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Trouble> for Broken {
    fn from(trouble: Trouble) -> Self {
        Self::Refused(trouble)
    }
}

/// One connection, from its beginning.
struct Session {
    server: Server,
    run: String,
    identity: Forwarding,
    points: Cursor,
    rollups: Cursor,
    /// Up to which instant the server has all points, in microseconds.
    until: i64,
    rolling: Rolling,
    /// How long a server takes that has nothing to do.
    distance: Duration,
    /// The number of the last note of what was forgotten.
    forgotten: i64,
    batch: usize,
    batches: Arc<Mutex<Batches>>,
    /// The next batch of points.
    ready: Option<Batch>,
    looked: Instant,
    told: Instant,
    noted: Option<Instant>,
    kept: Option<Instant>,
}

impl Forwarder {
    /// Until it is stopped. While another process forwards the file, it only looks whether that has ended.
    async fn run(mut self, stop: CancellationToken) {
        let mut held: Option<File> = None;
        let mut pause = PAUSE;
        loop {
            held = held.or_else(|| lock(self.store.path(), "forwarder"));
            let failures = self.failures;
            // What failed before it was to end may go well now.
            let is_last = stop.is_cancelled();
            let ended = match held {
                Some(_) => self.forward(&stop).await,
                None if stop.is_cancelled() => break,
                None => Ok(()),
            };
            match ended {
                Ok(()) if held.is_some() => break,
                Ok(()) => {}
                // What comes again and again is a failure.
                Err(Broken::Replaced) if self.begun < FEW => {
                    self.begun += 1;
                    continue;
                }
                Err(broken) => self.tell(broken).await,
            }
            if is_last {
                break;
            }
            pause = match self.failures > failures {
                true => (2 * pause).min(LONGEST_PAUSE),
                false => PAUSE,
            };
            tokio::select! {
                () = sleep(pause) => {}
                () = stop.cancelled() => {}
            }
        }
        let waiting = self.window.seen().backlog.points;
        if held.is_some() && waiting > 0 {
            tracing::warn!("{waiting} events wait in the file for Redis");
        }
        if let Err(error) = self.store.close().await {
            tracing::error!("forwarding events: {error}");
        }
    }

    /// Until it is stopped and all is forwarded.
    async fn forward(&mut self, stop: &CancellationToken) -> Result<(), Broken> {
        let mut session = self.connect().await?;
        let forwarded = loop {
            let stepped = match stop.is_cancelled() {
                false => self.step(&mut session, stop).await,
                true => {
                    let draining = timeout(LONGEST_STOP, self.drain(&mut session));
                    break draining.await.unwrap_or(Ok(()));
                }
            };
            if stepped.is_err() {
                break stepped;
            }
        };
        let noted = self.note(&mut session, true).await;
        forwarded.and(noted)
    }

    async fn connect(&mut self) -> Result<Session, Broken> {
        let identity = self.identity().await?;
        let mut server = Server::connect(&self.settings)
            .await
            .map_err(Broken::Away)?;
        let begun = Instant::now();
        let about = server.check().await.map_err(Broken::Away)?;
        let distance = begun.elapsed();
        let chain = match self.settings.history.has_compact() {
            true => server.new_chain().await?,
            false => 0,
        };
        let (forgotten, notes) = forget::notes_for(&mut server, &identity.replica).await?;
        let now = Instant::now();
        let mut session = Session {
            points: cursor(identity.replica.clone()),
            rollups: cursor(format!("{}{ROLLUPS}", identity.replica)),
            batches: Arc::new(Mutex::new(Batches {
                kinds: self.kinds.clone(),
                layouts: Layouts::new(&self.settings, chain, self.zone, forgotten),
                file: self.store.path().display().to_string(),
                replica: identity.replica.clone(),
                writer: self.own.clone(),
                until: 0,
            })),
            ready: None,
            server,
            run: about.run,
            identity,
            until: 0,
            rolling: Rolling::new(Vec::new()),
            distance,
            forgotten,
            batch: BATCH,
            looked: now,
            told: now,
            noted: None,
            kept: None,
        };
        self.check_kinds(&mut session).await?;
        self.find_marks(&mut session).await?;
        if !notes.is_empty() {
            self.forget(&mut session, notes).await?;
        }
        // All was forwarded that was recorded before what waits.
        let now = (self.clock)().timestamp_micros();
        let waiting = self.store.backlog(session.points.position.chunk()).await?;
        let until = waiting.oldest.map_or(now, |oldest| oldest.min(now) - 1);
        self.lay_anew(&mut session, until).await?;
        self.see(|seen| {
            seen.is_connected = true;
            seen.trouble = None;
        });
        self.say_enabled();
        Ok(session)
    }

    /// Kinds may have been declared anew since.
    async fn check_kinds(&self, session: &mut Session) -> Result<(), Broken> {
        let names = self.kinds.keys().map(|name| generic::kind_key(name));
        let known = session.server.hashes(names).await?;
        let mut conflicts = zip(known, self.kinds.values());
        let conflict = conflicts.find_map(|(fields, kind)| generic::conflict(&fields, kind));
        conflict.map_or(Ok(()), |why| Err(Broken::Refused(Trouble(why))))
    }

    /// As whom this file is forwarded.
    async fn identity(&mut self) -> Result<Forwarding, StoreError> {
        let machine = match &self.settings.replica {
            Some(name) => name.clone(),
            None => machine(),
        };
        let known = self.store.forwarding().await?;
        let is_ours = |known: &Forwarding| {
            let name = known.replica.rsplit_once('.').map(|(name, _)| name);
            name == Some(machine.as_str())
        };
        match known {
            Some(mut known) if is_ours(&known) => {
                if !known.has_writer(&self.own) {
                    known.add_writer(&self.own);
                    self.store.note_forwarding(&known).await?;
                }
                Ok(known)
            }
            known => {
                // What was forwarded under another name is there.
                let began = known.as_ref().map(come_to);
                let began = began.unwrap_or([Position::FIRST; 2]);
                self.begin_as(&machine, began).await
            }
        }
    }

    /// `began`: where points and rollups go on.
    async fn begin_as(
        &mut self,
        machine: &str,
        began: [Position; 2],
    ) -> Result<Forwarding, StoreError> {
        let identity = Forwarding {
            replica: format!("{machine}.{}", random_digits()),
            writers: self.own.clone(),
            began: began[0].to_string(),
            began_rollups: began[1].to_string(),
            acknowledged: began[0].to_string(),
            rolled: began[1].to_string(),
            settled: began[0].min(began[1]).chunk(),
            lost: 0,
            trouble: None,
        };
        self.acknowledged.clear();
        self.store.note_forwarding(&identity).await?;
        Ok(identity)
    }

    /// Goes on under a new name.
    async fn begin_anew(
        &mut self,
        replica: &str,
        began: [Position; 2],
    ) -> Result<Broken, StoreError> {
        let machine = replica
            .rsplit_once('.')
            .map_or(replica, |(machine, _)| machine);
        self.begin_as(machine, began).await?;
        Ok(Broken::Replaced)
    }

    /// Where the server says that it goes on.
    async fn find_marks(&mut self, session: &mut Session) -> Result<(), Broken> {
        let end = self.store.next_chunk().await?;
        let names = [session.points.name.as_str(), session.rollups.name.as_str()];
        let (marks, until) = session.server.marks(&self.settings.prefix, &names).await?;
        let Forwarding { replica, .. } = session.identity.clone();
        let file = self.store.path().display().to_string();
        for mark in marks.iter().filter(|mark| !mark.is_empty()) {
            let position = position_of(mark).ok_or_else(|| no_mark(&replica, mark))?;
            let recorded = self.store.recorded_before(position).await?;
            let is_newer = |(recorded, until): (i64, i64)| recorded > until;
            if position.chunk() > end || recorded.zip(until).is_some_and(is_newer) {
                // It came out of a backup. What it shares with the file that was forwarded was recorded until then.
                tracing::warn!(
                    "{file} is an older copy of what was forwarded as {replica}: it goes on under a new name with what was recorded since"
                );
                let from = self.store.recorded_after(until.unwrap_or(i64::MAX)).await?;
                return Err(self.begin_anew(&replica, [Position::at(from); 2]).await?);
            }
        }
        session.until = until.unwrap_or(session.until);
        lock_of(&session.batches).until = session.until;
        let is_foreign = |mark: &String| {
            let writer = mark.split_once('@').map(|(_, writer)| writer);
            writer.is_some_and(|writer| !session.identity.has_writer(writer))
        };
        if marks.iter().any(is_foreign) {
            tell_of_copy(&file, &replica);
            let from = come_to(&session.identity);
            return Err(self.begin_anew(&replica, from).await?);
        }
        let has_forgotten = marks.iter().all(String::is_empty)
            && session.identity.acknowledged != session.identity.began;
        if has_forgotten && self.has_counted(session).await? {
            tracing::error!(
                "the marks of {replica} were deleted on Redis, and not what was counted behind them: {file} goes on under a new name"
            );
            let from = come_to(&session.identity);
            return Err(self.begin_anew(&replica, from).await?);
        }
        if has_forgotten {
            tracing::warn!(
                "Redis has nothing of what was forwarded as {}: what is still held is sent again",
                session.identity.replica
            );
        }
        let began = [&session.identity.began, &session.identity.began_rollups];
        let mut began = began.map(|began| position_of(began).unwrap_or(Position::FIRST));
        if has_forgotten {
            // Points without their rollups are no longer there.
            began = [began[0].min(began[1]); 2];
        }
        let cursors = [&mut session.points, &mut session.rollups];
        for ((cursor, mark), began) in zip(zip(cursors, marks), began) {
            cursor.position = position_of(&mark).unwrap_or(began);
            cursor.mark = mark;
        }
        // A server that lost something will not have had the rest for long.
        let come = session
            .points
            .position
            .min(session.rollups.position)
            .chunk();
        self.acknowledged.retain(|(_, chunk)| *chunk <= come);
        Ok(())
    }

    /// Whether the server has anything of this replica beside its marks.
    async fn has_counted(&self, session: &mut Session) -> Result<bool, Broken> {
        let names = self.kinds.keys().map(|name| generic::kind_key(name));
        let known = session.server.hashes(names).await?;
        let own = generic::replica(&session.identity.replica);
        Ok(known.iter().any(|fields| fields.contains_key(&own)))
    }

    /// How points that are in no rollup lie on the server is known from here on: one item a batch and kind.
    async fn lay_anew(&mut self, session: &mut Session, until: i64) -> Result<(), Broken> {
        // A clock may have been put back.
        session.until = session.until.max(until);
        let until = session.until;
        let (rolled, forwarded) = (session.rollups.position, session.points.position);
        let chunks = self.between(rolled, forwarded).await?;
        let (call, laid) =
            lock_of(&session.batches).laid_anew(&session.points, &chunks, rolled, until);
        session.rolling = Rolling::new(laid);
        session.told = Instant::now();
        match session.server.apply(&call).await? {
            Applied::Now => Ok(()),
            Applied::NotBehind(_) | Applied::Forgotten => Err(Broken::Replaced),
        }
    }

    /// What is forgotten goes from the file, too, before anything else is forwarded from it.
    async fn forget(&mut self, session: &mut Session, notes: Vec<Note>) -> Result<(), Broken> {
        let mut by_kind: BTreeMap<String, Vec<Until>> = BTreeMap::new();
        for Note {
            kind, labels, at, ..
        } in notes
        {
            let labels = labels.into_iter().collect();
            by_kind.entry(kind).or_default().push((labels, at));
        }
        for (kind, all) in by_kind {
            let Some(kind) = self.kinds.get(&kind) else {
                continue;
            };
            let done = forget_until(&mut self.store, kind, &all, false).await?;
            for (chunk, why) in done.broken {
                let file = self.store.path().display();
                tracing::warn!(
                    "{file}: chunk {chunk} is {why}; it may hold what is to be forgotten"
                );
            }
        }
        let replica = &session.identity.replica;
        forget::note_done(&mut session.server, replica, session.forgotten).await?;
        self.see(|seen| seen.forgotten = session.forgotten);
        Ok(())
    }

    /// Forwards something, or waits for it.
    async fn step(
        &mut self,
        session: &mut Session,
        stop: &CancellationToken,
    ) -> Result<(), Broken> {
        let before = (self.clock)().timestamp_micros();
        let has_moved = self.forward_points(session).await?;
        let piece = session.rolling.next();
        if let Some(piece) = &piece {
            self.forward_rollups(session, piece).await?;
        }
        self.note(session, false).await?;
        if has_moved || piece.is_some() {
            return Ok(());
        }
        if session.told.elapsed() >= TELL_EVERY {
            self.tell_until(session, before).await?;
        }
        if session.kept.is_none_or(|kept| kept.elapsed() >= KEEP_EVERY) {
            session.kept = Some(Instant::now());
            self.keep(session).await?;
        }
        if session.looked.elapsed() >= LOOK_EVERY {
            session.looked = Instant::now();
            let about = session.server.about().await.map_err(Broken::Away)?;
            about.check_policy()?;
            let forgotten = forget::count(&mut session.server).await?;
            if about.run != session.run || forgotten != session.forgotten {
                return Err(Broken::Replaced);
            }
        }
        tokio::select! {
            () = sleep(self.settings.every) => {}
            () = stop.cancelled() => {}
        }
        Ok(())
    }

    /// Takes what is older than its tier, if no other replica has done it.
    async fn keep(&mut self, session: &mut Session) -> Result<(), Broken> {
        if !session.server.take_turn(KEEP_EVERY).await? {
            return Ok(());
        }
        let mut keeper = Keeper {
            server: &mut session.server,
            settings: &self.settings,
            kinds: &self.kinds,
            now: (self.clock)(),
            dry_run: false,
        };
        let trimmed = keeper.trim().await?;
        tracing::debug!("deleted on Redis: {trimmed:?}");
        Ok(())
    }

    /// All that is there.
    async fn drain(&mut self, session: &mut Session) -> Result<(), Broken> {
        let before = (self.clock)().timestamp_micros();
        while self.forward_points(session).await? {}
        while let Some(piece) = session.rolling.first() {
            self.forward_rollups(session, &piece).await?;
        }
        self.tell_until(session, before).await
    }

    /// The next batch of points; whether there was any.
    async fn forward_points(&mut self, session: &mut Session) -> Result<bool, Broken> {
        let ready = match session.ready.take() {
            Some(ready) => Some(ready),
            None => {
                let batches = Arc::clone(&session.batches);
                self.next_batch(batches, session.batch, &session.points)
                    .await?
            }
        };
        let Some(ready) = ready else {
            return Ok(false);
        };
        self.unanswered.push(ready.behind.mark.clone());
        // While the server is busy with it, the next one is made.
        let (batches, most) = (Arc::clone(&session.batches), session.batch);
        let begun = Instant::now();
        let sending = async {
            let applied = session.server.apply(&ready.call).await;
            (applied, begun.elapsed())
        };
        let ((applied, took), next) =
            tokio::join!(sending, self.next_batch(batches, most, &ready.behind));
        self.settle(session, applied?).await?;
        session.batch = match took > FAR && ready.points < FAR_BATCH {
            true => FAR_BATCH,
            false => session.rolling.batch(),
        };
        session.rolling.add(Laid {
            behind: ready.behind.position,
            kinds: ready.kinds,
            points: ready.points,
        });
        session.until = ready.until;
        session.points = ready.behind;
        session.ready = next?;
        Ok(true)
    }

    /// Made on another thread; `None`: there is nothing more.
    async fn next_batch(
        &mut self,
        batches: Arc<Mutex<Batches>>,
        most: usize,
        cursor: &Cursor,
    ) -> Result<Option<Batch>, StoreError> {
        let chunk = cursor.position.chunk();
        let chunks = self.store.waiting(chunk, most, BATCH_BYTES).await?;
        if chunks.is_empty() {
            return Ok(None);
        }
        let (cursor, now) = (cursor.clone(), (self.clock)());
        let making = tokio::task::spawn_blocking(move || {
            lock_of(&batches).of_points(&cursor, &chunks, most, now)
        });
        match making.await {
            Ok(batch) => Ok(Some(batch)),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// Rollups of points that the server has without them.
    async fn forward_rollups(
        &mut self,
        session: &mut Session,
        piece: &Piece,
    ) -> Result<(), Broken> {
        let cursor = &session.rollups;
        let chunks = self.between(cursor.position, piece.behind).await?;
        let (until, now) = (session.until, (self.clock)());
        let batch = lock_of(&session.batches).of_rollups(cursor, &chunks, piece, until, now);
        self.unanswered.push(batch.behind.mark.clone());
        let begun = Instant::now();
        let applied = session.server.apply(&batch.call).await?;
        let took = begun.elapsed().saturating_sub(session.distance);
        self.settle(session, applied).await?;
        session.rollups = batch.behind;
        session.rolling.done(piece, took);
        Ok(())
    }

    /// All chunks with points between two positions.
    async fn between(&mut self, from: Position, end: Position) -> Result<Vec<Waiting>, StoreError> {
        let mut chunks: Vec<Waiting> = Vec::new();
        let mut next = from.chunk();
        while from < end && next <= end.chunk() {
            let more = self.store.waiting(next, FAR_BATCH, BATCH_BYTES).await?;
            let Some(last) = more.last() else { break };
            next = last.chunk + 1;
            chunks.extend(more);
        }
        Ok(chunks)
    }

    /// Whether a batch was applied, once there is an answer.
    async fn settle(&mut self, session: &mut Session, applied: Applied) -> Result<(), Broken> {
        match applied {
            Applied::Now => {}
            Applied::Forgotten => return Err(Broken::Replaced),
            // It has lost its marks, or a batch that was given up arrived after they were asked for.
            Applied::NotBehind(other) if other.is_empty() || self.unanswered.contains(&other) => {
                return Err(Broken::Replaced);
            }
            Applied::NotBehind(_) => {
                let replica = session.identity.replica.clone();
                tell_of_copy(&self.store.path().display().to_string(), &replica);
                let from = [session.points.position, session.rollups.position];
                return Err(self.begin_anew(&replica, from).await?);
            }
        }
        self.unanswered.clear();
        (self.failures, self.begun) = (0, 0);
        self.see(|seen| seen.batches += 1);
        self.say_enabled();
        Ok(())
    }

    /// Tells up to which instant the server has everything.
    async fn tell_until(&mut self, session: &mut Session, until: i64) -> Result<(), Broken> {
        session.until = session.until.max(until);
        let until = session.until;
        session.told = Instant::now();
        let call = lock_of(&session.batches).of_nothing(&session.points, until);
        match session.server.apply(&call).await? {
            Applied::Now => Ok(()),
            Applied::NotBehind(_) | Applied::Forgotten => Err(Broken::Replaced),
        }
    }

    /// Notes from time to time how far it has come.
    async fn note(&mut self, session: &mut Session, at_once: bool) -> Result<(), Broken> {
        if !at_once
            && session
                .noted
                .is_some_and(|noted| noted.elapsed() < NOTE_EVERY)
        {
            return Ok(());
        }
        let now = Instant::now();
        session.noted = Some(now);
        let [points, rollups] = [session.points.position, session.rollups.position];
        self.acknowledged
            .push_back((now, points.min(rollups).chunk()));
        while let Some((at, chunk)) = self.acknowledged.front().copied()
            && now - at >= SETTLED
        {
            session.identity.settled = session.identity.settled.max(chunk);
            self.acknowledged.pop_front();
        }
        session.identity.acknowledged = points.to_string();
        session.identity.rolled = rollups.to_string();
        session.identity.trouble = None;
        self.store.note_forwarding(&session.identity).await?;
        self.look().await?;
        Ok(())
    }

    async fn note_trouble(&mut self, trouble: &Trouble) -> Result<(), StoreError> {
        if let Some(mut known) = self.store.forwarding().await? {
            known.trouble = Some(trouble.to_string());
            self.store.note_forwarding(&known).await?;
        }
        self.look().await
    }

    /// Sees what waits.
    async fn look(&mut self) -> Result<(), StoreError> {
        let Some(known) = self.store.forwarding().await? else {
            return Ok(());
        };
        let backlog = self.store.backlog(known.acknowledged_chunk()).await?;
        let lost = known.lost.unsigned_abs();
        if lost > self.window.seen().lost {
            tracing::error!(
                "{lost} events will never reach Redis: more waited than `backlog` under [live.redis] allows"
            );
        }
        self.see(|seen| {
            seen.backlog = backlog;
            seen.lost = known.lost.unsigned_abs();
        });
        Ok(())
    }

    /// Each state is told once.
    async fn tell(&mut self, broken: Broken) {
        self.failures += 1;
        let (trouble, state) = match broken {
            Broken::Replaced => {
                let why =
                    "its mark is another one again and again: does somebody else write there?";
                (Trouble(why.to_owned()), Told::Failed)
            }
            Broken::Store(error) => {
                tracing::error!("forwarding events: {error}");
                return;
            }
            Broken::Away(trouble) => (trouble, Told::Away),
            Broken::Refused(trouble) => (trouble, Told::Failed),
        };
        self.see(|seen| {
            seen.is_connected = false;
            seen.failed += u64::from(state == Told::Failed);
            seen.trouble = Some(trouble.to_string());
        });
        if let Err(error) = self.note_trouble(&trouble).await {
            tracing::error!("forwarding events: {error}");
        }
        let patience = match state {
            Told::Away => self.settings.attempts,
            _ => self.settings.retries,
        };
        if self.failures < patience || self.told == state {
            return;
        }
        self.told = state;
        match state {
            Told::Away => tracing::warn!(
                "Warning: Redis not available, using in-memory metrics only: {trouble}"
            ),
            _ => tracing::error!("Failed to batch write metrics to Redis: {trouble}"),
        }
    }

    fn say_enabled(&mut self) {
        if self.told != Told::Enabled {
            self.told = Told::Enabled;
            tracing::info!("Metrics Redis persistence enabled");
        }
    }

    fn see(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.window.lock());
    }
}

fn cursor(name: String) -> Cursor {
    Cursor {
        name,
        mark: String::new(),
        position: Position::FIRST,
    }
}

fn lock_of(batches: &Mutex<Batches>) -> MutexGuard<'_, Batches> {
    batches.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A mark is a position and who made it.
fn position_of(mark: &str) -> Option<Position> {
    mark.split('@').next()?.parse().ok()
}

/// How far points and rollups have come.
fn come_to(known: &Forwarding) -> [Position; 2] {
    [&known.acknowledged, &known.rolled].map(|mark| position_of(mark).unwrap_or(Position::FIRST))
}

fn no_mark(replica: &str, mark: &str) -> Broken {
    Broken::Refused(Trouble(format!(
        "`{}` stands there as the mark of {replica}, which is none: somebody else has written it; delete it, and what is still held is sent again",
        mark.escape_debug()
    )))
}

fn tell_of_copy(file: &str, replica: &str) {
    tracing::error!(
        "another process forwards as {replica}, from a copy of {file}: this one goes on under a new name"
    );
}

/// What the machine is called, as far as a name may have it.
fn machine() -> String {
    let name = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    let sound = |letter: char| match letter.is_ascii_alphanumeric() || "._-".contains(letter) {
        true => letter,
        false => '-',
    };
    let name: String = name.chars().take(64).map(sound).collect();
    match name.is_empty() {
        true => "daybook".to_owned(),
        false => name,
    }
}

/// Nobody has to guess them; two files must not have the same.
fn random_digits() -> String {
    let mut bytes = [0; 4];
    if getrandom::fill(&mut bytes).is_err() {
        bytes = std::process::id().to_be_bytes();
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
