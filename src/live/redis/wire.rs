//! The protocol of the server, RESP 2: commands as they are sent, and answers as they came.

use std::collections::{BTreeMap, HashMap};
use std::io::Write as _;
use std::ops::Range;
use std::str::FromStr;

use crate::text::plain::one_line;

/// What no answer of a server is as long as, nor one of its lines, in bytes; and how much of an error is told.
const LONGEST: usize = 256 << 20;
const LONGEST_LINE: usize = 64 << 10;
const LONGEST_ERROR: usize = 300;

/// In place of an error that repeats a secret.
pub const HIDDEN: &str = "it answers with an error that repeats the password";
/// How a server whose memory is full begins.
const FULL: &str = "OOM";

/// Parts of a command: its name, keys, arguments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts {
    bytes: Vec<u8>,
    count: usize,
}

/// The beginning of a command.
pub fn command(name: &str) -> Parts {
    let mut parts = Parts::default();
    parts.arg(name);
    parts
}

impl Parts {
    pub fn arg(&mut self, part: impl AsRef<[u8]>) -> &mut Self {
        let part = part.as_ref();
        header(&mut self.bytes, b'$', part.len());
        self.bytes.extend_from_slice(part);
        self.bytes.extend_from_slice(b"\r\n");
        self.count += 1;
        self
    }

    pub fn args(&mut self, parts: impl IntoIterator<Item = impl AsRef<[u8]>>) -> &mut Self {
        for part in parts {
            self.arg(part);
        }
        self
    }

    pub fn number(&mut self, number: i64) -> &mut Self {
        self.arg(number.to_string())
    }

    pub fn append(&mut self, parts: &Self) -> &mut Self {
        self.bytes.extend_from_slice(&parts.bytes);
        self.count += parts.count;
        self
    }

    pub fn count(&self) -> usize {
        self.count
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Commands that are sent together, each of which is answered.
#[derive(Debug, Default)]
pub struct Commands {
    bytes: Vec<u8>,
    count: usize,
}

impl Commands {
    pub fn add(&mut self, command: &Parts) -> &mut Self {
        header(&mut self.bytes, b'*', command.count);
        self.bytes.extend_from_slice(&command.bytes);
        self.count += 1;
        self
    }

    /// Commands whose answers are one, as all was at one instant; before them come answers that say nothing.
    pub fn add_at_once(&mut self, commands: &Self) -> &mut Self {
        self.add(&command("MULTI"));
        self.bytes.extend_from_slice(&commands.bytes);
        self.count += commands.count;
        self.add(&command("EXEC"))
    }

    pub fn count(&self) -> usize {
        self.count
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

fn header(bytes: &mut Vec<u8>, sort: u8, length: usize) {
    bytes.push(sort);
    // Nothing keeps a vector from taking it.
    write!(bytes, "{length}\r\n").ok();
}

/// What an answer, or a part of it, is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Nothing,
    Number(i64),
    Text(Range<usize>),
    Failure(Range<usize>),
    /// So many that follow.
    List(usize),
}

/// Why an answer is not what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unexpected {
    /// An error, in the server's words.
    Said(String),
    Other(String),
}

/// Answers as they come.
#[derive(Debug)]
pub struct Answers {
    bytes: Vec<u8>,
    tokens: Vec<Token>,
    understood: usize,
    /// Tokens of which it is known that they are to come.
    missing: usize,
}

/// Answers that have come, read one after the other.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    bytes: &'a [u8],
    tokens: &'a [Token],
}

impl Answers {
    /// So many, of which these bytes have come.
    pub fn begun(count: usize, bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            tokens: Vec::new(),
            understood: 0,
            missing: count,
        }
    }

    /// Where what comes is put.
    pub fn room(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// An error may repeat what must not be told.
    pub fn hide(&mut self, is_telling: impl Fn(&[u8]) -> bool) {
        let hidden = self.bytes.len();
        let mut hides = false;
        for token in &mut self.tokens {
            if let Token::Failure(said) = token
                && is_telling(&self.bytes[said.clone()])
            {
                *said = hidden..hidden + HIDDEN.len();
                hides = true;
            }
        }
        if hides {
            self.bytes.extend_from_slice(HIDDEN.as_bytes());
        }
    }

    /// What has come behind them.
    pub fn take_rest(&mut self) -> Vec<u8> {
        self.bytes.split_off(self.understood)
    }

    /// Whether all have come.
    pub fn are_whole(&mut self) -> Result<bool, Unexpected> {
        if self.bytes.len() > LONGEST {
            let limit = LONGEST >> 20;
            return Err(Unexpected::Other(format!(
                "it answers more than {limit} MB"
            )));
        }
        while self.missing > 0 {
            let Some((token, end)) = token(&self.bytes, self.understood)? else {
                return Ok(false);
            };
            self.missing -= 1;
            if let Token::List(count) = token {
                self.missing += count;
            }
            self.tokens.push(token);
            self.understood = end;
        }
        Ok(true)
    }

    /// Leaves the answers of commands that were to be done at one instant. A server whose memory is full refuses to begin that even to
    /// those who only read, and answers one command after the other: nobody can write meanwhile.
    pub fn of_transaction(mut self, count: usize) -> Result<Self, Unexpected> {
        let all = self.tokens.len();
        let mut read = self.read();
        let begun = read.take::<()>();
        let is_full = matches!(&begun, Err(Unexpected::Said(said)) if said.starts_with(FULL));
        if !is_full {
            begun?;
            read.skip(count)?;
            read.list()?;
        }
        let rest = read.tokens.len();
        self.tokens.drain(..all - rest);
        Ok(self)
    }

    pub fn read(&self) -> Reading<'_> {
        Reading {
            bytes: &self.bytes,
            tokens: &self.tokens,
        }
    }
}

impl<'a> Reading<'a> {
    pub fn take<T: Answer>(&mut self) -> Result<T, Unexpected> {
        T::take(self)
    }

    /// Leaves out answers, unless one of them is an error.
    pub fn skip(&mut self, count: usize) -> Result<(), Unexpected> {
        let mut left = count;
        while left > 0 {
            left -= 1;
            if let Token::List(count) = self.token()? {
                left += count;
            }
        }
        Ok(())
    }

    /// A list begins; how many follow.
    pub fn list(&mut self) -> Result<usize, Unexpected> {
        match self.token()? {
            Token::List(count) => Ok(*count),
            _ => Err(other("a list")),
        }
    }

    /// The fields of a hash, in the server's order.
    pub fn fields(&mut self) -> Result<Vec<(&'a str, &'a str)>, Unexpected> {
        let count = self.list()? / 2;
        let field = |_| Ok((self.text()?, self.text()?));
        (0..count).map(field).collect()
    }

    fn text(&mut self) -> Result<&'a str, Unexpected> {
        let text = std::str::from_utf8(self.binary()?);
        text.map_err(|_| other("text in UTF-8"))
    }

    fn binary(&mut self) -> Result<&'a [u8], Unexpected> {
        match self.token()? {
            Token::Text(place) => Ok(&self.bytes[place.clone()]),
            _ => Err(other("a text")),
        }
    }

    fn number<T: FromStr + TryFrom<i64>>(&mut self) -> Result<T, Unexpected> {
        let number = match self.token()? {
            Token::Number(number) => T::try_from(*number).ok(),
            Token::Text(place) => {
                let text = std::str::from_utf8(&self.bytes[place.clone()]).ok();
                text.and_then(|text| text.parse().ok())
            }
            _ => None,
        };
        number.ok_or_else(|| other("a number"))
    }

    fn token(&mut self) -> Result<&'a Token, Unexpected> {
        let (token, rest) = self.tokens.split_first().ok_or_else(|| other("more"))?;
        self.tokens = rest;
        match token {
            Token::Failure(said) => {
                let said = String::from_utf8_lossy(&self.bytes[said.clone()]);
                Err(Unexpected::Said(one_line(&said, LONGEST_ERROR)))
            }
            token => Ok(token),
        }
    }
}

fn other(expected: &str) -> Unexpected {
    Unexpected::Other(format!("an answer is none of {expected}"))
}

/// The token at a place, and where it ends; `None`: not all of it has come.
fn token(bytes: &[u8], at: usize) -> Result<Option<(Token, usize)>, Unexpected> {
    let rest = &bytes[at.min(bytes.len())..];
    let begin = &rest[..rest.len().min(LONGEST_LINE)];
    let Some(length) = begin.windows(2).position(|pair| pair == b"\r\n") else {
        return match begin.len() {
            LONGEST_LINE => Err(garbage(rest)),
            _ => Ok(None),
        };
    };
    let line = at + 1..at + length;
    let end = at + length + 2;
    let number = || {
        let text = std::str::from_utf8(&bytes[line.clone()]).ok();
        let number: Option<i64> = text.and_then(|text| text.parse().ok());
        number.ok_or_else(|| garbage(&rest[..length]))
    };
    let size = || match number()? {
        -1 => Ok(None),
        size => match usize::try_from(size) {
            Ok(size) if size <= LONGEST => Ok(Some(size)),
            _ => Err(garbage(&rest[..length])),
        },
    };
    let token = match rest[0] {
        b'+' => Token::Text(line),
        b'-' => Token::Failure(line),
        b':' => Token::Number(number()?),
        b'*' => size()?.map_or(Token::Nothing, Token::List),
        b'$' => match size()? {
            None => Token::Nothing,
            Some(size) if bytes.len() < end + size + 2 => return Ok(None),
            Some(size) => return Ok(Some((Token::Text(end..end + size), end + size + 2))),
        },
        _ => return Err(garbage(&rest[..length])),
    };
    Ok(Some((token, end)))
}

fn garbage(line: &[u8]) -> Unexpected {
    let begin = String::from_utf8_lossy(&line[..line.len().min(40)]).into_owned();
    let begin = begin.escape_debug();
    Unexpected::Said(format!(
        "it does not speak as Redis does: `{begin}`; is it the right port?"
    ))
}

/// What an answer can be read as.
pub trait Answer: Sized {
    fn take(answers: &mut Reading<'_>) -> Result<Self, Unexpected>;
}

/// Whatever it says, unless that is an error.
impl Answer for () {
    fn take(answers: &mut Reading<'_>) -> Result<Self, Unexpected> {
        answers.skip(1)
    }
}

impl Answer for i64 {
    fn take(answers: &mut Reading<'_>) -> Result<Self, Unexpected> {
        answers.number()
    }
}

impl Answer for u64 {
    fn take(answers: &mut Reading<'_>) -> Result<Self, Unexpected> {
        answers.number()
    }
}

impl Answer for Vec<u8> {
    fn take(answers: &mut Reading<'_>) -> Result<Self, Unexpected> {
        Ok(answers.binary()?.to_vec())
    }
}

impl Answer for String {
    fn take(answers: &mut Reading<'_>) -> Result<Self, Unexpected> {
        Ok(answers.text()?.to_owned())
    }
}

impl<T: Answer> Answer for Option<T> {
    fn take(answers: &mut Reading<'_>) -> Result<Self, Unexpected> {
        match answers.tokens.split_first() {
            Some((Token::Nothing, rest)) => {
                answers.tokens = rest;
                Ok(None)
            }
            _ => T::take(answers).map(Some),
        }
    }
}

impl<T: Answer> Answer for Vec<T> {
    fn take(answers: &mut Reading<'_>) -> Result<Self, Unexpected> {
        let count = answers.list()?;
        (0..count).map(|_| T::take(answers)).collect()
    }
}

/// Members of a sorted set with their scores, which are whole.
pub struct Scored(pub Vec<(String, i64)>);

impl Answer for Scored {
    fn take(answers: &mut Reading<'_>) -> Result<Self, Unexpected> {
        let count = answers.list()? / 2;
        let scored = |_| {
            let member = answers.take()?;
            let score: Result<f64, _> = answers.text()?.parse();
            let score = score.map_err(|_| other("a score"))?;
            Ok((member, score as i64))
        };
        (0..count).map(scored).collect::<Result<_, _>>().map(Self)
    }
}

impl<T: Answer> Answer for BTreeMap<String, T> {
    fn take(answers: &mut Reading<'_>) -> Result<Self, Unexpected> {
        pairs(answers)
    }
}

impl<T: Answer> Answer for HashMap<String, T> {
    fn take(answers: &mut Reading<'_>) -> Result<Self, Unexpected> {
        pairs(answers)
    }
}

fn pairs<T: Answer, M: FromIterator<(String, T)>>(
    answers: &mut Reading<'_>,
) -> Result<M, Unexpected> {
    let count = answers.list()? / 2;
    let pair = |_| Ok((answers.take()?, answers.take()?));
    (0..count).map(pair).collect()
}

impl<A: Answer, B: Answer> Answer for (A, B) {
    fn take(answers: &mut Reading<'_>) -> Result<Self, Unexpected> {
        match answers.list()? {
            2 => Ok((answers.take()?, answers.take()?)),
            _ => Err(other("two parts")),
        }
    }
}

impl<A: Answer, B: Answer, C: Answer> Answer for (A, B, C) {
    fn take(answers: &mut Reading<'_>) -> Result<Self, Unexpected> {
        match answers.list()? {
            3 => Ok((answers.take()?, answers.take()?, answers.take()?)),
            _ => Err(other("three parts")),
        }
    }
}
