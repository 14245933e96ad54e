//! A MariaDB server for this test process alone: made on first use, gone with the process.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::certificates::Identity;
use crate::world::App;

/// A fresh, empty database on the server.
pub async fn database() -> App {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let server = server();
    let name = format!("app_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    App::Mysql(server.url("mysql"))
        .execute(&format!("CREATE DATABASE {name} CHARACTER SET utf8mb4"))
        .await;
    App::Mysql(server.url(&name))
}

/// The one database of a server of its own that shows this certificate; it ends with the process.
pub async fn certified(identity: &Identity) -> App {
    let server = Box::leak(Box::new(Server::start(Some(identity))));
    App::Mysql(server.url("mysql"))
        .execute("CREATE DATABASE shop")
        .await;
    App::Mysql(server.url("shop"))
}

/// The same database, entered by another account.
pub fn as_user(app: &App, user: &str) -> App {
    App::Mysql(app.url().replace("//root@", &format!("//{user}@")))
}

/// Gives an account, new or not, the right to do something here: `SELECT ON HERE.*`.
pub async fn grant(app: &App, user: &str, what: &str) {
    let url = app.url();
    let (_, here) = url.rsplit_once('/').unwrap();
    let what = what.replace("HERE", here);
    app.execute(&format!(
        "CREATE USER IF NOT EXISTS {user}; GRANT {what} TO {user}"
    ))
    .await;
}

/// MySQL's server program, where these tests are to run on it instead of MariaDB.
pub fn mysql() -> Option<PathBuf> {
    std::env::var_os("DAYBOOK_TEST_MYSQLD").map(PathBuf::from)
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::start(None))
}

/// A primary of its own, and a replica of it.
pub struct Pair {
    primary: Server,
    replica: Server,
}

impl Pair {
    pub async fn start() -> Self {
        let (primary, replica) = (Server::start(None), Server::start(None));
        let pair = Self { primary, replica };
        pair.primary()
            .execute("CREATE DATABASE shop; CREATE USER follower; GRANT REPLICATION SLAVE ON *.* TO follower")
            .await;
        let port = pair.primary.port;
        let follow = match mysql() {
            Some(_) => format!(
                "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = {port}, \
                 SOURCE_USER = 'follower', SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1"
            ),
            None => format!(
                "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = {port}, \
                 MASTER_USER = 'follower', MASTER_USE_GTID = slave_pos"
            ),
        };
        App::Mysql(pair.replica.url("mysql"))
            .execute(&format!(
                "SET GLOBAL server_id = 2; {follow}; START REPLICA"
            ))
            .await;
        pair
    }

    pub fn primary(&self) -> App {
        App::Mysql(self.primary.url("mysql"))
    }

    /// The shop that both have.
    pub fn shop(&self) -> (App, App) {
        (
            App::Mysql(self.primary.url("shop")),
            App::Mysql(self.replica.url("shop")),
        )
    }

    /// Returns once the replica has all that the primary has written so far.
    pub async fn caught_up(&self) {
        let (written, wait) = match mysql() {
            Some(_) => ("SELECT @@gtid_executed", "WAIT_FOR_EXECUTED_GTID_SET"),
            None => ("SELECT @@gtid_binlog_pos", "MASTER_GTID_WAIT"),
        };
        let written = self.primary().rows(written).await;
        let reached = format!("SELECT {wait}('{}', 30)", written[0][0].clone().unwrap());
        let replica = App::Mysql(self.replica.url("mysql"));
        assert_eq!(replica.number(&reached).await, Some(0.into()));
    }
}

struct Server {
    port: u16,
    /// Ends the server and removes its folder when this process, however it ends, lets go of its input.
    _guardian: Child,
}

/// `$1` the server, `$2` folder, `$3` port, `$4` who runs it, the rest what it is told besides.
const GUARDIAN: &str = r#"
server=$1 folder=$2 port=$3 user=$4; shift 4
# A server that starts deletes what others keep in a folder for temporary files that they share.
export TMPDIR=$folder/data
"$server" --no-defaults --user="$user" --datadir="$folder/data" --bind-address=127.0.0.1 --port="$port" --socket="$folder/socket" \
    --innodb-flush-log-at-trx-commit=0 --innodb-buffer-pool-size=64M --max-connections=200 --loose-mysqlx=OFF --loose-gtid-mode=ON --loose-enforce-gtid-consistency=ON --log-bin="$folder/data/log" --server-id=1 "$@" </dev/null >"$folder/log" 2>&1 &
server=$!
echo started
cat >/dev/null
kill -KILL "$server"
wait "$server"
rm -rf "$folder"
"#;

impl Server {
    fn start(identity: Option<&Identity>) -> Self {
        let folder = tempfile::tempdir().unwrap().keep();
        let user = Command::new("id").arg("-un").output().unwrap().stdout;
        let user = String::from_utf8(user).unwrap().trim().to_owned();
        let (program, made) = Self::made(&folder, &user);
        assert!(made.status.success(), "no data folder: {made:?}");
        let shown = identity.map(|identity| show(identity, &folder));
        for _ in 0..5 {
            let port = free_port();
            let mut guardian = Command::new("sh")
                .args(["-c", GUARDIAN, "guardian"])
                .args([&program, &folder])
                .args([&port.to_string(), &user])
                .args(shown.iter().flatten())
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .process_group(0)
                .spawn()
                .unwrap();
            let mut line = String::new();
            let output = guardian.stdout.take().unwrap();
            BufReader::new(output).read_line(&mut line).unwrap();
            if answers(&folder, port) {
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
        panic!("no port of 127.0.0.1 stayed free long enough to start MariaDB");
    }

    /// An empty data folder in `folder`, and the server that it is for: MySQL's own where one is named, else MariaDB.
    fn made(folder: &Path, user: &str) -> (PathBuf, Output) {
        let mysql = mysql();
        let maker = mysql.clone();
        let mut making = Command::new(maker.unwrap_or_else(|| program("mariadb-install-db")));
        making
            .env("TMPDIR", folder.join("data"))
            .arg("--no-defaults")
            .arg(format!("--user={user}"))
            .arg(format!("--datadir={}", folder.join("data").display()));
        match mysql {
            Some(_) => making.arg("--initialize-insecure"),
            None => making.args(["--auth-root-authentication-method=normal", "--skip-test-db"]),
        };
        let made = making.output().unwrap();
        (mysql.unwrap_or_else(|| program("mariadbd")), made)
    }

    fn url(&self, database: &str) -> String {
        format!("mysql://root@127.0.0.1:{}/{database}", self.port)
    }
}

/// The files that the server is to read, as it is told of them.
fn show(identity: &Identity, folder: &Path) -> [String; 2] {
    [
        ("ssl-cert", &identity.certificate),
        ("ssl-key", &identity.key),
    ]
    .map(|(name, text)| {
        let file = folder.join(name);
        std::fs::write(&file, text).unwrap();
        format!("--{name}={}", file.display())
    })
}

/// The server says so in its log before it listens to anybody; another one's port would answer too.
fn answers(folder: &Path, port: u16) -> bool {
    (0..300).any(|_| {
        let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        let up = log.contains("ready for connections")
            && TcpStream::connect(("127.0.0.1", port)).is_ok();
        if !up {
            std::thread::sleep(Duration::from_millis(100));
        }
        up || log.contains("Aborting")
    }) && TcpStream::connect(("127.0.0.1", port)).is_ok()
}

fn program(name: &str) -> PathBuf {
    let folders = [
        "/usr/sbin",
        "/usr/bin",
        "/usr/local/bin",
        "/usr/libexec",
        "/opt/homebrew/bin",
    ];
    let mut all = folders.iter().map(|folder| Path::new(folder).join(name));
    all.find(|path| path.is_file()).unwrap_or_else(|| {
        panic!(
            "MariaDB's program {name} is on none of the usual paths: install MariaDB 10.6 or later and run \
             `make test`; tests that need no server run with `cargo test`"
        )
    })
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
