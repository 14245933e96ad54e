//! The newest day in the terminal.
