//! The dashboard.

pub mod asked;
pub mod pages;
pub mod words;
