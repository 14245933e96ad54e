//! The result of one attempt to deliver.

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// The other side has accepted it, and said so.
    Accepted { reply: String },
    /// It was not accepted. If that `may_pass`, it is worth another attempt.
    Refused { reply: String, may_pass: bool },
    /// It left, but the answer was lost: perhaps it was accepted.
    InDoubt { reply: String },
}

/// Why something was not accepted, on one harmless line, without a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub reply: String,
    pub may_pass: bool,
}

impl Refusal {
    pub(super) fn passing(reply: impl Into<String>) -> Self {
        Self {
            reply: reply.into(),
            may_pass: true,
        }
    }

    pub(super) fn for_good(reply: impl Into<String>) -> Self {
        Self {
            reply: reply.into(),
            may_pass: false,
        }
    }
}

impl From<Refusal> for Attempt {
    fn from(Refusal { reply, may_pass }: Refusal) -> Self {
        Self::Refused { reply, may_pass }
    }
}
