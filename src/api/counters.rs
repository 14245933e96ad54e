//! What came in, and what was turned away and why.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::StatusCode;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    Access,
    Invalid,
    TooLarge,
    QueueFull,
    Stopping,
    Store,
}

impl Reason {
    pub(super) const ALL: [Self; 6] = [
        Self::Access,
        Self::Invalid,
        Self::TooLarge,
        Self::QueueFull,
        Self::Stopping,
        Self::Store,
    ];

    pub(super) fn of(code: StatusCode) -> Self {
        match code {
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
            StatusCode::TOO_MANY_REQUESTS => Self::QueueFull,
            _ => Self::Invalid,
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Invalid => "invalid",
            Self::TooLarge => "too_large",
            Self::QueueFull => "queue_full",
            Self::Stopping => "stopping",
            Self::Store => "store",
        }
    }
}

#[derive(Default)]
pub(super) struct Counters {
    pub(super) accepted: Count,
    pub(super) rejected: Count,
    refused: [Count; Reason::ALL.len()],
}

#[derive(Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn add(&self, more: usize) {
        self.0.fetch_add(more as u64, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(super) fn refused(&self, reason: Reason) -> &Count {
        &self.refused[reason as usize]
    }
}
