//! What earlier tries at one database's part have taught: which statements end their connection, and whether tables are
//! rewritten all the time.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::database::{DatabaseError, Trouble};
use crate::plan::Statement;

/// So often a database's part is counted on a fresh snapshot because a table was rewritten.
const REWRITTEN_MOST: u32 = 4;

#[derive(Default)]
pub struct Lessons {
    rewritten: u32,
    /// How often each statement, known by its metrics, ran when a connection was lost.
    losses: BTreeMap<Vec<String>, u32>,
    /// Metrics that no longer share a statement, since the one that they shared lost its connection twice.
    pub alone: BTreeSet<String>,
    /// Metrics whose own statement lost its connection twice.
    pub failures: BTreeMap<String, String>,
    /// The statement that ran when this try's connection was lost; the others only lost theirs with it.
    lost: RefCell<Option<Vec<String>>>,
}

impl Lessons {
    /// The error concerns no metrics but the statement's own.
    pub fn fails_alone(&self, error: &DatabaseError) -> bool {
        error.trouble.is_the_statements_own() && !self.wants_fresh_snapshot(error)
    }

    pub fn wants_fresh_snapshot(&self, error: &DatabaseError) -> bool {
        error.trouble == Trouble::Rewritten && self.rewritten < REWRITTEN_MOST
    }

    /// After this many tries a rewritten table fails its own metrics.
    pub fn learn_of_rewriting(&mut self) {
        self.rewritten += 1;
    }

    pub fn note(&self, statement: &Statement, error: &DatabaseError) {
        if error.trouble == Trouble::Unavailable {
            let mut lost = self.lost.borrow_mut();
            lost.get_or_insert_with(|| statement.keys().map(str::to_owned).collect());
        }
    }

    /// Whether a statement lost its connection, which is tried once more; after the second time it is taken apart or left
    /// out. So tries end.
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
        match keys.as_slice() {
            [only] => {
                let why = format!("the connection was lost twice while it ran: {error}");
                self.failures.insert(only.clone(), why);
            }
            _ => self.alone.extend(keys),
        }
        true
    }
}
