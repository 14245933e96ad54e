//! A Redis server for one test: on a port of its own with a folder of its own, gone when it is dropped.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

pub struct Server {
    pub port: u16,
    output: BufReader<ChildStdout>,
    /// Ends the server and removes its folder when this process, however it ends, lets go of its input.
    guardian: Child,
}

/// `$1` folder, `$2` port, the rest what the server is told besides. It is killed and begins anew as its input says.
const GUARDIAN: &str = r#"
folder=$1 port=$2; shift 2
begin() {
  redis-server --bind 127.0.0.1 --port "$port" --dir "$folder" --save '' --appendonly no "$@" </dev/null >>"$folder/log" 2>&1 &
  server=$!
}
begin "$@"
echo started
while read -r told; do
  kill -KILL "$server" 2>/dev/null
  wait "$server"
  [ "$told" = restart ] && begin "$@"
  echo done
done
kill -KILL "$server" 2>/dev/null
wait "$server"
rm -rf "$folder"
"#;

impl Server {
    pub fn start(options: &[&str]) -> Self {
        for _ in 0..5 {
            let folder = tempfile::tempdir().unwrap().keep();
            let port = free_port();
            let mut guardian = Command::new("sh")
                .args(["-c", GUARDIAN, "guardian"])
                .arg(&folder)
                .arg(port.to_string())
                .args(options)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .process_group(0)
                .spawn()
                .unwrap();
            let mut line = String::new();
            let mut output = BufReader::new(guardian.stdout.take().unwrap());
            output.read_line(&mut line).unwrap();
            let server = Self {
                port,
                output,
                guardian,
            };
            if answers(&folder, port) {
                return server;
            }
            let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
            // Another process took the port meanwhile.
            assert!(log.contains("Address already in use"), "{log}");
        }
        panic!("no port of 127.0.0.1 stayed free long enough to start Redis");
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Kills it: what was not saved is lost.
    pub fn kill(&mut self) {
        self.tell("end");
    }

    /// Kills it, and begins anew with what was saved last.
    pub fn restart(&mut self) {
        self.tell("restart");
        for _ in 0..400 {
            let answers =
                |mut client: Client| client.run(["PING"]) == Reply::Status("PONG".to_owned());
            if Client::connect(self.port).is_ok_and(answers) {
                return;
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        panic!("Redis did not begin anew");
    }

    fn tell(&mut self, what: &str) {
        let input = self.guardian.stdin.as_mut().unwrap();
        writeln!(input, "{what}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        assert_eq!(line, "done\n");
    }

    pub fn client(&self, database: u32) -> Client {
        let mut client = Client::connect(self.port).unwrap();
        assert_eq!(client.run(["SELECT", &database.to_string()]), Reply::ok());
        client
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.guardian.stdin.take());
        self.guardian.wait().unwrap();
    }
}

/// A sentinel that watches one master, by the name of `live`, and puts a replica in its place after half a second.
pub struct Sentinel {
    pub port: u16,
    /// Ends it, as that of a server.
    guardian: Child,
}

/// `$1` folder.
const SENTINEL: &str = r#"
redis-server "$1/sentinel.conf" --sentinel </dev/null >>"$1/log" 2>&1 &
sentinel=$!
echo started
read -r told
kill -KILL "$sentinel" 2>/dev/null
wait "$sentinel"
rm -rf "$1"
"#;

impl Sentinel {
    pub fn start(master: u16, password: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap().keep();
        let port = free_port();
        let password = password.map_or_else(String::new, |password| {
            format!("sentinel auth-pass live {password}\n")
        });
        let settings = format!(
            "bind 127.0.0.1\nport {port}\ndir {}\nsentinel monitor live 127.0.0.1 {master} 1\n\
             sentinel down-after-milliseconds live 500\nsentinel failover-timeout live 3000\n{password}",
            folder.display()
        );
        std::fs::write(folder.join("sentinel.conf"), settings).unwrap();
        let guardian = Command::new("sh")
            .args(["-c", SENTINEL, "guardian"])
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        assert!(answers(&folder, port), "the sentinel does not begin");
        Self { port, guardian }
    }

    /// Where it says the master is.
    pub fn master(&self) -> u16 {
        let mut client = Client::connect(self.port).unwrap();
        let said = client.run(["SENTINEL", "get-master-addr-by-name", "live"]);
        said.list().swap_remove(1).text().parse().unwrap()
    }

    /// Whether it has heard of a replica that can take the master's place.
    pub fn knows_replica(&self) -> bool {
        let mut client = Client::connect(self.port).unwrap();
        let known = client.run(["SENTINEL", "replicas", "live"]).list();
        known.into_iter().any(|replica| {
            let facts: Vec<String> = replica.list().into_iter().map(Reply::text).collect();
            facts
                .chunks(2)
                .any(|fact| fact == ["master-link-status", "ok"])
        })
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        drop(self.guardian.stdin.take());
        self.guardian.wait().unwrap();
    }
}

pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Whether this server, and none that took its port, answers within ten seconds.
fn answers(folder: &Path, port: u16) -> bool {
    for _ in 0..400 {
        let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        assert!(!log.contains("not found"), "{log}; `make test` installs it");
        if log.contains("Address already in use") {
            return false;
        }
        let is_ready = ["Ready to accept connections", "Sentinel ID is"]
            .iter()
            .any(|words| log.contains(words));
        if is_ready
            && let Ok(mut client) = Client::connect(port)
            && client.run(["PING"]) == Reply::Status("PONG".to_owned())
        {
            return true;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    false
}

/// What a server answers, in RESP2.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reply {
    Nil,
    Number(i64),
    Status(String),
    Error(String),
    Bytes(Vec<u8>),
    List(Vec<Self>),
}

/// Commands one after another, written and read by hand.
pub struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(port: u16) -> std::io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    pub fn run<P: AsRef<[u8]>>(&mut self, parts: impl IntoIterator<Item = P>) -> Reply {
        let parts: Vec<P> = parts.into_iter().collect();
        let mut bytes = format!("*{}\r\n", parts.len()).into_bytes();
        for part in parts {
            let part = part.as_ref();
            bytes.extend(format!("${}\r\n", part.len()).into_bytes());
            bytes.extend(part);
            bytes.extend(b"\r\n");
        }
        self.0.get_mut().write_all(&bytes).unwrap();
        self.read()
    }

    fn read(&mut self) -> Reply {
        let mut line = String::new();
        // A server that was killed answers nothing.
        drop(self.0.read_line(&mut line));
        let rest = line.get(1..).unwrap_or_default().trim_end();
        match line.as_bytes() {
            b"$-1\r\n" | b"*-1\r\n" => Reply::Nil,
            [b'+', ..] => Reply::Status(rest.to_owned()),
            [] => Reply::Error("the connection ended".to_owned()),
            [b'-', ..] => Reply::Error(rest.to_owned()),
            [b':', ..] => Reply::Number(rest.parse().unwrap()),
            [b'$', ..] => {
                let mut bytes = vec![0; rest.parse::<usize>().unwrap() + 2];
                self.0.read_exact(&mut bytes).unwrap();
                bytes.truncate(bytes.len() - 2);
                Reply::Bytes(bytes)
            }
            [b'*', ..] => Reply::List((0..rest.parse().unwrap()).map(|_| self.read()).collect()),
            _ => panic!("no answer of Redis: {line:?}"),
        }
    }

    /// Runs a script by its hash, once the server knows it.
    pub fn script(&mut self, text: &str, keys: &[Vec<u8>], arguments: &[Vec<u8>]) -> Reply {
        let hash = self.run(["SCRIPT", "LOAD", text]).bytes();
        let command = [
            b"EVALSHA".to_vec(),
            hash,
            keys.len().to_string().into_bytes(),
        ];
        self.run(command.iter().chain(keys).chain(arguments))
    }

    /// All that lies in the database.
    pub fn dump(&mut self) -> BTreeMap<String, Value> {
        let keys = self.run(["KEYS", "*"]).list();
        let keys = keys.into_iter().map(Reply::text);
        let value = |key: String| {
            let value = self.value(&key);
            (key, value)
        };
        keys.map(value).collect()
    }

    fn value(&mut self, key: &str) -> Value {
        let holds = match self.run(["TYPE", key]).text().as_str() {
            "hash" => Holds::Hash(self.run(["HGETALL", key]).pairs().collect()),
            "zset" => Holds::Sorted(
                self.run(["ZRANGE", key, "0", "-1", "WITHSCORES"])
                    .pairs()
                    .collect(),
            ),
            "set" => {
                let mut members = self.run(["SMEMBERS", key]).list();
                members.sort();
                Holds::Set(members)
            }
            "list" => Holds::List(self.run(["LRANGE", key, "0", "-1"]).list()),
            "stream" => {
                let entries = self.run(["XRANGE", key, "-", "+"]).list();
                let fields = entries.into_iter().map(|entry| entry.list().remove(1));
                Holds::Stream(fields.collect())
            }
            "string" => Holds::Text(self.run(["GET", key])),
            other => panic!("{key} is a {other}"),
        };
        let expires = self.run(["EXPIRETIME", key]).number();
        Value {
            holds,
            expires: (expires >= 0).then_some(expires),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    pub holds: Holds,
    /// Second.
    pub expires: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holds {
    Hash(BTreeMap<String, String>),
    Sorted(Vec<(String, String)>),
    Set(Vec<Reply>),
    List(Vec<Reply>),
    /// The fields of its entries.
    Stream(Vec<Reply>),
    Text(Reply),
}

impl Value {
    pub fn hash(&self) -> &BTreeMap<String, String> {
        match &self.holds {
            Holds::Hash(fields) => fields,
            other => panic!("expected a hash, found {other:?}"),
        }
    }
}

impl Reply {
    pub fn ok() -> Self {
        Self::Status("OK".to_owned())
    }

    pub fn number(self) -> i64 {
        match self {
            Self::Number(number) => number,
            other => panic!("expected a number, found {other:?}"),
        }
    }

    pub fn bytes(self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Status(text) => text.into_bytes(),
            other => panic!("expected bytes, found {other:?}"),
        }
    }

    pub fn text(self) -> String {
        String::from_utf8(self.bytes()).unwrap()
    }

    pub fn list(self) -> Vec<Self> {
        match self {
            Self::List(list) => list,
            other => panic!("expected a list, found {other:?}"),
        }
    }

    fn pairs(self) -> impl Iterator<Item = (String, String)> {
        let texts = self.list().into_iter().map(Self::text);
        let texts: Vec<String> = texts.collect();
        let pairs = texts
            .chunks(2)
            .map(|pair| (pair[0].clone(), pair[1].clone()));
        pairs.collect::<Vec<_>>().into_iter()
    }
}

/// A script's keys and arguments.
pub struct Sent {
    pub keys: Vec<Vec<u8>>,
    pub arguments: Vec<Vec<u8>>,
}

impl Sent {
    /// From what goes over the wire: each part behind `$`, its length and a line break.
    pub fn of(keys: &[u8], arguments: &[u8]) -> Self {
        Self {
            keys: parts(keys),
            arguments: parts(arguments),
        }
    }
}

fn parts(mut sent: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    while let [b'$', rest @ ..] = sent {
        let line = rest.iter().position(|byte| *byte == b'\r').unwrap();
        let length: usize = std::str::from_utf8(&rest[..line]).unwrap().parse().unwrap();
        let (part, behind) = rest[line + 2..].split_at(length);
        parts.push(part.to_vec());
        sent = &behind[2..];
    }
    assert!(sent.is_empty());
    parts
}
