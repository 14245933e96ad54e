//! The whole program on the demo, without a report and with one: to the outbox, to one reader and to fifty.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::certificates::Authority;
use crate::program::{daybook, megabytes, peak, run, with};
use crate::smtp_server::{Script, Server};
use crate::table::{self, median};

const COLLECT: [&str; 4] = ["collect", "--date", "yesterday", "--force"];
const READERS: usize = 50;
const ROUNDS: usize = 9;
const LOOKS: usize = 8;

/// What is measured, with how many readers.
struct Setup {
    name: &'static str,
    sends: bool,
    server: Option<Server>,
    readers: usize,
}

pub(crate) async fn on_the_demo() -> Result<()> {
    let authority = Authority::new();
    let demo = Demo::new(&authority)?;
    let setups = setups(&authority).await;
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); setups.len()];
    for _ in 0..ROUNDS {
        for (setup, taken) in setups.iter().zip(&mut times) {
            taken.push(run(demo.command(setup)?)?);
        }
    }
    let mut rows = Vec::new();
    for (setup, taken) in setups.iter().zip(&times) {
        let mut most = 0;
        for _ in 0..LOOKS {
            most = most.max(peak(demo.command(setup)?)?);
        }
        let conversations = conversations(setup)?;
        rows.push([
            setup.name.to_owned(),
            table::seconds(median(taken)),
            table::spread(taken),
            megabytes(most),
            conversations,
        ]);
    }
    let heads = [
        "`collect --date yesterday --force`",
        "median",
        "fastest … slowest",
        "peak memory",
        "conversations, handshakes",
    ];
    table::print(heads, rows);
    for (one, fifty) in [(2, 3), (4, 5)] {
        let further = median(&times[fifty]).saturating_sub(median(&times[one]));
        let each = further / u32::try_from(READERS - 1).unwrap_or(1);
        println!(
            "\n{}: a further reader takes {}.",
            setups[fifty].name,
            table::seconds(each)
        );
    }
    Ok(())
}

async fn setups(authority: &Authority) -> Vec<Setup> {
    let plain = || Server::start(Script::accepting());
    let encrypted = || Server::start(Script::accepting().starttls(authority.identity("localhost")));
    let setup = |name, server, readers| Setup {
        name,
        sends: true,
        server,
        readers,
    };
    vec![
        Setup {
            sends: false,
            ..setup("without a report", None, 0)
        },
        setup("to the outbox", None, 0),
        setup("to 1 reader, without TLS", Some(plain().await), 1),
        setup("to 50 readers, without TLS", Some(plain().await), READERS),
        setup("to 1 reader, STARTTLS", Some(encrypted().await), 1),
        setup("to 50 readers, STARTTLS", Some(encrypted().await), READERS),
    ]
}

/// Of one run; every message that was to come has.
fn conversations(setup: &Setup) -> Result<String> {
    let Some(server) = &setup.server else {
        return Ok(String::new());
    };
    let runs = ROUNDS + LOOKS;
    let accepted = server.accepted().len();
    if accepted != runs * setup.readers {
        bail!("{}: {accepted} messages came in {runs} runs", setup.name);
    }
    let (connections, handshakes) = (server.connections() / runs, server.handshakes() / runs);
    Ok(format!("{connections}, {handshakes}"))
}

/// The demo's folder, and its book as it was before any report.
struct Demo {
    room: tempfile::TempDir,
}

impl Demo {
    fn new(authority: &Authority) -> Result<Self> {
        let demo = Self {
            room: tempfile::tempdir()?,
        };
        let folder = demo.folder();
        run(daybook(&["demo", "--dir", &folder.display().to_string()]))?;
        std::fs::write(folder.join("ca.pem"), authority.pem())?;
        let settings = folder.join("daybook.toml");
        let text = std::fs::read_to_string(&settings)?;
        let mail = "[mail]\nca_file = \"ca.pem\"\n\n[book]\n";
        let text = text.replacen("[book]\n", mail, 1);
        // The demo's own readers would come on top of those counted here.
        let lines = text
            .lines()
            .filter(|line| !line.starts_with("recipients_sql"));
        std::fs::write(&settings, lines.collect::<Vec<_>>().join("\n"))?;
        std::fs::copy(demo.book(""), demo.saved_book())?;
        Ok(demo)
    }

    /// Ready to run once: the same report is not sent twice.
    fn command(&self, setup: &Setup) -> Result<Command> {
        for ending in ["-wal", "-shm"] {
            drop(std::fs::remove_file(self.book(ending)));
        }
        std::fs::copy(self.saved_book(), self.book(""))?;
        let mut command = with(&self.folder().join("daybook.toml"), &COLLECT);
        if setup.sends {
            command.arg("--send-email");
        }
        if let Some(server) = &setup.server {
            let readers: Vec<String> = (1..=setup.readers)
                .map(|reader| format!("reader{reader}@example.org"))
                .collect();
            command
                .env("DAYBOOK_SMTP_URL", server.url())
                .env("DAYBOOK_MAIL_FROM", "daybook@example.org")
                .env("DAYBOOK_REPORT_RECIPIENTS", readers.join(","));
        }
        Ok(command)
    }

    fn folder(&self) -> PathBuf {
        self.room.path().join("demo")
    }

    fn book(&self, ending: &str) -> PathBuf {
        self.folder().join(format!("daybook.db{ending}"))
    }

    fn saved_book(&self) -> PathBuf {
        self.room.path().join("saved.db")
    }
}
