//! A PostgreSQL of our own, gone with the program.

use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

const BINARIES: &str = "/usr/lib/postgresql/15/bin";
const ACCOUNT: &str = "postgres";
const START_TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) struct Server {
    process: Child,
    port: u16,
    directory: TempDir,
}

impl Server {
    /// Settings are PostgreSQL's own but for where it listens and what is logged.
    pub(crate) fn start() -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let data = directory.path().join("data");
        std::fs::create_dir(&data)?;
        if is_root(&data)? {
            give_away(directory.path())?;
            give_away(&data)?;
        }
        let made = as_nobody_special("initdb", directory.path())?
            .args([
                "--auth",
                "trust",
                "--encoding",
                "UTF8",
                "--locale",
                "C.UTF-8",
                "--username",
                ACCOUNT,
                "--pgdata",
            ])
            .arg(&data)
            .stdout(Stdio::null())
            .status()?;
        if !made.success() {
            bail!("initdb ended with {made}");
        }
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let process = as_nobody_special("postgres", directory.path())?
            .arg("-D")
            .arg(&data)
            .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"])
            .args([
                "-c",
                "unix_socket_directories=",
                "-c",
                "log_min_messages=fatal",
            ])
            .stderr(Stdio::null())
            .spawn()?;
        let server = Self {
            process,
            port,
            directory,
        };
        server.wait()?;
        Ok(server)
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://{ACCOUNT}@127.0.0.1:{}/{database}", self.port)
    }

    fn wait(&self) -> Result<()> {
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if begun.elapsed() > START_TIMEOUT {
                bail!(
                    "PostgreSQL in {} does not answer",
                    self.directory.path().display()
                );
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let asked = Command::new("kill")
            .args(["-INT", &self.process.id().to_string()])
            .status();
        if asked.is_ok() {
            drop(self.process.wait());
        }
    }
}

fn is_root(ours: &Path) -> Result<bool> {
    Ok(std::fs::metadata(ours)?.uid() == 0)
}

/// PostgreSQL refuses to run as root; then it runs as its own account, under the number of our child.
fn as_nobody_special(program: &str, directory: &Path) -> Result<Command> {
    let program = format!("{BINARIES}/{program}");
    let owned_by_root = is_root(Path::new("/proc/self"))?;
    let mut command = match owned_by_root {
        true => Command::new("setpriv"),
        false => Command::new(&program),
    };
    if owned_by_root {
        command.args([
            "--reuid",
            ACCOUNT,
            "--regid",
            ACCOUNT,
            "--init-groups",
            &program,
        ]);
    }
    command.current_dir(directory);
    Ok(command)
}

fn give_away(path: &Path) -> Result<()> {
    let accounts = std::fs::read_to_string("/etc/passwd")?;
    let mine = accounts
        .lines()
        .find_map(|line| line.strip_prefix(ACCOUNT)?.strip_prefix(':'));
    let mut fields = mine
        .context("there is no account `postgres`")?
        .split(':')
        .skip(1);
    let mut number = || fields.next().and_then(|field| field.parse().ok());
    chown(path, number(), number())?;
    Ok(())
}
