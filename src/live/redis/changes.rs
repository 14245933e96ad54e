//! A batch of changes for `apply.lua`, summed by key and field before it is sent. It knows no layout.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::keys;
use super::wire::Parts;

/// Seconds for which a host's current sample lives.
const CURRENT_LIVES: &str = "3600";
/// Bytes that a part takes beside its text, roughly.
const PART: usize = 16;

/// What EVALSHA is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub keys: Parts,
    pub arguments: Parts,
}

#[derive(Debug, Default)]
pub struct Changes {
    prefix: String,
    /// The last note of what was forgotten: after another one nothing is changed. `None`: after any.
    last_note: Option<i64>,
    bytes: usize,
    streams: ByName<Stream>,
    sets: ByName<ByName<String>>,
    counts: ByName<ByName<Count>>,
    sums: ByName<ByName<Count>>,
    floats: ByName<ByName<f64>>,
    extremes: ByName<ByName<Option<(f64, f64)>>>,
    numbers: ByName<ByName<Option<(i64, f64)>>>,
    lasts: ByName<ByName<Option<Last>>>,
    samples: ByName<Vec<(i64, String)>>,
    /// For how many seconds a host's history lives, if there are histories.
    history_lives: Option<u64>,
    items: ByName<Items>,
    forgotten: ByName<()>,
    trimmed: ByName<usize>,
    expiries: ByName<i64>,
    members: ByName<ByName<()>>,
    indexes: ByName<ByName<i64>>,
}

#[derive(Debug, Default)]
struct Stream {
    bound: String,
    events: Vec<Vec<u8>>,
}

/// A sum of any size: what does not fit is added as several numbers.
#[derive(Debug, Default)]
pub(super) struct Count {
    full: Vec<i128>,
    rest: i128,
}

/// Fields that are set together unless a later instant is known.
#[derive(Debug)]
struct Last {
    at: i64,
    fields: Vec<(String, String)>,
}

#[derive(Debug, Default)]
struct Items {
    expires: Option<i64>,
    items: Vec<Vec<u8>>,
}

impl Changes {
    /// The replicas' marks stand in `PREFIX:applied` and `PREFIX:applied:until`.
    pub fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
            ..Self::default()
        }
    }

    /// The server refuses them once something was forgotten after the note of this number.
    pub fn unless_forgotten_since(mut self, number: i64) -> Self {
        self.last_note = Some(number);
        self
    }

    /// What it takes on the wire, roughly.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds events to a stream, which is then cut: to `1000` of them, or to `~1000` roughly; not at all without a bound.
    pub fn append(&mut self, stream: &str, bound: &str, events: Vec<Vec<u8>>) {
        let sizes = events.iter().map(|event| event.len() + PART);
        self.bytes += sizes.sum::<usize>();
        let stream = self.streams.named(stream, &mut self.bytes);
        bound.clone_into(&mut stream.bound);
        stream.events.extend(events);
    }

    pub fn set(&mut self, key: &str, field: &str, text: &str) {
        let fields = self.sets.named(key, &mut self.bytes);
        let known = fields.named(field, &mut self.bytes);
        if known != text {
            self.bytes += text.len().saturating_sub(known.len());
            text.clone_into(known);
        }
    }

    /// Adds a number that is not negative to a counter.
    pub fn count(&mut self, key: &str, field: &str, count: i128) {
        let counts = self.counts.named(key, &mut self.bytes);
        counts.named(field, &mut self.bytes).add(count);
    }

    /// The same with what was counted already.
    pub(super) fn count_all(&mut self, key: &str, counter: &str, counted: Count) {
        let counts = self.counts.named(key, &mut self.bytes);
        let count = counts.named(counter, &mut self.bytes);
        let numbers = counted.full.into_iter().chain([counted.rest]);
        numbers.for_each(|number| count.add(number));
    }

    /// Adds a whole number of either sign to a sum that may fall.
    pub fn sum(&mut self, key: &str, field: &str, number: i128) {
        let sums = self.sums.named(key, &mut self.bytes);
        sums.named(field, &mut self.bytes).add(number);
    }

    pub fn float(&mut self, key: &str, field: &str, number: f64) {
        let floats = self.floats.named(key, &mut self.bytes);
        *floats.named(field, &mut self.bytes) += number;
    }

    /// The least and the most of what is known as `NAME:min` and `NAME:max`.
    pub fn extremes(&mut self, key: &str, name: &str, least: f64, most: f64) {
        let all = self.extremes.named(key, &mut self.bytes);
        let known = all.named(name, &mut self.bytes);
        let (low, high) = known.unwrap_or((least, most));
        *known = Some((low.min(least), high.max(most)));
    }

    /// The last of what is known as `NAME:last`, at `NAME:last_us`; of several at one instant the largest.
    pub fn last_number(&mut self, key: &str, name: &str, at: i64, number: f64) {
        let numbers = self.numbers.named(key, &mut self.bytes);
        let known = numbers.named(name, &mut self.bytes);
        if known.is_none_or(|(known_at, known)| {
            at > known_at || at == known_at && number.total_cmp(&known).is_gt()
        }) {
            *known = Some((at, number));
        }
    }

    /// Fields that are set together with the field of their instant, unless a later one is known; of several at one
    /// instant the last that came stays.
    pub fn last(
        &mut self,
        key: &str,
        instant: &str,
        at: i64,
        fields: impl FnOnce() -> Vec<(String, String)>,
    ) {
        let lasts = self.lasts.named(key, &mut self.bytes);
        let known = lasts.named(instant, &mut self.bytes);
        if known.as_ref().is_none_or(|known| at >= known.at) {
            let fields = fields();
            let parts = fields.iter().map(|(name, text)| name.len() + text.len());
            self.bytes += parts.sum::<usize>() + PART;
            *known = Some(Last { at, fields });
        }
    }

    /// A sample of a host at a millisecond. Histories live for so many seconds, or are not written.
    pub fn sample(&mut self, host: &str, at: i64, json: String, history_lives: Option<u64>) {
        self.bytes += json.len() + 2 * PART;
        self.history_lives = history_lives;
        self.samples.named(host, &mut self.bytes).push((at, json));
    }

    /// An item at the end of a list, which expires as a whole at a second if it is new.
    pub fn item(&mut self, key: &str, expires: Option<i64>, item: Vec<u8>) {
        self.bytes += item.len() + PART;
        let list = self.items.named(key, &mut self.bytes);
        list.expires = expires;
        list.items.push(item);
    }

    /// A key that goes as a whole, before items are added to it.
    pub fn forget(&mut self, key: &str) {
        self.forgotten.named(key, &mut self.bytes);
    }

    /// A list that loses so many of its first items.
    pub fn trim(&mut self, key: &str, items: usize) {
        *self.trimmed.named(key, &mut self.bytes) = items;
    }

    /// The second at which a key expires that this batch changes.
    pub fn expire(&mut self, key: &str, second: i64) {
        *self.expiries.named(key, &mut self.bytes) = second;
    }

    pub fn member(&mut self, set: &str, member: &str) {
        let members = self.members.named(set, &mut self.bytes);
        members.named(member, &mut self.bytes);
    }

    pub fn index(&mut self, index: &str, member: &str, score: i64) {
        let scores = self.indexes.named(index, &mut self.bytes);
        *scores.named(member, &mut self.bytes) = score;
    }

    /// All changes, behind the mark that must be there (empty for none) and before the one that then is. What is looked up
    /// first comes last, since on a cluster a reader may see it half done.
    pub fn call(self, replica: &str, before: &str, behind: &str, until_micros: i64) -> Call {
        let Self { prefix, .. } = &self;
        let mut call = Calling::default();
        call.number(keys::applied(prefix));
        call.number(keys::applied_until(prefix));
        call.arguments.args([replica, before, behind]);
        call.arguments.number(until_micros);
        if let Some(number) = self.last_note {
            let key = keys::FORGOTTEN_COUNT.to_owned();
            call.change("n", key, Parts::default().number(number));
        }
        for (key, stream) in self.streams.list {
            let mut parts = Parts::default();
            parts.arg(stream.bound).args(stream.events);
            call.change("x", key, &parts);
        }
        call.fields("h", self.sets, |parts, field, text| {
            parts.arg(field).arg(text);
        });
        call.fields("a", self.counts, Count::add_to);
        call.fields("g", self.sums, Count::add_to);
        call.fields("f", self.floats, |parts, field, sum| {
            parts.arg(field).arg(float(sum));
        });
        call.fields("e", self.extremes, |parts, name, found| {
            let (least, most) = found.unwrap_or_default();
            parts.arg(format!("{name}:min")).arg(float(least));
            parts.arg(format!("{name}:max")).arg(float(most));
        });
        call.fields("v", self.numbers, |parts, name, found| {
            let (at, number) = found.unwrap_or_default();
            parts.arg(format!("{name}:last_us")).number(at);
            parts.arg(format!("{name}:last")).arg(float(number));
        });
        for (key, lasts) in self.lasts.list {
            for (instant, last) in lasts.list {
                let Some(Last { at, fields }) = last else {
                    continue;
                };
                let mut parts = Parts::default();
                parts.arg(instant).number(at);
                for (name, text) in fields {
                    parts.arg(name).arg(text);
                }
                call.change("l", key.clone(), &parts);
            }
        }
        call.samples(self.samples, self.history_lives);
        for (key, ()) in self.forgotten.list {
            call.change("d", key, &Parts::default());
        }
        for (key, items) in self.trimmed.list {
            call.change("t", key, Parts::default().number(items as i64));
        }
        for (key, Items { expires, items }) in self.items.list {
            let mut parts = Parts::default();
            parts.arg(expires.map_or_else(String::new, |second| second.to_string()));
            call.change("p", key, parts.args(items));
        }
        for (key, second) in self.expiries.list {
            call.change("k", key, Parts::default().number(second));
        }
        call.fields("s", self.members, |parts, member, ()| {
            parts.arg(member);
        });
        call.fields("z", self.indexes, |parts, member, score| {
            parts.number(score).arg(member);
        });
        Call {
            keys: call.keys,
            arguments: call.arguments,
        }
    }
}

impl Count {
    pub(super) fn add(&mut self, number: i128) {
        match self.rest.checked_add(number) {
            Some(sum) => self.rest = sum,
            None => self.full.push(std::mem::replace(&mut self.rest, number)),
        }
    }

    fn add_to(parts: &mut Parts, field: String, count: Self) {
        for number in count.full.into_iter().chain([count.rest]) {
            parts.arg(&field).arg(number.to_string());
        }
    }
}

/// A number as every reader takes it, with all its digits.
pub fn float(number: f64) -> String {
    match number.abs() {
        0.0 => "0".to_owned(),
        size if (1e-7..1e21).contains(&size) => number.to_string(),
        _ => format!("{number:e}"),
    }
}

/// In the order in which the names first came.
#[derive(Debug)]
struct ByName<T> {
    places: HashMap<String, usize>,
    list: Vec<(String, T)>,
}

impl<T> Default for ByName<T> {
    fn default() -> Self {
        Self {
            places: HashMap::new(),
            list: Vec::new(),
        }
    }
}

impl<T: Default> ByName<T> {
    fn named(&mut self, name: &str, bytes: &mut usize) -> &mut T {
        let place = self.places.get(name).copied().unwrap_or_else(|| {
            *bytes += name.len() + 2 * PART;
            self.places.insert(name.to_owned(), self.list.len());
            self.list.push((name.to_owned(), T::default()));
            self.list.len() - 1
        });
        &mut self.list[place].1
    }
}

#[derive(Default)]
struct Calling {
    keys: Parts,
    numbers: HashMap<String, usize>,
    arguments: Parts,
}

impl Calling {
    fn number(&mut self, key: String) -> usize {
        match self.numbers.entry(key) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                self.keys.arg(new.key());
                *new.insert(self.keys.count())
            }
        }
    }

    fn change(&mut self, letter: &str, key: String, parts: &Parts) {
        let number = self.number(key) as i64;
        let length = parts.count() as i64;
        self.arguments.arg(letter).number(number).number(length);
        self.arguments.append(parts);
    }

    fn fields<T>(
        &mut self,
        letter: &str,
        keys: ByName<ByName<T>>,
        add_to: impl Fn(&mut Parts, String, T),
    ) {
        for (key, fields) in keys.list {
            let mut parts = Parts::default();
            for (field, change) in fields.list {
                add_to(&mut parts, field, change);
            }
            self.change(letter, key, &parts);
        }
    }

    /// A host's current sample and its history are neighbours among the keys.
    fn samples(&mut self, hosts: ByName<Vec<(i64, String)>>, history_lives: Option<u64>) {
        if hosts.list.is_empty() {
            return;
        }
        let lives = history_lives.map_or_else(String::new, |seconds| seconds.to_string());
        let mut parts = Parts::default();
        parts.arg(CURRENT_LIVES).arg(lives);
        for (host, mut samples) in hosts.list {
            samples.sort_by_key(|(at, _)| *at);
            self.keys.arg(keys::current(&host));
            parts.arg(&host).number(self.keys.count() as i64);
            parts.number(2 * samples.len() as i64);
            self.keys.arg(keys::history(&host));
            for (at, json) in samples {
                parts.number(at).arg(json);
            }
        }
        self.change("o", keys::NEWEST.to_owned(), &parts);
    }
}
