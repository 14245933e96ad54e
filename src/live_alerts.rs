//! Alerts between two nights: a server looks at them every few seconds, and sends what happened to whom it is for.

mod day;
mod send;
pub mod words;

use std::fs::File;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use crate::config::live::Durable;
use crate::config::{Config, LiveSettings};
use crate::live::question::Context;
use crate::live::store::{Store, StoreError};
use crate::live::watch::{Happened, WatchError, round};

pub use day::raised_between;
pub use send::deliver;

const EVERY: Duration = Duration::from_secs(10);

/// Until the server stops. Of several servers on one file, one does it.
pub async fn watch(
    config: &Config,
    live: &LiveSettings,
    clock: fn() -> DateTime<Utc>,
    stop: &CancellationToken,
) {
    let path = live.database.with_added_extension("alerts");
    let mut lock: Option<File> = None;
    let mut stores: Option<Stores> = None;
    let mut is_failing = false;
    let listening = clock();
    loop {
        if lock.is_none() {
            let file = File::create(&path).ok();
            lock = file.filter(|file| file.try_lock().is_ok());
        }
        let looking = async {
            if lock.is_some() && live.database.exists() {
                let looked = look(config, live, clock, listening, &mut stores, stop).await;
                if let Err(error) = &looked
                    && !is_failing
                {
                    tracing::error!("live alerts: {error}");
                }
                is_failing = looked.is_err();
            }
            tokio::time::sleep(EVERY).await;
        };
        tokio::select! {
            () = looking => {}
            () = stop.cancelled() => break,
        }
    }
    if let Some(stores) = stores
        && let Err(error) = stores.close().await
    {
        tracing::error!("live alerts: {error}");
    }
}

/// Who asks for long must not keep what is noted waiting.
struct Stores {
    reader: Store,
    writer: Store,
}

impl Stores {
    async fn open(live: &LiveSettings, now: DateTime<Utc>) -> Result<Option<Self>, StoreError> {
        let Some(reader) = Store::open_reading(&live.database).await? else {
            return Ok(None);
        };
        let mut writer = Store::open(&live.database, Durable::Commit).await?;
        writer.release_claimed_alerts(now).await?;
        Ok(Some(Self { reader, writer }))
    }

    async fn close(self) -> Result<(), StoreError> {
        self.reader.close().await?;
        self.writer.close().await
    }
}

async fn look(
    config: &Config,
    live: &LiveSettings,
    clock: fn() -> DateTime<Utc>,
    listening: DateTime<Utc>,
    stores: &mut Option<Stores>,
    stop: &CancellationToken,
) -> Result<(), WatchError> {
    let context = Context {
        zone: config.time_zone,
        now: clock(),
    };
    if stores.is_none() {
        *stores = Stores::open(live, context.now).await?;
    }
    let Some(Stores { reader, writer }) = stores else {
        return Ok(());
    };
    for happened in round(reader, writer, live, context, listening).await? {
        say(live, &happened);
    }
    deliver(config, live, writer, clock, stop).await?;
    Ok(())
}

fn say(live: &LiveSettings, happened: &Happened) {
    if let Some(alert) = live.alerts.iter().find(|alert| alert.key == happened.alert) {
        let text = words::english(alert, live, happened);
        tracing::info!("alert {}: {text}", alert.key);
    }
}
