//! The terminal view's own fixed words, in the languages that a reader can have.

use crate::voice::Language;

/// What varies stands in braces.
#[derive(Debug, PartialEq, Eq)]
pub struct Words {
    /// Over the changes where there is no room for dates.
    pub against: [&'static str; 3],
    pub days: &'static str,
    pub counted: &'static str,
    pub newest: &'static str,
    pub open: &'static str,
    pub stale: &'static str,
    pub stale_from_the_start: &'static str,
    pub unread: &'static str,
    pub alerts: &'static str,
    pub no_alerts: &'static str,
    pub no_match: &'static str,
    pub filter: &'static str,
    pub filter_keys: &'static str,
    pub first_day: &'static str,
    pub last_day: &'static str,
    pub reloaded: &'static str,
    pub empty: &'static [&'static str],
    pub help: &'static str,
    /// Keys and what they do, the most needed first, as the last line shows them.
    pub keys: &'static [(&'static str, &'static str)],
    pub all_keys: &'static [(&'static str, &'static str)],
    /// What the signs at a row say.
    pub signs: &'static [(&'static str, &'static str)],
}

impl Words {
    pub fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &ENGLISH,
            Language::German => &GERMAN,
        }
    }
}

const ENGLISH: Words = Words {
    against: ["vs 1 day", "7 days", "30 days"],
    days: "{n} days",
    counted: "counted {date} {clock} in {time}",
    newest: "newest: {date}",
    open: "OPEN",
    stale: "STALE: no complete day since {date}",
    stale_from_the_start: "STALE: no complete day yet",
    unread: "The book cannot be read, trying again: {error}",
    alerts: "Alerts",
    no_alerts: "Nothing alerts on this day.",
    no_match: "No metric has “{text}” in its name.",
    filter: "Name: ",
    filter_keys: "Enter keeps it, Esc clears it",
    first_day: "This is the first stored day.",
    last_day: "This is the newest stored day.",
    reloaded: "Read again.",
    empty: &[
        "The book holds no day yet.",
        "",
        "daybook collect --date yesterday    counts yesterday",
        "daybook doctor                      says what is missing",
        "daybook demo                        makes an example to look at",
    ],
    help: "Keys",
    keys: &[
        ("q", "quit"),
        ("?", "help"),
        ("↑↓", "metric"),
        ("←→", "day"),
        ("a", "alerts"),
        ("/", "find"),
        ("Enter", "details"),
        ("n", "newest"),
        ("Tab", "section"),
        ("r", "reload"),
    ],
    all_keys: &[
        ("↑ ↓  k j", "metric before, after"),
        ("PgUp PgDn", "a page up, down"),
        ("Home End", "first, last metric"),
        ("Tab", "next section (Shift-Tab: before)"),
        ("← →  [ ]", "stored day before, after"),
        ("n", "newest day"),
        ("Enter", "details of the metric"),
        ("a", "only what alerts"),
        ("/", "find by name (Esc: all again)"),
        ("r", "read the book again"),
        ("q Esc Ctrl-C", "quit"),
    ],
    signs: &[
        ("!!", "critical"),
        ("!", "warning"),
        ("+", "welcome"),
        ("~", "usual, new or not judged"),
    ],
};

const GERMAN: Words = Words {
    against: ["vor 1 Tag", "7 Tagen", "30 Tagen"],
    days: "{n} Tage",
    counted: "gezählt {date} {clock} in {time}",
    newest: "neuester: {date}",
    open: "OFFEN",
    stale: "VERALTET: kein ganzer Tag seit {date}",
    stale_from_the_start: "VERALTET: noch kein ganzer Tag",
    unread: "Das Buch ist nicht lesbar, neuer Versuch folgt: {error}",
    alerts: "Meldungen",
    no_alerts: "Zu diesem Tag gibt es keine Meldung.",
    no_match: "Keine Kennzahl hat «{text}» im Namen.",
    filter: "Name: ",
    filter_keys: "Enter behält, Esc zeigt wieder alle",
    first_day: "Das ist der erste gespeicherte Tag.",
    last_day: "Das ist der neueste gespeicherte Tag.",
    reloaded: "Neu gelesen.",
    empty: &[
        "Das Buch enthält noch keinen Tag.",
        "",
        "daybook collect --date yesterday    zählt den gestrigen Tag",
        "daybook doctor                      sagt, was fehlt",
        "daybook demo                        macht ein Beispiel",
    ],
    help: "Tasten",
    keys: &[
        ("q", "Ende"),
        ("?", "Hilfe"),
        ("↑↓", "Kennzahl"),
        ("←→", "Tag"),
        ("a", "Meldungen"),
        ("/", "Suche"),
        ("Enter", "Einzelheiten"),
        ("n", "neuester"),
        ("Tab", "Abschnitt"),
        ("r", "neu lesen"),
    ],
    all_keys: &[
        ("↑ ↓  k j", "Kennzahl davor, danach"),
        ("PgUp PgDn", "eine Seite hinauf, hinab"),
        ("Home End", "erste, letzte Kennzahl"),
        ("Tab", "nächster Abschnitt (Shift-Tab: voriger)"),
        ("← →  [ ]", "gespeicherter Tag davor, danach"),
        ("n", "neuester Tag"),
        ("Enter", "Einzelheiten der Kennzahl"),
        ("a", "nur Meldungen"),
        ("/", "nach Namen suchen (Esc: wieder alle)"),
        ("r", "Buch neu lesen"),
        ("q Esc Ctrl-C", "Ende"),
    ],
    signs: &[
        ("!!", "kritisch"),
        ("!", "Warnung"),
        ("+", "erfreulich"),
        ("~", "üblich, neu oder nicht beurteilt"),
    ],
};
