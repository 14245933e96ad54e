//! Everything Daybook promises, one file per promise.

mod compare;
mod render;
mod stored_days;
