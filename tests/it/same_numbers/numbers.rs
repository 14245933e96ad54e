//! Numbers as people write them, read back strictly: thousands in threes, the habit's own point, a real minus.

use daybook::locale::Numbers;
use rust_decimal::Decimal;

/// A number as it was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) value: Decimal,
    /// Digits behind the point.
    pub(super) digits: u32,
    /// `<0.1`: less than that, but not nothing.
    pub(super) below: bool,
}

/// The number at the beginning of a text, and what follows it.
pub(super) fn leading(text: &str, habit: Numbers) -> Option<(Said, &str)> {
    let (separator, point) = match habit {
        Numbers::Swiss => ('\'', '.'),
        Numbers::German | Numbers::Italian => ('.', ','),
        Numbers::French => ('\u{202f}', ','),
        Numbers::English => (',', '.'),
    };
    let (minus, rest) = match text.strip_prefix('\u{2212}') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (below, rest) = match rest.strip_prefix('<') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let (mut digits, mut rest) = run(rest);
    if digits.is_empty() {
        return None;
    }
    let mut whole = digits.to_owned();
    while digits.len() <= 3 {
        let group = rest.strip_prefix(separator).map(run);
        let Some((group, after)) = group.filter(|(group, _)| group.len() == 3) else {
            break;
        };
        whole.push_str(group);
        (digits, rest) = (group, after);
    }
    assert!(digits.len() <= 3, "thousands stand together: {text:?}");
    let fraction = rest.strip_prefix(point).map(run);
    let fraction = fraction.filter(|(digits, _)| !digits.is_empty());
    let (fraction, rest) = fraction.unwrap_or(("", rest));
    let value: Decimal = format!("{whole}.{fraction}0").parse().ok()?;
    let said = Said {
        value: if minus { -value } else { value },
        digits: u32::try_from(fraction.len()).ok()?,
        below,
    };
    Some((said, rest))
}

fn run(text: &str) -> (&str, &str) {
    let end = text.find(|letter: char| !letter.is_ascii_digit());
    text.split_at(end.unwrap_or(text.len()))
}

/// A number with its unit, which is all that the text says. Bytes come in a scale of their own.
pub(super) fn with_unit(text: &str, unit: &str, habit: Numbers) -> Amount {
    let (said, rest) = leading(text, habit).unwrap_or_else(|| panic!("no number: {text:?}"));
    let word = rest.trim_matches([' ', '\u{a0}']);
    let scale = match (unit, word) {
        ("bytes", "B") => 1_i64,
        ("bytes", "kB") => 1_000,
        ("bytes", "MB") => 1_000_000,
        ("bytes", "GB") => 1_000_000_000,
        ("bytes", "TB") => 1_000_000_000_000,
        _ => {
            // Units of samples are plain or hostile; of the hostile ones only what is plain stays.
            let unit: String = unit.chars().filter(|letter| !letter.is_control()).collect();
            assert_eq!(word, unit, "{text:?}");
            1
        }
    };
    Amount {
        said,
        scale: Decimal::from(scale),
    }
}

/// A number that stands for itself times a scale.
#[derive(Debug, Clone, Copy)]
pub(super) struct Amount {
    pub(super) said: Said,
    pub(super) scale: Decimal,
}

impl Amount {
    /// Whether it is this number, rounded to the digits that are shown.
    pub(super) fn is(&self, truth: Decimal) -> bool {
        let half = Decimal::new(5, self.said.digits + 1) * self.scale;
        (self.said.value * self.scale - truth).abs() <= half
    }
}

/// One digit behind the point at most, none where it would be 0.
pub(super) fn rounds_to_a_tenth(said: Said, truth: Decimal) -> bool {
    let same_side = said.value.is_sign_negative() == truth.is_sign_negative();
    // What is halfway in decimals may lie on either side in binary.
    let half = Decimal::new(50_001, 6);
    if said.below {
        return same_side && !truth.is_zero() && truth.abs() <= half;
    }
    let shows_nothing = said.digits == 1 && said.value.fract().is_zero();
    same_side && said.digits <= 1 && !shows_nothing && (said.value - truth).abs() <= half
}
