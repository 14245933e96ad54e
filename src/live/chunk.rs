//! Points as bytes: a header that names the columns, then each column by itself, so that a reader decodes what it needs.
//!
//! `DBC1`, the checksum of the rest, how many points, where each column lies, the columns. Bytes that are no chunk give an
//! error, whatever they are.

mod numbers;
mod texts;

pub use super::bytes::Corrupt;
use super::bytes::{Reader, Writer};
use super::columns::{Column, Columns, Numbers, Texts};

const MAGIC: &[u8; 4] = b"DBC1";
/// More points than this are no chunk.
pub const MOST_POINTS: usize = 1 << 17;
/// A label, or a value without decimals, is written with this in place of its decimals.
const FLOAT: u64 = 255;

/// How much work goes into the size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// For points that are written again soon.
    Fresh,
    Sealed,
}

pub fn encode(points: &Columns, effort: Effort) -> Vec<u8> {
    let mut blocks = Vec::with_capacity(points.labels.len() + points.values.len() + 3);
    let mut head = Writer::default();
    head.number(points.len() as u64);
    head.number(points.labels.len() as u64);
    head.number(points.values.len() as u64);
    blocks.push(numbers::encode(&points.at, effort));
    blocks.push(numbers::encode(&points.ok, effort));
    blocks.push(texts::encode(&points.details, effort, false));
    for column in &points.labels {
        head.text(&column.name);
        blocks.push(texts::encode(&column.cells, effort, true));
    }
    for column in &points.values {
        head.text(&column.name);
        match &column.cells {
            Numbers::Fixed { decimals, raw } => {
                head.number(u64::from(*decimals));
                blocks.push(numbers::encode(raw, effort));
            }
            Numbers::Float(floats) => {
                head.number(FLOAT);
                blocks.push(numbers::encode_floats(floats, effort));
            }
        }
    }
    for block in &blocks {
        head.number(block.len() as u64);
    }
    let head = head.bytes;
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(&head);
    blocks.iter().for_each(|block| checksum.update(block));
    let size = 8 + head.len() + blocks.iter().map(Vec::len).sum::<usize>();
    let mut chunk = Vec::with_capacity(size);
    chunk.extend(MAGIC);
    chunk.extend(checksum.finalize().to_le_bytes());
    chunk.extend(head);
    blocks.iter().for_each(|block| chunk.extend(block));
    chunk
}

/// A chunk whose columns can be read one by one.
#[derive(Debug)]
pub struct Chunk<'a> {
    points: usize,
    at: &'a [u8],
    ok: &'a [u8],
    details: &'a [u8],
    labels: Vec<(&'a str, &'a [u8])>,
    /// With their decimals; `None`: floats.
    values: Vec<(&'a str, Option<u32>, &'a [u8])>,
}

impl<'a> Chunk<'a> {
    pub fn open(chunk: &'a [u8]) -> Result<Self, Corrupt> {
        let rest = chunk
            .strip_prefix(MAGIC)
            .ok_or(Corrupt("it begins otherwise"))?;
        let (checksum, rest) = rest
            .split_first_chunk::<4>()
            .ok_or(Corrupt("it is cut off"))?;
        if crc32fast::hash(rest) != u32::from_le_bytes(*checksum) {
            return Err(Corrupt("its checksum is wrong"));
        }
        Self::read(rest)
    }

    fn read(rest: &'a [u8]) -> Result<Self, Corrupt> {
        let mut head = Reader::new(rest);
        let points = head.size(MOST_POINTS)?;
        let label_count = head.size(1024)?;
        let value_count = head.size(1024)?;
        let names: Vec<&str> = (0..label_count)
            .map(|_| head.text())
            .collect::<Result<_, _>>()?;
        let mut kinds = Vec::with_capacity(value_count);
        for _ in 0..value_count {
            let name = head.text()?;
            let decimals = match head.number()? {
                FLOAT => None,
                decimals @ 0..=18 => Some(decimals as u32),
                _ => return Err(Corrupt("impossible decimals")),
            };
            kinds.push((name, decimals));
        }
        let count = 3 + label_count + value_count;
        let sizes: Vec<usize> = (0..count)
            .map(|_| head.size(rest.len()))
            .collect::<Result<_, _>>()?;
        let mut blocks = sizes.into_iter().map(|size| head.take(size));
        let mut block = || blocks.next().unwrap_or(Err(Corrupt("it is cut off")));
        let (at, ok, details) = (block()?, block()?, block()?);
        let mut labels = Vec::with_capacity(label_count);
        for name in names {
            labels.push((name, block()?));
        }
        let mut values = Vec::with_capacity(value_count);
        for (name, decimals) in kinds {
            values.push((name, decimals, block()?));
        }
        Ok(Self {
            points,
            at,
            ok,
            details,
            labels,
            values,
        })
    }

    pub fn len(&self) -> usize {
        self.points
    }

    pub fn is_empty(&self) -> bool {
        self.points == 0
    }

    pub fn at(&self) -> Result<Vec<i64>, Corrupt> {
        numbers::decode(self.at, self.points)
    }

    pub fn ok(&self) -> Result<Vec<i64>, Corrupt> {
        numbers::decode(self.ok, self.points)
    }

    pub fn details(&self) -> Result<Texts, Corrupt> {
        texts::decode(self.details, self.points)
    }

    pub fn label(&self, name: &str) -> Result<Option<Texts>, Corrupt> {
        let found = self.labels.iter().find(|(known, _)| *known == name);
        let block = found.map(|(_, block)| texts::decode(block, self.points));
        block.transpose()
    }

    /// Whether a point may have that text there; decodes nothing that is not needed to say no.
    pub fn may_hold(&self, label: &str, text: &str) -> Result<bool, Corrupt> {
        match self.labels.iter().find(|(known, _)| *known == label) {
            Some((_, block)) => texts::may_hold(block, text),
            None => Ok(false),
        }
    }

    pub fn value(&self, name: &str) -> Result<Option<Numbers>, Corrupt> {
        let found = self.values.iter().find(|(known, ..)| *known == name);
        let block = found.map(|(_, decimals, block)| numbers_of(*decimals, block, self.points));
        block.transpose()
    }

    pub fn decode(&self) -> Result<Columns, Corrupt> {
        let mut columns = Columns {
            at: self.at()?,
            ok: self.ok()?,
            details: self.details()?,
            ..Columns::default()
        };
        for (name, block) in &self.labels {
            columns.labels.push(Column {
                name: (*name).to_owned(),
                cells: texts::decode(block, self.points)?,
            });
        }
        for (name, decimals, block) in &self.values {
            columns.values.push(Column {
                name: (*name).to_owned(),
                cells: numbers_of(*decimals, block, self.points)?,
            });
        }
        Ok(columns)
    }
}

fn numbers_of(decimals: Option<u32>, block: &[u8], points: usize) -> Result<Numbers, Corrupt> {
    Ok(match decimals {
        Some(decimals) => Numbers::Fixed {
            decimals,
            raw: numbers::decode(block, points)?,
        },
        None => Numbers::Float(numbers::decode_floats(block, points)?),
    })
}
