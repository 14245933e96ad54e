//! A letter in which everything that comes from data is hostile.

use daybook::catalog::Judge;
use daybook::entry::Reading;
use daybook::report::{Letter, Undelivered};

use super::numbers::{parts, whole};
use super::{catalog, date, empty, letter, set};

const SCRIPT: &str = "<script>alert(\"1\")</script>&amp;'";
const TURNED: &str = "a\u{202e}b\u{2066}c\u{200f}d\u{feff}e";
const BROKEN: &str = "one\r\nBcc: eve@example.org\r\n\r\ntwo\0three\u{1b}[2J\u{2028}four\u{85}five";

pub(super) fn hostile() -> Letter {
    let mut catalog = catalog(include_str!("hostile.toml"));
    // Two days are all there is.
    catalog.thresholds.judge = Judge::Thresholds;
    let long = "x".repeat(10_000);
    let labels = [
        SCRIPT,
        TURNED,
        BROKEN,
        &long,
        "Kinds 🎉 of \u{202e}things",
        "=HYPERLINK(\"http://evil.example\")",
        "会員数 👩‍👩‍👧 é",
    ];
    for (metric, label) in catalog.metrics.iter_mut().zip(labels) {
        metric.label = label.to_owned();
    }
    catalog.metrics[0].section = format!("{SCRIPT} {TURNED}");
    catalog.metrics[1].section = catalog.metrics[0].section.clone();
    catalog.metrics[1].unit = "<b>\r\n".to_owned();
    let mut before = empty(date("2025-10-02"));
    let mut today = empty(date("2025-10-03"));
    for key in ["script", "turned", "broken", "wide"] {
        set(&mut before, key, whole(1_000));
        set(&mut today, key, whole(1_300));
    }
    let words = "word ".repeat(2_000);
    let kinds = [
        (SCRIPT, 90),
        (TURNED, 80),
        (BROKEN, 70),
        (long.as_str(), 60),
        (words.as_str(), 50),
        ("@SUM(A1)", 40),
        ("\t-1+1", 30),
        ("🎉🎉🎉", 20),
    ];
    set(&mut today, "kinds", parts(&kinds, 5));
    set(&mut today, "long", Reading::failed(BROKEN.repeat(300)));
    set(&mut today, "formula", Reading::unavailable(SCRIPT));
    let mut letter = letter(&[before, today], &catalog);
    letter.name = format!("Be\r\nryl {SCRIPT}\u{202e}");
    letter.around.undelivered = vec![Undelivered {
        date: date("2025-10-02"),
        channel: "email".to_owned(),
        recipient: "\"<b>\"@example.org\r\nBcc: eve@example.org".to_owned(),
        in_doubt: false,
        reply: format!("<html><body>550 {BROKEN}</body></html>"),
    }];
    letter.around.bad_addresses = vec![(BROKEN.to_owned(), SCRIPT.to_owned())];
    letter.around.link = Some("https://beryl.example/?a=1&b=\"2\"".to_owned());
    letter
}
