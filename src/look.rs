//! The wing for eyes: the dashboard's pages, the terminal view, the exports. It reads, and does nothing else.

pub mod delivery_status;
pub mod edition;
pub mod edition_cache;
pub mod export;
pub mod pages;
pub mod terminal;
