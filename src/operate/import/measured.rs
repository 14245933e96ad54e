//! A reader that limits the length of a day.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

/// A day has a few kilobytes.
const LONGEST_BYTES: u64 = 16 * 1024 * 1024;

/// The bytes read since the day began; the reader of days resets it.
pub(super) type Length = Rc<Cell<u64>>;

pub(super) struct Measured<R> {
    pub(super) inner: R,
    pub(super) length: Length,
}

impl<R: Read> Read for Measured<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.length.get() > LONGEST_BYTES {
            let megabytes = LONGEST_BYTES / 1024 / 1024;
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("a day or line of more than {megabytes} MB"),
            ));
        }
        let read = self.inner.read(buffer)?;
        self.length.set(self.length.get() + read as u64);
        Ok(read)
    }
}
