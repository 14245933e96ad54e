//! The compact history of a host: samples of a UTC day behind one another, in a twentieth of the room of their JSON.
//!
//! A sample is the difference to the one that the same connection wrote before it into the same key:
//!
//! 1. chain · 2 + begins: which connection wrote it, and whether it begins anew;
//! 2. milliseconds since the sample before, or since the day's start if it begins anew;
//! 3. bit by bit in the order of [`FIELDS`]: which fields it has if it begins anew, else which of them have changed;
//! 4. for each bit the difference, or the number itself if it begins anew.
//!
//! All are numbers of seven bits a byte, the lowest first; what may be negative is zigzag (0, -1, 1, -2, …). If other fields
//! are there than before, it begins anew. What others tell is replaced by how far it is from that: free by total - used -
//! free, percents by the percents of used in total. Numbers are whole, in units of the last decimal.

use std::collections::HashMap;

use super::super::bytes::{Corrupt, Reader};

/// What changes most often has the low bits.
pub const FIELDS: [&str; 17] = [
    "cpu",
    "load1",
    "memory_used",
    "load5",
    "load15",
    "disk_used",
    "bytes_in",
    "bytes_out",
    "packets_in",
    "packets_out",
    "memory",
    "memory_free",
    "disk",
    "disk_free",
    "cores",
    "memory_total",
    "disk_total",
];
/// Digits behind the point, by [`FIELDS`].
pub const DECIMALS: [u32; 17] = [1, 2, 0, 2, 2, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0];
/// Places in [`FIELDS`]: used, total, percent, free.
const TOLD: [[usize; 4]; 2] = [[2, 15, 10, 11], [5, 16, 12, 13]];
/// Milliseconds.
pub const DAY: i64 = 86_400_000;

/// By [`FIELDS`], in units of the last decimal.
pub type Numbers = [Option<i64>; 17];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Millisecond.
    pub at: i64,
    pub numbers: Numbers,
}

/// As differences are made of them: wide enough for what is told of any number.
type Wide = [Option<i128>; 17];

/// What one connection has written last for each host. Whatever goes wrong, all begins anew on the next connection; after a
/// batch that was not applied, on new chains.
#[derive(Debug, Clone)]
pub struct Chains {
    number: u64,
    last: HashMap<String, (i64, Wide)>,
}

impl Chains {
    /// The number is the connection's own: no other one has written under it.
    pub fn new(number: u64) -> Self {
        Self {
            number,
            last: HashMap::new(),
        }
    }

    /// Writes a sample behind those of the same host and day.
    pub fn write(&mut self, host: &str, sample: &Sample, bytes: &mut Vec<u8>) {
        let (at, numbers) = (
            sample.at,
            predicted(sample.numbers.map(|n| n.map(i128::from))),
        );
        let day = at.div_euclid(DAY);
        let known = self.last.get_mut(host);
        let fits = |(before, last): &(i64, Wide)| {
            let same = |at: usize| last[at].is_some() == numbers[at].is_some();
            before.div_euclid(DAY) == day && (0..FIELDS.len()).all(same)
        };
        let before = known.as_deref().copied().filter(fits);
        let begins = before.is_none();
        let (base_at, base) = before.unwrap_or((day * DAY, [None; 17]));
        number(u128::from(self.number) * 2 + u128::from(begins), bytes);
        signed(i128::from(at - base_at), bytes);
        let has_changed = |at: &usize| numbers[*at] != base[*at];
        let fields: Vec<usize> = (0..FIELDS.len()).filter(has_changed).collect();
        number(fields.iter().map(|at| 1 << at).sum(), bytes);
        for at in fields {
            signed(numbers[at].unwrap_or(0) - base[at].unwrap_or(0), bytes);
        }
        match known {
            Some(known) => *known = (at, numbers),
            None => drop(self.last.insert(host.to_owned(), (at, numbers))),
        }
    }
}

/// The same both ways: replaces what the rest tells by how far off that is.
fn predicted(mut numbers: Wide) -> Wide {
    for [used, total, percent, free] in TOLD {
        let (Some(used), Some(total @ 1..)) = (numbers[used], numbers[total]) else {
            continue;
        };
        let told = (2000 * used + total).div_euclid(2 * total);
        numbers[percent] = numbers[percent].map(|percent| told - percent);
        numbers[free] = numbers[free].map(|free| total - used - free);
    }
    numbers
}

fn number(mut number: u128, bytes: &mut Vec<u8>) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn signed(size: i128, bytes: &mut Vec<u8>) {
    number((size << 1 ^ size >> 127) as u128, bytes);
}

/// All samples of a day, the first first. The day is the millisecond of its start; the bytes are the list's items, one
/// behind the other.
pub fn read(day: i64, bytes: &[u8]) -> Result<Vec<Sample>, Corrupt> {
    let mut reader = Reader::new(bytes);
    let mut chains: HashMap<u128, (i64, Wide)> = HashMap::new();
    let mut samples = Vec::new();
    while !reader.rest().is_empty() {
        let head = read_number(&mut reader)?;
        let (chain, begins) = (head >> 1, head & 1 == 1);
        let (before, last) = match (begins, chains.get(&chain)) {
            (true, _) => (day, [None; 17]),
            (false, Some(known)) => *known,
            (false, None) => return Err(Corrupt("a sample without the one before it")),
        };
        let step = i64::try_from(read_signed(&mut reader)?).ok();
        let at = step
            .and_then(|step| before.checked_add(step))
            .ok_or(TOO_LARGE)?;
        let fields = read_number(&mut reader)?;
        if fields >> FIELDS.len() != 0 {
            return Err(Corrupt("a field that there is not"));
        }
        let mut numbers = last;
        for place in (0..FIELDS.len()).filter(|place| fields >> place & 1 == 1) {
            let sum = read_signed(&mut reader)?.checked_add(numbers[place].unwrap_or(0));
            numbers[place] = Some(sum.filter(|sum| sum.abs() <= LARGEST).ok_or(TOO_LARGE)?);
        }
        chains.insert(chain, (at, numbers));
        let mut sample = Sample {
            at,
            numbers: [None; 17],
        };
        for (place, number) in predicted(numbers).into_iter().enumerate() {
            let number = number.map(i64::try_from).transpose();
            sample.numbers[place] = number.map_err(|_| TOO_LARGE)?;
        }
        samples.push(sample);
    }
    samples.sort_by_key(|sample| sample.at);
    Ok(samples)
}

const TOO_LARGE: Corrupt = Corrupt("a number is too large");
/// No number of a sample, and nothing that is told of numbers, is larger.
const LARGEST: i128 = 1 << 80;

fn read_number(reader: &mut Reader<'_>) -> Result<u128, Corrupt> {
    let mut number = 0;
    for shift in (0..119).step_by(7) {
        let byte = reader.byte()?;
        number |= u128::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err(TOO_LARGE)
}

fn read_signed(reader: &mut Reader<'_>) -> Result<i128, Corrupt> {
    let number = read_number(reader)?;
    Ok((number >> 1) as i128 ^ -((number & 1) as i128))
}
