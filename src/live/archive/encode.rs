//! How Parquet lays out numbers: runs, packed bits, differences.

use super::super::bytes::Writer;

/// Numbers of a delta block, and of each of its four parts, which have a width of their own.
const BLOCK: usize = 128;
const PART: usize = 32;

/// Repeated numbers as runs, others packed in groups of eight: RLE / bit-packing hybrid.
pub(super) fn hybrid(numbers: &[u32], width: u32) -> Vec<u8> {
    let mut out = Writer::default();
    let mut at = 0;
    while at < numbers.len() {
        let run = run(&numbers[at..], usize::MAX);
        if run >= 8 {
            out.number((run as u64) << 1);
            let bytes = numbers[at].to_le_bytes();
            out.bytes.extend(&bytes[..width.div_ceil(8) as usize]);
            at += run;
            continue;
        }
        let begin = at;
        while at < numbers.len() && (at == begin || self::run(&numbers[at..], 8) < 8) {
            at = (at + 8).min(numbers.len());
        }
        let groups = (at - begin).div_ceil(8);
        out.number((groups as u64) << 1 | 1);
        let numbers = numbers[begin..at].iter().map(|number| u64::from(*number));
        pack(numbers, groups * 8, width, &mut out.bytes);
    }
    out.bytes
}

/// How often the first number stands there in a row.
fn run(numbers: &[u32], most: usize) -> usize {
    let same = |number: &&u32| **number == numbers[0];
    numbers.iter().take(most).take_while(same).count()
}

/// The first number and the differences, packed: DELTA_BINARY_PACKED.
pub(super) fn delta(numbers: &[i64]) -> Vec<u8> {
    let mut out = Writer::default();
    out.number(BLOCK as u64);
    out.number((BLOCK / PART) as u64);
    out.number(numbers.len() as u64);
    out.signed(numbers.first().copied().unwrap_or_default());
    let differences: Vec<i64> = numbers
        .windows(2)
        .map(|pair| pair[1].wrapping_sub(pair[0]))
        .collect();
    for block in differences.chunks(BLOCK) {
        let least = block.iter().copied().min().unwrap_or_default();
        let above = |difference: &i64| difference.wrapping_sub(least) as u64;
        let width = |part: &[i64]| {
            let most = part.iter().map(above).max().unwrap_or_default();
            64 - most.leading_zeros()
        };
        out.signed(least);
        let mut widths: Vec<u8> = block.chunks(PART).map(|part| width(part) as u8).collect();
        widths.resize(BLOCK / PART, 0);
        out.bytes.extend(&widths);
        for (part, width) in block.chunks(PART).zip(&widths) {
            let numbers = part.iter().map(above);
            pack(numbers, PART, u32::from(*width), &mut out.bytes);
        }
    }
    out.bytes
}

/// So many numbers of `width` bits each, the lowest bit first; missing ones are zeros.
pub(super) fn pack(
    numbers: impl Iterator<Item = u64>,
    count: usize,
    width: u32,
    out: &mut Vec<u8>,
) {
    let (mut waiting, mut bits) = (0_u128, 0);
    for number in numbers.chain(std::iter::repeat(0)).take(count) {
        waiting |= u128::from(number) << bits;
        bits += width;
        while bits >= 8 {
            out.push(waiting as u8);
            waiting >>= 8;
            bits -= 8;
        }
    }
    if bits > 0 {
        out.push(waiting as u8);
    }
}
