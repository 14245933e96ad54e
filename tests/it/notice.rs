//! What services for chats and incidents get, byte by byte, and what no text can do to it.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod bodies;
mod hostile;
mod nights;
mod posting;

use daybook::locale::Language;
use daybook::notice::{Level, Notice, Service};

use crate::world::instant;

const SERVICES: [Service<'static>; 6] = [
    Service::Slack,
    Service::Teams,
    Service::Discord,
    Service::Mattermost,
    Service::Ntfy { topic: "beryl" },
    Service::PagerDuty { routing_key: "key" },
];

/// An alert with everything that a notice can have.
fn alert() -> Notice {
    Notice {
        title: "[1 critical] R&D [Beryl]: errors 12".to_owned(),
        level: Level::Critical,
        lines: vec![
            "critical: *Errors* <5 min>: 12 (limit 10)".to_owned(),
            "@ada looks".to_owned(),
        ],
        facts: vec![("host".to_owned(), "web_1".to_owned())],
        link: Some("https://beryl.example/day?a=1&b=2|3".to_owned()),
        source: "R&D".to_owned(),
        key: "daybook/R&D/errors".to_owned(),
        at: instant("2025-10-03T22:00:00Z"),
        language: Language::English,
    }
}
