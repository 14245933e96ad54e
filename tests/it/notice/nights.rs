//! What the report of a night says as a notice.

use daybook::locale::{Language, Locale, Numbers};
use daybook::notice::{Level, Notice};
use daybook::render::notice::notice;

use crate::sample_letters::named;
use crate::world::instant;

fn in_language(name: &str, language: Language) -> Notice {
    let numbers = Numbers::Swiss;
    notice(&named(name), Locale { language, numbers })
}

fn english(name: &str) -> Notice {
    in_language(name, Language::English)
}

#[test]
fn an_alerting_night_has_the_mail_s_subject_and_first_highlights() {
    let expected = Notice {
        title: "[2 critical, 1 warning, 1 improvement] Beryl, Fri 3 Oct 2025: corrupted files 3".to_owned(),
        level: Level::Critical,
        lines: [
            "51 of 56 metrics within Friday’s range.",
            "critical: Corrupted files: 3 (limit 0). First day.",
            "critical: Active users, 24 h: 2'214 vs 4'808 last Friday (−54\u{a0}%), below Friday’s usual 4'380–5'222. Most of it: web_mobile −2'312 of −2'594. First day.",
            "warning: Items created, 24 h: 1'890 vs 2'168 last Friday (−12.8\u{a0}%), below Friday’s usual 2'068–2'336. First day.",
            "improved: New users, 24 h: 58 vs 40 last Friday (+45\u{a0}%), above Friday’s usual 34–46. First day.",
            "recovered: Failed e-mails: 4 back below 10 after 3 days.",
            "and 1 more",
        ]
        .map(str::to_owned)
        .to_vec(),
        facts: Vec::new(),
        link: Some("https://beryl.example/daybook/2025-10-03".to_owned()),
        source: "Beryl".to_owned(),
        key: "daybook/Beryl/report".to_owned(),
        at: instant("2025-10-03T22:00:00Z"),
        language: Language::English,
    };
    assert_eq!(english("critical"), expected);
}

#[test]
fn a_calm_night_ends_the_incident_of_an_alerting_one() {
    let calm = english("quiet");
    assert_eq!(calm.title, "[ok] Beryl, Wed 1 Oct 2025");
    assert_eq!(calm.lines, ["54 of 57 metrics within Wednesday’s range."]);
    assert_eq!(
        (calm.level, calm.key),
        (Level::Fine, english("critical").key)
    );
}

#[test]
fn a_failed_night_is_critical_in_the_reader_s_language() {
    let failed = in_language("failed_night", Language::German);
    assert_eq!(
        failed.title,
        "[keine Zahlen] Beryl, Fr 3. Okt. 2025: app database (PostgreSQL, db.example:5432) unreachable seit 00:15"
    );
    assert_eq!(
        failed.lines,
        [
            "Seit 00:15: the app database (PostgreSQL, db.example:5432) is unreachable: connection refused. Der Bericht folgt, sobald ein späterer Lauf den Tag zählen kann."
        ]
    );
    assert_eq!(
        (failed.level, failed.language),
        (Level::Critical, Language::German)
    );
    assert_eq!(failed.key, "daybook/Beryl/report");
}

#[test]
fn a_day_that_is_not_judged_ends_nothing() {
    for name in ["open", "first_night"] {
        let notice = english(name);
        assert_eq!(
            (notice.level, notice.key.as_str()),
            (Level::Fine, "daybook/Beryl/unjudged"),
            "{name}"
        );
    }
    let failed = english("failed_tables");
    assert_eq!(
        (failed.level, failed.key.as_str()),
        (Level::Warning, "daybook/Beryl/report")
    );
}
