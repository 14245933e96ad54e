//! Brings planned reports to their readers: mail, files, webhooks and pings, each noted in the ledger.

pub mod attempt;

pub use attempt::Attempt;
