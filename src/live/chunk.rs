//! Points as bytes: a header that names the columns, then each column by itself, so that a reader decodes what it needs.
//!
//! `DBC1`, the checksum of the rest, how many points, where each column lies, the columns. Bytes that are no chunk give an
//! error, whatever they are.

mod numbers;
mod texts;

use std::ops::Range;

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

pub fn encode(points: &Columns, effort: Effort) -> Result<Vec<u8>, Corrupt> {
    let mut chunk = Encoder::new(points.len(), effort);
    chunk.at(&points.at);
    chunk.ok(&points.ok);
    chunk.details(&points.details);
    for column in &points.labels {
        chunk.label(&column.name, &column.cells);
    }
    for column in &points.values {
        chunk.value(&column.name, &column.cells);
    }
    chunk.finish()
}

/// A chunk in the making, column by column in any order. A sealed column is read back and compared.
pub struct Encoder {
    points: usize,
    effort: Effort,
    /// Bytes of the widest column in memory.
    widest: usize,
    is_wrong: bool,
    at: Vec<u8>,
    ok: Vec<u8>,
    details: Vec<u8>,
    labels: Vec<(String, Vec<u8>)>,
    values: Vec<(String, u64, Vec<u8>)>,
}

impl Encoder {
    pub fn new(points: usize, effort: Effort) -> Self {
        Self {
            points,
            effort,
            widest: 8 * points,
            is_wrong: false,
            at: Vec::new(),
            ok: Vec::new(),
            details: Vec::new(),
            labels: Vec::new(),
            values: Vec::new(),
        }
    }

    pub fn at(&mut self, at: &[i64]) {
        self.at = self.whole(at);
    }

    pub fn ok(&mut self, ok: &[i64]) {
        self.ok = self.whole(ok);
    }

    pub fn details(&mut self, details: &Texts) {
        self.details = self.texts(details, false);
    }

    pub fn label(&mut self, name: &str, texts: &Texts) {
        let block = self.texts(texts, true);
        self.labels.push((name.to_owned(), block));
    }

    pub fn value(&mut self, name: &str, numbers: &Numbers) {
        let (form, block) = match numbers {
            Numbers::Fixed { decimals, raw } => (u64::from(*decimals), self.whole(raw)),
            Numbers::Float(floats) => {
                let block = numbers::encode_floats(floats, self.effort);
                self.check(|all| {
                    let back = numbers::decode_floats(&block, all.len(), all)?;
                    Ok(Numbers::Float(back).same_as(numbers))
                });
                (FLOAT, block)
            }
        };
        self.values.push((name.to_owned(), form, block));
    }

    fn whole(&mut self, numbers: &[i64]) -> Vec<u8> {
        let block = numbers::encode(numbers, self.effort);
        self.check(|all| Ok(numbers::decode(&block, all.len(), all)? == numbers));
        block
    }

    fn texts(&mut self, texts: &Texts, is_looked_up: bool) -> Vec<u8> {
        let block = texts::encode(texts, self.effort, is_looked_up);
        self.widest = self.widest.max(texts.bytes());
        self.check(|all| Ok(texts::decode(&block, all.len(), all)?.same_as(texts)));
        block
    }

    fn check(&mut self, is_same: impl FnOnce(Range<usize>) -> Result<bool, Corrupt>) {
        if self.effort == Effort::Sealed {
            self.is_wrong |= is_same(0..self.points) != Ok(true);
        }
    }

    pub fn widest(&self) -> usize {
        self.widest
    }

    pub fn finish(self) -> Result<Vec<u8>, Corrupt> {
        if self.is_wrong {
            return Err(Corrupt("not what was to be written"));
        }
        let mut head = Writer::default();
        head.number(self.points as u64);
        head.number(self.labels.len() as u64);
        head.number(self.values.len() as u64);
        self.labels.iter().for_each(|(name, _)| head.text(name));
        for (name, form, _) in &self.values {
            head.text(name);
            head.number(*form);
        }
        let labels = self.labels.iter().map(|(_, block)| block);
        let values = self.values.iter().map(|(.., block)| block);
        let blocks = [&self.at, &self.ok, &self.details]
            .into_iter()
            .chain(labels)
            .chain(values);
        let blocks: Vec<&Vec<u8>> = blocks.collect();
        blocks
            .iter()
            .for_each(|block| head.number(block.len() as u64));
        let head = head.bytes;
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(&head);
        blocks.iter().for_each(|block| checksum.update(block));
        let size = 8 + head.len() + blocks.iter().map(|block| block.len()).sum::<usize>();
        let mut chunk = Vec::with_capacity(size);
        chunk.extend(MAGIC);
        chunk.extend(checksum.finalize().to_le_bytes());
        chunk.extend(head);
        blocks.iter().for_each(|block| chunk.extend(*block));
        Ok(chunk)
    }
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

    pub fn all(&self) -> Range<usize> {
        0..self.points
    }

    pub fn at(&self, range: Range<usize>) -> Result<Vec<i64>, Corrupt> {
        numbers::decode(self.at, self.points, range)
    }

    pub fn ok(&self, range: Range<usize>) -> Result<Vec<i64>, Corrupt> {
        numbers::decode(self.ok, self.points, range)
    }

    pub fn details(&self, range: Range<usize>) -> Result<Texts, Corrupt> {
        texts::decode(self.details, self.points, range)
    }

    pub fn label_names(&self) -> impl Iterator<Item = &'a str> {
        self.labels.iter().map(|(name, _)| *name)
    }

    pub fn value_names(&self) -> impl Iterator<Item = &'a str> {
        self.values.iter().map(|(name, ..)| *name)
    }

    /// The same points without some labels.
    pub fn without_labels(&self, is_left_out: impl Fn(&str) -> bool) -> Self {
        let labels = self.labels.iter().copied();
        Self {
            labels: labels.filter(|(name, _)| !is_left_out(name)).collect(),
            values: self.values.clone(),
            ..*self
        }
    }

    pub fn label(&self, name: &str, range: Range<usize>) -> Result<Option<Texts>, Corrupt> {
        let found = self.labels.iter().find(|(known, _)| *known == name);
        let block = found.map(|(_, block)| texts::decode(block, self.points, range));
        block.transpose()
    }

    /// Whether a point may have that text there; decodes nothing that is not needed to say no.
    pub fn may_hold(&self, label: &str, text: &str) -> Result<bool, Corrupt> {
        match self.labels.iter().find(|(known, _)| *known == label) {
            Some((_, block)) => texts::may_hold(block, text),
            None => Ok(text.is_empty()),
        }
    }

    /// The places of the points that have these texts as labels.
    pub fn places(&self, labels: &[(String, String)]) -> Result<Vec<usize>, Corrupt> {
        for (label, text) in labels {
            if !self.may_hold(label, text)? {
                return Ok(Vec::new());
            }
        }
        let mut places: Vec<usize> = self.all().collect();
        for (label, text) in labels {
            if let Some((_, block)) = self.labels.iter().find(|(known, _)| known == label) {
                texts::keep_equal(block, text, self.points, &mut places)?;
            }
        }
        Ok(places)
    }

    pub fn value(&self, name: &str, range: Range<usize>) -> Result<Option<Numbers>, Corrupt> {
        let found = self.values.iter().find(|(known, ..)| *known == name);
        let block = found.map(|(_, decimals, block)| match decimals {
            Some(decimals) => Ok(Numbers::Fixed {
                decimals: *decimals,
                raw: numbers::decode(block, self.points, range)?,
            }),
            None => Ok(Numbers::Float(numbers::decode_floats(
                block,
                self.points,
                range,
            )?)),
        });
        block.transpose()
    }

    /// The points at these places, in this order, with all that they have.
    pub fn pick(&self, places: &[usize]) -> Result<Columns, Corrupt> {
        let at = numbers::pick(self.at, self.points, places)?;
        self.pick_timed(places, at)
    }

    /// The same, if their times are known.
    pub fn pick_timed(&self, places: &[usize], at: Vec<i64>) -> Result<Columns, Corrupt> {
        if places.is_empty() {
            return Ok(Columns::default());
        }
        let whole = |block| numbers::pick(block, self.points, places);
        let mut columns = Columns {
            at,
            ok: whole(self.ok)?,
            details: texts::pick(self.details, self.points, places)?,
            ..Columns::default()
        };
        for (name, block) in &self.labels {
            let cells = texts::pick(block, self.points, places)?;
            let name = (*name).to_owned();
            columns.labels.push(Column { name, cells });
        }
        for (name, decimals, block) in &self.values {
            let cells = match decimals {
                Some(decimals) => Numbers::Fixed {
                    decimals: *decimals,
                    raw: whole(block)?,
                },
                None => Numbers::Float(numbers::pick_floats(block, self.points, places)?),
            };
            let name = (*name).to_owned();
            columns.values.push(Column { name, cells });
        }
        Ok(columns)
    }

    /// The points of this range with all that they have.
    pub fn decode(&self, range: Range<usize>) -> Result<Columns, Corrupt> {
        let mut columns = Columns {
            at: self.at(range.clone())?,
            ok: self.ok(range.clone())?,
            details: self.details(range.clone())?,
            ..Columns::default()
        };
        for name in self.label_names() {
            let cells = self.label(name, range.clone())?.unwrap_or_default();
            let name = name.to_owned();
            columns.labels.push(Column { name, cells });
        }
        for name in self.value_names() {
            if let Some(cells) = self.value(name, range.clone())? {
                let name = name.to_owned();
                columns.values.push(Column { name, cells });
            }
        }
        Ok(columns)
    }
}
