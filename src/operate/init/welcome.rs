//! Which direction is good, guessed by words: more orders, fewer errors.

use crate::catalog::Good;

use super::names::Words;

pub fn welcome(words: &[String]) -> Good {
    let any = |list: Words| words.iter().any(|word| list.contains(word));
    match (any(UNWELCOME), any(WELCOME)) {
        (true, _) => Good::Down,
        (_, true) => Good::Up,
        _ => Good::Neutral,
    }
}

const UNWELCOME: Words = Words(
    "error errors failed failure failures flagged reported banned suspended blocked spam corrupted
     violation violations ban bans report reports warning warnings return returns refund refunds
     complaints cancelled banlists",
);

const WELCOME: Words = Words(
    "users customers orders items posts topics products collections members accounts payments
     reviews sales subscriptions comments messages active paid confirmed verified",
);
