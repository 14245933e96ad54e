//! Redis is where replicas meet: what each has recorded becomes changes to keys that all of them read.
//!
//! `changes` knows what `apply.lua` can do and no layout. The layouts make changes of points: those of two original systems,
//! which their readers go on reading (`moderation`, `hosts` with `compact`), and one of our own for every kind (`generic`).

mod batches;
pub mod changes;
pub mod compact;
pub mod forget;
pub mod forward;
pub mod generic;
mod histories;
pub mod host_samples;
pub mod hosts;
pub mod keep;
pub mod keys;
mod layouts;
pub mod moderation;
mod past;
mod python;
mod rolling;
pub mod scans;
pub mod server;
pub mod shared;
pub mod wire;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};

/// What stands for itself in a key; everything else is percent-encoded.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'_')
    .remove(b'.')
    .remove(b'-')
    .remove(b'~');
