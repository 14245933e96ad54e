//! Everything that is promised about PostgreSQL, Postfix, browsers and terminals, on servers that these tests start themselves.

mod beryl_truth;
mod chromium;
mod clock;
mod configured;
mod dashboard;
mod dates;
mod doctor;
mod exact_numbers;
mod faults;
mod harness;
mod imports;
mod init;
mod lines;
mod on_mariadb;
mod parts;
mod postfix;
mod recipients;
mod rewritten;
mod rights;
mod snapshot;
mod standby;
mod team_truth;
mod tmux;
mod two_databases;
mod undeclared_keys;
mod unlisted;
