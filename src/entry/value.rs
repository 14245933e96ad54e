//! A metric's value: a whole number, a decimal, or the parts of a distribution.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Number, json};
use sha2::{Digest, Sha256};

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Whole(i64),
    Decimal(Decimal),
    Parts(Vec<Part>),
}

/// One part of a distribution.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    pub key: PartKey,
    /// Only a value has one.
    pub label: String,
    pub count: Decimal,
}

/// What a part stands for. No value equals the other two, whatever its text is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartKey {
    Value(String),
    /// Rows in which the column is null.
    None,
    /// All values beyond the named ones.
    Other,
}

impl PartKey {
    /// The name of rows without a value where there is no language.
    pub const NO_VALUE: &'static str = "(none)";

    pub fn value(&self) -> Option<&str> {
        match self {
            Self::Value(value) => Some(value),
            Self::None | Self::Other => None,
        }
    }
}

/// Longer names of parts are cut.
const PART_LETTERS: usize = 200;

/// Binary fractions added up in another order may differ in their last digits.
const AS_GOOD_AS_EQUAL: f64 = 1e-9;

/// Whether two counts are equal. Labels of parts do not matter.
pub fn agree(one: Option<&Value>, other: Option<&Value>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(Value::Whole(one)), Some(Value::Whole(other))) => one == other,
        (Some(Value::Parts(one)), Some(Value::Parts(other))) => counts(one) == counts(other),
        (Some(one), Some(other)) => match (one.number(), other.number()) {
            (Some(one), Some(other)) => {
                (one - other).abs() <= AS_GOOD_AS_EQUAL * one.abs().max(other.abs())
            }
            _ => false,
        },
        _ => false,
    }
}

/// A part's name as stored. A long text is cut and gets a digest, so that it differs from others with the same beginning.
pub fn part_name(text: String) -> String {
    if text.chars().nth(PART_LETTERS).is_none() {
        return text;
    }
    let beginning: String = text.chars().take(PART_LETTERS - 18).collect();
    let digest = Sha256::digest(&text);
    let digest: String = digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{beginning}…#{digest}")
}

fn counts(parts: &[Part]) -> BTreeMap<&PartKey, Decimal> {
    let each = parts.iter();
    each.map(|part| (&part.key, part.count)).collect()
}

impl Value {
    /// The number to compare; a distribution has none.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Whole(whole) => Some(*whole as f64),
            Self::Decimal(decimal) => nearest(*decimal),
            Self::Parts(_) => None,
        }
    }

    /// The exact number; a distribution has none.
    pub fn decimal(&self) -> Option<Decimal> {
        match self {
            Self::Whole(whole) => Some(Decimal::from(*whole)),
            Self::Decimal(decimal) => Some(*decimal),
            Self::Parts(_) => None,
        }
    }

    /// A binary fraction by its shortest text, the same one that JSON has: of two equally near ones the even one.
    pub fn from_binary(number: f64) -> Option<Self> {
        Some(Self::from_decimal(decimal_of(&Number::from_f64(number)?)?))
    }

    /// Whole where nothing stands behind the point.
    pub fn from_decimal(decimal: Decimal) -> Self {
        let plain = decimal.normalize();
        match plain.to_i64() {
            Some(whole) if plain.is_integer() => Self::Whole(whole),
            _ => Self::Decimal(plain),
        }
    }

    /// Fails if a double cannot hold all digits: statistics, Prometheus and most JSON readers use doubles. Up to 15 digits
    /// always fit.
    pub fn exactly(self) -> Result<Self, String> {
        let lost = |number: Decimal| (carried(number) != Some(number)).then_some(number);
        let lost = match &self {
            Self::Whole(whole) => lost((*whole).into()),
            Self::Decimal(decimal) => lost(*decimal),
            Self::Parts(parts) => parts.iter().find_map(|part| lost(part.count)),
        };
        match lost {
            None => Ok(self),
            Some(number) => Err(format!(
                "{} has more digits than can be stored exactly (15 always fit): set `decimals`, round in the query, or use a \
                 larger unit",
                number.normalize()
            )),
        }
    }

    /// Of binary fractions the nearest one is all that is known.
    #[must_use]
    pub fn as_binary(self) -> Self {
        let nearest = |number: Decimal| carried(number).unwrap_or(number);
        match self {
            Self::Whole(whole) => Self::from_decimal(nearest(whole.into())),
            Self::Decimal(decimal) => Self::Decimal(nearest(decimal)),
            Self::Parts(parts) => {
                let parts = parts.into_iter().map(|part| Part {
                    count: nearest(part.count),
                    ..part
                });
                Self::Parts(parts.collect())
            }
        }
    }

    /// Counts and sums stay exact unless decimals are asked for.
    #[must_use]
    pub fn with_decimals(self, decimals: Option<u32>) -> Self {
        match (self, decimals) {
            (Self::Decimal(decimal), Some(decimals)) => Self::Decimal(
                decimal.round_dp_with_strategy(decimals, RoundingStrategy::MidpointNearestEven),
            ),
            (value, _) => value,
        }
    }

    /// Whether the value read back is the one written.
    pub fn is_written_exactly(&self) -> bool {
        Self::from_json(&self.to_json()).as_ref() == Some(self)
    }

    /// Rounded half to even on the binary value, as the original's `quantize` did.
    pub fn rounded(number: f64, decimals: u32) -> Option<Self> {
        let text = format!("{number:.*}", decimals as usize);
        number
            .is_finite()
            .then(|| text.parse().ok().map(Self::Decimal))
            .flatten()
    }

    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Whole(whole) => json!(whole),
            Self::Decimal(decimal) => decimal_json(*decimal),
            Self::Parts(parts) => parts.iter().map(Part::to_json).collect(),
        }
    }

    /// From JSON text. Most of a book's bytes are distributions, so their parts are read directly.
    pub fn from_text(text: &str) -> Option<Self> {
        if text.starts_with('[')
            && let Ok(parts) = serde_json::from_str::<Vec<WrittenPart<'_>>>(text)
            && let Some(parts) = parts.into_iter().map(WrittenPart::read).collect()
        {
            return Some(Self::Parts(parts));
        }
        Self::from_json(&serde_json::from_str(text).ok()?)
    }

    pub fn from_json(json: &serde_json::Value) -> Option<Self> {
        match json {
            serde_json::Value::Number(number) => Some(match number.as_i64() {
                Some(whole) => Self::Whole(whole),
                None => Self::Decimal(decimal_of(number)?),
            }),
            serde_json::Value::Array(parts) => Some(Self::Parts(
                parts.iter().map(Part::from_json).collect::<Option<_>>()?,
            )),
            _ => None,
        }
    }
}

impl Part {
    fn to_json(&self) -> serde_json::Value {
        let count = Value::from_decimal(self.count).to_json();
        match &self.key {
            PartKey::Value(key) => json!({ "key": key, "label": self.label, "count": count }),
            PartKey::None => json!({ "none": true, "count": count }),
            PartKey::Other => json!({ "other": true, "count": count }),
        }
    }

    fn from_json(json: &serde_json::Value) -> Option<Self> {
        WrittenPart::deserialize(json).ok()?.read()
    }
}

/// A part as it stands in a text.
#[derive(Deserialize)]
struct WrittenPart<'a> {
    #[serde(borrow, default)]
    key: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    label: Option<Cow<'a, str>>,
    count: Number,
    none: Option<IgnoredAny>,
    other: Option<IgnoredAny>,
}

impl WrittenPart<'_> {
    fn read(self) -> Option<Part> {
        let key = match (self.key, self.none, self.other) {
            (Some(key), ..) => PartKey::Value(key.into_owned()),
            (None, Some(_), _) => PartKey::None,
            (None, None, Some(_)) => PartKey::Other,
            (None, None, None) => return None,
        };
        let label = self.label.map(Cow::into_owned);
        Some(Part {
            label: label
                .or_else(|| key.value().map(str::to_owned))
                .unwrap_or_default(),
            count: decimal_of(&self.count)?,
            key,
        })
    }
}

fn decimal_json(decimal: Decimal) -> serde_json::Value {
    let number = nearest(decimal).and_then(Number::from_f64);
    number.map_or(serde_json::Value::Null, serde_json::Value::Number)
}

/// The nearest binary fraction. A quotient of two exact ones is rounded once, and so is a text; `to_f64` rounds twice.
fn nearest(decimal: Decimal) -> Option<f64> {
    const EXACT_TO: u128 = 1 << 53;
    let mantissa = decimal.mantissa();
    match 10_u64.checked_pow(decimal.scale()) {
        Some(power) if mantissa.unsigned_abs() < EXACT_TO && u128::from(power) < EXACT_TO => {
            Some(mantissa as f64 / power as f64)
        }
        _ => decimal.to_string().parse().ok(),
    }
}

/// The decimal after a round trip through a double, by its shortest text.
fn carried(decimal: Decimal) -> Option<Decimal> {
    decimal_of(&Number::from_f64(nearest(decimal)?)?)
}

fn decimal_of(number: &Number) -> Option<Decimal> {
    if let Some(whole) = number.as_i64() {
        return Some(whole.into());
    }
    let text = number.to_string();
    text.parse()
        .ok()
        .or_else(|| Decimal::from_scientific(&text).ok())
}
