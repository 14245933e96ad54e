//! One connection that all who ask share; it is opened when it is first needed.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};

use super::store::{Store, StoreError};

#[derive(Clone)]
pub struct Reader {
    path: PathBuf,
    store: Arc<Mutex<Option<Store>>>,
}

impl Reader {
    pub fn of(path: PathBuf) -> Self {
        Self {
            path,
            store: Arc::default(),
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

    /// Whoever closes the file last empties its log; a reader that stays open would keep that from happening.
    pub async fn close(&self) {
        if let Some(store) = self.store.lock().await.take() {
            // All has been read: what closing says changes nothing.
            drop(store.close().await);
        }
    }
}
