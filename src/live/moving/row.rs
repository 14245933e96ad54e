//! Records of other systems as they are read, page by page.

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::super::event::{Event, Hash, Refused};
use super::super::store::Identity;

/// Records that are read, checked and written together.
pub(super) const PAGE: usize = 10_000;

#[derive(Default)]
pub(super) struct Page {
    pub rows: Vec<Row>,
    /// Some of the rows, where the file must be known again by them.
    pub witnesses: Vec<Witness>,
}

pub(super) struct Row {
    /// Where it stands: in a table, or in a line.
    pub table: &'static str,
    pub id: Json,
    pub read: Read,
}

pub(super) enum Read {
    Event(Box<Event<'static>>, Key),
    /// It began and never ended.
    Unfinished,
    /// It says nothing by itself.
    PassedOver,
    Refused(Refused),
}

/// By what a row is known again.
#[derive(Debug, Clone)]
pub(super) enum Key {
    /// By its number in its table, which it keeps wherever it is moved.
    Numbered {
        table: usize,
        id: i64,
    },
    Record(Identity),
}

/// A row by which its database is known again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Witness {
    pub table: usize,
    pub id: i64,
    pub hash: Hash,
}

impl Witness {
    pub(super) fn of(table: usize, id: i64, cells: &[Json]) -> Self {
        let mut digest = Sha256::new();
        for cell in cells {
            digest.update(cell.to_string());
            digest.update([0]);
        }
        let mut hash = Hash::default();
        hash.copy_from_slice(&digest.finalize()[..16]);
        Self { table, id, hash }
    }
}
