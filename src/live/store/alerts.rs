//! States of alerts between two nights, what became of them, and to whom it was sent.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::threshold::{Direction, Raised, Severity, State};

use super::super::watch::{Happened, Judged, Known, Words};
use super::{Store, StoreError};

/// Of the groups of an alert that begin at once, so many are told apart from the others.
const TOLD_APART: i64 = 20;
/// What happened is known for so long.
const HISTORY: TimeDelta = TimeDelta::days(400);

/// An alert of one group, from its beginning to its end.
#[derive(Debug, Clone, PartialEq)]
pub struct RaisedOnce {
    pub alert: String,
    pub words: Words,
    /// The worst of it, and its number then.
    pub severity: Severity,
    pub value: Option<f64>,
    pub since: DateTime<Utc>,
    pub until: Option<DateTime<Utc>>,
}

/// A delivery of what happened, on its way to one recipient.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertDelivery {
    pub id: i64,
    /// A webhook's name, or an address.
    pub recipient: String,
    pub attempts: u32,
    pub planned: DateTime<Utc>,
    pub happened: Happened,
    /// So many groups began with this one that it is told only together with others.
    pub is_of_many: bool,
}

/// What an attempt leads to, in the words of the book's ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    Accepted,
    Failed,
    Ambiguous,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub struct DeliveryEnding {
    pub state: DeliveryState,
    /// When it is tried again, if it is.
    pub due: Option<DateTime<Utc>>,
    pub reply: String,
}

impl DeliveryState {
    fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Failed => "failed",
            Self::Ambiguous => "ambiguous",
        }
    }
}

impl Store {
    /// The groups of an alert that are raised, or that were told lately.
    pub async fn known_alerts(
        &mut self,
        alert: &str,
    ) -> Result<BTreeMap<Words, Known>, StoreError> {
        let rows = sqlx::query(
            "SELECT words, severity, since, critical_since, value, judged, told FROM alerts WHERE alert = ?",
        )
        .bind(alert)
        .fetch_all(&mut self.connection)
        .await
        .map_err(self.failed("read"))?;
        let known = rows.iter().map(known).collect::<Result<_, _>>();
        known.map_err(self.failed("read"))
    }

    /// Notes an alert's states, what happened, and to whom it is to be sent, all at once.
    pub async fn note_alerts(
        &mut self,
        alert: &str,
        judged: &Judged,
        recipients: &[String],
    ) -> Result<(), StoreError> {
        self.begin().await?;
        let noted = self.note_all(alert, judged, recipients).await;
        self.finish(noted).await
    }

    async fn note_all(
        &mut self,
        alert: &str,
        judged: &Judged,
        recipients: &[String],
    ) -> Result<(), StoreError> {
        let failed = self.failed("write to");
        sqlx::query("DELETE FROM alerts WHERE alert = ?")
            .bind(alert)
            .execute(&mut self.connection)
            .await
            .map_err(&failed)?;
        for (words, known) in &judged.known {
            let raised = known.raised;
            sqlx::query("INSERT INTO alerts VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
                .bind(alert)
                .bind(json!(words).to_string())
                .bind(raised.map(|raised| severity_number(raised.severity)))
                .bind(raised.map(|raised| raised.since.timestamp_micros()))
                .bind(raised.and_then(|raised| Some(raised.critical_since?.timestamp_micros())))
                .bind(known.value)
                .bind(known.judged.timestamp_micros())
                .bind(known.told.map(|told| told.timestamp_micros()))
                .execute(&mut self.connection)
                .await
                .map_err(&failed)?;
        }
        for happened in &judged.happened {
            let noted = sqlx::query(
                "INSERT INTO alert_history (alert, words, state, severity, at, since, value, is_told, is_partial)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(alert)
            .bind(json!(happened.words).to_string())
            .bind(state_number(happened.state))
            .bind(severity_number(happened.severity))
            .bind(happened.at.timestamp_micros())
            .bind(happened.since.timestamp_micros())
            .bind(happened.value)
            .bind(happened.is_told)
            .bind(happened.is_partial)
            .execute(&mut self.connection)
            .await
            .map_err(&failed)?;
            let recipients = recipients.iter().filter(|_| happened.is_told);
            for recipient in recipients {
                sqlx::query(
                    "INSERT INTO alert_deliveries (history, recipient, state, attempts, planned, due) VALUES (?, ?, 'planned', 0, ?, ?)",
                )
                .bind(noted.last_insert_rowid())
                .bind(recipient)
                .bind(happened.at.timestamp_micros())
                .bind(happened.at.timestamp_micros())
                .execute(&mut self.connection)
                .await
                .map_err(&failed)?;
            }
        }
        let old = judged
            .happened
            .first()
            .and_then(|happened| happened.at.checked_sub_signed(HISTORY));
        if let Some(old) = old {
            for sql in [
                "DELETE FROM alert_deliveries WHERE history IN (SELECT id FROM alert_history WHERE at < ?)",
                "DELETE FROM alert_history WHERE at < ?",
            ] {
                let deleted = sqlx::query(sql)
                    .bind(old.timestamp_micros())
                    .execute(&mut self.connection)
                    .await;
                deleted.map_err(&failed)?;
            }
        }
        Ok(())
    }

    /// States of alerts that are declared no more.
    pub async fn forget_other_alerts(&mut self, keys: &BTreeSet<&str>) -> Result<(), StoreError> {
        let keys = json!(keys).to_string();
        let others: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM alerts WHERE alert NOT IN (SELECT value FROM json_each(?))",
        )
        .bind(&keys)
        .fetch_one(&mut self.connection)
        .await
        .map_err(self.failed("read"))?;
        if others > 0 {
            let deleted = sqlx::query(
                "DELETE FROM alerts WHERE alert NOT IN (SELECT value FROM json_each(?))",
            )
            .bind(&keys)
            .execute(&mut self.connection)
            .await;
            deleted.map_err(self.failed("write to"))?;
        }
        Ok(())
    }

    /// What is raised now, by alert.
    pub async fn raised_alerts(&mut self) -> Result<Vec<(String, Words, Known)>, StoreError> {
        let rows = sqlx::query(
            "SELECT words, severity, since, critical_since, value, judged, told, alert FROM alerts
             WHERE severity IS NOT NULL ORDER BY severity DESC, since, alert, words",
        )
        .fetch_all(&mut self.connection)
        .await
        .map_err(self.failed("read"))?;
        let raised = rows.iter().map(|row| {
            let (words, known) = known(row)?;
            Ok((row.try_get(7)?, words, known))
        });
        raised
            .collect::<Result<_, sqlx::Error>>()
            .map_err(self.failed("read"))
    }

    /// What happened from one instant on to before another, the newest first.
    pub async fn alert_history(
        &mut self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        most: i64,
    ) -> Result<Vec<Happened>, StoreError> {
        let rows = sqlx::query(
            "SELECT alert, words, state, severity, at, since, value, is_told, is_partial FROM alert_history
             WHERE at >= ? AND at < ? ORDER BY at DESC, id DESC LIMIT ?",
        )
        .bind(from.timestamp_micros())
        .bind(to.timestamp_micros())
        .bind(most)
        .fetch_all(&mut self.connection)
        .await
        .map_err(self.failed("read"))?;
        let all = rows.iter().map(happened).collect::<Result<_, _>>();
        all.map_err(self.failed("read"))
    }

    /// What was raised from one instant on to before another, the first first. What was raised before and has no end belongs
    /// to it as long as it is raised now: an alert that is declared no more has none.
    pub async fn raised_between(
        &mut self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Vec<RaisedOnce>, StoreError> {
        // `value` is of the row with the maximum: the first as severe as it became.
        let rows = sqlx::query(
            "SELECT alert, words, max(10 * severity - state), severity, value, since,
                sum(at) FILTER (WHERE state = ?3) AS until
             FROM alert_history AS history WHERE since < ?2 GROUP BY alert, words, since
             HAVING since >= ?1 OR until >= ?1 OR (until IS NULL AND EXISTS (
                SELECT 1 FROM alerts WHERE alert = history.alert AND words = history.words AND since = history.since))
             ORDER BY since, alert, words",
        )
        .bind(from.timestamp_micros())
        .bind(to.timestamp_micros())
        .bind(state_number(State::Recovered))
        .fetch_all(&mut self.connection)
        .await
        .map_err(self.failed("read"))?;
        let raised = rows.iter().map(|row| {
            let until: Option<i64> = row.try_get(6)?;
            Ok(RaisedOnce {
                alert: row.try_get(0)?,
                words: words(row.try_get(1)?),
                severity: severity_of(row.try_get(3)?),
                value: row.try_get(4)?,
                since: instant(row.try_get(5)?),
                until: until.map(instant),
            })
        });
        raised
            .collect::<Result<_, sqlx::Error>>()
            .map_err(self.failed("read"))
    }

    /// Deliveries that are due, those that may be one message side by side.
    pub async fn due_alerts(
        &mut self,
        now: DateTime<Utc>,
    ) -> Result<Vec<AlertDelivery>, StoreError> {
        let rows = sqlx::query(
            "SELECT alert, words, alert_history.state, severity, at, since, value, is_told, is_partial,
                alert_deliveries.id, recipient, attempts, planned,
                (SELECT count(*) FROM (SELECT 1 FROM alert_history AS began
                    WHERE began.at = alert_history.since AND began.alert = alert_history.alert
                        AND began.state = ?1 AND began.words < alert_history.words LIMIT ?2)) = ?2 AS is_of_many
             FROM alert_deliveries JOIN alert_history ON alert_history.id = history
             WHERE due <= ?3 AND alert_deliveries.state IN ('planned', 'failed')
             ORDER BY recipient, at, alert, alert_history.state, attempts, is_of_many, since, alert_deliveries.id",
        )
        .bind(state_number(State::New))
        .bind(TOLD_APART)
        .bind(now.timestamp_micros())
        .fetch_all(&mut self.connection)
        .await
        .map_err(self.failed("read"))?;
        let due = rows.iter().map(|row| {
            Ok(AlertDelivery {
                happened: happened(row)?,
                id: row.try_get(9)?,
                recipient: row.try_get(10)?,
                attempts: row.try_get(11)?,
                planned: instant(row.try_get(12)?),
                is_of_many: row.try_get(13)?,
            })
        });
        due.collect::<Result<_, sqlx::Error>>()
            .map_err(self.failed("read"))
    }

    /// Notes before a message leaves that it does.
    pub async fn claim_alert(&mut self, id: i64) -> Result<bool, StoreError> {
        let claimed = sqlx::query(
            "UPDATE alert_deliveries SET state = 'sending', attempts = attempts + 1, due = NULL
             WHERE id = ? AND state IN ('planned', 'failed')",
        )
        .bind(id)
        .execute(&mut self.connection)
        .await;
        Ok(claimed.map_err(self.failed("write to"))?.rows_affected() == 1)
    }

    pub async fn note_alert_delivery(
        &mut self,
        id: i64,
        ending: &DeliveryEnding,
    ) -> Result<(), StoreError> {
        let noted =
            sqlx::query("UPDATE alert_deliveries SET state = ?, due = ?, reply = ? WHERE id = ?")
                .bind(ending.state.word())
                .bind(ending.due.map(|due| due.timestamp_micros()))
                .bind(&ending.reply)
                .bind(id)
                .execute(&mut self.connection)
                .await;
        noted.map(drop).map_err(self.failed("write to"))
    }

    /// Deliveries that a process left behind that ended while they were on their way: mails are in doubt, all else may come
    /// twice.
    pub async fn release_claimed_alerts(&mut self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let released = sqlx::query(
            "UPDATE alert_deliveries SET reply = 'the process ended while the message was on its way',
                state = CASE WHEN recipient LIKE '%@%' THEN 'ambiguous' ELSE 'failed' END,
                due = CASE WHEN recipient LIKE '%@%' THEN NULL ELSE ? END
             WHERE state = 'sending'",
        )
        .bind(now.timestamp_micros())
        .execute(&mut self.connection)
        .await;
        released.map(drop).map_err(self.failed("write to"))
    }

    /// How many deliveries of what happened since then are in each state.
    pub async fn alert_delivery_counts(
        &mut self,
        since: DateTime<Utc>,
    ) -> Result<Vec<(String, i64)>, StoreError> {
        let counts = sqlx::query_as(
            "SELECT state, count(*) FROM alert_deliveries WHERE planned >= ? GROUP BY state ORDER BY state",
        )
        .bind(since.timestamp_micros())
        .fetch_all(&mut self.connection)
        .await;
        counts.map_err(self.failed("read"))
    }
}

fn known(row: &SqliteRow) -> Result<(Words, Known), sqlx::Error> {
    let severity: Option<i64> = row.try_get(1)?;
    let raised = severity.map(|severity| -> Result<_, sqlx::Error> {
        let critical_since: Option<i64> = row.try_get(3)?;
        Ok(Raised {
            severity: severity_of(severity),
            direction: Direction::Unchanged,
            since: instant(row.try_get(2)?),
            critical_since: critical_since.map(instant),
        })
    });
    let told: Option<i64> = row.try_get(6)?;
    let known = Known {
        raised: raised.transpose()?,
        value: row.try_get(4)?,
        judged: instant(row.try_get(5)?),
        told: told.map(instant),
    };
    Ok((words(row.try_get(0)?), known))
}

fn happened(row: &SqliteRow) -> Result<Happened, sqlx::Error> {
    Ok(Happened {
        alert: row.try_get(0)?,
        words: words(row.try_get(1)?),
        state: state_of(row.try_get(2)?),
        severity: severity_of(row.try_get(3)?),
        at: instant(row.try_get(4)?),
        since: instant(row.try_get(5)?),
        value: row.try_get(6)?,
        is_told: row.try_get(7)?,
        is_partial: row.try_get(8)?,
    })
}

fn words(text: &str) -> Words {
    serde_json::from_str(text).unwrap_or_default()
}

fn instant(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}

fn severity_number(severity: Severity) -> i64 {
    match severity {
        Severity::Warning => 1,
        Severity::Critical => 2,
    }
}

fn severity_of(number: i64) -> Severity {
    match number {
        2 => Severity::Critical,
        _ => Severity::Warning,
    }
}

fn state_number(state: State) -> i64 {
    match state {
        State::New => 0,
        State::Worse => 1,
        State::Recovered => 2,
        State::Ongoing => 3,
    }
}

fn state_of(number: i64) -> State {
    match number {
        0 => State::New,
        1 => State::Worse,
        2 => State::Recovered,
        _ => State::Ongoing,
    }
}
