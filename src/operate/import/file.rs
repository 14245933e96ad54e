//! A file of days, whose format is recognised by its first bytes, not by its name.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;
use serde_json::{Map, Value as Json};

use super::measured::{Length, Measured};
use super::validation::{Validated, Validation};
use super::{ImportError, Setting, document, lines, table};

/// Enough of the first line to recognise the format.
const HEAD_BYTES: u64 = 64 * 1024;
const GZIP: [u8; 2] = [0x1f, 0x8b];
const MARK: &[u8] = "\u{feff}".as_bytes();

/// Reads and checks the whole input; errors call it `name`.
pub fn read(input: impl Read, name: &str, setting: Setting<'_>) -> Result<Validated, ImportError> {
    let mut validation = Validation::new(setting);
    let mut input = BufReader::new(input);
    let done = first_bytes(&mut input, GZIP.len()).and_then(|(bytes, rest)| {
        let is_gzip = bytes == GZIP;
        let all = Cursor::new(bytes).chain(rest);
        match is_gzip {
            true => contents(BufReader::new(MultiGzDecoder::new(all)), &mut validation),
            false => contents(all, &mut validation),
        }
    });
    match done {
        Ok(()) => validation.end(),
        Err(source) => Err(ImportError::Read {
            name: name.to_owned(),
            source,
        }),
    }
}

fn contents(input: impl BufRead, validation: &mut Validation<'_>) -> io::Result<()> {
    let length = Length::default();
    let mut input = BufReader::new(Measured {
        inner: input,
        length: length.clone(),
    });
    let (bytes, rest) = first_bytes(&mut input, MARK.len())?;
    let bytes = bytes.strip_prefix(MARK).unwrap_or(&bytes).to_vec();
    let mut input = Cursor::new(bytes).chain(rest);
    let mut head = Vec::new();
    (&mut input).take(HEAD_BYTES).read_until(b'\n', &mut head)?;
    let input = Cursor::new(head.clone()).chain(input);
    match head.trim_ascii_start().first() {
        None => {
            validation.wrong("the file", "it is empty");
            Ok(())
        }
        Some(b'{') if is_document(&head) => document::read(input, &length, validation),
        Some(b'{') => lines::read(input, &length, validation),
        Some(_) => table::read(input, &head, &length, validation),
    }
}

/// A document has its days in `entries`, a line is a day.
fn is_document(head: &[u8]) -> bool {
    match serde_json::from_slice::<Map<String, Json>>(head) {
        Ok(object) => object.contains_key("entries"),
        Err(error) if !error.is_eof() => false,
        Err(_) => {
            let ended = head.ends_with(b"\n");
            let text = String::from_utf8_lossy(head);
            ended || text.contains("\"entries\"")
        }
    }
}

fn first_bytes<R: BufRead>(mut input: R, count: usize) -> io::Result<(Vec<u8>, R)> {
    let mut bytes = Vec::new();
    (&mut input).take(count as u64).read_to_end(&mut bytes)?;
    Ok((bytes, input))
}
