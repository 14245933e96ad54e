//! The wing for operators.

pub mod demo;
pub mod doctor;
pub mod import;
pub mod init;
pub mod request;
pub mod verify;
