//! Everything that is promised about MariaDB and MySQL.

mod configured;
mod doctor;
mod faults;
mod init;
mod replica;
mod rewritten;
mod rights;
mod times;
mod values;
