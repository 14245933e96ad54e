//! A MariaDB of our own, gone with the program.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

const START_TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) struct MariaDb {
    process: Child,
    port: u16,
    directory: TempDir,
}

impl MariaDb {
    /// Settings are MariaDB's own but for where it listens and that all tables fit into its memory.
    pub(crate) fn start() -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let data = directory.path().join("data");
        let user = Command::new("id").arg("-un").output()?.stdout;
        let user = format!("--user={}", String::from_utf8(user)?.trim());
        let made = Command::new("mariadb-install-db")
            .args(["--no-defaults", &user, "--skip-test-db"])
            .arg("--auth-root-authentication-method=normal")
            .arg(format!("--datadir={}", data.display()))
            .stdout(Stdio::null())
            .status()
            .context("mariadb-install-db, which `make needed` installs")?;
        if !made.success() {
            bail!("mariadb-install-db ended with {made}");
        }
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let socket = directory.path().join("socket");
        let process = Command::new("/usr/sbin/mariadbd")
            .args(["--no-defaults", &user, "--bind-address=127.0.0.1"])
            .args([
                format!("--port={port}"),
                format!("--datadir={}", data.display()),
                format!("--socket={}", socket.display()),
                "--innodb-buffer-pool-size=2G".to_owned(),
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
        format!("mysql://root@127.0.0.1:{}/{database}", self.port)
    }

    fn wait(&self) -> Result<()> {
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if begun.elapsed() > START_TIMEOUT {
                bail!(
                    "MariaDB in {} does not answer",
                    self.directory.path().display()
                );
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
