//! Brings planned reports to their readers: mail, files, webhooks and pings, each noted in the ledger.

pub mod attempt;
pub mod http;
pub mod line;
pub mod message;
pub mod outbox;
pub mod ping;
pub mod smtp;
pub mod webhook;

pub use attempt::Attempt;
