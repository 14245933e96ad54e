//! The dashboard in English.

use super::Words;

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
};
