//! Brings planned reports to their readers: mail, files, webhooks and pings, each noted in the ledger.

pub mod attempt;
pub mod line;
pub mod message;
pub mod smtp;

pub use attempt::Attempt;
