//! Days as JSON: one document, or a line each. The values are the book's own text, so whole numbers stay whole
//! and decimals as they were written.

use std::io::{self, Write};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::json;

use crate::book::RawDay;
use crate::config::Config;
use crate::text::plain::spelled_out;

/// The only instant in a provenance. Inside a text its quotes would be escaped, so this is never part of one.
const OBSERVED_AT: &str = "\"observed_at\":\"";

/// A day on a line of its own.
pub(super) fn line(day: &RawDay, out: &mut dyn Write) -> io::Result<()> {
    write(day, out)?;
    out.write_all(b"\n")
}

/// The beginning of a document, before the first day.
pub(super) fn opening(config: &Config) -> String {
    let (name, zone) = (
        json!(config.name).to_string(),
        json!(config.time_zone.name()),
    );
    let name = spelled_out(&name);
    format!("{{\"schema\":1,\"name\":{name},\"time_zone\":{zone},\"entries\":[")
}

/// A day of a document, on a line of its own too.
pub(super) fn entry(day: &RawDay, first: bool, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(if first { b"\n" } else { b",\n" })?;
    write(day, out)
}

/// The end of a document.
pub(super) const CLOSING: &[u8] = b"]}\n";

fn write(day: &RawDay, out: &mut dyn Write) -> io::Result<()> {
    let frame = &day.frame;
    let zone = frame.time_zone;
    write!(
        out,
        r#"{{"schema":1,"date":"{}","as_of":"{}","partial":{},"time_zone":"{}","hours":{},"collected_at":"{}","duration_ms":{},"metrics":"#,
        frame.date,
        instant(frame.as_of, zone),
        frame.partial,
        zone.name(),
        frame.hours(),
        instant(frame.collected_at, zone),
        frame.duration_ms,
    )?;
    out.write_all(spelled_out(&day.metrics).as_bytes())?;
    out.write_all(b",\"provenance\":")?;
    out.write_all(spelled_out(&in_zone(&day.provenance, zone)).as_bytes())?;
    out.write_all(b"}")
}

/// As in `show --json`.
pub(super) fn instant(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).to_rfc3339()
}

/// Converts the instants from UTC to the zone, like all others. Many metrics share one instant.
pub(super) fn in_zone(provenance: &str, zone: Tz) -> String {
    let mut local_text = String::with_capacity(provenance.len() + 256);
    let mut rest = provenance;
    let mut last: Option<(&str, String)> = None;
    while let Some(at) = rest.find(OBSERVED_AT) {
        let (before, from) = rest.split_at(at + OBSERVED_AT.len());
        local_text.push_str(before);
        let (text, after) = from.split_at(from.find('"').unwrap_or(from.len()));
        match &last {
            Some((known, local)) if *known == text => local_text.push_str(local),
            _ => {
                let read = DateTime::parse_from_rfc3339(text);
                let local = read.map_or(text.to_owned(), |at| instant(at.to_utc(), zone));
                local_text.push_str(&local);
                last = Some((text, local));
            }
        }
        rest = after;
    }
    local_text.push_str(rest);
    local_text
}
