//! Reads what all have counted of scans: the hashes of the moderation bot, whoever wrote them.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::super::compat::scan_hashes::{
    GuildZero, Hashes, RollupKey, ScanRow, Wanted, add_rows, rollups, row, sums, wanted_keys,
};
use super::super::compat::scan_sums::{Bucket, Measure, ScanSums};
use super::super::store::StoreError;
use super::keys;
use super::shared::Shared;
use super::wire::{Answers, Commands, command};

/// Keys of an index that are listed together, and rollups that are read at one instant.
const LISTED: usize = 2_000;
const READ: usize = 100;

/// The rows of the newest days, as many as are wanted.
pub async fn scan_rollups(
    shared: &mut Shared,
    wanted: &Wanted,
    limit: usize,
) -> Result<Vec<ScanRow>, StoreError> {
    let mut rows = Vec::new();
    let mut days = Days::default();
    while rows.len() < limit {
        let Some(keys) = days.next(shared, wanted).await? else {
            break;
        };
        rows.extend(rows_of(shared, wanted, &keys).await?);
    }
    rows.truncate(limit);
    Ok(rows)
}

/// What all of them come to by content type.
pub async fn scan_summary(
    shared: &mut Shared,
    wanted: &Wanted,
) -> Result<BTreeMap<String, ScanSums>, StoreError> {
    let mut all: BTreeMap<String, ScanSums> = BTreeMap::new();
    let mut days = Days::default();
    while let Some(keys) = days.next(shared, wanted).await? {
        add_rows(&mut all, rows_of(shared, wanted, &keys).await?);
    }
    Ok(all)
}

/// Of all time.
pub async fn scan_totals(shared: &mut Shared) -> Result<ScanSums, StoreError> {
    let totals = [keys::totals(shared.prefix())];
    let mut read = ScanSums::default();
    each(shared, &totals, |_, hashes| read = sums(hashes)).await?;
    Ok(as_told(read, guild_zero(shared)))
}

/// An index, day after day, the newest first.
#[derive(Default)]
struct Days {
    /// Keys of a day that may go on in what is listed next.
    listed: Vec<RollupKey>,
    /// So many were listed.
    count: usize,
    is_all: bool,
    given: Option<NaiveDate>,
}

impl Days {
    /// The keys of the next days, all of each day; `None`: there are no more.
    async fn next(
        &mut self,
        shared: &mut Shared,
        wanted: &Wanted,
    ) -> Result<Option<Vec<RollupKey>>, StoreError> {
        while !self.is_all {
            let more = list(shared, wanted, self.count).await?;
            self.count += more.len();
            self.is_all = more.len() < LISTED;
            let more = more.iter().filter_map(|key| RollupKey::parse(key));
            self.listed.extend(more);
            let last = self.listed.last().map(|key| key.date);
            let (is_all, given) = (self.is_all, self.given);
            let is_whole = |key: &mut RollupKey| is_all || Some(key.date) > last;
            let whole = self.listed.extract_if(.., is_whole);
            let new = whole.filter(|key| given.is_none_or(|given| key.date < given));
            let keys = wanted_keys(new, wanted);
            if let Some(key) = keys.last() {
                self.given = Some(key.date);
                return Ok(Some(keys));
            }
        }
        Ok(None)
    }
}

async fn list(
    shared: &mut Shared,
    wanted: &Wanted,
    before: usize,
) -> Result<Vec<String>, StoreError> {
    let index = match wanted.guild {
        Some(guild) => keys::rollups_of(shared.prefix(), &guild.to_string()),
        None => keys::rollups(shared.prefix()),
    };
    let least = wanted
        .since
        .map_or("-inf".to_owned(), |since| keys::score(since).to_string());
    let mut list = command("ZREVRANGEBYSCORE");
    list.arg(index).arg("+inf").arg(least);
    list.arg("LIMIT").number(before as i64);
    shared.ask(list.number(LISTED as i64)).await
}

async fn rows_of(
    shared: &mut Shared,
    wanted: &Wanted,
    keys: &[RollupKey],
) -> Result<Vec<ScanRow>, StoreError> {
    let names: Vec<&str> = keys.iter().map(|key| key.key.as_str()).collect();
    let mut read = Vec::with_capacity(keys.len());
    each(shared, &names, |place, hashes| {
        read.extend(row(&keys[place], hashes));
    })
    .await?;
    let form = guild_zero(shared);
    let rows = rollups(read, wanted, form, usize::MAX).unwrap_or_default();
    let told = rows.into_iter().map(|row| ScanRow {
        sums: as_told(row.sums, form),
        ..row
    });
    Ok(told.collect())
}

/// Hands on hashes with their statuses and, where there are any, their baselines.
async fn each(
    shared: &mut Shared,
    names: &[impl AsRef<str>],
    mut take: impl FnMut(usize, &Hashes<'_>),
) -> Result<(), StoreError> {
    let has_baselines = has_baselines(shared, names).await?;
    let mut parts = Vec::new();
    for names in names.chunks(READ) {
        let mut commands = Commands::default();
        for name in names {
            let status = keys::status(name.as_ref());
            commands.add(command("HGETALL").arg(name.as_ref()));
            commands.add(command("HGETALL").arg(&status));
            if has_baselines {
                for hash in [name.as_ref(), &status] {
                    commands.add(command("HGETALL").arg(keys::baseline(hash)));
                }
            }
        }
        parts.push(commands);
    }
    let read_part = |part: usize, answers: Answers| {
        let mut read = answers.read();
        let first = part * READ;
        for place in first..names.len().min(first + READ) {
            let mut hashes = Hashes {
                counters: read.fields()?,
                status: read.fields()?,
                ..Hashes::default()
            };
            if has_baselines {
                hashes.baseline = read.fields()?;
                hashes.status_baseline = read.fields()?;
            }
            take(place, &hashes);
        }
        Ok(())
    };
    shared.each_at_once(&parts, read_part).await
}

async fn has_baselines(shared: &mut Shared, names: &[impl AsRef<str>]) -> Result<bool, StoreError> {
    let mut exist = command("EXISTS");
    for name in names {
        let status = keys::status(name.as_ref());
        exist.arg(keys::baseline(name.as_ref()));
        exist.arg(keys::baseline(&status));
    }
    Ok(shared.ask::<i64>(&exist).await? > 0)
}

fn guild_zero(shared: &Shared) -> GuildZero {
    match shared.has_later_scans() {
        true => GuildZero::Everything,
        false => GuildZero::Guildless,
    }
}

/// The documented form tells neither squares nor accelerations.
fn as_told(mut sums: ScanSums, form: GuildZero) -> ScanSums {
    if form == GuildZero::Guildless {
        let Bucket {
            bytes, duration, ..
        } = &mut sums.all;
        for measure in [bytes, duration] {
            *measure = Measure {
                squares_within: i128::MAX,
                ..*measure
            };
        }
        sums.acceleration = None;
    }
    sums
}
