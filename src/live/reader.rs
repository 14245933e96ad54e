//! What all who ask share: one connection to the own file, and one to the server where replicas meet, if there is one. Each is
//! opened when it is first needed.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value as Json, json};
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};
use tokio::time::Instant;

use crate::config::LiveSettings;
use crate::config::live_redis::RedisSettings;

use super::question::AskError;
use super::redis::shared::Shared;
use super::source::Source;
use super::store::{Store, StoreError};

/// Nobody who asks waits longer for a connection to the server.
const CONNECT: Duration = Duration::from_secs(1);
/// So long after it was asked a question is tried again there.
const PATIENCE: Duration = Duration::from_secs(1);
/// A server that was away is not asked for so long.
const AWAY: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub struct Reader {
    path: PathBuf,
    store: Arc<Mutex<Option<Store>>>,
    meeting: Option<Arc<Meeting>>,
}

/// The server where replicas meet.
struct Meeting {
    settings: RedisSettings,
    slot: Mutex<Slot>,
}

#[derive(Default)]
struct Slot {
    shared: Option<Shared>,
    /// When it was away, and why.
    away: Option<(Instant, String)>,
}

/// What one question is answered from.
pub struct Lent<'r> {
    reader: &'r Reader,
    held: Held<'r>,
    now: DateTime<Utc>,
    began: Instant,
    tries: u32,
    /// Why it is not answered from the server.
    why: Option<String>,
}

enum Held<'r> {
    Own(MappedMutexGuard<'r, Store>),
    /// There is no file yet.
    Nothing(Box<Store>),
    Shared(MappedMutexGuard<'r, Shared>),
}

impl Reader {
    /// Of the own file only.
    pub fn of(path: PathBuf) -> Self {
        Self {
            path,
            store: Arc::default(),
            meeting: None,
        }
    }

    /// Of what all replicas have recorded, if they meet.
    pub fn of_all(live: &LiveSettings) -> Self {
        let meeting = live.redis.as_ref().map(|settings| Meeting {
            settings: RedisSettings {
                connect_timeout: settings.connect_timeout.min(CONNECT),
                ..settings.clone()
            },
            slot: Mutex::default(),
        });
        Self {
            meeting: meeting.map(Arc::new),
            ..Self::of(live.database.clone())
        }
    }

    /// `None`: there is no file yet.
    pub async fn store(&self) -> Result<Option<MappedMutexGuard<'_, Store>>, StoreError> {
        let mut store = self.store.lock().await;
        if store.is_none() {
            *store = Store::open_reading(&self.path).await?;
        }
        Ok(MutexGuard::try_map(store, Option::as_mut).ok())
    }

    /// A connection of its own, for what takes long.
    pub async fn open(&self) -> Result<Option<Store>, StoreError> {
        Store::open_reading(&self.path).await
    }

    /// For one question: the server if it is there, else the own file.
    pub async fn lend(&self, now: DateTime<Utc>) -> Result<Lent<'_>, StoreError> {
        let (mut tries, mut why) = (0, None);
        let began = Instant::now();
        let held = match &self.meeting {
            None => self.own().await?,
            Some(meeting) => match meeting.ready(now, began, &mut tries).await {
                Ok(shared) => Held::Shared(shared),
                Err(reason) => {
                    why = Some(reason);
                    self.own().await?
                }
            },
        };
        Ok(Lent {
            reader: self,
            held,
            now,
            began,
            tries,
            why,
        })
    }

    async fn own(&self) -> Result<Held<'_>, StoreError> {
        Ok(match self.store().await? {
            Some(store) => Held::Own(store),
            None => Held::Nothing(Box::new(Store::in_memory().await?)),
        })
    }

    /// Whoever closes the file last empties its log; a reader that stays open would keep that from happening.
    pub async fn close(&self) {
        if let Some(store) = self.store.lock().await.take() {
            // All has been read: what closing says changes nothing.
            drop(store.close().await);
        }
    }
}

impl Meeting {
    /// The connection, which is tried as often as the settings say while somebody has patience; or why there is none.
    async fn ready(
        &self,
        now: DateTime<Utc>,
        began: Instant,
        tries: &mut u32,
    ) -> Result<MappedMutexGuard<'_, Shared>, String> {
        let mut slot = self.slot.lock().await;
        if let Some((at, why)) = &slot.away
            && at.elapsed() < AWAY
        {
            return Err(why.clone());
        }
        // Whoever asked last may have gone in the middle of an answer.
        slot.shared.take_if(|shared| shared.is_behind());
        while slot.shared.is_none() {
            *tries += 1;
            match Shared::connect(&self.settings, now).await {
                Ok(shared) => slot.shared = Some(shared),
                Err(trouble) if self.is_over(began, *tries) => {
                    return Err(slot.note_away(trouble.to_string()));
                }
                Err(_) => {}
            }
        }
        slot.away = None;
        let shared = MutexGuard::try_map(slot, |slot| slot.shared.as_mut());
        let mut shared = shared.map_err(|_| "no connection".to_owned())?;
        shared.set_now(now);
        Ok(shared)
    }

    /// Lets a connection go that failed; and the server, if it was tried for long enough: then why.
    async fn give_up(&self, began: Instant, tries: u32, why: &str) -> Option<String> {
        let mut slot = self.slot.lock().await;
        slot.shared = None;
        let is_over = self.is_over(began, tries);
        is_over.then(|| slot.note_away(why.to_owned()))
    }

    fn is_over(&self, began: Instant, tries: u32) -> bool {
        tries >= self.settings.retries || began.elapsed() >= PATIENCE
    }
}

impl Slot {
    fn note_away(&mut self, why: String) -> String {
        if self.away.is_none() {
            tracing::warn!("questions are answered from the own file: Redis: {why}");
        }
        self.shared = None;
        self.away = Some((Instant::now(), why.clone()));
        why
    }
}

impl<'r> Lent<'r> {
    pub fn source(&mut self) -> Source<'_> {
        match &mut self.held {
            Held::Own(store) => Source::Own(store),
            Held::Nothing(store) => Source::Own(store),
            Held::Shared(shared) => Source::Shared(shared),
        }
    }

    /// Nothing was ever recorded here, and replicas do not meet.
    pub fn is_nothing(&self) -> bool {
        matches!(self.held, Held::Nothing(_))
    }

    /// The answer with where it comes from; or, if the server failed, what the question is to be asked of again.
    pub async fn settle<T, E: Into<AskError>>(
        self,
        answered: Result<T, E>,
    ) -> Result<ControlFlow<(T, Map<String, Json>), Self>, AskError> {
        let error = match answered {
            Ok(answer) => return Ok(ControlFlow::Break((answer, self.facts()))),
            Err(error) => error.into(),
        };
        let Self {
            reader,
            held,
            now,
            began,
            mut tries,
            ..
        } = self;
        let (AskError::Store(StoreError::Away(why)), Some(meeting)) = (&error, &reader.meeting)
        else {
            return Err(error);
        };
        // It is given back before it is taken anew.
        drop(held);
        let again = match meeting.give_up(began, tries, why).await {
            Some(why) => Err(why),
            None => meeting.ready(now, began, &mut tries).await,
        };
        let (held, why) = match again {
            Ok(shared) => (Held::Shared(shared), None),
            Err(why) => (reader.own().await?, Some(why)),
        };
        Ok(ControlFlow::Continue(Self {
            reader,
            held,
            now,
            began,
            tries,
            why,
        }))
    }

    /// Where the answer comes from; nothing where there is one place only.
    pub fn facts(&self) -> Map<String, Json> {
        let mut facts = Map::new();
        if self.reader.meeting.is_none() {
            return facts;
        }
        let place = match &self.held {
            Held::Shared(_) => "redis",
            _ => "own file",
        };
        facts.insert("answered_from".to_owned(), json!(place));
        if let Some(why) = &self.why {
            facts.insert("redis_failed".to_owned(), json!(why));
            // What other replicas recorded is not here.
            facts.insert("complete".to_owned(), json!(false));
        }
        facts
    }
}
