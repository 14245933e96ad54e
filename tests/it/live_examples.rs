//! The programs under `examples/live` send and ask what they say, with and without a token.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;

use serde_json::Value as Json;

const TOKEN: &str = "the token of the examples";

/// `daybook serve` with the examples' own configuration, in a folder of its own.
struct Server {
    folder: tempfile::TempDir,
    child: Child,
    address: String,
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/live")
}

impl Server {
    fn start(token: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = std::fs::read_to_string(examples().join("daybook.toml")).unwrap();
        let declared = token.map_or("", |_| "[live.tokens.examples]\nmay = \"admin\"\n");
        std::fs::write(folder.path().join("daybook.toml"), settings + declared).unwrap();
        let mut child = daybook(folder.path())
            .args(["serve", "--listen", "127.0.0.1:0"])
            .envs(token.map(|token| ("DAYBOOK_LIVE_TOKEN_EXAMPLES", token)))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut words = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        words.read_line(&mut said).unwrap();
        let address = said
            .split("at ")
            .nth(1)
            .and_then(|rest| rest.split("/sys").next());
        let address = address.unwrap_or_else(|| panic!("{said}")).to_owned();
        thread::spawn(move || drop(words.read_to_end(&mut Vec::new())));
        Self {
            folder,
            child,
            address,
        }
    }

    fn run(&self, program: &str, file: &str) -> Output {
        Command::new(program)
            .arg(examples().join(file))
            .env("DAYBOOK_URL", &self.address)
            .env("DAYBOOK_TOKEN", TOKEN)
            .output()
            .unwrap_or_else(|error| panic!("{program}: {error}; `make test` installs it"))
    }

    fn points(&self) -> Vec<Json> {
        let found = daybook(self.folder.path())
            .env("DAYBOOK_LIVE_TOKEN_EXAMPLES", TOKEN)
            .args(["live", "query", "points", "checkout", "--limit", "1000"])
            .output()
            .unwrap();
        let text = String::from_utf8(found.stdout).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn daybook(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_daybook"));
    command.current_dir(folder).env_remove("DAYBOOK_CONFIG");
    command
}

fn of_shop<'p>(points: &'p [Json], shop: &str) -> Vec<&'p Json> {
    points
        .iter()
        .filter(|point| point["labels"]["shop"] == shop)
        .collect()
}

#[test]
fn curl_sends_an_event_a_packed_batch_and_a_span() {
    for token in [None, Some(TOKEN)] {
        let server = Server::start(token);
        for _ in 0..2 {
            let ended = server.run("sh", "send.sh");
            assert!(ended.status.success(), "{ended:?}");
        }
        let points = server.points();
        let orders = points
            .iter()
            .filter_map(|point| point["labels"]["order"].as_str());
        let mut orders: Vec<&str> = orders.collect();
        orders.sort_unstable();
        // The batch has a key and the span an id: the second time they were known.
        assert_eq!((points.len(), orders), (5, vec!["17", "18"]));
        let span = points
            .iter()
            .find(|point| point["values"]["amount"] == 12.0)
            .unwrap();
        assert!(
            span["values"]["duration"].as_f64().unwrap() >= 100.0,
            "{span}"
        );
    }
}

#[test]
fn python_and_javascript_send_batches_measure_blocks_and_ask_what_came_of_them() {
    for (program, file) in [
        ("python3", "daybook_events.py"),
        ("node", "daybook-events.mjs"),
    ] {
        let server = Server::start(Some(TOKEN));
        let ended = server.run(program, file);
        let said = String::from_utf8_lossy(&ended.stdout);
        assert!(ended.status.success(), "{program}: {ended:?}");
        assert!(
            said.contains("100") && said.contains("failed: card refused"),
            "{program}: {said}"
        );
        let answer = ["be: 2 checkouts, 12.5 CHF", "zh: 100 checkouts, 0 CHF"];
        let told: Vec<&str> = said.lines().filter(|line| line.contains("CHF")).collect();
        assert_eq!(told, answer, "{program}");
        let points = server.points();
        assert_eq!(of_shop(&points, "zh").len(), 100, "{program}");
        let spans = of_shop(&points, "be");
        let [failed, paid] = spans[..] else {
            panic!("{program}: {spans:?}");
        };
        assert_eq!(
            (&failed["ok"], &failed["details"]["error"]),
            (&Json::Bool(false), &"card refused".into())
        );
        assert_eq!(
            (&paid["ok"], &paid["values"]["amount"]),
            (&Json::Bool(true), &12.5.into())
        );
        assert!(
            paid["values"]["duration"].as_f64().unwrap() >= 100.0,
            "{program}: {paid}"
        );
    }
}

#[test]
fn they_say_what_the_server_refuses() {
    let server = Server::start(Some("another token than theirs"));
    for (program, file) in [
        ("sh", "send.sh"),
        ("python3", "daybook_events.py"),
        ("node", "daybook-events.mjs"),
    ] {
        let ended = server.run(program, file);
        assert!(!ended.status.success(), "{program}");
        let said = [ended.stdout, ended.stderr].concat();
        assert!(
            String::from_utf8_lossy(&said).contains("no token of this server came along"),
            "{program}"
        );
    }
    assert!(server.points().is_empty());
}
