//! What a night costs: Daybook's counting beside SQL written by hand, on all three engines, and the whole program
//! on the demo. Prints tables and writes nothing; `make bench` runs it, BENCHMARKS.md keeps what came out.
//!
//! `cargo bench --bench night -- 0.1` does the same on a tenth of the rows, for a quick look.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it reports")]

mod books;
mod contest;
mod fill;
mod floor;
mod mariadb;
mod process;
mod program;
mod server;
mod shell;
mod table;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use daybook::config::{self, Config};

use contest::{CONTENDERS, Moment};
use fill::Keys;
use mariadb::MariaDb;
use server::Server;

/// Items at full size; all other tables in proportion.
const ITEMS: f64 = 1_000_000.0;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    // Whoever interrupts leaves no server behind.
    tokio::select! {
        done = measure() => done,
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
    }
}

async fn measure() -> Result<()> {
    let scale = std::env::args().find_map(|argument| argument.parse::<f64>().ok());
    let items = (ITEMS * scale.unwrap_or(1.0)) as i64;
    let room = tempfile::tempdir()?;
    let servers = (Server::start()?, MariaDb::start()?);
    let large = beryls(&servers, room.path(), items, Keys::Declared).await?;
    let undeclared = beryls(&servers, room.path(), items, Keys::Undeclared).await?;
    let small = beryls(&servers, room.path(), items / 10, Keys::Declared).await?;
    let moment = Moment::of_the_data()?;
    for beryl in &large {
        println!("\n## {}, {items} items\n", beryl.engine);
        contest::hold(&beryl.config, &moment, &CONTENDERS).await?;
    }
    for beryl in &undeclared {
        println!(
            "\n## {}, {items} items, no foreign keys declared\n",
            beryl.engine
        );
        contest::hold(&beryl.config, &moment, &CONTENDERS[..2]).await?;
    }
    println!("\n## The whole program\n");
    process::on_the_demo(room.path())?;
    println!("\n## The same night into books on servers\n");
    books::on_the_demo(room.path(), &servers).await?;
    println!("\n## Peak memory of `daybook collect`\n");
    process::by_size(&small, &large, items)?;
    drop(servers);
    Ok(())
}

/// One filled application database with a `daybook.toml` of its own.
pub struct Beryl {
    pub engine: &'static str,
    pub settings: PathBuf,
    pub config: Config,
}

async fn beryls(
    (server, mariadb): &(Server, MariaDb),
    room: &Path,
    items: i64,
    keys: Keys,
) -> Result<Vec<Beryl>> {
    let name = |engine: &str| format!("{engine}-{items}{}", keys.suffix());
    let file = room.join(name("beryl") + ".db");
    eprintln!("filling all engines with {items} items");
    let postgres = fill::postgres(server, items, keys).await?;
    fill::sqlite(&file, items, keys).await?;
    let mysql = fill::mysql(mariadb, items, keys).await?;
    Ok(vec![
        beryl("PostgreSQL", &postgres, &room.join(name("postgres")))?,
        beryl(
            "SQLite",
            &format!("sqlite:{}", file.display()),
            &room.join(name("sqlite")),
        )?,
        beryl("MariaDB", &mysql, &room.join(name("mariadb")))?,
    ])
}

fn beryl(engine: &'static str, url: &str, directory: &Path) -> Result<Beryl> {
    const EXAMPLE: &str = include_str!("../../examples/beryl/daybook.toml");
    std::fs::create_dir_all(directory)?;
    let settings = directory.join("daybook.toml");
    let app = format!("[app]\ndatabase_url = \"{url}\"\n\n[book]\n");
    std::fs::write(&settings, EXAMPLE.replacen("[book]\n", &app, 1))?;
    let request = config::Request {
        path: Some(settings.clone()),
        environment: Default::default(),
        cwd: directory.to_owned(),
    };
    let config = config::load(&request).context("the example is a good configuration")?;
    Ok(Beryl {
        engine,
        settings,
        config,
    })
}
