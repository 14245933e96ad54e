//! The wing for eyes: the dashboard, the terminal view, the exports. It reads, and does nothing else.

pub mod edition;
pub mod export;
pub mod fate;
pub mod shelf;
pub mod terminal;
pub mod web;
