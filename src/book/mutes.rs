//! What is muted until when, and why. Mutes of the past stay until they are pruned, so that a past day is told
//! again as it was told then.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::calendar::Day;
use crate::catalog::Mute;

use super::row::{Unreadable, date, moment, plain};
use super::store::{Row, Writing};
use super::{Book, BookError};

const READ: &str = "read the mutes";
const WRITE: &str = "write a mute";

/// Of all days that are kept, the oldest first.
pub async fn mutes(book: &Book, zone: Tz) -> Result<Vec<Mute>, BookError> {
    const ALL: &str = r#"SELECT id, "key", muted_at, until_date, because FROM mutes ORDER BY id"#;
    let rows = book.store.rows(ALL, &[]).await;
    let rows = rows.map_err(|error| book.error(READ, error))?;
    let stored = rows.iter().map(|row| Ok(stored(book, row)?.mute(zone)));
    stored.collect()
}

/// Mutes from now on; what stood of this key until now ends.
pub async fn mute(book: &Book, mute: &Mute, now: DateTime<Utc>, zone: Tz) -> Result<(), BookError> {
    const NEW: &str =
        r#"INSERT INTO mutes ("key", muted_at, until_date, because) VALUES (?1, ?2, ?3, ?4)"#;
    let mut writing = book.begin(WRITE).await?;
    end(book, &mut writing, &mute.key, now, zone).await?;
    let binds = [
        (&mute.key).into(),
        now.into(),
        mute.until.into(),
        (&mute.because).into(),
    ];
    let done = writing.change(NEW, &binds).await;
    done.map_err(|error| book.error(WRITE, error))?;
    book.commit(WRITE, writing).await
}

/// From today on it alerts again; on the days before it was muted all the same. False where nothing was muted.
pub async fn unmute(
    book: &Book,
    key: &str,
    now: DateTime<Utc>,
    zone: Tz,
) -> Result<bool, BookError> {
    let mut writing = book.begin(WRITE).await?;
    let ended = end(book, &mut writing, key, now, zone).await?;
    book.commit(WRITE, writing).await?;
    Ok(ended)
}

/// Deletes the mutes that were over before that day.
pub async fn remove_mutes_before(book: &Book, day: NaiveDate) -> Result<u64, BookError> {
    const TASK: &str = "delete old mutes";
    const ONE: &str = "SELECT id FROM mutes WHERE until_date < ?1 LIMIT 1";
    let failed = |error| book.error(TASK, error);
    if book
        .store
        .row(ONE, &[day.into()])
        .await
        .map_err(failed)?
        .is_none()
    {
        return Ok(0);
    }
    let mut writing = book.begin(TASK).await?;
    let old = "DELETE FROM mutes WHERE until_date < ?1";
    let removed = writing.change(old, &[day.into()]).await.map_err(failed)?;
    book.commit(TASK, writing).await?;
    Ok(removed)
}

/// A mute of today leaves nothing behind: no day that is over was muted by it.
async fn end(
    book: &Book,
    writing: &mut Writing,
    key: &str,
    now: DateTime<Utc>,
    zone: Tz,
) -> Result<bool, BookError> {
    const LIVE: &str = r#"SELECT id, "key", muted_at, until_date, because FROM mutes
         WHERE "key" = ?1 AND until_date >= ?2"#;
    let failed = |error| book.error(WRITE, error);
    let today = Day::containing(now, zone);
    let live = writing.rows(LIVE, &[key.into(), today.date.into()]).await;
    let live = live.map_err(failed)?;
    for row in &live {
        let stored = stored(book, row)?;
        let id = stored.id.into();
        let changed = if stored.muted_at < today.start {
            let shorten = "UPDATE mutes SET until_date = ?1 WHERE id = ?2";
            let yesterday = today.previous().date.into();
            writing.change(shorten, &[yesterday, id]).await
        } else {
            writing
                .change("DELETE FROM mutes WHERE id = ?1", &[id])
                .await
        };
        changed.map_err(failed)?;
    }
    Ok(!live.is_empty())
}

struct Stored {
    id: i64,
    key: String,
    muted_at: DateTime<Utc>,
    until: NaiveDate,
    because: String,
}

fn stored(book: &Book, row: &Row) -> Result<Stored, BookError> {
    read(row).map_err(|unreadable| {
        let id: i64 = plain(row, "id").unwrap_or_default();
        book.bad_row(format!("mute {id}"), unreadable)
    })
}

fn read(row: &Row) -> Result<Stored, Unreadable> {
    Ok(Stored {
        id: plain(row, "id")?,
        key: plain(row, "key")?,
        muted_at: moment(row, "muted_at")?,
        until: date(row, "until_date")?,
        because: plain(row, "because")?,
    })
}

impl Stored {
    fn mute(self, zone: Tz) -> Mute {
        Mute {
            key: self.key,
            from: Day::containing(self.muted_at, zone).date,
            until: self.until,
            because: self.because,
        }
    }
}
