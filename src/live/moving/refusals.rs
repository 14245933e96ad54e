//! Why records were refused: alike reasons together, with some of the records.

use serde_json::Value as Json;

use super::super::event::Refused;

/// Records that are named with a reason.
const NAMED: usize = 5;
/// Reasons that are told apart.
const MOST: usize = 100;

#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// Of one of them.
    pub refused: Refused,
    pub count: u64,
    /// Where the first of them stand: in a table, or in a line.
    pub table: &'static str,
    pub ids: Vec<Json>,
}

#[derive(Debug, Clone, Default)]
pub struct Refusals {
    pub count: u64,
    pub reasons: Vec<Reason>,
    /// Of further reasons.
    pub others: u64,
}

impl Refusals {
    pub(super) fn add(&mut self, table: &'static str, id: Json, refused: Refused) {
        self.count += 1;
        let same = |known: &Reason| {
            known.table == table
                && known.refused.field == refused.field
                && shape(&known.refused.error) == shape(&refused.error)
        };
        match self.reasons.iter().position(same) {
            Some(at) => {
                let reason = &mut self.reasons[at];
                reason.count += 1;
                if reason.ids.len() < NAMED {
                    reason.ids.push(id);
                }
            }
            None if self.reasons.len() == MOST => self.others += 1,
            None => self.reasons.push(Reason {
                refused,
                count: 1,
                table,
                ids: vec![id],
            }),
        }
    }
}

/// The error without its numbers and what it quotes.
fn shape(error: &str) -> String {
    let mut shape = String::new();
    for (at, part) in error.split('`').enumerate() {
        if at % 2 == 0 {
            let words = part.chars().filter(|letter| !letter.is_ascii_digit());
            shape.extend(words);
        }
        shape.push('`');
    }
    shape
}
