//! One JSON document with days in `entries`, read one at a time.

use std::fmt;
use std::io::{self, BufRead};

use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;

use super::day::{self, ExportedDay};
use super::measured::Length;
use super::validation::Validation;

pub(super) fn read(
    input: impl BufRead,
    length: &Length,
    validation: &mut Validation<'_>,
) -> io::Result<()> {
    length.set(0);
    let mut parser = serde_json::Deserializer::from_reader(input);
    let reader = Reader { length, validation };
    let done = parser.deserialize_map(reader).and_then(|found| {
        parser.end()?;
        Ok(found)
    });
    match done {
        Ok(true) => {}
        Ok(false) => validation.wrong("the document", "expected the days in \"entries\""),
        Err(error) if error.is_io() => return Err(error.into()),
        Err(error) => validation.wrong("the document", &error.to_string()),
    }
    Ok(())
}

struct Reader<'r, 'a> {
    length: &'r Length,
    validation: &'r mut Validation<'a>,
}

/// Reads the document; returns whether it has entries.
impl<'de> Visitor<'de> for Reader<'_, '_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a document with \"entries\"")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut found = false;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "schema" => {
                    let schema: Json = map.next_value()?;
                    if schema != 1 {
                        let why = format!("schema {schema}: this program knows schema 1");
                        self.validation.wrong("the document", &why);
                    }
                }
                "entries" => {
                    found = true;
                    let (length, validation) = (self.length, &mut *self.validation);
                    map.next_value_seed(Entries(Reader { length, validation }))?;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(found)
    }
}

struct Entries<'r, 'a>(Reader<'r, 'a>);

impl<'de> DeserializeSeed<'de> for Entries<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of days")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut days: A) -> Result<(), A::Error> {
        let Reader { length, validation } = self.0;
        for number in 1.. {
            length.set(0);
            let Some(day) = days.next_element::<ExportedDay>()? else {
                break;
            };
            day::check(day, &format!("entry {number}"), validation);
        }
        Ok(())
    }
}
