//! Text that comes from elsewhere, or goes elsewhere: cleaned, without secrets, with what is wrong in it.

pub mod counted;
pub mod exposition;
pub mod mistake;
pub mod plain;
pub mod secrets;
pub mod suggest;
