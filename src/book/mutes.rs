//! Mutes: until when, and why. Past mutes stay until they are pruned, so that a past day is judged as it was then.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::calendar::Day;
use crate::catalog::Mute;

use super::row::{Unreadable, date, moment, plain};
use super::store::{Row, Transaction};
use super::{Book, BookError};

const WRITE: &str = "write a mute";

/// All that the book holds, the oldest first.
pub async fn mutes(book: &Book, zone: Tz) -> Result<Vec<Mute>, BookError> {
    const ALL: &str = r#"SELECT id, "key", muted_at, until_date, because FROM mutes ORDER BY id"#;
    let rows = book.rows("read the mutes", ALL, &[]).await?;
    let mutes = rows.iter().map(|row| Ok(stored(book, row, zone)?.mute));
    mutes.collect()
}

/// Mutes from now on, and ends an earlier mute of this key.
pub async fn mute(book: &Book, mute: &Mute, now: DateTime<Utc>, zone: Tz) -> Result<(), BookError> {
    const NEW: &str =
        r#"INSERT INTO mutes ("key", muted_at, until_date, because) VALUES (?1, ?2, ?3, ?4)"#;
    let mut tx = book.begin(WRITE).await?;
    end(book, &mut tx, &mute.key, now, zone).await?;
    let binds = [
        (&mute.key).into(),
        now.into(),
        mute.until.into(),
        (&mute.because).into(),
    ];
    tx.change(NEW, &binds).await?;
    tx.commit().await
}

/// Ends a mute from today on; the days before stay muted. False if nothing was muted.
pub async fn unmute(
    book: &Book,
    key: &str,
    now: DateTime<Utc>,
    zone: Tz,
) -> Result<bool, BookError> {
    let mut tx = book.begin(WRITE).await?;
    let ended = end(book, &mut tx, key, now, zone).await?;
    tx.commit().await?;
    Ok(ended)
}

/// Deletes the mutes that were over before that day.
pub async fn remove_mutes_before(book: &Book, day: NaiveDate) -> Result<u64, BookError> {
    const TASK: &str = "delete old mutes";
    const ONE: &str = "SELECT id FROM mutes WHERE until_date < ?1 LIMIT 1";
    const OLD: &str = "DELETE FROM mutes WHERE until_date < ?1";
    if book.row(TASK, ONE, &[day.into()]).await?.is_none() {
        return Ok(0);
    }
    let mut tx = book.begin(TASK).await?;
    let removed = tx.change(OLD, &[day.into()]).await?;
    tx.commit().await?;
    Ok(removed)
}

/// Ends the live mutes of this key. One of today is deleted: it muted no complete day.
async fn end(
    book: &Book,
    tx: &mut Transaction,
    key: &str,
    now: DateTime<Utc>,
    zone: Tz,
) -> Result<bool, BookError> {
    const LIVE: &str = r#"SELECT id, "key", muted_at, until_date, because FROM mutes
         WHERE "key" = ?1 AND until_date >= ?2"#;
    const SHORTEN: &str = "UPDATE mutes SET until_date = ?1 WHERE id = ?2";
    const DELETE: &str = "DELETE FROM mutes WHERE id = ?1";
    let today = Day::containing(now, zone);
    let live = tx.rows(LIVE, &[key.into(), today.date.into()]).await?;
    for row in &live {
        let stored = stored(book, row, zone)?;
        let id = stored.id.into();
        if stored.mute.from < today.date {
            let yesterday = today.previous().date.into();
            tx.change(SHORTEN, &[yesterday, id]).await?;
        } else {
            tx.change(DELETE, &[id]).await?;
        }
    }
    Ok(!live.is_empty())
}

struct Stored {
    id: i64,
    mute: Mute,
}

fn stored(book: &Book, row: &Row, zone: Tz) -> Result<Stored, BookError> {
    read(row, zone).map_err(|unreadable| {
        let id: i64 = plain(row, "id").unwrap_or_default();
        book.bad_row(format!("mute {id}"), unreadable)
    })
}

fn read(row: &Row, zone: Tz) -> Result<Stored, Unreadable> {
    Ok(Stored {
        id: plain(row, "id")?,
        mute: Mute {
            key: plain(row, "key")?,
            from: Day::containing(moment(row, "muted_at")?, zone).date,
            until: date(row, "until_date")?,
            because: plain(row, "because")?,
        },
    })
}
