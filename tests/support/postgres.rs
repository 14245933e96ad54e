//! A PostgreSQL server for this test process alone: made on first use, gone with the process.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::certificates::Identity;
use crate::world::App;

/// A fresh, empty database on the server.
pub async fn database() -> App {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let cluster = cluster();
    let name = format!("app_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    App::Postgres(cluster.url("owner", "postgres"))
        .execute(&format!("CREATE DATABASE {name}"))
        .await;
    App::Postgres(cluster.url("owner", &name))
}

/// The one database of a server of its own that shows this certificate; it ends with the process.
pub async fn certified(identity: &Identity) -> App {
    let cluster = Box::leak(Box::new(Cluster::start(Some(identity))));
    App::Postgres(cluster.url("owner", "postgres"))
}

/// The same database, entered by another role.
pub fn as_role(app: &App, role: &str) -> App {
    App::Postgres(app.url().replace("//owner@", &format!("//{role}@")))
}

fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| Cluster::start(None))
}

/// A primary of its own, and a server that follows it.
pub struct Pair {
    primary: Cluster,
    standby: Cluster,
}

impl Pair {
    pub fn start() -> Self {
        let primary = Cluster::start(None);
        let standby = Cluster::following(&primary);
        Self { primary, standby }
    }

    pub fn primary(&self) -> App {
        App::Postgres(self.primary.url("owner", "postgres"))
    }

    pub fn standby(&self) -> App {
        App::Postgres(self.standby.url("owner", "postgres"))
    }

    /// From now on the standby takes back at once what stands in the way of what it replays.
    pub async fn lose_patience(&self) {
        let standby = self.standby();
        for statement in [
            "ALTER SYSTEM SET max_standby_streaming_delay = 0",
            "SELECT pg_reload_conf()",
        ] {
            standby.execute(statement).await;
        }
    }

    /// Returns once the standby has all that the primary has written so far.
    pub async fn caught_up(&self) {
        let written = self
            .primary()
            .rows("SELECT pg_current_wal_insert_lsn()")
            .await;
        let written = written[0][0].clone().unwrap();
        let reached = format!("SELECT (pg_last_wal_replay_lsn() >= '{written}')::int");
        while self.standby().number(&reached).await != Some(1.into()) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

struct Cluster {
    port: u16,
    /// Ends the server and removes its folder when this process, however it ends, lets go of its input.
    _guardian: Child,
}

/// `$1` programs, `$2` folder, `$3` port, the rest how to become the server's owner.
const GUARDIAN: &str = r#"
programs=$1 folder=$2 port=$3; shift 3
"$@" "$programs/postgres" -D "$folder/data" -p "$port" -c listen_addresses=127.0.0.1 \
    -c unix_socket_directories= -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
    -c max_connections=200 -c max_prepared_transactions=8 -c shared_buffers=32MB -c autovacuum=off </dev/null >"$folder/log" 2>&1 &
server=$!
echo started
cat >/dev/null
kill -QUIT "$server"
wait "$server"
rm -rf "$folder"
"#;

impl Cluster {
    fn start(identity: Option<&Identity>) -> Self {
        let programs = programs();
        let folder = tempfile::tempdir().unwrap().keep();
        let owner = owner(&folder);
        let made = owned(&owner, &programs.join("initdb"))
            .arg("-D")
            .arg(folder.join("data"))
            .args([
                "-U",
                "owner",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "-N",
            ])
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb failed: {made:?}");
        if let Some(identity) = identity {
            show(identity, &folder.join("data"));
        }
        Self::begin(folder, &owner)
    }

    fn following(primary: &Cluster) -> Self {
        let folder = tempfile::tempdir().unwrap().keep();
        let owner = owner(&folder);
        let made = owned(&owner, &programs().join("pg_basebackup"))
            .args([
                "-h",
                "127.0.0.1",
                "-U",
                "owner",
                "-R",
                "-X",
                "stream",
                "-c",
                "fast",
                "-N",
            ])
            .args(["-p", &primary.port.to_string()])
            .arg("-D")
            .arg(folder.join("data"))
            .output()
            .unwrap();
        assert!(made.status.success(), "pg_basebackup failed: {made:?}");
        Self::begin(folder, &owner)
    }

    fn begin(folder: PathBuf, owner: &[String]) -> Self {
        let programs = programs();
        for _ in 0..5 {
            let port = free_port();
            let mut guardian = Command::new("sh")
                .args(["-c", GUARDIAN, "guardian"])
                .args([&programs, &folder])
                .arg(port.to_string())
                .args(owner)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .process_group(0)
                .spawn()
                .unwrap();
            let mut line = String::new();
            let output = guardian.stdout.take().unwrap();
            BufReader::new(output).read_line(&mut line).unwrap();
            if answers(&programs, port) {
                return Self {
                    port,
                    _guardian: guardian,
                };
            }
            // Another process took the port meanwhile.
            let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
            assert!(log.contains("Address already in use"), "{log}");
            drop(guardian.stdin.take());
            guardian.wait().unwrap();
        }
        panic!("no port of 127.0.0.1 stayed free long enough to start PostgreSQL");
    }

    fn url(&self, role: &str, database: &str) -> String {
        format!("postgres://{role}@127.0.0.1:{}/{database}", self.port)
    }
}

/// Files of the server's own owner, and nobody else's.
fn show(identity: &Identity, data: &Path) {
    let of_data = std::fs::metadata(data).unwrap();
    for (name, text) in [
        ("server.crt", &identity.certificate),
        ("server.key", &identity.key),
    ] {
        let file = data.join(name);
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        chown(&file, Some(of_data.uid()), Some(of_data.gid())).unwrap();
    }
    let settings = data.join("postgresql.auto.conf");
    let mut settings = OpenOptions::new().append(true).open(settings).unwrap();
    settings.write_all(b"ssl = on\n").unwrap();
}

fn answers(programs: &Path, port: u16) -> bool {
    let asked = || {
        let mut asking = Command::new(programs.join("pg_isready"));
        asking.args(["-q", "-h", "127.0.0.1", "-U", "owner", "-d", "postgres"]);
        asking.arg("-p").arg(port.to_string());
        asking.status().is_ok_and(|status| status.success())
    };
    (0..300).any(|_| {
        let up = asked();
        if !up {
            std::thread::sleep(Duration::from_millis(100));
        }
        up
    })
}

/// Where PostgreSQL keeps its server programs.
fn programs() -> PathBuf {
    let folder = Command::new("pg_config").arg("--bindir").output();
    let folder = folder.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let usual = [
        "/usr/lib/postgresql",
        "/usr/local",
        "/opt/homebrew/opt",
        "/usr",
    ];
    let versions = usual.iter().flat_map(|place| {
        let folders = std::fs::read_dir(place).into_iter().flatten().flatten();
        let mut all: Vec<PathBuf> = folders.map(|folder| folder.path().join("bin")).collect();
        all.sort();
        all.reverse();
        all.push(Path::new(place).join("bin"));
        all
    });
    let mut candidates = folder.ok().map(PathBuf::from).into_iter().chain(versions);
    candidates
        .find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
        .expect(
            "PostgreSQL's server programs (initdb, postgres) are on none of the usual paths: install \
             PostgreSQL 15 or later and run `make test`; tests that need no server run with `cargo test`",
        )
}

/// PostgreSQL refuses to run as root: then it runs as `postgres`, who is given the folder.
fn owner(folder: &Path) -> Vec<String> {
    let number = |args: &[&str]| -> Option<u32> {
        let id = Command::new("id").args(args).output().ok()?;
        String::from_utf8_lossy(&id.stdout).trim().parse().ok()
    };
    if number(&["-u"]) != Some(0) {
        return vec!["env".to_owned()];
    }
    let (user, group) = number(&["-u", "postgres"])
        .zip(number(&["-g", "postgres"]))
        .expect("PostgreSQL does not run as root, and there is no user `postgres` to run it as");
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    chown(folder, Some(user), Some(group)).unwrap();
    ["setpriv", "--clear-groups"]
        .map(str::to_owned)
        .into_iter()
        .chain([format!("--reuid={user}"), format!("--regid={group}")])
        .collect()
}

fn owned(owner: &[String], program: &Path) -> Command {
    let mut command = Command::new(&owner[0]);
    command.args(&owner[1..]).arg(program);
    command.current_dir("/");
    command
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
