//! The power fails at any moment: what was answered is on the disk, exactly once.

#![expect(clippy::disallowed_methods, reason = "recorders tell the real time")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use daybook::config::live::Durable;
use daybook::kinds::Kinds;
use daybook::live::batch::Batch;
use daybook::live::store::{Known, Store};
use serde_json::Value as Json;
use support::dice::Dice;
use support::world::World;

use super::disk::{self, Effect, passing_folder, watched};
use super::killed::{Sender, has_each_once};
use super::{CHECKOUT, METRICS};

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;
/// Events of one flush.
const FLUSH: usize = 2;

/// A change of a file that is not synced yet.
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Resize(usize),
}

/// A file, whatever its name is.
#[derive(Default)]
struct File {
    synced: Vec<u8>,
    pending: Vec<Change>,
}

/// What may have happened to pending changes when the power failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Lost,
    Done,
    /// Some of the first ones are done, the next in part.
    CutShort,
    /// Each sector of each is done or not.
    Mixed,
}

/// What is on the disk, and what only the system knows.
#[derive(Default)]
struct Disk {
    files: Vec<File>,
    /// By name, as far as the folder is synced.
    synced_names: BTreeMap<PathBuf, usize>,
    /// A name and its new file, or that it is gone.
    pending_names: Vec<(PathBuf, Option<usize>)>,
    /// By descriptor; `None` is the folder.
    open: HashMap<usize, Option<usize>>,
}

impl Change {
    fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Self::Write { at, bytes } => write_at(to, *at, bytes),
            Self::Resize(size) => to.resize(*size, 0),
        }
    }

    /// Only those sectors for which it is said; a change of the size happens whole.
    fn apply_some(&self, to: &mut Vec<u8>, mut is_done: impl FnMut() -> bool) {
        let Self::Write { at, bytes } = self else {
            if is_done() {
                self.apply(to);
            }
            return;
        };
        let mut from = 0;
        while from < bytes.len() {
            let end = bytes.len().min(from + SECTOR - (at + from) % SECTOR);
            if is_done() {
                write_at(to, at + from, &bytes[from..end]);
            }
            from = end;
        }
    }
}

/// What lies between the end and a write behind it is zeros.
fn write_at(to: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if to.len() < end {
        to.resize(end, 0);
    }
    to[at..end].copy_from_slice(bytes);
}

impl File {
    fn after(&self, fate: Fate, dice: &mut Dice) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        match fate {
            Fate::Lost => {}
            Fate::Done => self
                .pending
                .iter()
                .for_each(|change| change.apply(&mut bytes)),
            Fate::CutShort => {
                let whole = dice.below(self.pending.len() as u64 + 1) as usize;
                let (done, rest) = self.pending.split_at(whole);
                done.iter().for_each(|change| change.apply(&mut bytes));
                if let Some(cut) = rest.first() {
                    let mut sectors = dice.below(9);
                    cut.apply_some(&mut bytes, || {
                        sectors = sectors.saturating_sub(1);
                        sectors > 0
                    });
                }
            }
            Fate::Mixed => {
                for change in &self.pending {
                    change.apply_some(&mut bytes, || dice.one_in(2));
                }
            }
        }
        bytes
    }
}

impl Disk {
    fn apply(&mut self, effect: &Effect) {
        match effect {
            Effect::Process => self.open.clear(),
            Effect::Open {
                descriptor,
                is_new,
                path,
            } => {
                let file = self.open_file(path, *is_new);
                self.open.insert(*descriptor, file);
            }
            Effect::Write {
                descriptor,
                at,
                bytes,
            } => self.change(
                *descriptor,
                Change::Write {
                    at: *at,
                    bytes: bytes.clone(),
                },
            ),
            Effect::Resize { descriptor, size } => self.change(*descriptor, Change::Resize(*size)),
            Effect::Sync(descriptor) => self.sync(*descriptor),
            Effect::Close(descriptor) => drop(self.open.remove(descriptor)),
            Effect::Delete(path) => self.pending_names.push((path.clone(), None)),
            Effect::Answer(_) => {}
        }
    }

    fn open_file(&mut self, path: &Path, is_new: bool) -> Option<usize> {
        if is_new {
            self.files.push(File::default());
            let file = self.files.len() - 1;
            self.pending_names.push((path.to_owned(), Some(file)));
            return Some(file);
        }
        self.names(self.pending_names.len()).get(path).copied()
    }

    fn change(&mut self, descriptor: usize, change: Change) {
        if let Some(file) = self.open[&descriptor] {
            self.files[file].pending.push(change);
        }
    }

    fn sync(&mut self, descriptor: usize) {
        match self.open[&descriptor] {
            Some(file) => {
                let File { synced, pending } = &mut self.files[file];
                pending.drain(..).for_each(|change| change.apply(synced));
            }
            None => {
                self.synced_names = self.names(self.pending_names.len());
                self.pending_names.clear();
            }
        }
    }

    /// What is found in the folder if so many of its pending changes are done.
    fn names(&self, pending: usize) -> BTreeMap<PathBuf, usize> {
        let mut names = self.synced_names.clone();
        for (path, file) in &self.pending_names[..pending] {
            match file {
                Some(file) => names.insert(path.clone(), *file),
                None => names.remove(path),
            };
        }
        names
    }

    /// What is found in the folder once the power is back.
    fn write_after(&self, fate: Fate, dice: &mut Dice, folder: &Path) {
        let pending = match fate {
            Fate::Lost => 0,
            Fate::Done => self.pending_names.len(),
            _ => dice.below(self.pending_names.len() as u64 + 1) as usize,
        };
        for (path, file) in self.names(pending) {
            let mut bytes = self.files[file].after(fate, dice);
            if is_shared_memory(&path) {
                // It is made anew by whoever opens the database first, whatever is in it.
                bytes = (0..32_768).map(|_| dice.below(256) as u8).collect();
            }
            fs::write(folder.join(path.file_name().unwrap()), bytes).unwrap();
        }
    }

    /// Which files would be different if the power failed now; a lock has nothing in it.
    fn at_risk(&self) -> BTreeSet<String> {
        let names = self.names(self.pending_names.len());
        let changed = names
            .iter()
            .filter(|(_, file)| !self.files[**file].pending.is_empty());
        let named = self.pending_names.iter().map(|(path, _)| path);
        let all = changed.map(|(path, _)| path).chain(named);
        let matters =
            |path: &&PathBuf| !is_shared_memory(path) && !path.ends_with("live.db.keeper");
        let names = all.filter(matters).filter_map(|path| path.file_name());
        names
            .map(|name| name.to_string_lossy().into_owned())
            .collect()
    }
}

fn is_shared_memory(path: &Path) -> bool {
    path.to_string_lossy().ends_with("-shm")
}

fn event(number: usize, at: DateTime<Utc>) -> String {
    let shop = ["zh", "be"][number % 2];
    format!(
        r#"{{"kind": "checkout", "id": "a-{number}", "at": {}, "labels": {{"shop": "{shop}", "order": "a-{number}"}}, "values": {{"amount": {number}}}}}"#,
        at.timestamp()
    )
}

/// Sends `flushes` flushes from the event `first` on, each once the one before is answered.
fn record(world: &World, log: &Path, first: usize, flushes: usize, at: DateTime<Utc>) {
    let mut command = world.program();
    let log = log.to_str().unwrap();
    watched(&mut command, &world.path(""), &[("DISK_LOG", log)]);
    let mut recorder = command
        .args(["live", "record", "--flush", &FLUSH.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = recorder.stdin.take().unwrap();
    let mut answers = BufReader::new(recorder.stdout.take().unwrap()).lines();
    for flush in 0..flushes {
        let numbers = first + flush * FLUSH..first + (flush + 1) * FLUSH;
        let lines: Vec<String> = numbers.map(|number| event(number, at) + "\n").collect();
        input.write_all(lines.concat().as_bytes()).unwrap();
        let answer: Json = serde_json::from_str(&answers.next().unwrap().unwrap()).unwrap();
        assert_eq!(answer["accepted"], FLUSH, "{answer}");
        // The keeper comes by every second.
        thread::sleep(Duration::from_millis(10));
    }
    drop(input);
    assert!(recorder.wait().unwrap().success());
}

/// The folder is opened as after a restart: nothing in it is broken, and what was answered is there once.
async fn is_whole(folder: &Path, kinds: &Kinds, answered: usize) -> Store {
    let path = folder.join("live.db");
    let mut store = Store::open(&path, Durable::Commit).await.unwrap();
    let sender = Sender {
        name: "a",
        answered,
    };
    has_each_once(&mut store, kinds, &[sender]).await;
    store
}

/// What the sender sends again, because it had no answer, is there once too.
async fn takes_up(store: &mut Store, kinds: &Kinds, answered: usize, now: DateTime<Utc>) {
    let mut again = Batch::default();
    let sent = answered + 2 * FLUSH;
    for number in answered..sent {
        again.add_line(number, event(number, now).as_bytes(), kinds, now);
    }
    let known = &mut Known::new(5_000_000, false);
    store.commit(&mut [again], kinds, now, known).await.unwrap();
    let sender = Sender {
        name: "a",
        answered: sent,
    };
    has_each_once(store, kinds, &[sender]).await;
}

/// The real program records under a library that logs all it does to its files and when it answered (`disk.c`); then each
/// state of the disk that a power cut could have left is built from the log and opened. Taken for granted is only what POSIX
/// says: a file's bytes and size are safe after `fsync` of the file, its name after `fsync` of its folder. What came since is
/// lost, done, done in part up to a torn write, or done sector by sector (512 bytes) as chance will have it. Names appear and
/// vanish in order. A cut comes before each sync of anything, when most is at stake; one right after a sync is among those
/// before the next, with everything lost. Not simulated: disks that lose what they confirmed, and sectors that are torn.
#[tokio::test]
async fn after_a_power_cut_between_any_two_syncs_what_was_answered_is_there_once() {
    let settings =
        format!("[live]\nkeep_every = \"1s\"\n[live.kinds.checkout]\n{CHECKOUT}{METRICS}");
    let world = World::new("2026-11-20T11:00:00Z", &settings);
    let kinds = world.config().live.unwrap().kinds;
    let logs = tempfile::tempdir().unwrap();
    let log = logs.path().join("log");
    let now = Utc::now();
    // Points of the open hour, which are merged; more than a checkpoint's worth of points of hours that are over.
    record(&world, &log, 0, 66, now);
    record(&world, &log, 132, 200, now - TimeDelta::hours(3));
    let reading = Store::open_reading(&world.path("live.db")).await;
    let fill = reading.unwrap().unwrap().fill().await.unwrap().remove(0);
    assert_eq!(fill.points, 532);
    assert!(fill.fresh_points < 532 && fill.chunks < 200, "{fill:?}");
    let effects = disk::read_log(&log);

    let mut dice = Dice(19);
    let mut disk = Disk::default();
    let (mut answered, mut states) = (0, 0);
    let mut at_stake: BTreeMap<String, usize> = BTreeMap::new();
    let mut is_copied_under_way = false;
    for (at, effect) in effects.iter().enumerate() {
        let is_last = at + 1 == effects.len();
        let at_risk = disk.at_risk();
        if (matches!(effect, Effect::Sync(_)) || is_last) && !at_risk.is_empty() {
            let usual = [Fate::Lost, Fate::Done, Fate::CutShort][states % 3];
            let fates = match at_risk.iter().all(|name| name == "live.db-wal") {
                true => &[usual, Fate::Mixed][..],
                false => &[
                    Fate::Lost,
                    Fate::Done,
                    Fate::CutShort,
                    Fate::Mixed,
                    Fate::Mixed,
                ],
            };
            for fate in fates {
                let folder = passing_folder();
                disk.write_after(*fate, &mut dice, folder.path());
                println!("effect {at}, {answered} answered, {fate:?}: {at_risk:?}");
                let mut store = is_whole(folder.path(), &kinds, answered).await;
                if fates.len() > 2 || dice.one_in(4) {
                    takes_up(&mut store, &kinds, answered, now).await;
                }
                states += 1;
            }
            is_copied_under_way |= at_risk.contains("live.db") && (133..532).contains(&answered);
            for name in at_risk {
                *at_stake.entry(name).or_default() += 1;
            }
        }
        if let Effect::Answer(answer) = effect {
            let answer: Json = serde_json::from_slice(answer).unwrap();
            answered += answer["accepted"].as_u64().unwrap() as usize;
        }
        disk.apply(effect);
    }
    println!("{states} states, {at_stake:?}");
    assert_eq!(answered, 532);
    // Each answer has a sync of its own. The log was copied into the file at each process's end, and once when it was full.
    assert!(at_stake["live.db-wal"] >= 266, "{at_stake:?}");
    assert!(is_copied_under_way);
}
