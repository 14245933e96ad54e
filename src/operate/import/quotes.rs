//! Follows a CSV's quotes while it is read, since the parser accepts a quote that is never closed.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

/// The line on which the open quote began.
pub(super) type Opened = Rc<Cell<Option<u64>>>;

pub(super) struct Quotes<R> {
    inner: R,
    delimiter: u8,
    state: State,
    line: u64,
    opened: Opened,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Only here a quote begins a quoted cell.
    Start,
    Plain,
    Quoted,
    /// A quote in a quoted cell: its end, unless another one follows.
    Closing,
}

impl<R> Quotes<R> {
    pub(super) fn new(inner: R, delimiter: u8) -> (Self, Opened) {
        let opened = Opened::default();
        let quotes = Self {
            inner,
            delimiter,
            state: State::Start,
            line: 1,
            opened: opened.clone(),
        };
        (quotes, opened)
    }

    fn follow(&mut self, byte: u8) {
        let ends_cell = byte == self.delimiter || byte == b'\n' || byte == b'\r';
        self.state = match (self.state, byte) {
            (State::Start, b'"') => {
                self.opened.set(Some(self.line));
                State::Quoted
            }
            (State::Closing, b'"') => State::Quoted,
            (State::Quoted, b'"') => State::Closing,
            (State::Quoted, _) => State::Quoted,
            _ if ends_cell => State::Start,
            _ => State::Plain,
        };
        if byte == b'\n' {
            self.line += 1;
        }
    }
}

impl<R: Read> Read for Quotes<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        for byte in &buffer[..read] {
            self.follow(*byte);
        }
        if self.state != State::Quoted {
            self.opened.set(None);
        }
        Ok(read)
    }
}
