//! The dashboard in German.

use super::Words;

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
};
