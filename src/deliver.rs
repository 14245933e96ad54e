//! Brings planned reports to their readers: mail, files, webhooks and pings, each noted in the ledger.

pub mod attempt;
pub mod http;
pub mod outbox;
pub mod ping;
pub mod webhook;

pub use attempt::Attempt;
