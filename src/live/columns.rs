//! Points of one kind in memory, column by column: as they are recorded, stored and asked.

use std::collections::HashMap;
use std::iter::zip;

use crate::kinds::{Accepts, Kind, Percentile};

/// Stands in a column of whole numbers where a point has none.
pub const ABSENT: i64 = i64::MIN;

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Columns {
    /// Microseconds since 1970 in UTC.
    pub at: Vec<i64>,
    pub labels: Vec<Column<Texts>>,
    pub values: Vec<Column<Numbers>>,
    /// 1: it went well, 0: it did not.
    pub ok: Vec<i64>,
    /// JSON.
    pub details: Texts,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Column<T> {
    pub name: String,
    pub cells: T,
}

/// An empty text is no text.
#[derive(Debug, Clone, PartialEq)]
pub enum Texts {
    /// Few different words. A code is a word's place, counted from 1; 0 is none.
    Coded { words: Words, codes: Vec<u32> },
    /// Mostly different texts, one behind the other.
    Plain { text: String, ends: Vec<u32> },
}

#[derive(Debug, Clone, Default)]
pub struct Words {
    list: Vec<String>,
    /// Made when the first word is looked for.
    places: HashMap<String, u32>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Numbers {
    /// In units of the last decimal.
    Fixed { decimals: u32, raw: Vec<i64> },
    /// NaN is none.
    Float(Vec<f64>),
}

impl Columns {
    pub fn new(kind: &Kind) -> Self {
        let label = |label: &crate::kinds::Label| Column {
            name: label.name.clone(),
            cells: match label.accepts {
                Accepts::Find => Texts::default(),
                Accepts::OneOf(_) | Accepts::Most(_) => Texts::coded(),
            },
        };
        let value = |value: &crate::kinds::Value| Column {
            name: value.name.clone(),
            cells: Numbers::new(value.decimals),
        };
        Self {
            labels: kind.labels.iter().map(label).collect(),
            values: kind.values.iter().map(value).collect(),
            ..Self::default()
        }
    }

    pub fn len(&self) -> usize {
        self.at.len()
    }

    pub fn is_empty(&self) -> bool {
        self.at.is_empty()
    }

    /// Adds the points of `other`, whose columns may be others: a kind may have been declared anew since.
    pub fn append(&mut self, other: &Self) {
        let before = self.len();
        self.at.extend(&other.at);
        append_columns(&mut self.labels, &other.labels, before, self.at.len());
        append_columns(&mut self.values, &other.values, before, self.at.len());
        self.ok.extend(&other.ok);
        self.details.append(&other.details);
    }

    /// The points at these places, in this order.
    pub fn pick(&self, places: &[u32]) -> Self {
        let numbers = |all: &[i64]| places.iter().map(|at| all[*at as usize]).collect();
        Self {
            at: numbers(&self.at),
            labels: self
                .labels
                .iter()
                .map(|column| column.with(column.cells.pick(places)))
                .collect(),
            values: self
                .values
                .iter()
                .map(|column| column.with(column.cells.pick(places)))
                .collect(),
            ok: numbers(&self.ok),
            details: self.details.pick(places),
        }
    }

    /// Whether both hold the same points in the same order, however they hold them.
    pub fn same_as(&self, other: &Self) -> bool {
        let labels = zip(&self.labels, &other.labels);
        let values = zip(&self.values, &other.values);
        self.at == other.at
            && self.ok == other.ok
            && self.details.same_as(&other.details)
            && self.labels.len() == other.labels.len()
            && { labels }
                .all(|(one, other)| one.name == other.name && one.cells.same_as(&other.cells))
            && self.values.len() == other.values.len()
            && { values }
                .all(|(one, other)| one.name == other.name && one.cells.same_as(&other.cells))
    }

    /// Bytes of the widest column in memory.
    pub fn widest(&self) -> usize {
        let labels = self.labels.iter().map(|column| column.cells.bytes());
        labels
            .chain([8 * self.len(), self.details.bytes()])
            .max()
            .unwrap_or_default()
    }

    /// Values that no point has take no room.
    pub fn drop_blank_values(&mut self) {
        self.values.retain(|column| !column.cells.is_blank());
    }

    /// Bytes of texts that are held one by one.
    pub fn text_bytes(&self) -> usize {
        let labels = self.labels.iter().map(|column| &column.cells);
        let bytes = labels.chain([&self.details]).map(|texts| match texts {
            Texts::Plain { text, .. } => text.len(),
            Texts::Coded { .. } => 0,
        });
        bytes.sum()
    }

    /// The texts of the kind's cluster label.
    pub fn cluster(&self, kind: &Kind) -> Option<&Texts> {
        self.label(&kind.labels[kind.cluster?].name)
    }

    pub fn label(&self, name: &str) -> Option<&Texts> {
        let column = self.labels.iter().find(|column| column.name == name);
        column.map(|column| &column.cells)
    }

    pub fn value(&self, name: &str) -> Option<&Numbers> {
        let column = self.values.iter().find(|column| column.name == name);
        column.map(|column| &column.cells)
    }
}

impl<T> Column<T> {
    fn with(&self, cells: T) -> Self {
        Self {
            name: self.name.clone(),
            cells,
        }
    }
}

/// What columns are made of.
pub trait Cells {
    /// So many cells that hold nothing, of the same sort.
    fn empty_with(&self, len: usize) -> Self;
    fn append(&mut self, other: &Self);
    /// Adds cells that hold nothing.
    fn pad(&mut self, len: usize);
}

fn append_columns<T: Cells>(
    columns: &mut Vec<Column<T>>,
    others: &[Column<T>],
    before: usize,
    after: usize,
) {
    for other in others {
        let known = columns.iter_mut().find(|column| column.name == other.name);
        match known {
            Some(column) => column.cells.append(&other.cells),
            None => {
                let mut column = other.with(other.cells.empty_with(before));
                column.cells.append(&other.cells);
                columns.push(column);
            }
        }
    }
    columns
        .iter_mut()
        .for_each(|column| column.cells.pad(after));
}

/// One column of parts of so many points, some of which may not have it.
pub fn joined<T: Cells, E>(
    parts: impl Iterator<Item = Result<(Option<T>, usize), E>>,
) -> Result<Option<T>, E> {
    let mut all: Option<T> = None;
    let mut len = 0;
    for part in parts {
        let (cells, more) = part?;
        if let Some(cells) = cells {
            all.get_or_insert_with(|| cells.empty_with(len))
                .append(&cells);
        }
        len += more;
        if let Some(all) = &mut all {
            all.pad(len);
        }
    }
    Ok(all)
}

impl Words {
    pub fn from_list(list: Vec<String>) -> Self {
        Self {
            list,
            places: HashMap::new(),
        }
    }

    pub fn list(&self) -> &[String] {
        &self.list
    }

    /// The word's code, a new one if need be.
    pub fn code(&mut self, word: &str) -> u32 {
        if word.is_empty() {
            return 0;
        }
        if self.places.len() != self.list.len() {
            let places = self.list.iter().cloned().zip(1..);
            self.places = places.collect();
        }
        if let Some(code) = self.places.get(word) {
            return *code;
        }
        self.list.push(word.to_owned());
        let code = self.list.len() as u32;
        self.places.insert(word.to_owned(), code);
        code
    }

    /// Each word becomes what `rename` makes of it, if anything.
    pub fn rename(&mut self, mut rename: impl FnMut(usize, &str) -> Option<String>) {
        for (at, word) in self.list.iter_mut().enumerate() {
            if let Some(new) = rename(at, word) {
                *word = new;
                self.places.clear();
            }
        }
    }

    fn word(&self, code: u32) -> &str {
        match code {
            0 => "",
            _ => &self.list[code as usize - 1],
        }
    }
}

impl PartialEq for Words {
    fn eq(&self, other: &Self) -> bool {
        self.list == other.list
    }
}

impl Default for Texts {
    fn default() -> Self {
        Self::Plain {
            text: String::new(),
            ends: Vec::new(),
        }
    }
}

impl Texts {
    pub fn coded() -> Self {
        Self::Coded {
            words: Words::default(),
            codes: Vec::new(),
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Self::Coded { codes, .. } => codes.len(),
            Self::Plain { ends, .. } => ends.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn get(&self, at: usize) -> Option<&str> {
        Some(self.text(at)).filter(|text| !text.is_empty())
    }

    /// Empty where there is none.
    pub fn text(&self, at: usize) -> &str {
        match self {
            Self::Coded { words, codes } => words.word(codes[at]),
            Self::Plain { text, ends } => {
                let begin = at.checked_sub(1).map_or(0, |before| ends[before]);
                &text[begin as usize..ends[at] as usize]
            }
        }
    }

    pub fn same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Plain { .. }, Self::Plain { .. }) => self == other,
            _ => {
                self.len() == other.len()
                    && (0..self.len()).all(|at| self.text(at) == other.text(at))
            }
        }
    }

    /// Where this text is.
    pub fn places(&self, text: &str) -> Vec<u32> {
        let code = match self {
            Self::Coded { words, .. } => words.list.iter().position(|word| word == text),
            Self::Plain { .. } => None,
        };
        let is_it = |place: &u32| match (self, code) {
            (Self::Coded { codes, .. }, Some(code)) => codes[*place as usize] as usize == code + 1,
            (Self::Coded { .. }, None) => false,
            (Self::Plain { .. }, _) => self.text(*place as usize) == text,
        };
        (0..self.len() as u32).filter(is_it).collect()
    }

    /// The first and the last text in their order.
    pub fn bounds(&self) -> Option<(&str, &str)> {
        let Self::Coded { words, codes } = self else {
            let texts = || (0..self.len()).map(|at| self.text(at));
            return texts().min().zip(texts().max());
        };
        let mut is_used = vec![false; words.list.len() + 1];
        codes.iter().for_each(|code| is_used[*code as usize] = true);
        let used = || (0..).zip(&is_used).filter(|(_, is_used)| **is_used);
        let texts = || used().map(|(code, _)| words.word(code));
        texts().min().zip(texts().max())
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Coded { words, codes } => {
                4 * codes.len() + words.list.iter().map(String::len).sum::<usize>()
            }
            Self::Plain { text, ends } => text.len() + 4 * ends.len(),
        }
    }

    /// An empty text is none.
    pub fn push(&mut self, new: &str) {
        match self {
            Self::Coded { words, codes } => codes.push(words.code(new)),
            Self::Plain { text, ends } => {
                text.push_str(new);
                ends.push(text.len() as u32);
            }
        }
    }

    pub fn pick(&self, places: &[u32]) -> Self {
        let mut picked = match self {
            // Few points need few words.
            Self::Coded { words, codes } if words.list.len() <= places.len() => {
                return Self::Coded {
                    words: words.clone(),
                    codes: places.iter().map(|at| codes[*at as usize]).collect(),
                };
            }
            Self::Coded { .. } => Self::coded(),
            Self::Plain { .. } => Self::default(),
        };
        for at in places {
            picked.push(self.text(*at as usize));
        }
        picked
    }
}

impl Cells for Texts {
    fn empty_with(&self, len: usize) -> Self {
        match self {
            Self::Coded { .. } => Self::Coded {
                words: Words::default(),
                codes: vec![0; len],
            },
            Self::Plain { .. } => Self::Plain {
                text: String::new(),
                ends: vec![0; len],
            },
        }
    }

    fn append(&mut self, other: &Self) {
        match (self, other) {
            (
                Self::Coded { words, codes },
                Self::Coded {
                    words: new,
                    codes: more,
                },
            ) => {
                let translated: Vec<u32> = new.list.iter().map(|word| words.code(word)).collect();
                let code = |code: &u32| match code {
                    0 => 0,
                    _ => translated[*code as usize - 1],
                };
                codes.extend(more.iter().map(code));
            }
            (
                Self::Plain { text, ends },
                Self::Plain {
                    text: new,
                    ends: more,
                },
            ) => {
                let shift = text.len() as u32;
                text.push_str(new);
                ends.extend(more.iter().map(|end| end + shift));
            }
            (this, other) => (0..other.len()).for_each(|at| this.push(other.text(at))),
        }
    }

    fn pad(&mut self, len: usize) {
        match self {
            Self::Coded { codes, .. } => codes.resize(len, 0),
            Self::Plain { text, ends } => ends.resize(len, text.len() as u32),
        }
    }
}

impl Numbers {
    pub fn new(decimals: Option<u32>) -> Self {
        match decimals {
            Some(decimals) => Self::Fixed {
                decimals,
                raw: Vec::new(),
            },
            None => Self::Float(Vec::new()),
        }
    }

    pub fn get(&self, at: usize) -> Option<f64> {
        match self {
            Self::Fixed { raw, .. } if raw[at] == ABSENT => None,
            Self::Fixed { decimals, raw } => Some(unscaled(raw[at], *decimals)),
            Self::Float(numbers) => Some(numbers[at]).filter(|number| !number.is_nan()),
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Self::Fixed { raw, .. } => raw.len(),
            Self::Float(numbers) => numbers.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn pick(&self, places: &[u32]) -> Self {
        match self {
            Self::Fixed { decimals, raw } => Self::Fixed {
                decimals: *decimals,
                raw: places.iter().map(|at| raw[*at as usize]).collect(),
            },
            Self::Float(numbers) => {
                Self::Float(places.iter().map(|at| numbers[*at as usize]).collect())
            }
        }
    }

    fn is_blank(&self) -> bool {
        match self {
            Self::Fixed { raw, .. } => raw.iter().all(|raw| *raw == ABSENT),
            Self::Float(numbers) => numbers.iter().all(|number| number.is_nan()),
        }
    }

    /// Bit for bit; any NaN is none.
    pub fn same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Float(one), Self::Float(other)) => {
                let same = |(one, other): (&f64, &f64)| {
                    one.to_bits() == other.to_bits() || (one.is_nan() && other.is_nan())
                };
                one.len() == other.len() && one.iter().zip(other).all(same)
            }
            (one, other) => one == other,
        }
    }

    /// `None`: floats.
    fn decimals(&self) -> Option<u32> {
        match self {
            Self::Fixed { decimals, .. } => Some(*decimals),
            Self::Float(_) => None,
        }
    }

    fn floats(&self) -> Vec<f64> {
        (0..self.len())
            .map(|at| self.get(at).unwrap_or(f64::NAN))
            .collect()
    }
}

impl Cells for Numbers {
    fn empty_with(&self, len: usize) -> Self {
        match self {
            Self::Fixed { decimals, .. } => Self::Fixed {
                decimals: *decimals,
                raw: vec![ABSENT; len],
            },
            Self::Float(_) => Self::Float(vec![f64::NAN; len]),
        }
    }

    /// Columns of other decimals become floats: nothing is rounded that was kept.
    fn append(&mut self, other: &Self) {
        match (&mut *self, other) {
            (
                Self::Fixed { decimals, raw },
                Self::Fixed {
                    decimals: same,
                    raw: more,
                },
            ) if decimals == same => {
                raw.extend(more);
            }
            (Self::Float(numbers), Self::Float(more)) => numbers.extend(more),
            (_, other) => {
                let mut numbers = self.floats();
                numbers.extend(other.floats());
                *self = Self::Float(numbers);
            }
        }
    }

    fn pad(&mut self, len: usize) {
        match self {
            Self::Fixed { raw, .. } => raw.resize(len, ABSENT),
            Self::Float(numbers) => numbers.resize(len, f64::NAN),
        }
    }
}

/// The numbers at these percentiles of all that are there.
pub fn ranked(parts: &[Numbers], percentiles: &[Percentile]) -> Vec<Option<f64>> {
    let decimals = parts.first().and_then(Numbers::decimals);
    let raw = |part| match part {
        &Numbers::Fixed {
            decimals: own,
            ref raw,
        } if Some(own) == decimals => Some(raw.as_slice()),
        _ => None,
    };
    if let Some((decimals, parts)) = decimals.zip(parts.iter().map(raw).collect::<Option<Vec<_>>>())
    {
        let found = at_percentiles(&parts, percentiles).into_iter();
        return found.map(|raw| Some(unscaled(raw?, decimals))).collect();
    }
    let floats = parts.iter().flat_map(Numbers::floats);
    let mut floats: Vec<f64> = floats.filter(|float| !float.is_nan()).collect();
    let find = |percentile: &Percentile| {
        let rank = percentile.rank(floats.len() as u64)? as usize;
        Some(*floats.select_nth_unstable_by(rank, f64::total_cmp).1)
    };
    percentiles.iter().map(find).collect()
}

/// Two quick looks at all numbers leave few to be sorted.
fn at_percentiles(parts: &[&[i64]], percentiles: &[Percentile]) -> Vec<Option<i64>> {
    const SLOTS: usize = 4096;
    let there = || {
        let all = parts.iter().copied().flatten().copied();
        all.filter(|number| *number != ABSENT)
    };
    let (mut count, mut least, mut most) = (0, i64::MAX, i64::MIN);
    for number in there() {
        count += 1;
        least = least.min(number);
        most = most.max(number);
    }
    let span = most.wrapping_sub(least) as u64;
    let shift = (u64::BITS - span.leading_zeros()).saturating_sub(SLOTS.ilog2());
    let slot = |number: i64| (number.wrapping_sub(least) as u64 >> shift) as usize;
    let mut counts = [0_u64; SLOTS];
    there().for_each(|number| counts[slot(number)] += 1);
    let find = |percentile: &Percentile| {
        let mut rank = percentile.rank(count)?;
        let mut wanted = 0;
        while rank >= counts[wanted] {
            rank -= counts[wanted];
            wanted += 1;
        }
        let mut near = Vec::with_capacity(counts[wanted] as usize);
        near.extend(there().filter(|number| slot(*number) == wanted));
        Some(*near.select_nth_unstable(rank as usize).1)
    };
    percentiles.iter().map(find).collect()
}

/// The number that so many units of the last decimal are.
pub fn unscaled(raw: i64, decimals: u32) -> f64 {
    raw as f64 / 10f64.powi(decimals as i32)
}
