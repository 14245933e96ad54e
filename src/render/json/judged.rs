//! Judgements as JSON.

use serde_json::{Value, json};

use crate::entry::PartKey;
use crate::report::{AlertedPart, Held, Usual};

pub(in crate::render) fn held(held: &Held) -> Value {
    json!({ "since": held.since, "until_below": number(held.until_below) })
}

/// As in the value, without its count.
pub(in crate::render) fn part(part: &AlertedPart) -> Value {
    let mut all = match &part.key {
        PartKey::Value(key) => json!({ "key": key, "label": part.label }),
        PartKey::None | PartKey::Other => json!({ "none": true }),
    };
    if part.at_most {
        all["at_most"] = json!(true);
    }
    if let Some(usual) = part.usual {
        all["usual"] = self::usual(usual);
    }
    all
}

pub(super) fn usual(usual: Usual) -> Value {
    json!({ "low": number(usual.low), "high": number(usual.high) })
}

/// Whole numbers stay whole.
pub(super) fn number(number: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        json!(number as i64)
    } else {
        json!(number)
    }
}
