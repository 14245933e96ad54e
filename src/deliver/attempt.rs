//! What became of one attempt to deliver.

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// The other side has taken it over, and said so.
    Accepted { reply: String },
    /// It was not taken over. Where that may pass, it is worth another attempt.
    Refused { reply: String, may_pass: bool },
    /// It left, but the answer was lost: perhaps it was taken over.
    InDoubt { reply: String },
}
