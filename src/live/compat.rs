//! What the senders and readers of other metrics systems expect.

pub mod agents;
pub mod agents_dashboard;
pub mod bot;
pub mod bot_dashboard;
pub mod moderation;

use chrono_tz::Tz;
use serde::Deserialize;

use super::event::{Event, Refused};

/// In which form an event comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    #[default]
    Events,
    /// As a moderation bot hands scans to its metrics.
    Scans,
    /// As the bot metrics service records and logs.
    Bot,
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
