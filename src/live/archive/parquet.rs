//! A Parquet file, row group by row group: what an archive needs of the format, after parquet.thrift. Each column has one data
//! page a row group.

use std::borrow::Cow;
use std::io::{self, Write};

use super::super::columns::{ABSENT, Texts};
use super::encode::{delta, hybrid, pack};
use super::thrift::Struct;

const MAGIC: &[u8; 4] = b"PAR1";
/// Of zstd.
const EFFORT: i32 = 6;

/// `Encoding`
const PLAIN: i32 = 0;
const RLE: i32 = 3;
const DELTA_BINARY_PACKED: i32 = 5;
const RLE_DICTIONARY: i32 = 8;
/// `CompressionCodec`
const ZSTD: i32 = 6;

/// What a column holds; all but times may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Microseconds since 1970 in UTC.
    Time,
    Whole,
    /// Digits behind the point.
    Decimal(u32),
    Float,
    YesNo,
    Text,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) form: Form,
}

/// The cells of a column, as points hold them.
pub(super) enum Cells<'a> {
    Nothing,
    /// Also of times, of decimals in units of the last one, and of yes and no.
    Whole(&'a [i64]),
    Float(Cow<'a, [f64]>),
    Texts(&'a Texts),
}

pub(super) struct File<W> {
    sink: W,
    /// Bytes written.
    at: usize,
    fields: Vec<Field>,
    groups: Vec<Vec<u8>>,
    rows: usize,
}

/// A column of a row group before it is written.
#[derive(Default)]
struct Column {
    /// 1 where there is something, 0 where there is nothing.
    levels: Vec<u32>,
    encoding: i32,
    values: Vec<u8>,
    /// How many words, and all of them.
    dictionary: Option<(usize, Vec<u8>)>,
    bounds: Option<(i64, i64)>,
}

/// What a column says of itself in its row group.
struct Written {
    bytes: usize,
    compressed: usize,
    meta: Vec<u8>,
}

impl<W: Write> File<W> {
    pub(super) fn new(sink: W, fields: Vec<Field>) -> io::Result<Self> {
        let mut file = Self {
            sink,
            at: 0,
            fields,
            groups: Vec::new(),
            rows: 0,
        };
        file.put(MAGIC)?;
        Ok(file)
    }

    /// The cells of each field in their order.
    pub(super) fn add(&mut self, rows: usize, cells: &[Cells<'_>]) -> io::Result<()> {
        let begin = self.at;
        let mut columns = Vec::with_capacity(cells.len());
        for (place, cells) in cells.iter().enumerate() {
            let column = Column::new(self.fields[place].form, cells, rows);
            columns.push(self.column(place, column)?);
        }
        let bytes: usize = columns.iter().map(|column| column.bytes).sum();
        let compressed: usize = columns.iter().map(|column| column.compressed).sum();
        let metas: Vec<Vec<u8>> = columns.into_iter().map(|column| column.meta).collect();
        let group = Struct::default()
            .structs(1, &metas)
            .long(2, bytes as i64)
            .long(3, rows as i64)
            .long(5, begin as i64)
            .long(6, compressed as i64);
        self.groups.push(group.end());
        self.rows += rows;
        Ok(())
    }

    /// Writes the footer, and gives back what was written to.
    pub(super) fn finish(mut self) -> io::Result<W> {
        let root = Struct::default()
            .binary(4, b"schema")
            .int(5, self.fields.len() as i32);
        let fields = self.fields.iter().map(described);
        let schema: Vec<Vec<u8>> = [root.end()].into_iter().chain(fields).collect();
        let by_type = Struct::default().nested(1, Struct::default()).end();
        let footer = Struct::default()
            .int(1, 2)
            .structs(2, &schema)
            .long(3, self.rows as i64)
            .structs(4, &self.groups)
            .binary(6, concat!("Daybook ", env!("CARGO_PKG_VERSION")).as_bytes())
            .structs(7, &vec![by_type; self.fields.len()])
            .end();
        self.put(&footer)?;
        self.put(&(footer.len() as u32).to_le_bytes())?;
        self.put(MAGIC)?;
        Ok(self.sink)
    }

    fn column(&mut self, place: usize, column: Column) -> io::Result<Written> {
        let field = self.fields[place].clone();
        let rows = column.levels.len();
        let begin = self.at;
        let mut bytes = 0;
        if let Some((words, text)) = &column.dictionary {
            let header = Struct::default().int(1, *words as i32).int(2, PLAIN);
            bytes += self.page(text, |page| page.int(1, 2), 7, header)?;
        }
        let data = self.at;
        let mut body = Vec::new();
        if field.form != Form::Time {
            let levels = hybrid(&column.levels, 1);
            body.extend((levels.len() as u32).to_le_bytes());
            body.extend(levels);
        }
        body.extend(&column.values);
        let header = Struct::default()
            .int(1, rows as i32)
            .int(2, column.encoding)
            .int(3, RLE)
            .int(4, RLE);
        bytes += self.page(&body, |page| page.int(1, 0), 5, header)?;
        let compressed = self.at - begin;
        let mut encodings = vec![RLE, column.encoding];
        encodings.extend(column.dictionary.is_some().then_some(PLAIN));
        let mut meta = Struct::default()
            .int(1, physical(field.form))
            .ints(2, &encodings)
            .texts(3, &[&field.name])
            .int(4, ZSTD)
            .long(5, rows as i64)
            .long(6, bytes as i64)
            .long(7, compressed as i64)
            .long(9, data as i64);
        if column.dictionary.is_some() {
            meta = meta.long(11, begin as i64);
        }
        meta = meta.nested(12, column.statistics());
        let chunk = Struct::default().long(2, 0).nested(3, meta);
        Ok(Written {
            bytes,
            compressed,
            meta: chunk.end(),
        })
    }

    /// Says how many bytes it has uncompressed, with its header.
    fn page(
        &mut self,
        body: &[u8],
        kind: impl Fn(Struct) -> Struct,
        field: u8,
        header: Struct,
    ) -> io::Result<usize> {
        let size = |bytes: &[u8]| {
            i32::try_from(bytes.len()).map_err(|_| io::Error::other("a page is too large"))
        };
        let squeezed = zstd::bulk::compress(body, EFFORT)?;
        let header = kind(Struct::default())
            .int(2, size(body)?)
            .int(3, size(&squeezed)?)
            .int(4, crc32fast::hash(&squeezed) as i32)
            .nested(field, header)
            .end();
        self.put(&header)?;
        self.put(&squeezed)?;
        Ok(header.len() + body.len())
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sink.write_all(bytes)?;
        self.at += bytes.len();
        Ok(())
    }
}

impl Column {
    fn new(form: Form, cells: &Cells<'_>, rows: usize) -> Self {
        match cells {
            Cells::Nothing => Self {
                levels: vec![0; rows],
                ..Self::default()
            },
            Cells::Whole(numbers) => Self::whole(form, numbers),
            Cells::Float(numbers) => Self::floats(numbers),
            Cells::Texts(texts) => Self::texts(texts),
        }
    }

    fn whole(form: Form, numbers: &[i64]) -> Self {
        let present: Vec<i64> = numbers
            .iter()
            .copied()
            .filter(|number| *number != ABSENT)
            .collect();
        let mut column = Self {
            levels: levels(numbers.iter().map(|number| *number != ABSENT)),
            ..Self::default()
        };
        if form == Form::YesNo {
            let bits = present.iter().map(|number| u64::from(*number != 0));
            pack(bits, present.len(), 1, &mut column.values);
        } else if let (Some(least), Some(most)) = (present.iter().min(), present.iter().max()) {
            column.bounds = Some((*least, *most));
            column.encoding = DELTA_BINARY_PACKED;
            column.values = delta(&present);
        }
        column
    }

    fn floats(numbers: &[f64]) -> Self {
        let present = numbers.iter().filter(|number| !number.is_nan());
        Self {
            levels: levels(numbers.iter().map(|number| !number.is_nan())),
            values: present.flat_map(|number| number.to_le_bytes()).collect(),
            ..Self::default()
        }
    }

    /// Few different words as a dictionary, other texts one behind the other.
    fn texts(texts: &Texts) -> Self {
        let present = (0..texts.len()).filter_map(|at| texts.get(at));
        let mut column = Self {
            levels: levels((0..texts.len()).map(|at| texts.get(at).is_some())),
            ..Self::default()
        };
        let Texts::Coded { words, codes } = texts else {
            present.for_each(|text| put_text(text, &mut column.values));
            return column;
        };
        // Only words that stand there, in the order in which they do.
        let mut places = vec![0; words.list().len() + 1];
        let mut dictionary = (0, Vec::new());
        let place = |code: &u32| {
            let place = &mut places[*code as usize];
            if *place == 0 {
                dictionary.0 += 1;
                *place = dictionary.0 as u32;
                put_text(&words.list()[*code as usize - 1], &mut dictionary.1);
            }
            *place - 1
        };
        let places: Vec<u32> = codes.iter().filter(|code| **code != 0).map(place).collect();
        if let Some(most) = places.iter().max() {
            let width = (u32::BITS - most.leading_zeros()).max(1);
            column.values.push(width as u8);
            column.values.extend(hybrid(&places, width));
            column.encoding = RLE_DICTIONARY;
            column.dictionary = Some(dictionary);
        }
        column
    }

    fn statistics(&self) -> Struct {
        let nothing = self.levels.iter().filter(|level| **level == 0).count();
        let counted = Struct::default().long(3, nothing as i64);
        match self.bounds {
            Some((least, most)) => counted
                .binary(5, &most.to_le_bytes())
                .binary(6, &least.to_le_bytes()),
            None => counted,
        }
    }
}

fn levels(present: impl Iterator<Item = bool>) -> Vec<u32> {
    present.map(u32::from).collect()
}

fn put_text(text: &str, out: &mut Vec<u8>) {
    out.extend((text.len() as u32).to_le_bytes());
    out.extend(text.as_bytes());
}

/// `Type`
fn physical(form: Form) -> i32 {
    match form {
        Form::YesNo => 0,
        Form::Time | Form::Whole | Form::Decimal(_) => 2,
        Form::Float => 5,
        Form::Text => 6,
    }
}

/// `SchemaElement`: also in the older words for what a column means.
fn described(field: &Field) -> Vec<u8> {
    let is_optional = field.form != Form::Time;
    let element = Struct::default()
        .int(1, physical(field.form))
        .int(3, i32::from(is_optional))
        .binary(4, field.name.as_bytes());
    let meaning = |place: u8, what: Struct| Struct::default().nested(place, what);
    let element = match field.form {
        Form::Text => element.int(6, 0).nested(10, meaning(1, Struct::default())),
        Form::Time => {
            let micros = Struct::default().nested(2, Struct::default());
            let time = Struct::default().flag(1, true).nested(2, micros);
            element.int(6, 10).nested(10, meaning(8, time))
        }
        Form::Decimal(digits) => {
            let decimal = Struct::default().int(1, digits as i32).int(2, 18);
            element
                .int(6, 5)
                .int(7, digits as i32)
                .int(8, 18)
                .nested(10, meaning(5, decimal))
        }
        Form::Whole | Form::Float | Form::YesNo => element,
    };
    element.end()
}
