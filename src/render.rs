//! Reports as text: numbers become words only here.

pub mod alerts;
pub mod axis;
pub mod backtest;
mod clean;
pub mod csv;
pub mod html;
mod ink;
pub mod json;
pub mod mail;
pub mod notice;
pub mod number;
mod parts;
pub mod phrases;
pub mod sparkline;
pub mod subject;
pub mod table;
pub mod text;
pub mod view;
pub mod words;
pub mod wrap;

/// The days back that tables compare with.
const SPANS: [u32; 3] = [1, 7, 30];

/// How to write for a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    pub color: bool,
    /// Columns available.
    pub width: u16,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            color: false,
            width: 100,
        }
    }
}
