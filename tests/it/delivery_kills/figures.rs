//! What was killed and what came of it, added up over the runs.

use std::collections::BTreeMap;
use std::fmt;

#[derive(Default)]
pub(super) struct Figures {
    pub(super) runs: usize,
    /// Programs killed, by the step at which that was.
    pub(super) killed: BTreeMap<String, usize>,
    /// Strikes that came when there was nobody left to kill, or at a step that was not reached.
    pub(super) missed: usize,
    /// Runs that the program ended by itself.
    pub(super) ended: usize,
    pub(super) recipients: usize,
    pub(super) accepted: usize,
    /// Left in doubt at the end, and held.
    pub(super) flagged: usize,
    /// Of these, which the server had taken.
    pub(super) flagged_and_taken: usize,
    /// Sent again because they were in doubt and the settings say so.
    pub(super) sent_again: usize,
    /// Of these, which the server had taken the first time too.
    pub(super) doubles: usize,
}

impl Figures {
    pub(super) fn kills(&self) -> usize {
        self.killed.values().sum()
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (step, count) in &other.killed {
            *self.killed.entry(step.clone()).or_default() += count;
        }
        self.runs += other.runs;
        self.missed += other.missed;
        self.ended += other.ended;
        self.recipients += other.recipients;
        self.accepted += other.accepted;
        self.flagged += other.flagged;
        self.flagged_and_taken += other.flagged_and_taken;
        self.sent_again += other.sent_again;
        self.doubles += other.doubles;
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{} runs, {} programs killed:", self.runs, self.kills())?;
        for (step, count) in &self.killed {
            writeln!(out, "  {step}: {count}")?;
        }
        writeln!(
            out,
            "{} strikes without anybody to kill, {} programs ended by themselves",
            self.missed, self.ended
        )?;
        writeln!(
            out,
            "{} messages for {} recipients accepted",
            self.accepted, self.recipients
        )?;
        writeln!(
            out,
            "held in doubt: {}, of which {} had arrived",
            self.flagged, self.flagged_and_taken
        )?;
        write!(
            out,
            "in doubt and sent again: {}, of which {} had arrived before",
            self.sent_again, self.doubles
        )
    }
}
