//! What the senders and readers of other metrics systems expect.

pub mod agents;
pub mod agents_dashboard;
pub mod bot;
pub mod bot_dashboard;
pub mod hosts;
pub mod latency;
pub mod moderation;
pub mod scan_hashes;
pub mod scan_points;
pub mod scan_questions;
pub mod scan_rollups;
pub mod scan_sums;

use std::str::FromStr;

use chrono_tz::Tz;

use crate::text::suggest::expected;

use super::event::{Event, Refused};

/// In which form an event comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    #[default]
    Events,
    /// As a moderation bot hands scans to its metrics.
    Scans,
    /// As the bot metrics service records and logs.
    Bot,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "events" => Ok(Self::Events),
            "scans" => Ok(Self::Scans),
            "bot" => Ok(Self::Bot),
            _ => Err(format!(
                "no format `{}`{}",
                text.escape_debug(),
                expected(text, ["events", "scans", "bot"])
            )),
        }
    }
}

impl Format {
    /// `None`: it is no event, and need not be one. Local times are in this zone.
    pub fn read(self, text: &[u8], zone: Tz) -> Result<Option<Event<'static>>, Refused> {
        match self {
            Self::Events => Event::from_json(text).map(Some),
            Self::Scans => moderation::event(text).map(Some),
            Self::Bot => bot::event(text, zone),
        }
    }
}
