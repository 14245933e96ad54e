//! The dashboard.

pub mod asked;
pub mod pages;
