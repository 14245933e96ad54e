//! How often each size of number came, to within 0.8 % of the size: quantiles of any number of points in little room.

use crate::kinds::Percentile;

use super::super::bytes::{Corrupt, Reader, Writer};

/// Bits of the mantissa that are kept: 64 buckets between a number and its double.
const BITS: u32 = 6;
const SHIFT: u32 = 52 - BITS;
/// No float has a larger bucket.
const MOST_BUCKETS: usize = 2 << (11 + BITS);

/// Buckets with how many numbers lie in each, in the order of the numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sketch {
    buckets: Vec<(i32, u64)>,
}

/// A number's bucket: 0 for nothing, below for what is below.
pub fn bucket(number: f64) -> i32 {
    let size = (number.abs().to_bits() >> SHIFT) as i32;
    if number < 0.0 { -size } else { size }
}

impl Sketch {
    /// Of buckets in their order, each as often as it came.
    pub fn from_sorted(sorted: impl IntoIterator<Item = i32>) -> Self {
        let mut buckets: Vec<(i32, u64)> = Vec::new();
        for bucket in sorted {
            match buckets.last_mut() {
                Some((last, count)) if *last == bucket => *count += 1,
                _ => buckets.push((bucket, 1)),
            }
        }
        Self { buckets }
    }

    /// Of different buckets in any order.
    pub fn from_counts(mut buckets: Vec<(i32, u64)>) -> Self {
        buckets.sort_unstable();
        Self { buckets }
    }

    pub fn buckets(&self) -> &[(i32, u64)] {
        &self.buckets
    }

    pub fn merge(&mut self, other: &Self) {
        let mut merged = Vec::with_capacity(self.buckets.len() + other.buckets.len());
        let mut ours = self.buckets.iter().copied().peekable();
        let mut theirs = other.buckets.iter().copied().peekable();
        while let (Some(our), Some(their)) = (ours.peek(), theirs.peek()) {
            let (our, their) = (*our, *their);
            let first = our.0.min(their.0);
            let mut count = 0;
            if our.0 == first {
                count += our.1;
                ours.next();
            }
            if their.0 == first {
                count += their.1;
                theirs.next();
            }
            merged.push((first, count));
        }
        merged.extend(ours);
        merged.extend(theirs);
        self.buckets = merged;
    }

    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum()
    }

    /// Right to within 0.8 %.
    pub fn percentile(&self, percentile: Percentile) -> Option<f64> {
        self.bucket_of(percentile).map(middle)
    }

    /// The bucket in which it lies.
    pub fn bucket_of(&self, percentile: Percentile) -> Option<i32> {
        let rank = percentile.rank(self.count())?;
        let mut before = 0;
        let found = self.buckets.iter().find(|(_, count)| {
            before += count;
            before > rank
        });
        found.map(|(bucket, _)| *bucket)
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.number(self.buckets.len() as u64);
        let mut before = 0;
        for (bucket, count) in &self.buckets {
            writer.signed(i64::from(bucket - before));
            writer.number(*count);
            before = *bucket;
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Corrupt> {
        let count = reader.size(MOST_BUCKETS)?;
        let mut buckets = Vec::new();
        let mut before = 0_i32;
        for at in 0..count {
            let step = i32::try_from(reader.signed()?).ok();
            let bucket = step.and_then(|step| before.checked_add(step));
            let bucket = bucket.filter(|bucket| at == 0 || *bucket > before);
            before = bucket.ok_or(Corrupt("a sketch out of order"))?;
            buckets.push((before, reader.number()?));
        }
        Ok(Self { buckets })
    }
}

fn middle(bucket: i32) -> f64 {
    let size = u64::from(bucket.unsigned_abs());
    let (low, high) = (
        f64::from_bits(size << SHIFT),
        f64::from_bits((size + 1) << SHIFT),
    );
    let middle = if size == 0 {
        0.0
    } else {
        low / 2.0 + high / 2.0
    };
    if bucket < 0 { -middle } else { middle }
}
