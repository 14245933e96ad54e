//! Which rows of a database were taken, by their numbers, and by which rows it is known again.

use std::collections::BTreeMap;

use super::super::bytes::{Corrupt, Reader, Writer};
use super::ranges::Ranges;
use super::row::Witness;

/// Witnesses of one table: its first row, and the last ones that were taken.
const WITNESSES: usize = 8;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Taken {
    tables: BTreeMap<usize, Ranges>,
    pub witnesses: Vec<Witness>,
}

impl Taken {
    pub(super) fn contains(&self, table: usize, id: i64) -> bool {
        self.tables
            .get(&table)
            .is_some_and(|taken| taken.contains(id))
    }

    /// `false`: it was taken already.
    pub(super) fn insert(&mut self, table: usize, id: i64) -> bool {
        self.tables.entry(table).or_default().insert(id)
    }

    pub(super) fn remember(&mut self, witnesses: Vec<Witness>) {
        for witness in witnesses {
            let same = |known: &&Witness| known.table == witness.table;
            if self.witnesses.iter().filter(same).count() == WITNESSES {
                let mut of_table = (0..self.witnesses.len())
                    .filter(|at| self.witnesses[*at].table == witness.table);
                let second = of_table.nth(1);
                second.map(|at| self.witnesses.remove(at));
            }
            self.witnesses.push(witness);
        }
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.number(self.tables.len() as u64);
        for (table, ranges) in &self.tables {
            writer.number(*table as u64);
            ranges.write(&mut writer);
        }
        for witness in &self.witnesses {
            writer.number(witness.table as u64);
            writer.signed(witness.id);
            writer.bytes.extend(witness.hash);
        }
        writer.bytes
    }

    /// No bytes: nothing was taken yet.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, Corrupt> {
        let mut taken = Self::default();
        if bytes.is_empty() {
            return Ok(taken);
        }
        let mut reader = Reader::new(bytes);
        for _ in 0..reader.size(64)? {
            let table = reader.size(64)?;
            taken.tables.insert(table, Ranges::read(&mut reader)?);
        }
        while !reader.rest().is_empty() {
            taken.witnesses.push(Witness {
                table: reader.size(64)?,
                id: reader.signed()?,
                hash: reader.array()?,
            });
        }
        Ok(taken)
    }
}
