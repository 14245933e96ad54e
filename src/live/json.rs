//! JSON from elsewhere, before anything else reads it: neither too long nor too deep.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Bytes of one event.
const LONGEST: usize = 512 << 10;
/// Letters of a field's name in an error.
const LONGEST_NAME: usize = 60;
/// Arrays and objects within one another.
const DEEPEST: usize = 64;
/// With such names serde_json tells itself to read a text anew, as deep again.
const RESERVED: &str = "$serde_json::private::";

/// What is wrong with it is said in an error's words.
pub fn read(text: &[u8]) -> Result<Value, String> {
    if text.len() > LONGEST {
        return Err(format!("{} bytes, at most {LONGEST}", text.len()));
    }
    let mut json = serde_json::Deserializer::from_slice(text);
    let value = Depth(0).deserialize(&mut json);
    let value = value.and_then(|value| json.end().map(|()| value));
    value.map_err(|error| format!("not valid JSON: {error}"))
}

/// How many arrays and objects lie around.
#[derive(Clone, Copy)]
struct Depth(usize);

impl Depth {
    fn within<E: Error>(self) -> Result<Self, E> {
        match self.0 < DEEPEST {
            true => Ok(Self(self.0 + 1)),
            false => Err(E::custom(format!("nested more than {DEEPEST} deep"))),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Depth {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Depth {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, yes: bool) -> Result<Value, E> {
        Ok(Value::Bool(yes))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Value, A::Error> {
        let within = self.within()?;
        let mut values = Vec::new();
        while let Some(value) = array.next_element_seed(within)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let within = self.within()?;
        let mut fields = Map::new();
        while let Some(name) = object.next_key::<String>()? {
            if name.starts_with(RESERVED) {
                return Err(A::Error::custom("a field has a reserved name"));
            }
            let value = object.next_value_seed(within)?;
            if fields.contains_key(&name) {
                let name: String = name.chars().take(LONGEST_NAME).collect();
                let twice = format!("`{}` is given twice", name.escape_debug());
                return Err(A::Error::custom(twice));
            }
            fields.insert(name, value);
        }
        Ok(Value::Object(fields))
    }
}
