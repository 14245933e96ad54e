//! Hostile data becomes harmless words, whatever carries it.

use std::collections::BTreeSet;

use daybook::entry::Reading;
use daybook::render::mail::mail;
use daybook::render::view::view;

use super::{ENGLISH, GERMAN, letter};
use crate::sample_letters;
use crate::stored_days::{catalog, day, number, with};

#[test]
fn nothing_unseen_and_no_line_break_gets_into_a_view() {
    for (name, letter) in sample_letters::all() {
        for locale in [ENGLISH, GERMAN] {
            // Debug writes what has no shape as an escape.
            let shown = format!("{:?}", view(&letter, locale));
            let escapes: BTreeSet<&str> = shown
                .split("\\u{")
                .skip(1)
                .map(|piece| piece.split_once('}').unwrap().0)
                .collect();
            let known = BTreeSet::from(["a0", "200d"]);
            assert!(escapes.is_subset(&known), "{name}: {escapes:?}");
            for escape in ["\\n", "\\r", "\\t", "\\0"] {
                assert!(!shown.contains(escape), "{name}: {escape}");
            }
        }
    }
}

#[test]
fn endless_words_are_cut_and_the_subject_is_one_short_line() {
    let letter = sample_letters::named("hostile");
    let mail = mail(&letter, ENGLISH);
    assert!(mail.text.len() < 8_000, "{}", mail.text.len());
    assert!(!mail.text.contains(&"x".repeat(120)));
    let mut long = sample_letters::named("critical");
    long.name = "Beryl of the many words ".repeat(400);
    for letter in [letter, long] {
        for locale in [ENGLISH, GERMAN] {
            let subject = view(&letter, locale).subject;
            assert!(subject.chars().count() <= 150, "{subject}");
            assert!(!subject.contains(char::is_control), "{subject:?}");
        }
    }
}

#[test]
fn braces_in_data_are_not_taken_for_holes() {
    let catalog = catalog(
        "[[metrics]]\nkey = \"n\"\nlabel = \"{n} {change}\"\nsql = \"SELECT 1\"\nalert = { critical = \"> 0\" }\n",
    );
    let entry = with(day("2025-10-03"), "n", number("3"));
    let view = view(&letter(&[entry], &catalog), ENGLISH);
    assert_eq!(view.highlights[0].head, "{n} {change}: 3");
    assert!(
        view.subject.ends_with(": {n} {change} 3"),
        "{}",
        view.subject
    );
}

#[test]
fn links_lead_to_pages_only() {
    let mut letter = sample_letters::named("quiet");
    for (link, is_shown) in [
        ("https://beryl.example/", true),
        ("http://127.0.0.1:8080/", true),
        ("javascript:alert(1)", false),
        ("https://beryl.example/\u{202e}moc.live", false),
        ("https://beryl.example/ \r\nBcc: eve@example.org", false),
    ] {
        letter.around.link = Some(link.to_owned());
        assert_eq!(view(&letter, ENGLISH).link.is_some(), is_shown, "{link}");
    }
}

#[test]
fn more_rows_than_the_page_holds_come_as_a_table_that_runs_no_formula() {
    let key = |at: usize| format!("n{at}");
    let metric = |at: usize| {
        let label = match at {
            0 => "=SUM(A1:A9)",
            1 => "-1+1",
            2 => "Orders; \\\"open\\\", all",
            _ => "Plain",
        };
        format!(
            "[[metrics]]\nkey = \"{}\"\nlabel = \"{label}\"\nsection = \"@S\"\nunit = \"kg\"\nsql = \"SELECT 1\"\n",
            key(at)
        )
    };
    let letter_of = |count: usize| {
        let text: String = (0..count).map(metric).collect();
        let filled = |on: &str, value: &str| {
            (0..count).fold(day(on), |entry, at| with(entry, &key(at), number(value)))
        };
        let today = with(
            filled("2025-10-03", "-1.50"),
            "n2",
            Reading::failed("+broken"),
        );
        letter(&[filled("2025-10-02", "3"), today], &catalog(&text))
    };
    assert_eq!(mail(&letter_of(20), ENGLISH).csv, None);
    let csv = mail(&letter_of(1_000), ENGLISH).csv.unwrap();
    let lines: Vec<&str> = csv.split("\r\n").collect();
    assert_eq!(lines.len(), 1 + 1_000 + 1);
    assert_eq!(
        lines[..4],
        [
            "\u{feff}key,label,section,value,unit,state,reason,previous_1,change_1,percent_1,\
             previous_7,change_7,percent_7,previous_30,change_30,percent_30",
            "n0,'=SUM(A1:A9),'@S,-1.5,kg,,,3,-4.5,-150,,,,,,",
            "n1,'-1+1,'@S,-1.5,kg,,,3,-4.5,-150,,,,,,",
            "n2,\"Orders; \"\"open\"\", all\",'@S,,kg,failed,'+broken,3,,,,,,,,",
        ]
    );
}
