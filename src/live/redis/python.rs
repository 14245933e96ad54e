//! JSON in the form of Python's `json.dumps(…, ensure_ascii=False)`: a space behind each comma and colon, and floats as Python
//! writes them. Texts are the same in both.

/// An object in the making.
#[derive(Default)]
pub(super) struct Object {
    /// Without the brace behind it.
    out: String,
}

#[derive(Clone, Copy)]
pub(super) enum Value<'v> {
    Null,
    Bool(bool),
    Number(i64),
    Text(&'v str),
    /// In this form already.
    Json(&'v str),
}

impl Value<'_> {
    pub(super) fn number(number: Option<i64>) -> Self {
        number.map_or(Self::Null, Self::Number)
    }

    pub(super) fn bool(yes: Option<bool>) -> Self {
        yes.map_or(Self::Null, Self::Bool)
    }
}

impl Object {
    pub(super) fn with_room(bytes: usize) -> Self {
        Self {
            out: String::with_capacity(bytes),
        }
    }

    /// An object that is there already, with its members as [`object`] finds them.
    pub(super) fn copied(json: &str) -> (Self, Vec<(&str, &str)>) {
        let mut out = String::with_capacity(json.len() + 384);
        let members = object(json, &mut out);
        out.pop();
        (Self { out }, members)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.out.len() <= 1
    }

    /// The name needs no escapes.
    pub(super) fn add(&mut self, name: &'static str, value: Value<'_>) {
        self.out.push_str(match self.out.len() {
            0 => "{",
            1 => "",
            _ => ", ",
        });
        self.out.extend(["\"", name, "\": "]);
        match value {
            Value::Null => self.out.push_str("null"),
            Value::Bool(yes) => self.out.push_str(if yes { "true" } else { "false" }),
            Value::Number(number) => self.out.push_str(&number.to_string()),
            Value::Text(value) => text(value, &mut self.out),
            Value::Json(json) => self.out.push_str(json),
        }
    }

    pub(super) fn finish(mut self) -> String {
        let end = if self.out.is_empty() { "{}" } else { "}" };
        self.out.push_str(end);
        self.out
    }
}

/// Only what JSON demands is escaped.
fn text(text: &str, out: &mut String) {
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    out.push('"');
    if text.bytes().all(is_plain) {
        out.push_str(text);
    } else {
        text.chars().for_each(|letter| escaped(letter, out));
    }
    out.push('"');
}

fn escaped(letter: char, out: &mut String) {
    match letter {
        '"' | '\\' => out.extend(['\\', letter]),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\0'..' ' => out.push_str(&format!("\\u{:04x}", u32::from(letter))),
        _ => out.push(letter),
    }
}

/// Copies an object, and returns its members: each key without its quotes, each value as it stood.
fn object<'j>(json: &'j str, out: &mut String) -> Vec<(&'j str, &'j str)> {
    let bytes = json.as_bytes();
    let mut members = Vec::with_capacity(8);
    let (mut at, mut depth, mut key, mut value) = (0, 0, "", 0);
    // Behind what is copied already.
    let mut rest = 0;
    while let Some(byte) = bytes.get(at) {
        let from = at;
        at = match byte {
            b'"' => text_end(bytes, at),
            b'-' | b'0'..=b'9' => word_end(bytes, at),
            _ => at + 1,
        };
        match byte {
            b',' | b':' => {
                out.push_str(&json[rest..at]);
                out.push(' ');
                rest = at;
            }
            b' ' | b'\n' | b'\r' | b'\t' => {
                out.push_str(&json[rest..from]);
                rest = at;
            }
            b'-' | b'0'..=b'9' => {
                if let Some(number) = in_another_form(&json[from..at]) {
                    out.push_str(&json[rest..from]);
                    out.push_str(&number);
                    rest = at;
                }
            }
            b'{' | b'[' => depth += 1,
            _ => {}
        }
        if depth == 1 {
            match byte {
                b'{' => value = at,
                b':' => (key, value) = (&json[value..from], at),
                b',' | b'}' if !key.is_empty() => {
                    members.push((key.trim().trim_matches('"'), json[value..from].trim()));
                    (key, value) = ("", at);
                }
                _ => {}
            }
        }
        if matches!(byte, b'}' | b']') {
            depth -= 1;
        }
    }
    out.push_str(&json[rest..]);
    members
}

fn text_end(bytes: &[u8], begin: usize) -> usize {
    let mut at = begin + 1;
    while let Some(step) = bytes[at.min(bytes.len())..]
        .iter()
        .position(|byte| matches!(byte, b'"' | b'\\'))
    {
        at += step + 1;
        match bytes[at - 1] {
            b'"' => return at,
            // What stands behind a backslash ends no text.
            _ => at += 1,
        }
    }
    bytes.len()
}

fn word_end(bytes: &[u8], begin: usize) -> usize {
    let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t');
    let length = bytes[begin..].iter().position(ends);
    length.map_or(bytes.len(), |length| begin + length)
}

/// Whole numbers and most floats are written alike.
fn in_another_form(number: &str) -> Option<String> {
    let has_exponent = number.contains(['e', 'E']);
    let is_small = number.trim_start_matches('-').starts_with("0.0000");
    let is_long = number.len() > 16 && number.contains('.');
    if !has_exponent && !is_small && !is_long {
        return None;
    }
    number.parse().ok().map(float)
}

/// From 0.0001 up to 16 digits before the point without an exponent, which otherwise has a sign and two digits at least.
fn float(number: f64) -> String {
    if number == 0.0 || (1e-4..1e16).contains(&number.abs()) {
        return format!("{number:?}");
    }
    let text = format!("{number:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, size) = match exponent.strip_prefix('-') {
        Some(size) => ('-', size),
        None => ('+', exponent),
    };
    format!("{digits}e{sign}{size:0>2}")
}
