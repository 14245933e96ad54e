//! The closing of a letter: how it was counted, when the next one is due, the link to the dashboard.

use crate::render::clean;
use crate::render::phrases::{Speech, fill};
use crate::report::{Letter, Report};

pub(super) fn footer(letter: &Letter, speech: &Speech) -> Vec<String> {
    let counted = letter.report().map(|report| counted(report, speech));
    let next = letter.around.next_due.map(|due| {
        let zone = letter.time_zone();
        let date = speech.day_and_month(due.with_timezone(&zone).date_naive());
        let words = [("date", date), ("clock", speech.clock(due, zone))];
        fill(speech.words.next_report, &words)
    });
    counted.into_iter().chain(next).collect()
}

/// When and how long the day was counted, with the date unless the day ended on it.
fn counted(report: &Report, speech: &Speech) -> String {
    let zone = report.time_zone;
    let date = report.collected_at.with_timezone(&zone).date_naive();
    let ended = report.day_end.with_timezone(&zone).date_naive();
    let phrase = if report.partial || date == ended {
        speech.words.footer
    } else {
        speech.words.footer_late
    };
    let words = [
        ("time", speech.duration(report.duration_ms)),
        ("clock", speech.clock(report.as_of, zone)),
        ("date", speech.short_date(date)),
        ("late", speech.clock(report.collected_at, zone)),
    ];
    fill(phrase, &words)
}

/// The link to the dashboard, if its address is one of a web page.
pub(super) fn link(letter: &Letter, speech: &Speech) -> Option<(String, String)> {
    let address = letter.around.link.as_deref()?;
    let is_page = address.starts_with("https://") || address.starts_with("http://");
    let is_plain = clean::is_plain(address);
    (is_page && is_plain).then(|| (address.to_owned(), speech.words.link.to_owned()))
}
