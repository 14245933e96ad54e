//! The dashboard in German.

use super::{Problem, Words};

pub(super) const GERMAN: Words = Words {
    skip: "Zu den Zahlen springen",
    pages: "Seiten",
    day: "Tag",
    alerts: "Alarme",
    runs: "Läufe",
    about_page: "Daybook · Zeiten von {zone}",
    keys: "Die Tasten ← und → führen von Tag zu Tag.",
    refreshes: "Diese Seite hält sich selbst aktuell.",

    late: "Die Zahlen für {date} waren bis {due} fällig und sind nicht da. Der letzte vollständige Tag ist {last}. Was zu tun ist: {collect} holt verpasste Tage nach, {doctor} findet, was im Weg steht.",
    never_complete: "Die Zahlen für {date} waren bis {due} fällig und sind nicht da; noch ist kein vollständiger Tag gespeichert. Was zu tun ist: {collect} holt verpasste Tage nach, {doctor} findet, was im Weg steht.",

    days: "Tage",
    previous: "Voriger gespeicherter Tag",
    next: "Nächster gespeicherter Tag",
    date: "Datum",
    show: "Zeigen",
    newest: "Neuester",
    complete: "Neuester Tag, der vorbei ist:",
    collected: "Letzte Zählung",
    collected_in: "{when}, dauerte {time}",
    as_of: "Stand der Zahlen",
    current: "Aktuell",
    vs_day: "gegen Vortag",
    vs_week: "gegen 7 Tage",
    vs_month: "gegen 30 Tage",
    sections: "Abschnitte",
    notes: "Anmerkungen",

    no_such_day: "Keine Zahlen für {date}",
    not_stored: "Dieser Tag ist nicht im Buch. Die gespeicherten Tage um ihn herum:",
    fetch: "Ein verpasster Tag wird nachgeholt mit",
    empty: "Das Buch ist leer",
    begin: "Noch ist kein Tag gespeichert. Auf der Maschine, auf der Daybook läuft:",
    begin_day: "zählt den gestrigen Tag und speichert ihn.",
    begin_past: "zählt auch die Tage davor, soweit sie noch bekannt sein können.",
    begin_doctor: "sagt, was fehlt, wenn das nicht gelingt.",
    begin_then: "Danach diese Seite neu laden. Ein Timer oder Cron erledigt es jede Nacht.",

    try_newest: "Der neueste Tag",

    problems: &[
        problem(
            400,
            "Diese Adresse ist nicht zu verstehen",
            "Ein Datum schreibt sich wie 2026-11-24, eine Anzahl Tage ist 30, 90 oder 365. Wählen Sie stattdessen einen Tag oder eine Kennzahl auf den Seiten.",
        ),
        problem(
            401,
            "Bitte melden Sie sich an",
            "Diese Übersicht verlangt ein Passwort oder ein Token. Laden Sie die Seite neu und geben Sie es ein; wer Daybook betreibt, kennt es.",
        ),
        problem(
            403,
            "Das dürfen Sie nicht sehen",
            "Wer Daybook betreibt, entscheidet darüber. Fragen Sie dort, oder melden Sie sich anders an.",
        ),
        problem(
            404,
            "Diese Seite gibt es nicht",
            "Die Adresse führt nirgends hin oder zu einer Kennzahl, die nicht mehr gemessen wird.",
        ),
        problem(
            405,
            "Diese Seite lässt sich nur lesen",
            "Es lässt sich nichts an sie senden. Öffnen Sie sie wie gewohnt im Browser.",
        ),
        problem(
            414,
            "Diese Adresse ist zu lang",
            "Wählen Sie stattdessen einen Tag oder eine Kennzahl auf den Seiten.",
        ),
        problem(
            421,
            "Unter diesem Namen antwortet hier niemand",
            "Die Übersicht kennt den Namen in dieser Adresse nicht. Nehmen Sie den, den Ihnen der Betreiber genannt hat, oder lassen Sie diesen in `hosts` eintragen.",
        ),
        problem(
            429,
            "Zu viele Versuche",
            "Warten Sie eine Minute, dann versuchen Sie es noch einmal.",
        ),
        problem(
            431,
            "Der Browser hat zu viel gesendet",
            "Löschen Sie die Cookies dieser Seite, dann versuchen Sie es noch einmal.",
        ),
        problem(
            500,
            "Die Seite konnte nicht erstellt werden",
            "Das liegt an uns, nicht an Ihnen. Versuchen Sie es noch einmal; bleibt es so, findet der Betreiber den Grund im Protokoll und mit daybook doctor.",
        ),
        problem(
            503,
            "Das Buch ist gerade nicht zu lesen",
            "Versuchen Sie es in einer Minute noch einmal; bleibt es so, findet der Betreiber den Grund mit daybook doctor.",
        ),
    ],
};

const fn problem(status: u16, title: &'static str, advice: &'static str) -> Problem {
    Problem {
        status,
        title,
        advice,
    }
}
