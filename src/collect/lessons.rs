//! What earlier attempts at one database have shown: statements that end their connection, and tables that are rewritten
//! again and again.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::database::{DatabaseError, Trouble};
use crate::plan::Statement;

/// How often a fresh snapshot is taken because a table was rewritten.
const REWRITTEN_MOST: u32 = 4;

#[derive(Default)]
pub struct Lessons {
    rewritten: u32,
    /// How often each statement, identified by its metrics, lost its connection.
    losses: BTreeMap<Vec<String>, u32>,
    /// Metrics that get their own statement, since their shared one lost its connection twice.
    pub alone: BTreeSet<String>,
    /// Metrics whose own statement lost its connection twice.
    pub failures: BTreeMap<String, String>,
    /// The first statement of this attempt that lost its connection; the others only lost theirs with it.
    lost: RefCell<Option<Vec<String>>>,
}

impl Lessons {
    /// Whether the error concerns only the statement's own metrics.
    pub fn fails_alone(&self, error: &DatabaseError) -> bool {
        error.trouble.is_the_statements_own() && !self.wants_fresh_snapshot(error)
    }

    pub fn wants_fresh_snapshot(&self, error: &DatabaseError) -> bool {
        error.trouble == Trouble::Rewritten && self.rewritten < REWRITTEN_MOST
    }

    pub fn learn_of_rewriting(&mut self) {
        self.rewritten += 1;
    }

    pub fn note(&self, statement: &Statement, error: &DatabaseError) {
        if error.trouble == Trouble::Unavailable {
            let mut lost = self.lost.borrow_mut();
            lost.get_or_insert_with(|| statement.keys().map(str::to_owned).collect());
        }
    }

    /// Whether a statement lost its connection. It gets a second attempt; then it is taken apart or left out, so attempts
    /// end.
    pub fn learn_of_loss(&mut self, error: &DatabaseError) -> bool {
        let Some(keys) = self.lost.take() else {
            return false;
        };
        let losses = self.losses.entry(keys.clone()).or_default();
        *losses += 1;
        if *losses < 2 {
            return true;
        }
        *losses = 0;
        if let [only] = keys.as_slice() {
            let why = format!("the connection was lost twice while it ran: {error}");
            self.failures.insert(only.clone(), why);
        } else {
            self.alone.extend(keys);
        }
        true
    }
}
