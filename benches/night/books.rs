//! What a book on a server adds to a night: the same night into a file and into servers, in turns.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use sqlx::{Connection, Executor, MySqlConnection};

use crate::mariadb::MariaDb;
use crate::program::{run, with};
use crate::server::Server;
use crate::table::{self, median};

const ROUNDS: usize = 40;

/// The demo's night, whose app database stays a file; the books are named by their engine.
pub(crate) async fn on_the_demo(room: &Path, servers: &(Server, MariaDb)) -> Result<()> {
    let settings = room.join("demo/daybook.toml");
    let file = room.join("demo/another.db");
    let mut administrator = MySqlConnection::connect(&servers.1.url("mysql")).await?;
    administrator.execute("CREATE DATABASE book").await?;
    let books = [
        ("SQLite", format!("sqlite:{}", file.display())),
        ("PostgreSQL", servers.0.url("postgres")),
        ("MariaDB", servers.1.url("book")),
    ];
    let mut times: [Vec<Duration>; 3] = Default::default();
    for round in 0..=ROUNDS {
        for ((_, url), taken) in books.iter().zip(&mut times) {
            let mut night = with(&settings, &["collect", "--date", "yesterday", "--force"]);
            night.env("DAYBOOK_BOOK_DATABASE_URL", url);
            let took = run(night)?;
            // The first one makes the book.
            if round > 0 {
                taken.push(took);
            }
        }
    }
    let base = median(&times[0]).as_secs_f64();
    let rows = books.iter().zip(&times).map(|((engine, _), taken)| {
        let more = (median(taken).as_secs_f64() - base) * 1000.0;
        [
            (*engine).to_owned(),
            table::seconds(median(taken)),
            table::spread(taken),
            format!("{more:+.1} ms"),
        ]
    });
    table::print(
        ["book", "median", "fastest … slowest", "more than a file"],
        rows,
    );
    Ok(())
}
