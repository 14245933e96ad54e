//! The dashboard in English.

use super::{Problem, Words};

pub(super) const ENGLISH: Words = Words {
    skip: "Skip to the numbers",
    pages: "Pages",
    day: "Day",
    alerts: "Alerts",
    runs: "Runs",
    about_page: "Daybook · times of {zone}",
    keys: "Keys ← and → lead from day to day.",
    refreshes: "This page keeps itself up to date.",

    late: "The numbers of {date} were due by {due} and are not here. The last complete day is {last}. What to do: {collect} fetches missed days, {doctor} finds what is in the way.",
    never_complete: "The numbers of {date} were due by {due} and are not here; no complete day is stored yet. What to do: {collect} fetches missed days, {doctor} finds what is in the way.",

    days: "Days",
    previous: "Previous stored day",
    next: "Next stored day",
    date: "Date",
    show: "Show",
    newest: "Newest",
    complete: "Newest day that is over:",
    collected: "Last collection",
    collected_in: "{when}, took {time}",
    as_of: "Counted as of",
    current: "Current",
    vs_day: "vs yesterday",
    vs_week: "vs 7 days",
    vs_month: "vs 30 days",
    sections: "Sections",
    notes: "Notes",

    no_such_day: "No numbers for {date}",
    not_stored: "That day is not in the book. The stored days around it:",
    fetch: "A day that was missed is fetched with",
    empty: "The book is empty",
    begin: "No day is stored yet. On the machine where Daybook runs:",
    begin_day: "counts yesterday and stores it.",
    begin_past: "counts the days before it as well, as far as they can still be known.",
    begin_doctor: "says what is missing, if that does not succeed.",
    begin_then: "Reload this page then. A timer or cron does it every night.",

    try_newest: "The newest day",

    problems: &[
        problem(
            400,
            "This address cannot be understood",
            "A date is written like 2026-11-24, a number of days is 30, 90 or 365. Choose a day or a metric from the pages instead.",
        ),
        problem(
            401,
            "Please sign in",
            "This dashboard asks for a password or a token. Reload the page and enter it; whoever runs Daybook knows it.",
        ),
        problem(
            403,
            "You may not see this",
            "Whoever runs Daybook decides who may. Ask them, or sign in as somebody else.",
        ),
        problem(
            404,
            "There is no such page",
            "The address leads nowhere, or to a metric that is not measured any more.",
        ),
        problem(
            405,
            "This page can only be read",
            "Nothing can be sent to it. Open it in the browser as usual.",
        ),
        problem(
            414,
            "This address is too long",
            "Choose a day or a metric from the pages instead.",
        ),
        problem(
            421,
            "This name is not served here",
            "The dashboard does not answer under the name in this address. Use the name that whoever runs Daybook gave you, or let them add this one to `hosts`.",
        ),
        problem(429, "Too many attempts", "Wait a minute, then try again."),
        problem(
            431,
            "The browser sent too much",
            "Delete the cookies of this site, then try again.",
        ),
        problem(
            500,
            "The page could not be made",
            "That is our fault, not yours. Try again; if it stays, whoever runs Daybook finds the reason in its log and with daybook doctor.",
        ),
        problem(
            503,
            "The book cannot be read just now",
            "Try again in a minute; if it stays, whoever runs Daybook finds the reason with daybook doctor.",
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
