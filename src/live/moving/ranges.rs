//! Whole numbers, most of which lie side by side.

use super::super::bytes::{Corrupt, Reader, Writer};

/// More than this a reader does not believe.
const MOST: usize = 1 << 26;

/// First and last of each range, in their order; no two touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ranges(Vec<(i64, i64)>);

impl Ranges {
    pub(super) fn contains(&self, number: i64) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= number);
        after > 0 && number <= self.0[after - 1].1
    }

    /// `false`: it was there already.
    pub(super) fn insert(&mut self, number: i64) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= number);
        if after > 0 && number <= self.0[after - 1].1 {
            return false;
        }
        let follows = after > 0 && self.0[after - 1].1 + 1 == number;
        let precedes = self
            .0
            .get(after)
            .is_some_and(|(first, _)| first - 1 == number);
        match (follows, precedes) {
            (true, true) => {
                self.0[after - 1].1 = self.0[after].1;
                self.0.remove(after);
            }
            (true, false) => self.0[after - 1].1 = number,
            (false, true) => self.0[after].0 = number,
            (false, false) => self.0.insert(after, (number, number)),
        }
        true
    }

    /// Each range as its distance from the one before and its length.
    pub(super) fn write(&self, writer: &mut Writer) {
        writer.number(self.0.len() as u64);
        let mut before = 0_i64;
        for (first, last) in &self.0 {
            writer.signed(first.wrapping_sub(before));
            writer.number(last.wrapping_sub(*first) as u64);
            before = *last;
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Corrupt> {
        let mut ranges = Vec::new();
        let mut before = 0_i64;
        for _ in 0..reader.size(MOST)? {
            let first = before.wrapping_add(reader.signed()?);
            before = first.wrapping_add(reader.number()? as i64);
            ranges.push((first, before));
        }
        Ok(Self(ranges))
    }
}
