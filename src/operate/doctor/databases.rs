//! The app databases: whether they can be read, have what the catalog names, and are safe from writing.

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use rustix::fs::{Access, access};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::calendar::Day;
use crate::collect::examine::indexes::Missing;
use crate::collect::examine::{Examined, Fault, examine as look, needed};
use crate::collect::unlisted::Unlisted;
use crate::collect::{Found, Request};
use crate::config::Config;
use crate::database::replayed::spoken;
use crate::database::{DatabaseError, Limits, Replayed, Trouble};
use crate::engine::Engine;
use crate::operate::request::one_day;

use super::{Finding, TIMEOUT, counted, line, listed};

/// PostgreSQL cuts longer names, MySQL refuses them.
const LONGEST_NAME: usize = 63;

const AREA: &str = "database";
const STATEMENT: Duration = Duration::from_secs(10);
const LOCK: Duration = Duration::from_secs(2);
/// In seconds; the time that a question takes explains less.
const CLOCKS_DIFFER: i64 = 10;
const FOLLOWER_LATE: TimeDelta = TimeDelta::minutes(10);

pub async fn examine(
    config: &Config,
    now: DateTime<Utc>,
    stop: &CancellationToken,
) -> Vec<Finding> {
    let yesterday = Day::containing(now, config.time_zone).previous();
    let request = Request {
        limits: Limits {
            statement_timeout: config.collect.statement_timeout.min(STATEMENT),
            lock_timeout: config.collect.lock_timeout.min(LOCK),
            stop: stop.clone(),
        },
        recipients: config.report.recipients_query.as_ref(),
        ..one_day(config, yesterday.close(), now, stop.clone())
    };
    let databases = needed(&request);
    let each = databases
        .iter()
        .map(|(name, keys)| one(config, name, keys, &request));
    join_all(each).await.into_iter().flatten().collect()
}

async fn one(config: &Config, name: &str, keys: &[String], request: &Request<'_>) -> Vec<Finding> {
    let called = match name {
        "" => "the app database".to_owned(),
        _ => format!("the app database `{name}`"),
    };
    let app = match config.app(name) {
        Ok(app) => app,
        Err(error) => {
            let means = "Its metrics fail each night.";
            let advice = "Follow the message.";
            let what = error.mistakes.first().map(|one| one.message.as_str());
            let what = what.unwrap_or_default();
            return vec![Finding::error(AREA, what, means, advice)];
        }
    };
    let examined = timeout(TIMEOUT, look(name, app, keys, request)).await;
    let examined = examined.unwrap_or_else(|_| {
        let message = format!("it could not be checked within {} s", TIMEOUT.as_secs());
        Err(DatabaseError::new(Trouble::Unavailable, message))
    });
    match examined {
        Ok(examined) => {
            let connection = match app.url.sqlite_path() {
                Some(file) => read_only(&file),
                None => line::examine(AREA, &called, &app.url, examined.server.is_encrypted),
            };
            let mut all = vec![reached(&called, &examined), connection];
            all.extend(findings(&called, &examined, keys.len()));
            all.extend(follower(&called, examined.replayed, request.now));
            all
        }
        Err(error) => vec![away(&called, name, &error)],
    }
}

fn unlisted(called: &str, one: &Unlisted) -> Finding {
    let rows = usize::try_from(one.rows).unwrap_or(usize::MAX);
    let what = format!(
        "{called}: {} not counted in the split `{}` by {}: {}",
        counted(rows, "row"),
        one.split,
        one.column,
        one.values
    );
    let means = "No metric of the split counts them.";
    let advice = "List the values under `split.into`, count all others with `rest = \"KEY\"`, or set `rest = \"ignore\"`.";
    Finding::warning(AREA, what, means, advice)
}

fn away(called: &str, name: &str, error: &DatabaseError) -> Finding {
    let what = format!("{called} cannot be read: {error}");
    let means = "Until this is fixed, nothing in it can be counted.";
    let variable = crate::config::apps::app_variable(name);
    let advice = match error.trouble {
        Trouble::Refused => format!(
            "Check user, password and name of the database, or the file, in its URL (`database_url` or {variable})."
        ),
        Trouble::Unavailable => format!(
            "Check that it runs, that host and port in its URL (`database_url` or {variable}) are right, and that no firewall blocks it."
        ),
        _ => "See the database's own log.".to_owned(),
    };
    Finding::error(AREA, what, means, advice)
}

fn findings(called: &str, examined: &Examined, metrics: usize) -> Vec<Finding> {
    let mut findings = Vec::new();
    match examined.faults.is_empty() {
        true => {
            let (tables, columns) = examined.named;
            let what = format!(
                "{called} has everything that {} need: {}, {}",
                counted(metrics, "metric"),
                counted(tables, "table"),
                counted(columns, "column")
            );
            findings.push(Finding::ok(
                AREA,
                what,
                "Every statement of the night can be planned.",
            ));
        }
        false => findings.extend(examined.faults.iter().map(|fault| broken(called, fault))),
    }
    findings.extend(
        examined
            .indexes
            .iter()
            .map(|one| slow(called, one, examined.engine)),
    );
    findings.extend(examined.unfit_times.iter().map(|why| {
        let means = "Rows are put into wrong days, or the metrics of this table fail.";
        let advice = "Set `time` of the table, or of the window, to the form of this column.";
        Finding::error(AREA, format!("{called}: {why}"), means, advice)
    }));
    findings.extend(examined.odd_times.iter().map(|why| {
        let means = "Rows dated in the future count only once that day is over, or on a wrong day.";
        let advice = "Correct `time` of the table, or of the window. If it is right, find out what writes such rows.";
        Finding::warning(AREA, format!("{called}: {why}"), means, advice)
    }));
    findings.extend(examined.unlisted.iter().map(|one| unlisted(called, one)));
    findings.extend(examined.undated_rows.iter().map(|one| {
        let rows = usize::try_from(one.rows).unwrap_or(usize::MAX);
        let what = format!(
            "{called}: {} has {} without a creation time",
            one.table,
            counted(rows, "row")
        );
        let means = "They count on every day, as if they had always existed.";
        let advice = format!(
            "If they should not count, leave them out with `where = \"{}\"`.",
            one.excluding.replace('"', "\\\"")
        );
        Finding::warning(AREA, what, means, advice)
    }));
    findings.extend(examined.clock_ahead.map(|ahead| clock(called, ahead)));
    findings.extend(powers(called, examined));
    findings.extend(
        examined
            .recipients
            .as_ref()
            .map(|found| readers(called, found)),
    );
    findings
}

fn reached(called: &str, examined: &Examined) -> Finding {
    let server = &examined.server;
    let user = match server.user.as_str() {
        "" => String::new(),
        user => format!(" as {user}"),
    };
    let standby = if server.is_standby { ", a standby" } else { "" };
    let what = format!(
        "{called} is {}{standby}, reached{user} in {} ms",
        server.version,
        examined.took.as_millis()
    );
    Finding::ok(AREA, what, "It can be read.")
}

/// A night waits for what a follower still lacks.
fn follower(called: &str, replayed: Replayed, now: DateTime<Utc>) -> Option<Finding> {
    let advice = "Find out what delays its replay, or read from the primary.";
    match replayed {
        Replayed::All => None,
        Replayed::Until(until) if now - until <= FOLLOWER_LATE => {
            let what = format!("{called} is a replica and keeps up with its primary");
            let means = "A run after midnight finds the whole day there.";
            Some(Finding::ok(AREA, what, means))
        }
        Replayed::Until(until) => {
            let lag = spoken(now - until);
            let what = format!("{called} is a replica, {lag} behind its primary");
            let means = "A night waits for it for `retry_for`, then stores the day as still open.";
            Some(Finding::warning(AREA, what, means, advice))
        }
        Replayed::Unknown => {
            let what = format!("{called} is a replica, and does not say how far it has replayed");
            let means = "No day can be counted: its last hours may be missing.";
            let advice = "Start its replay, let this user see its progress (pg_read_all_stats in PostgreSQL), or read from the primary.";
            Some(Finding::error(AREA, what, means, advice))
        }
    }
}

fn read_only(file: &Path) -> Finding {
    let what = format!("{} is opened read-only", file.display());
    let means = match access(file, Access::WRITE_OK).is_ok() {
        true => "This user might write to the file; Daybook never does.",
        false => "This user could not even write to the file.",
    };
    Finding::ok(AREA, what, means)
}

/// Rows get their times from the server's clock, days from this machine's.
fn clock(called: &str, ahead: TimeDelta) -> Finding {
    let seconds = ahead.num_seconds();
    let means = "Rows count on the day on which they were written.";
    if seconds.abs() <= CLOCKS_DIFFER {
        let what = format!("the clock of {called}'s server shows the same time as this machine's");
        return Finding::ok("time", what, means);
    }
    let way = if seconds > 0 { "ahead of" } else { "behind" };
    let what = format!(
        "the clock of {called}'s server is {} s {way} this machine's",
        seconds.abs()
    );
    let means = "Rows written around midnight may count on the wrong day.";
    let advice = "Set both clocks and keep them synchronized: `timedatectl set-ntp true`.";
    Finding::warning("time", what, means, advice)
}

fn broken(called: &str, fault: &Fault) -> Finding {
    let what = format!("{called}: {}", fault.what);
    let means = match fault.metrics.len() {
        0 => "The tables of the catalog differ from those of the database.".to_owned(),
        _ => format!("These metrics fail each night: {}.", listed(&fault.metrics)),
    };
    let advice = "Correct the catalog, or let this user read it; `daybook explain KEY` shows how a metric is counted.";
    Finding::error(AREA, what, means, advice)
}

fn slow(called: &str, index: &Missing, engine: Engine) -> Finding {
    let Missing {
        table,
        column,
        metrics,
        declared,
        ..
    } = index;
    let what = format!(
        "{called} has no index on {table} that begins with {column}, which {} would use",
        listed(metrics)
    );
    let means =
        "Each night it reads more than it needs to, or builds the index again for one statement.";
    let name = format!("{}_{column}_daybook", table.replace('.', "_"));
    let name: String = name.chars().take(LONGEST_NAME).collect();
    let table: Vec<String> = table.split('.').map(|part| quoted(part, engine)).collect();
    // MySQL indexes a text only by a prefix; a time fits into it.
    let length = match engine {
        Engine::Mysql if declared.contains("text") => "(32)",
        _ => "",
    };
    let advice = format!(
        "If nights should take less of it: CREATE INDEX {} ON {} ({}{length}). Daybook itself changes nothing there.",
        quoted(&name, engine),
        table.join("."),
        quoted(column, engine)
    );
    Finding::warning(AREA, what, means, &advice)
}

fn quoted(name: &str, engine: Engine) -> String {
    let mark = match engine {
        Engine::Mysql => "`",
        _ => "\"",
    };
    format!("{mark}{}{mark}", name.replace(mark, &mark.repeat(2)))
}

/// A stolen password that may only read can do no damage.
fn powers(called: &str, examined: &Examined) -> Option<Finding> {
    if examined.engine == Engine::Sqlite {
        return None;
    }
    let server = &examined.server;
    let user = &server.user;
    let mut powers = Vec::new();
    if server.is_superuser {
        powers.push("do everything, as a superuser".to_owned());
    } else {
        if !examined.writable.is_empty() {
            powers.push(format!("change {}", listed(&examined.writable)));
        }
        if server.may_create {
            powers.push("make tables".to_owned());
        }
        if server.may_write_files {
            powers.push("write files on the server".to_owned());
        }
    }
    if powers.is_empty() {
        let what = format!("{user} may only read {called}");
        return Some(Finding::ok(
            AREA,
            what,
            "Even with its password, nobody could change anything.",
        ));
    }
    let what = format!("{user} may {} in {called}", powers.join(" and "));
    let means = "Daybook only reads, but anyone with its password could do that.";
    let is_own =
        server.is_superuser || server.may_create_by_itself || !examined.writable.is_empty();
    let own_user = match examined.engine {
        Engine::Mysql => {
            "Give Daybook a user of its own that may only read: make one, and grant it SELECT on the tables and nothing else."
        }
        _ => {
            "Give Daybook a user of its own that may only read: make a role, grant it USAGE on the schema and SELECT on the tables."
        }
    };
    // Where everybody may create tables, another user would not help.
    let advice = match &server.open_schemas {
        None => own_user.to_owned(),
        Some(open) => {
            let close = format!(
                "Everybody can create tables in {open}: `REVOKE CREATE ON SCHEMA {open} FROM PUBLIC`, then grant CREATE to the roles that need it."
            );
            match is_own {
                true => format!("{own_user} {close}"),
                false => close,
            }
        }
    };
    Some(Finding::warning(AREA, what, means, &advice))
}

/// Addresses are counted, never shown.
fn readers(called: &str, found: &Result<Found, String>) -> Finding {
    let advice = "Correct `recipients_sql` under [report], or the rows that it reads.";
    match found {
        Err(why) => Finding::error(
            AREA,
            format!("{called}: {why}"),
            "The next report goes to the last known recipients.",
            advice,
        ),
        Ok(found) if found.recipients.is_empty() => {
            let what = format!("{called}: `recipients_sql` returns no recipients");
            Finding::warning(AREA, what, "Nobody of them gets a report.", advice)
        }
        Ok(found) if !found.bad.is_empty() => {
            let what = format!(
                "{called}: `recipients_sql` gives {}, and {} that cannot be used as they are",
                counted(found.recipients.len(), "reader"),
                counted(found.bad.len(), "row")
            );
            let means = "These get no report, or one without some wish; the report names them.";
            Finding::warning(AREA, what, means, advice)
        }
        Ok(found) => {
            let what = format!(
                "{called}: `recipients_sql` gives {}",
                counted(found.recipients.len(), "reader")
            );
            Finding::ok(AREA, what, "All of their addresses can be written to.")
        }
    }
}
