//! A column of texts, as bytes.

use std::ops::Range;

use super::super::bytes::{Reader, Writer};
use super::super::columns::{Texts, Words};
use super::{Corrupt, Effort, numbers};

/// Words, and each point's place among them.
const CODED: u8 = 0;
const PLAIN: u8 = 1;
/// A beginning that all share, and a number of a fixed width behind it.
const NUMBERED: u8 = 2;
/// UUIDs as sixteen bytes.
const UUIDS: u8 = 3;

/// A column of texts is never larger: what is recorded is cut, and what is sealed is little more than two such parts.
const MOST_BYTES: usize = 28 << 20;
/// Shorter bytes are not squeezed.
const WORTH_SQUEEZING: usize = 128;
const LEVEL: i32 = 6;

/// With `is_looked_up`, a sealed column can say no to a text that it does not hold without being decoded.
pub(super) fn encode(texts: &Texts, effort: Effort, is_looked_up: bool) -> Vec<u8> {
    let mut writer = Writer::default();
    let filter = |writer: &mut Writer| match effort == Effort::Sealed && is_looked_up {
        true => filter(texts, writer),
        false => writer.number(0),
    };
    match texts {
        Texts::Plain { text, ends } if text.is_empty() => {
            writer.bytes.push(CODED);
            coded(&Words::default(), &vec![0; ends.len()], effort, &mut writer);
        }
        Texts::Coded { words, codes } => {
            writer.bytes.push(CODED);
            coded(words, codes, effort, &mut writer);
        }
        Texts::Plain { text, ends } => {
            let numbered = (effort == Effort::Sealed)
                .then(|| Numbered::of(texts))
                .flatten();
            let uuids = (effort == Effort::Sealed).then(|| uuids(texts)).flatten();
            if let Some(numbered) = numbered {
                writer.bytes.push(NUMBERED);
                numbered.write(&mut writer);
            } else if let Some(uuids) = uuids {
                writer.bytes.push(UUIDS);
                filter(&mut writer);
                writer.bytes.extend(uuids);
            } else {
                writer.bytes.push(PLAIN);
                filter(&mut writer);
                let mut before = 0;
                let lengths: Vec<i64> = ends
                    .iter()
                    .map(|end| i64::from(*end - std::mem::replace(&mut before, *end)))
                    .collect();
                let lengths = numbers::encode(&lengths, effort);
                writer.number(lengths.len() as u64);
                writer.bytes.extend(lengths);
                squeeze(text.as_bytes(), effort, &mut writer);
            }
        }
    }
    writer.bytes
}

/// The texts of the points of this range.
pub(super) fn decode(block: &[u8], points: usize, range: Range<usize>) -> Result<Texts, Corrupt> {
    let mut reader = Reader::new(block);
    match reader.byte()? {
        CODED => read_coded(reader, |codes| numbers::decode(codes, points, range)),
        PLAIN => {
            // The filter.
            reader.sized()?;
            read_plain(reader, points, range)
        }
        NUMBERED => {
            let read = |numbers: &[u8]| numbers::decode(numbers, points, range);
            Numbered::read(&mut reader, read)?.texts()
        }
        UUIDS => {
            reader.sized()?;
            reader.take(16 * range.start)?;
            let mut texts = Texts::default();
            for _ in range {
                texts.push(&uuid_text(u128::from_be_bytes(reader.array()?)));
            }
            Ok(texts)
        }
        _ => Err(Corrupt("an unknown form of texts")),
    }
}

/// The texts of the points at these places, in whichever order.
pub(super) fn pick(block: &[u8], points: usize, places: &[usize]) -> Result<Texts, Corrupt> {
    let mut reader = Reader::new(block);
    match reader.byte()? {
        CODED => read_coded(reader, |codes| numbers::pick(codes, points, places)),
        NUMBERED => {
            let picked = |numbers: &[u8]| numbers::pick(numbers, points, places);
            Numbered::read(&mut reader, picked)?.texts()
        }
        _ => {
            let first = places.iter().min().copied().unwrap_or(0);
            let range = first..places.iter().max().map_or(first, |last| last + 1);
            let places: Vec<u32> = places.iter().map(|place| (place - first) as u32).collect();
            Ok(decode(block, points, range)?.pick(&places))
        }
    }
}

fn read_plain(
    mut reader: Reader<'_>,
    points: usize,
    range: Range<usize>,
) -> Result<Texts, Corrupt> {
    let lengths = numbers::decode(reader.sized()?, points, 0..points)?;
    let all = String::from_utf8(unsqueeze(&mut reader)?).map_err(|_| NO_TEXT)?;
    let mut end = 0_u32;
    let ends = lengths.into_iter().map(|length| {
        let length = u32::try_from(length).map_err(|_| NO_TEXT)?;
        end = end.checked_add(length).ok_or(NO_TEXT)?;
        match all.is_char_boundary(end as usize) {
            true => Ok(end),
            false => Err(NO_TEXT),
        }
    });
    let ends: Vec<u32> = ends.collect::<Result<_, _>>()?;
    if range.len() == points {
        return Ok(Texts::Plain { text: all, ends });
    }
    let begin = range.start.checked_sub(1).map_or(0, |before| ends[before]);
    let ends: Vec<u32> = ends[range].iter().map(|end| end - begin).collect();
    let end = begin + ends.last().copied().unwrap_or(0);
    let text = all[begin as usize..end as usize].to_owned();
    Ok(Texts::Plain { text, ends })
}

const NO_TEXT: Corrupt = Corrupt("a text is no text");

/// Whether the column may hold this text, as far as it says without being decoded.
pub(super) fn may_hold(block: &[u8], text: &str) -> Result<bool, Corrupt> {
    let mut reader = Reader::new(block);
    match reader.byte()? {
        CODED => {
            let list = unsqueeze(&mut reader)?;
            Ok(text.is_empty() || words(&list)?.contains(&text))
        }
        PLAIN | UUIDS => {
            let filter = reader.sized()?;
            Ok(filter.is_empty()
                || text.is_empty()
                || bits_of(text, filter.len()).all(|bit| filter[bit / 8] >> (bit % 8) & 1 == 1))
        }
        NUMBERED => Numbered::may_hold(&mut reader, text),
        _ => Err(Corrupt("an unknown form of texts")),
    }
}

fn coded(words: &Words, codes: &[u32], effort: Effort, writer: &mut Writer) {
    // Picked points may have left words behind that none of them has.
    let mut used = vec![0_u32; words.list().len() + 1];
    codes.iter().for_each(|code| used[*code as usize] = 1);
    let mut next = 0;
    for used in &mut used[1..] {
        if *used == 1 {
            next += 1;
            *used = next;
        }
    }
    used[0] = 0;
    let mut list = Writer::default();
    list.number(u64::from(next));
    for (word, used) in words.list().iter().zip(&used[1..]) {
        if *used > 0 {
            list.text(word);
        }
    }
    squeeze(&list.bytes, effort, writer);
    let codes: Vec<i64> = codes
        .iter()
        .map(|code| i64::from(used[*code as usize]))
        .collect();
    writer.bytes.extend(numbers::encode(&codes, effort));
}

fn read_coded(
    mut reader: Reader<'_>,
    read: impl FnOnce(&[u8]) -> Result<Vec<i64>, Corrupt>,
) -> Result<Texts, Corrupt> {
    let list = unsqueeze(&mut reader)?;
    let list = words(&list)?;
    let codes = read(reader.rest())?.into_iter().map(|code| {
        let code = u32::try_from(code).ok();
        let code = code.filter(|code| *code as usize <= list.len());
        code.ok_or(Corrupt("a word is missing"))
    });
    let codes: Vec<u32> = codes.collect::<Result<_, _>>()?;
    // Few points need few words.
    let mut new_codes = vec![0; list.len() + 1];
    let mut used = Vec::new();
    for code in &codes {
        let new = &mut new_codes[*code as usize];
        if *code > 0 && *new == 0 {
            used.push(list[*code as usize - 1].to_owned());
            *new = used.len() as u32;
        }
    }
    let codes = codes
        .into_iter()
        .map(|code| new_codes[code as usize])
        .collect();
    let words = Words::from_list(used);
    Ok(Texts::Coded { words, codes })
}

fn words(list: &[u8]) -> Result<Vec<&str>, Corrupt> {
    let mut list = Reader::new(list);
    let count = list.size(super::MOST_POINTS)?;
    (0..count).map(|_| list.text()).collect()
}

/// Leaves those places, in ascending order, whose text this is.
pub(super) fn keep_equal(
    block: &[u8],
    text: &str,
    points: usize,
    places: &mut Vec<usize>,
) -> Result<(), Corrupt> {
    let first = places.first().copied().unwrap_or(0);
    let range = first..places.last().map_or(first, |last| last + 1);
    let mut reader = Reader::new(block);
    let form = reader.byte()?;
    if form == NUMBERED {
        let read = |numbers: &[u8]| numbers::decode(numbers, points, range);
        let numbered = Numbered::read(&mut reader, read)?;
        let wanted = numbered.number(text);
        places.retain(|place| Some(numbered.numbers[place - first]) == wanted);
        return Ok(());
    }
    if form != CODED {
        let texts = decode(block, points, range)?;
        places.retain(|place| texts.text(place - first) == text);
        return Ok(());
    }
    let list = unsqueeze(&mut reader)?;
    let list = words(&list)?;
    // Words that were too many have become the same one.
    let is_equal = |word: &&str| *word == text;
    let wanted: Vec<bool> = [""].iter().chain(&list).map(is_equal).collect();
    let codes = numbers::decode(reader.rest(), points, range)?;
    places.retain(|place| wanted.get(codes[place - first] as usize) == Some(&true));
    Ok(())
}

/// Texts such as `task_0000123`: one beginning, then a number.
struct Numbered<'a> {
    beginning: &'a str,
    /// Digits of each number; 0: as many as it needs.
    width: usize,
    least: i64,
    most: i64,
    numbers: Vec<i64>,
}

impl<'a> Numbered<'a> {
    const MOST_WIDTH: usize = 18;

    fn of(texts: &'a Texts) -> Option<Self> {
        let first = (!texts.is_empty()).then(|| texts.text(0))?;
        let digits = digits_at_end(first);
        let beginning = &first[..first.len() - digits];
        let mut width = Some(digits);
        let mut numbers = Vec::with_capacity(texts.len());
        for at in 0..texts.len() {
            let number = texts.text(at).strip_prefix(beginning)?;
            let sound = (1..=Self::MOST_WIDTH).contains(&number.len())
                && number.bytes().all(|digit| digit.is_ascii_digit());
            let value: i64 = sound.then(|| number.parse().ok()).flatten()?;
            width = width.filter(|width| *width == number.len());
            let is_padded = number.len() > 1 && number.starts_with('0');
            if is_padded && width.is_none() {
                return None;
            }
            numbers.push((value, is_padded));
        }
        if width.is_none() && numbers.iter().any(|(_, is_padded)| *is_padded) {
            return None;
        }
        let numbers: Vec<i64> = numbers.into_iter().map(|(number, _)| number).collect();
        Some(Self {
            beginning,
            width: width.unwrap_or(0),
            least: numbers.iter().copied().min()?,
            most: numbers.iter().copied().max()?,
            numbers,
        })
    }

    fn write(&self, writer: &mut Writer) {
        writer.text(self.beginning);
        writer.number(self.width as u64);
        writer.signed(self.least);
        writer.signed(self.most);
        writer
            .bytes
            .extend(numbers::encode(&self.numbers, Effort::Sealed));
    }

    fn head(reader: &mut Reader<'a>) -> Result<Self, Corrupt> {
        Ok(Self {
            beginning: reader.text()?,
            width: reader.size(Self::MOST_WIDTH)?,
            least: reader.signed()?,
            most: reader.signed()?,
            numbers: Vec::new(),
        })
    }

    fn read(
        reader: &mut Reader<'a>,
        read: impl FnOnce(&[u8]) -> Result<Vec<i64>, Corrupt>,
    ) -> Result<Self, Corrupt> {
        let mut numbered = Self::head(reader)?;
        numbered.numbers = read(reader.rest())?;
        let Self { least, most, .. } = numbered;
        let mut numbers = numbered.numbers.iter();
        let is_sound = numbers.all(|number| (least..=most).contains(number));
        match least >= 0 && numbered.beginning.len() <= 4096 && is_sound {
            true => Ok(numbered),
            false => Err(NO_TEXT),
        }
    }

    fn texts(&self) -> Result<Texts, Corrupt> {
        let (mut text, mut ends) = (String::new(), Vec::with_capacity(self.numbers.len()));
        for number in &self.numbers {
            text.push_str(self.beginning);
            let digits = number.to_string();
            text.extend(std::iter::repeat_n(
                '0',
                self.width.saturating_sub(digits.len()),
            ));
            text.push_str(&digits);
            if text.len() > MOST_BYTES {
                return Err(NO_TEXT);
            }
            ends.push(text.len() as u32);
        }
        Ok(Texts::Plain { text, ends })
    }

    /// The number that stands for this text, if one does.
    fn number(&self, text: &str) -> Option<i64> {
        let digits = text.strip_prefix(self.beginning)?;
        let number: i64 = digits.parse().ok()?;
        (digits == format!("{number:0width$}", width = self.width)).then_some(number)
    }

    fn may_hold(reader: &mut Reader<'a>, text: &str) -> Result<bool, Corrupt> {
        let read = Self::head(reader)?;
        let number = read.number(text);
        Ok(number.is_some_and(|number| (read.least..=read.most).contains(&number)))
    }
}

fn digits_at_end(text: &str) -> usize {
    let digits = text.bytes().rev().take_while(u8::is_ascii_digit).count();
    digits.min(Numbered::MOST_WIDTH)
}

/// All of them as sixteen bytes each, if all are UUIDs in small letters.
fn uuids(texts: &Texts) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(16 * texts.len());
    for at in 0..texts.len() {
        let text = texts.text(at);
        let digits: String = text.split('-').collect();
        let uuid = u128::from_str_radix(&digits, 16).ok()?;
        if uuid_text(uuid) != text {
            return None;
        }
        bytes.extend(uuid.to_be_bytes());
    }
    (!bytes.is_empty()).then_some(bytes)
}

fn uuid_text(uuid: u128) -> String {
    let digits = format!("{uuid:032x}");
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| &digits[part]);
    parts.join("-")
}

/// Ten bits a text, of which each sets seven: one question in a hundred finds all set that never was there.
fn filter(texts: &Texts, writer: &mut Writer) {
    let mut filter = vec![0_u8; (texts.len() * 10).div_ceil(8)];
    for at in 0..texts.len() {
        for bit in bits_of(texts.text(at), filter.len()) {
            filter[bit / 8] |= 1 << (bit % 8);
        }
    }
    writer.number(filter.len() as u64);
    writer.bytes.extend(filter);
}

fn bits_of(text: &str, bytes: usize) -> impl Iterator<Item = usize> {
    // FNV-1a with the finish of SplitMix64: chunks outlive the programs that wrote them.
    let fnv = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let mut hash = text.as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, fnv);
    hash = (hash ^ hash >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ hash >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^= hash >> 31;
    let (first, step) = (hash as u32 as u64, hash >> 32 | 1);
    (0..7).map(move |nth: u64| {
        (first.wrapping_add(nth.wrapping_mul(step)) % (bytes as u64 * 8)) as usize
    })
}

fn squeeze(bytes: &[u8], effort: Effort, writer: &mut Writer) {
    writer.number(bytes.len() as u64);
    let squeezed = match effort {
        Effort::Sealed if bytes.len() >= WORTH_SQUEEZING => zstd::bulk::compress(bytes, LEVEL).ok(),
        _ => None,
    };
    let squeezed = squeezed.filter(|squeezed| squeezed.len() < bytes.len());
    let written = squeezed.as_deref().unwrap_or(bytes);
    writer.number(written.len() as u64);
    writer.bytes.extend(written);
}

fn unsqueeze(reader: &mut Reader<'_>) -> Result<Vec<u8>, Corrupt> {
    let size = reader.size(MOST_BYTES)?;
    let written = reader.size(size)?;
    let written = reader.take(written)?;
    if written.len() == size {
        return Ok(written.to_vec());
    }
    let unsqueezed =
        zstd::bulk::decompress(written, size).map_err(|_| Corrupt("texts cannot be unpacked"))?;
    match unsqueezed.len() == size {
        true => Ok(unsqueezed),
        false => Err(Corrupt("texts cannot be unpacked")),
    }
}
