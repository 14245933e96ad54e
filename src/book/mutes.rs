//! What is muted until when, and why. Mutes of the past stay until they are pruned, so that a past day is told
//! again as it was told then.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use sqlx::sqlite::SqliteRow;
use sqlx::{Sqlite, Transaction};

use crate::calendar::Day;
use crate::catalog::Mute;

use super::row::{Unreadable, date, instant, moment, plain};
use super::{Book, BookError};

const READ: &str = "read the mutes";
const WRITE: &str = "write a mute";

/// Of all days that are kept, the oldest first.
pub async fn mutes(book: &Book, zone: Tz) -> Result<Vec<Mute>, BookError> {
    let rows = sqlx::query("SELECT id, key, muted_at, until_date, because FROM mutes ORDER BY id")
        .fetch_all(&book.pool)
        .await
        .map_err(|error| book.error(READ, error))?;
    let stored = rows.iter().map(|row| Ok(stored(book, row)?.mute(zone)));
    stored.collect()
}

/// Mutes from now on; what stood of this key until now ends.
pub async fn mute(
    book: &Book,
    mute: &Mute,
    (now, zone): (DateTime<Utc>, Tz),
) -> Result<(), BookError> {
    let mut transaction = book.begin(WRITE).await?;
    end(book, &mut transaction, &mute.key, (now, zone)).await?;
    sqlx::query("INSERT INTO mutes (key, muted_at, until_date, because) VALUES (?, ?, ?, ?)")
        .bind(&mute.key)
        .bind(instant(now))
        .bind(mute.until.to_string())
        .bind(&mute.because)
        .execute(&mut *transaction)
        .await
        .map_err(|error| book.error(WRITE, error))?;
    let committed = transaction.commit().await;
    committed.map_err(|error| book.error(WRITE, error))
}

/// From today on it alerts again; on the days before it was muted all the same. False where nothing was muted.
pub async fn unmute(
    book: &Book,
    key: &str,
    (now, zone): (DateTime<Utc>, Tz),
) -> Result<bool, BookError> {
    let mut transaction = book.begin(WRITE).await?;
    let ended = end(book, &mut transaction, key, (now, zone)).await?;
    let committed = transaction.commit().await;
    committed.map_err(|error| book.error(WRITE, error))?;
    Ok(ended)
}

/// Deletes the mutes that were over before that day.
pub async fn remove_mutes_before(book: &Book, day: NaiveDate) -> Result<u64, BookError> {
    let done = sqlx::query("DELETE FROM mutes WHERE until_date < ?")
        .bind(day.to_string())
        .execute(&book.pool)
        .await
        .map_err(|error| book.error("delete old mutes", error))?;
    Ok(done.rows_affected())
}

/// A mute of today leaves nothing behind: no day that is over was muted by it.
async fn end(
    book: &Book,
    transaction: &mut Transaction<'static, Sqlite>,
    key: &str,
    (now, zone): (DateTime<Utc>, Tz),
) -> Result<bool, BookError> {
    let failed = |error| book.error(WRITE, error);
    let today = Day::containing(now, zone);
    let rows = sqlx::query(
        "SELECT id, key, muted_at, until_date, because FROM mutes WHERE key = ? AND until_date >= ?",
    )
    .bind(key)
    .bind(today.date.to_string())
    .fetch_all(&mut **transaction)
    .await
    .map_err(failed)?;
    for row in &rows {
        let stored = stored(book, row)?;
        let changed = if stored.muted_at < today.start {
            sqlx::query("UPDATE mutes SET until_date = ? WHERE id = ?")
                .bind(today.previous().date.to_string())
                .bind(stored.id)
        } else {
            sqlx::query("DELETE FROM mutes WHERE id = ?").bind(stored.id)
        };
        changed.execute(&mut **transaction).await.map_err(failed)?;
    }
    Ok(!rows.is_empty())
}

struct Stored {
    id: i64,
    key: String,
    muted_at: DateTime<Utc>,
    until: NaiveDate,
    because: String,
}

fn stored(book: &Book, row: &SqliteRow) -> Result<Stored, BookError> {
    read(row).map_err(|unreadable| {
        let id: i64 = plain(row, "id").unwrap_or_default();
        book.bad_row(format!("mute {id}"), unreadable)
    })
}

fn read(row: &SqliteRow) -> Result<Stored, Unreadable> {
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
