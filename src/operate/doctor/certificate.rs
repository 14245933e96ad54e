//! Until when a certificate is valid, read from its DER.

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::text::counted::counted;

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// A certificate that ends sooner should have been renewed by now.
const SOON_DAYS: i64 = 14;

pub(super) const RENEW: &str = "Renew it; if a program renews it, that program has stopped.";

pub(super) struct Validity {
    /// `2026-01-31 (63 days)`
    pub until: String,
    pub ends_soon: bool,
}

pub(super) fn validity(der: &[u8], now: DateTime<Utc>) -> Option<Validity> {
    let until = not_after(der)?;
    let days = (until - now).num_days();
    Some(Validity {
        until: format!("{} ({})", until.format("%Y-%m-%d"), counted(days, "day")),
        ends_soon: days < SOON_DAYS,
    })
}

/// `None` if the bytes are no X.509 certificate.
pub fn not_after(der: &[u8]) -> Option<DateTime<Utc>> {
    let certificate = inside(der, SEQUENCE)?;
    let mut rest = inside(certificate, SEQUENCE)?;
    if element(rest)?.0 == VERSION {
        rest = element(rest)?.2;
    }
    // Serial number, signature algorithm, issuer.
    for _ in 0..3 {
        rest = element(rest)?.2;
    }
    let (_, _, last) = element(inside(rest, SEQUENCE)?)?;
    let (tag, text, _) = element(last)?;
    instant(tag, std::str::from_utf8(text).ok()?)
}

fn instant(tag: u8, text: &str) -> Option<DateTime<Utc>> {
    let text = match tag {
        // Two digits of the year: 50 to 99 are of the last century.
        UTC_TIME if text.get(..2)? >= "50" => format!("19{text}"),
        UTC_TIME => format!("20{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let parsed = NaiveDateTime::parse_from_str(&text, "%Y%m%d%H%M%SZ");
    parsed.ok().map(|instant| instant.and_utc())
}

fn inside(bytes: &[u8], wanted: u8) -> Option<&[u8]> {
    let (tag, content, _) = element(bytes)?;
    (tag == wanted).then_some(content)
}

/// Tag, content, and what follows.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match *first {
        short @ 0..=0x7f => (usize::from(short), rest),
        long @ 0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            let length = digits
                .iter()
                .fold(0, |sum, digit| sum << 8 | usize::from(*digit));
            (length, rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}
