//! Thrift's compact protocol, as far as the headers of a Parquet file need it.

use super::super::bytes::Writer;

const YES: u8 = 1;
const NO: u8 = 2;
const I32: u8 = 5;
const I64: u8 = 6;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const STRUCT: u8 = 12;

/// A struct, field by field in the order of their numbers.
#[derive(Default)]
pub(super) struct Struct {
    out: Writer,
    last: u8,
}

impl Struct {
    pub(super) fn int(mut self, field: u8, number: i32) -> Self {
        self.field(field, I32);
        self.out.signed(i64::from(number));
        self
    }

    pub(super) fn long(mut self, field: u8, number: i64) -> Self {
        self.field(field, I64);
        self.out.signed(number);
        self
    }

    pub(super) fn flag(mut self, field: u8, is_set: bool) -> Self {
        self.field(field, if is_set { YES } else { NO });
        self
    }

    pub(super) fn binary(mut self, field: u8, bytes: &[u8]) -> Self {
        self.field(field, BINARY);
        self.out.number(bytes.len() as u64);
        self.out.bytes.extend(bytes);
        self
    }

    pub(super) fn nested(mut self, field: u8, inner: Self) -> Self {
        self.field(field, STRUCT);
        self.out.bytes.extend(inner.end());
        self
    }

    pub(super) fn ints(mut self, field: u8, numbers: &[i32]) -> Self {
        self.list(field, I32, numbers.len());
        for number in numbers {
            self.out.signed(i64::from(*number));
        }
        self
    }

    pub(super) fn texts(mut self, field: u8, texts: &[&str]) -> Self {
        self.list(field, BINARY, texts.len());
        for text in texts {
            self.out.text(text);
        }
        self
    }

    /// Structs that have ended.
    pub(super) fn structs(mut self, field: u8, structs: &[Vec<u8>]) -> Self {
        self.list(field, STRUCT, structs.len());
        for one in structs {
            self.out.bytes.extend(one);
        }
        self
    }

    pub(super) fn end(mut self) -> Vec<u8> {
        self.out.bytes.push(0);
        self.out.bytes
    }

    fn list(&mut self, field: u8, kind: u8, len: usize) {
        self.field(field, LIST);
        match len {
            0..15 => self.out.bytes.push((len as u8) << 4 | kind),
            _ => {
                self.out.bytes.push(0xf0 | kind);
                self.out.number(len as u64);
            }
        }
    }

    /// Fields are numbered by what lies between them, which is always less than 16 here.
    fn field(&mut self, field: u8, kind: u8) {
        self.out.bytes.push((field - self.last) << 4 | kind);
        self.last = field;
    }
}
