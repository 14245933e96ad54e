//! Text from elsewhere and for elsewhere: cleaned, without secrets, with pointed-out mistakes.

pub mod counted;
pub mod csv;
pub mod duration;
pub mod exposition;
pub mod mistake;
pub mod plain;
pub mod secrets;
pub mod suggest;
