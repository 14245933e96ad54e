//! A column of whole numbers or floats, as bytes.

use pco::ChunkConfig;
use pco::standalone::{simple_compress, simple_decompress_into};

use super::super::bytes::{Reader, Writer};
use super::super::columns::ABSENT;
use super::{Corrupt, Effort};

const CONSTANT: u8 = 0;
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
const LEVEL: usize = 8;

pub(super) fn encode(numbers: &[i64], effort: Effort) -> Vec<u8> {
    let first = numbers.first().copied().unwrap_or(ABSENT);
    let mut writer = Writer::default();
    if numbers.iter().all(|number| *number == first) {
        writer.bytes.push(CONSTANT);
        writer.signed(first);
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
        let config = ChunkConfig::default().with_compression_level(LEVEL);
        match simple_compress(numbers, &config) {
            Ok(packed) => {
                writer.bytes.push(PACKED);
                writer.bytes.extend(packed);
            }
            Err(_) => deltas(numbers, &mut writer),
        }
    } else {
        deltas(numbers, &mut writer);
    }
    writer.bytes
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

pub(super) fn decode(block: &[u8], points: usize) -> Result<Vec<i64>, Corrupt> {
    let mut reader = Reader::new(block);
    match reader.byte()? {
        CONSTANT => Ok(vec![reader.signed()?; points]),
        DELTAS => {
            // Each takes a byte at least.
            let mut numbers = Vec::with_capacity(points.min(block.len()));
            let mut before = 0_i64;
            for _ in 0..points {
                before = before.wrapping_add(reader.signed()?);
                numbers.push(before);
            }
            Ok(numbers)
        }
        PACKED => {
            let mut numbers = vec![0_i64; points];
            let packed = reader.rest();
            match simple_decompress_into(packed, &mut numbers) {
                Ok(done) if done.n_processed == points => Ok(numbers),
                _ => Err(Corrupt("numbers cannot be unpacked")),
            }
        }
        SOME => {
            let bits = reader.take(points.div_ceil(8))?;
            let is_there = |at: usize| bits[at / 8] >> (at % 8) & 1 == 1;
            let count = (0..points).filter(|at| is_there(*at)).count();
            let rest = reader.rest();
            if rest.first() == Some(&SOME) {
                return Err(Corrupt("gaps within gaps"));
            }
            let mut there = decode(rest, count)?.into_iter();
            let number = |at: usize| match is_there(at) {
                true => there.next().unwrap_or(ABSENT),
                false => ABSENT,
            };
            Ok((0..points).map(number).collect())
        }
        _ => Err(Corrupt("an unknown form of numbers")),
    }
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

pub(super) fn decode_floats(block: &[u8], points: usize) -> Result<Vec<f64>, Corrupt> {
    let (form, rest) = block.split_first().ok_or(Corrupt("it is cut off"))?;
    let whole = decode(rest, points)?;
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
