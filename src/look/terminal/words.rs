//! The terminal view's own fixed words, in the languages that a reader can have.

use crate::locale::Language;

/// Braces mark what varies.
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
    /// The keys in the last line, the most needed first.
    pub keys: &'static [(&'static str, &'static str)],
    pub all_keys: &'static [(&'static str, &'static str)],
    /// The signs of a row, and their meaning.
    pub signs: &'static [(&'static str, &'static str)],
}

impl Words {
    pub fn in_language(language: Language) -> &'static Self {
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
    unread: "The book cannot be read, retrying: {error}",
    alerts: "Alerts",
    no_alerts: "No alerts on this day.",
    no_match: "No metric has “{text}” in its name.",
    filter: "Name: ",
    filter_keys: "Enter keeps it, Esc clears it",
    first_day: "This is the first stored day.",
    last_day: "This is the newest stored day.",
    reloaded: "Reloaded.",
    empty: &[
        "No day is stored yet.",
        "",
        "daybook collect --date yesterday    counts yesterday",
        "daybook doctor                      says what is missing",
        "daybook demo                        creates an example",
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
        ("↑ ↓  k j", "previous, next metric"),
        ("PgUp PgDn", "page up, down"),
        ("Home End", "first, last metric"),
        ("Tab", "next section (Shift-Tab: previous)"),
        ("← →  [ ]", "previous, next stored day"),
        ("n", "newest day"),
        ("Enter", "metric details"),
        ("a", "alerts only"),
        ("/", "find by name (Esc: show all)"),
        ("r", "reload the book"),
        ("q Esc Ctrl-C", "quit"),
    ],
    signs: &[
        ("!!", "critical"),
        ("!", "warning"),
        ("+", "improved"),
        ("~", "usual, new or not judged"),
    ],
};

const GERMAN: Words = Words {
    against: ["vor 1 Tag", "7 Tagen", "30 Tagen"],
    days: "{n} Tage",
    counted: "gezählt {date} {clock} in {time}",
    newest: "neuester: {date}",
    open: "LÄUFT NOCH",
    stale: "VERALTET: kein vollständiger Tag seit {date}",
    stale_from_the_start: "VERALTET: noch kein vollständiger Tag",
    unread: "Das Buch ist nicht lesbar, nächster Versuch folgt: {error}",
    alerts: "Alarme",
    no_alerts: "Keine Alarme an diesem Tag.",
    no_match: "Keine Kennzahl hat «{text}» im Namen.",
    filter: "Name: ",
    filter_keys: "Enter behält, Esc zeigt wieder alle",
    first_day: "Das ist der erste gespeicherte Tag.",
    last_day: "Das ist der neueste gespeicherte Tag.",
    reloaded: "Neu geladen.",
    empty: &[
        "Noch ist kein Tag gespeichert.",
        "",
        "daybook collect --date yesterday    zählt den gestrigen Tag",
        "daybook doctor                      sagt, was fehlt",
        "daybook demo                        erstellt ein Beispiel",
    ],
    help: "Tasten",
    keys: &[
        ("q", "Ende"),
        ("?", "Hilfe"),
        ("↑↓", "Kennzahl"),
        ("←→", "Tag"),
        ("a", "Alarme"),
        ("/", "Suche"),
        ("Enter", "Details"),
        ("n", "neuester"),
        ("Tab", "Abschnitt"),
        ("r", "neu laden"),
    ],
    all_keys: &[
        ("↑ ↓  k j", "vorherige, nächste Kennzahl"),
        ("PgUp PgDn", "Seite nach oben, unten"),
        ("Home End", "erste, letzte Kennzahl"),
        ("Tab", "nächster Abschnitt (Shift-Tab: vorheriger)"),
        ("← →  [ ]", "vorheriger, nächster gespeicherter Tag"),
        ("n", "neuester Tag"),
        ("Enter", "Details der Kennzahl"),
        ("a", "nur Alarme"),
        ("/", "nach Namen suchen (Esc: alle zeigen)"),
        ("r", "Buch neu laden"),
        ("q Esc Ctrl-C", "Ende"),
    ],
    signs: &[
        ("!!", "kritisch"),
        ("!", "Warnung"),
        ("+", "verbessert"),
        ("~", "üblich, neu oder nicht beurteilt"),
    ],
};
