//! Which direction is welcome, guessed by words: more orders please, more errors do not.

use crate::catalog::Good;

pub fn welcome(words: &[String]) -> Good {
    let any = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    match (any(UNWELCOME), any(WELCOME)) {
        (true, _) => Good::Down,
        (_, true) => Good::Up,
        _ => Good::Neutral,
    }
}

const UNWELCOME: &[&str] = &[
    "error",
    "errors",
    "failed",
    "failure",
    "failures",
    "flagged",
    "reported",
    "banned",
    "suspended",
    "blocked",
    "spam",
    "corrupted",
    "violation",
    "violations",
    "ban",
    "bans",
    "report",
    "reports",
    "warning",
    "warnings",
    "return",
    "returns",
    "refund",
    "refunds",
    "complaints",
    "cancelled",
    "banlists",
];

const WELCOME: &[&str] = &[
    "users",
    "customers",
    "orders",
    "items",
    "posts",
    "topics",
    "products",
    "collections",
    "members",
    "accounts",
    "payments",
    "reviews",
    "sales",
    "subscriptions",
    "comments",
    "messages",
    "active",
    "paid",
    "confirmed",
    "verified",
];
