//! A sample letter as the message that one reader gets.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use daybook::config::Sender;
use daybook::deliver::message::{Head, message};
use daybook::locale::Locale;
use daybook::render::mail::{Mail, mail};
use daybook::report::Letter;

use crate::world::instant;

/// What is shown and the bytes that travel.
pub(crate) fn posted(letter: &Letter, locale: Locale) -> (Mail, Vec<u8>) {
    let mail = mail(letter, locale);
    let from = Sender {
        address: "daybook@beryl.example".to_owned(),
        name: Some("Daybook".to_owned()),
    };
    let unsubscribe = "mailto:admin@beryl.example".parse().unwrap();
    let id = format!("<report.{}.0123456789abcdef@beryl.example>", letter.date());
    let head = Head {
        from: &from,
        reply_to: None,
        to: ("ada@example.org", Some("Ada Lovelace")),
        message_id: &id,
        date: instant("2025-10-04T04:15:07Z"),
        app: &letter.name,
        unsubscribe: Some(&unsubscribe),
        idempotency_key: None,
        language: locale.language.code(),
    };
    let bytes = message(&mail, &head).unwrap();
    (mail, bytes)
}
