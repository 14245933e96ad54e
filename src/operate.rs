//! The operators' wing: what is done beside the nights.

pub mod demo;
pub mod doctor;
pub mod import;
pub mod init;
pub mod verify;
