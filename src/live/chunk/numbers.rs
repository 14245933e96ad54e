//! A column of whole numbers or floats, as bytes.

use std::ops::Range;

use pco::errors::PcoResult;
use pco::wrapped::{ChunkDecompressor, FileCompressor, FileDecompressor};
use pco::{ChunkConfig, PagingSpec};

use super::super::bytes::{Reader, Writer};
use super::super::columns::ABSENT;
use super::{Corrupt, Effort};

/// Numbers, each with how often it comes in a row.
const RUNS: u8 = 0;
const DELTAS: u8 = 1;
const PACKED: u8 = 2;
/// A bit for each point whether it has one, then those that are there.
const SOME: u8 = 3;

const FLOAT_BITS: u8 = 255;
/// Decimals that are tried before a float's bits are kept.
const MOST_DIGITS: u8 = 6;
/// Turns the bits of NaN, and of no other float, into [`ABSENT`].
const NONE: u64 = f64::NAN.to_bits() ^ ABSENT as u64;
/// Below these many numbers packing gains nothing.
const WORTH_PACKING: usize = 64;
/// Runs are written as such where they are so long on average.
const LONG_RUNS: usize = 32;
/// Numbers that are unpacked together.
const PAGE: usize = 4096;
const LEVEL: usize = 8;

const NOT_PACKED: Corrupt = Corrupt("numbers cannot be unpacked");

pub(super) fn encode(numbers: &[i64], effort: Effort) -> Vec<u8> {
    let mut writer = Writer::default();
    let steps = numbers.windows(2).filter(|pair| pair[0] != pair[1]).count();
    if steps <= numbers.len() / LONG_RUNS {
        runs(numbers, &mut writer);
    } else if numbers.contains(&ABSENT) {
        writer.bytes.push(SOME);
        for eight in numbers.chunks(8) {
            let bit = |bits: u8, at: usize| bits | u8::from(eight[at] != ABSENT) << at;
            writer.bytes.push((0..eight.len()).fold(0, bit));
        }
        let there: Vec<i64> = numbers
            .iter()
            .copied()
            .filter(|number| *number != ABSENT)
            .collect();
        writer.bytes.extend(encode(&there, effort));
    } else if effort == Effort::Sealed && numbers.len() >= WORTH_PACKING {
        if pack(numbers, &mut writer).is_err() {
            writer.bytes.clear();
            deltas(numbers, &mut writer);
        }
    } else {
        deltas(numbers, &mut writer);
    }
    writer.bytes
}

fn runs(numbers: &[i64], writer: &mut Writer) {
    let runs = || numbers.chunk_by(|one, other| one == other);
    writer.bytes.push(RUNS);
    writer.number(runs().count() as u64);
    for run in runs() {
        writer.signed(run[0]);
        writer.number(run.len() as u64);
    }
}

fn deltas(numbers: &[i64], writer: &mut Writer) {
    writer.bytes.reserve(numbers.len() * 2 + 1);
    writer.bytes.push(DELTAS);
    let mut before = 0_i64;
    for number in numbers {
        writer.signed(number.wrapping_sub(before));
        before = *number;
    }
}

/// What all pages share, the sizes of the pages, the pages.
fn pack(numbers: &[i64], writer: &mut Writer) -> PcoResult<()> {
    let sizes = numbers.chunks(PAGE).map(<[i64]>::len).collect();
    let config = ChunkConfig::default()
        .with_compression_level(LEVEL)
        .with_paging_spec(PagingSpec::Exact(sizes));
    let file = FileCompressor::default();
    let mut chunk = file.chunk_compressor(numbers, &config)?;
    let shared = chunk.write_meta(file.write_header(Vec::new())?)?;
    writer.bytes.push(PACKED);
    writer.number(shared.len() as u64);
    writer.bytes.extend(shared);
    let mut pages = Vec::new();
    for page in 0..numbers.len().div_ceil(PAGE) {
        let before = pages.len();
        pages = chunk.write_page(page, pages)?;
        writer.number((pages.len() - before) as u64);
    }
    writer.bytes.extend(pages);
    Ok(())
}

/// Those of the numbers that belong to points of this range.
pub(super) fn decode(
    block: &[u8],
    points: usize,
    range: Range<usize>,
) -> Result<Vec<i64>, Corrupt> {
    let mut reader = Reader::new(block);
    match reader.byte()? {
        RUNS => read_runs(&mut reader, points, range),
        DELTAS => {
            // Each takes a byte at least.
            let mut numbers = Vec::with_capacity(range.len().min(block.len()));
            let mut before = 0_i64;
            for at in 0..range.end {
                before = before.wrapping_add(reader.signed()?);
                if at >= range.start {
                    numbers.push(before);
                }
            }
            Ok(numbers)
        }
        PACKED => Packed::open(&mut reader, points)?.range(range),
        SOME => {
            let bits = reader.take(points.div_ceil(8))?;
            let is_there = |at: &usize| bits[at / 8] >> (at % 8) & 1 == 1;
            let count = |range: Range<usize>| range.filter(is_there).count();
            let before = count(0..range.start);
            let there = before..before + count(range.clone());
            let all = there.end + count(range.end..points);
            let rest = reader.rest();
            if rest.first() == Some(&SOME) {
                return Err(Corrupt("gaps within gaps"));
            }
            let mut there = decode(rest, all, there)?.into_iter();
            let number = |at: usize| match is_there(&at) {
                true => there.next().unwrap_or(ABSENT),
                false => ABSENT,
            };
            Ok(range.map(number).collect())
        }
        _ => Err(Corrupt("an unknown form of numbers")),
    }
}

fn read_runs(
    reader: &mut Reader<'_>,
    points: usize,
    range: Range<usize>,
) -> Result<Vec<i64>, Corrupt> {
    let mut numbers = Vec::with_capacity(range.len());
    let mut at = 0;
    for _ in 0..reader.size(points + 1)? {
        let number = reader.signed()?;
        let end = at + reader.size(points - at)?;
        let wanted = at.max(range.start)..end.min(range.end);
        numbers.extend(std::iter::repeat_n(number, wanted.len()));
        at = end;
    }
    match at == points {
        true => Ok(numbers),
        false => Err(Corrupt("it is cut off")),
    }
}

/// Numbers that were packed page by page.
struct Packed<'a> {
    chunk: ChunkDecompressor<i64>,
    pages: Vec<&'a [u8]>,
    points: usize,
}

impl<'a> Packed<'a> {
    fn open(reader: &mut Reader<'a>, points: usize) -> Result<Self, Corrupt> {
        let shared = reader.sized()?;
        let sizes = (0..points.div_ceil(PAGE)).map(|_| reader.size(usize::MAX));
        let sizes: Vec<usize> = sizes.collect::<Result<_, _>>()?;
        let pages = sizes.into_iter().map(|size| reader.take(size));
        let pages = pages.collect::<Result<_, _>>()?;
        let (file, shared) = FileDecompressor::new(shared).map_err(|_| NOT_PACKED)?;
        let (chunk, _) = file.chunk_decompressor(shared).map_err(|_| NOT_PACKED)?;
        Ok(Self {
            chunk,
            pages,
            points,
        })
    }

    /// Which points the numbers of a page belong to.
    fn points_of(&self, page: usize) -> Range<usize> {
        page * PAGE..((page + 1) * PAGE).min(self.points)
    }

    /// Reads one page, as long as it is.
    fn read(&mut self, page: usize, numbers: &mut [i64]) -> Result<(), Corrupt> {
        let read = self
            .chunk
            .page_decompressor(self.pages[page], numbers.len())
            .and_then(|mut page| page.read(numbers));
        match read {
            Ok(done) if done.n_processed == numbers.len() => Ok(()),
            _ => Err(NOT_PACKED),
        }
    }

    fn range(&mut self, range: Range<usize>) -> Result<Vec<i64>, Corrupt> {
        let pages = range.start / PAGE..range.end.div_ceil(PAGE);
        let first = pages.start * PAGE;
        let mut numbers = vec![0; (pages.end * PAGE).min(self.points).saturating_sub(first)];
        for (page, numbers) in pages.zip(numbers.chunks_mut(PAGE)) {
            self.read(page, numbers)?;
        }
        numbers.truncate(range.end - first);
        numbers.drain(..range.start - first);
        Ok(numbers)
    }

    fn pick(&mut self, places: &[usize]) -> Result<Vec<i64>, Corrupt> {
        let mut picked = vec![0; places.len()];
        let mut in_order: Vec<(usize, usize)> = places.iter().copied().zip(0..).collect();
        in_order.sort_unstable();
        let mut numbers = [0; PAGE];
        for some in in_order.chunk_by(|(one, _), (other, _)| one / PAGE == other / PAGE) {
            let page = some[0].0 / PAGE;
            let points = self.points_of(page);
            self.read(page, &mut numbers[..points.len()])?;
            for (place, at) in some {
                picked[*at] = numbers[place - points.start];
            }
        }
        Ok(picked)
    }
}

/// The numbers of the points at these places, in whichever order.
pub(super) fn pick(block: &[u8], points: usize, places: &[usize]) -> Result<Vec<i64>, Corrupt> {
    let mut reader = Reader::new(block);
    if reader.byte()? == PACKED {
        return Packed::open(&mut reader, points)?.pick(places);
    }
    let first = places.iter().min().copied().unwrap_or(0);
    let range = first..places.iter().max().map_or(first, |last| last + 1);
    let numbers = decode(block, points, range)?;
    Ok(places.iter().map(|place| numbers[place - first]).collect())
}

/// Floats that are decimals of a few digits become whole numbers, bit for bit; NaN is none.
pub(super) fn encode_floats(floats: &[f64], effort: Effort) -> Vec<u8> {
    let decimals = (0..=MOST_DIGITS).find_map(|digits| Some((digits, scaled(floats, digits)?)));
    let (form, whole) = match decimals {
        Some(decimals) => decimals,
        None => {
            let bits = |float: &f64| match float.is_nan() {
                true => ABSENT,
                false => (float.to_bits() ^ NONE) as i64,
            };
            (FLOAT_BITS, floats.iter().map(bits).collect())
        }
    };
    let mut block = vec![form];
    block.extend(encode(&whole, effort));
    block
}

pub(super) fn decode_floats(
    block: &[u8],
    points: usize,
    range: Range<usize>,
) -> Result<Vec<f64>, Corrupt> {
    floats(block, |rest| decode(rest, points, range))
}

/// The floats of the points at these places, in whichever order.
pub(super) fn pick_floats(
    block: &[u8],
    points: usize,
    places: &[usize],
) -> Result<Vec<f64>, Corrupt> {
    floats(block, |rest| pick(rest, points, places))
}

fn floats(
    block: &[u8],
    read: impl FnOnce(&[u8]) -> Result<Vec<i64>, Corrupt>,
) -> Result<Vec<f64>, Corrupt> {
    let (form, rest) = block.split_first().ok_or(Corrupt("it is cut off"))?;
    let whole = read(rest)?;
    if *form > MOST_DIGITS && *form != FLOAT_BITS {
        return Err(Corrupt("an unknown form of floats"));
    }
    let scale = 10_f64.powi(i32::from(*form));
    let float = |number: i64| match (number, *form) {
        (ABSENT, _) => f64::NAN,
        (bits, FLOAT_BITS) => f64::from_bits(bits as u64 ^ NONE),
        (number, _) => number as f64 / scale,
    };
    Ok(whole.into_iter().map(float).collect())
}

fn scaled(floats: &[f64], digits: u8) -> Option<Vec<i64>> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let scale = 10_f64.powi(i32::from(digits));
    let whole = |float: &f64| {
        if float.is_nan() {
            return Some(ABSENT);
        }
        let whole = (float * scale).round();
        if whole.abs() >= EXACT {
            return None;
        }
        let whole = whole as i64;
        ((whole as f64 / scale).to_bits() == float.to_bits()).then_some(whole)
    };
    floats.iter().map(whole).collect()
}
