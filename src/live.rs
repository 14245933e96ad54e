//! Events between two nights: checked, recorded, kept, rolled up and asked.

pub mod archive;
pub mod batch;
pub mod bytes;
pub mod chunk;
pub mod columns;
pub mod compat;
pub mod event;
pub mod export;
pub mod grain;
pub mod json;
pub mod keep;
pub mod log;
pub mod moving;
pub mod night;
pub mod now;
pub mod number;
pub mod point;
pub mod question;
pub mod reader;
pub mod recent;
pub mod record;
pub mod rollup;
pub mod scan;
pub mod spans;
pub mod store;
pub mod watch;
