//! The program itself: how it begins, what it says, how it ends.

use std::collections::VecDeque;
use std::fs::{Permissions, set_permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, ChildStderr, Command};
use std::time::Duration;

use chrono::DateTime;
use tokio::io::AsyncWriteExt;

use super::world;
use crate::browsing::{Browser, rest};
use crate::kills::ended;
use crate::running::program::{code, words};
use crate::world::{World, in_a_file};

struct Program {
    child: Child,
    port: u16,
    /// What it said first.
    said: String,
    words: BufReader<ChildStderr>,
}

impl Program {
    fn start(world: &World, args: &[&str]) -> Self {
        let args = [&["serve", "--listen", "127.0.0.1:0"], args].concat();
        let mut child = world.start(&args);
        let mut words = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        words.read_line(&mut said).unwrap();
        let port = said.split("http://127.0.0.1:").nth(1);
        let port = port.and_then(|rest| rest.split('/').next()?.parse().ok());
        let port = port.unwrap_or_else(|| panic!("no address: {said}"));
        Self {
            child,
            port,
            said,
            words,
        }
    }

    fn terminate(&self) {
        let id = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(told.success());
    }

    /// Its exit code, and what it said after the first line.
    fn end(mut self) -> (i32, String) {
        self.terminate();
        let mut rest = String::new();
        while self.words.read_line(&mut rest).unwrap() > 0 {}
        (code(&ended(self.child)), rest)
    }

    /// The most memory it ever had, in kB.
    fn peak(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmHWM"))
            .unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

#[tokio::test]
async fn the_program_says_where_it_is_and_ends_well_when_told() {
    let world = world("").await;
    let program = Program::start(&world, &[]);
    assert!(program.said.contains("Beryl"), "{}", program.said);
    assert!(program.said.contains("/sys/metrics"), "{}", program.said);
    let browser = Browser::at(program.port);
    assert_eq!(browser.get("/sys/metrics").await.status, 200);
    // One who only listens holds nothing up.
    let mut silent = browser.open().await;
    let mut idle = browser.open().await;
    let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    idle.write_all(request).await.unwrap();
    idle.readable().await.unwrap();
    assert_eq!(program.end(), (0, String::new()));
    assert_eq!(rest(&mut silent).await, b"");
    assert!(rest(&mut idle).await.ends_with(b"ok\n"));
}

#[tokio::test]
async fn verbose_tells_each_request_without_its_query_or_any_secret() {
    const TOKEN: &str = "a-token-of-some-length";
    let world = world(&format!("[serve]\ntoken = \"{TOKEN}\"")).await;
    let closed = Permissions::from_mode(0o600);
    set_permissions(world.path("daybook.toml"), closed).unwrap();
    for args in [&[][..], &["--verbose"]] {
        let program = Program::start(&world, args);
        let browser = Browser::at(program.port);
        let reader = browser
            .clone()
            .saying("Authorization", &format!("Bearer {TOKEN}"));
        let guesser = browser.clone().saying("Authorization", "Bearer my-guess");
        let page = reader
            .get("/sys/metrics?date=2025-10-03&token=my-query")
            .await;
        assert_eq!(page.status, 200);
        assert_eq!(guesser.get("/sys/metrics/%1b[2J").await.status, 401);
        assert_eq!(browser.ask("PUT", "/healthz").await.status, 405);
        let (code, said) = program.end();
        assert_eq!(code, 0);
        if args.is_empty() {
            assert_eq!(said, "");
            continue;
        }
        let bytes = page.body.len();
        let expected = [
            (
                "GET /sys/metrics status=200 ms=",
                format!(" bytes={bytes} from=127.0.0.1"),
            ),
            (
                "GET /sys/metrics/%1b[2J status=401 ms=",
                " from=127.0.0.1".to_owned(),
            ),
            ("PUT /healthz status=405 ms=", " from=127.0.0.1".to_owned()),
            ("stopped", "stopped".to_owned()),
        ];
        assert_eq!(said.lines().count(), expected.len(), "{said}");
        for (line, (begin, end)) in said.lines().zip(expected) {
            let (time, told) = line.split_once(" DEBUG ").unwrap();
            assert!(DateTime::parse_from_rfc3339(time).is_ok(), "{line}");
            assert!(told.starts_with(begin) && told.ends_with(&end), "{line}");
        }
        for hidden in [TOKEN, "my-guess", "my-query", "Bearer", "date="] {
            assert!(!said.contains(hidden), "{hidden}: {said}");
        }
    }
}

#[tokio::test]
async fn an_answer_on_its_way_arrives_whole_when_the_program_is_told_to_end() {
    let world = world("").await;
    let program = Program::start(&world, &[]);
    let browser = Browser::at(program.port);
    let mut stream = browser.open().await;
    let requests = b"GET /sys/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1000);
    // Until its answers fill every buffer, since nobody takes them.
    loop {
        let writing = stream.write_all(&requests);
        if tokio::time::timeout(Duration::from_secs(2), writing)
            .await
            .is_err()
        {
            break;
        }
    }
    let ending = std::thread::spawn(|| program.end());
    tokio::time::sleep(Duration::from_millis(500)).await;
    let heard = rest(&mut stream).await;
    assert_eq!(ending.join().unwrap(), (0, String::new()));
    let heard = String::from_utf8(heard).unwrap();
    let (head, body) = heard.rsplit_once("\r\n\r\n").unwrap();
    let length = head.rsplit_once("content-length: ").unwrap().1;
    let length: usize = length.lines().next().unwrap().parse().unwrap();
    assert_eq!(body.len(), length);
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_with_what_to_do() {
    let world = world("").await;
    let program = Program::start(&world, &[]);
    let listen = format!("127.0.0.1:{}", program.port);
    let second = world.binary(&["serve", "--listen", &listen]);
    assert_eq!(code(&second), 1);
    assert!(words(&second).contains(&listen), "{}", words(&second));
    assert!(words(&second).contains("--listen"), "{}", words(&second));
    assert_eq!(program.end().0, 0);
}

#[tokio::test]
async fn the_supervisor_is_told_of_beginning_and_end() {
    let mut world = world("").await;
    let socket = UnixDatagram::bind(world.path("notify")).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let name = world.path("notify").display().to_string();
    world.set("NOTIFY_SOCKET", &name);
    let mut heard = [0; 64];
    let program = Program::start(&world, &[]);
    let length = socket.recv(&mut heard).unwrap();
    assert_eq!(&heard[..length], b"READY=1");
    assert_eq!(program.end().0, 0);
    let length = socket.recv(&mut heard).unwrap();
    assert_eq!(&heard[..length], b"STOPPING=1");
}

#[tokio::test]
async fn secrets_show_nowhere_and_trouble_is_told_once() {
    if !in_a_file() {
        return;
    }
    let mut world = world("").await;
    let token = "never-to-be-seen-anywhere";
    world.set("DAYBOOK_SERVE_TOKEN", token);
    let program = Program::start(&world, &[]);
    let right = Browser::at(program.port).saying("Authorization", &format!("Bearer {token}"));
    assert_eq!(right.get("/sys/metrics").await.status, 200);
    for name in ["daybook.db", "daybook.db-wal", "daybook.db-shm"] {
        drop(std::fs::remove_file(world.path(name)));
    }
    super::until(503, "/sys/metrics", &right).await;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let page = right.get("/sys/metrics").await;
    assert!(!page.body.contains("daybook.db"), "{}", page.body);
    let first = program.said.clone();
    let (code, said) = program.end();
    assert_eq!((code, said.lines().count()), (0, 1), "{said}");
    assert!(said.contains("no book yet"), "{said}");
    assert!(![first, said, page.body].concat().contains(token));
}

#[tokio::test]
async fn floods_and_crowds_do_not_make_the_program_large() {
    let world = world("").await;
    let program = Program::start(&world, &[]);
    let browser = Browser::at(program.port);
    assert_eq!(browser.get("/sys/metrics").await.status, 200);
    let before = program.peak();
    let flood = vec![b'a'; 16 * 1024 * 1024];
    for _ in 0..8 {
        let mut stream = browser.open().await;
        drop(stream.write_all(b"GET / HTTP/1.1\r\nX: ").await);
        drop(stream.write_all(&flood).await);
    }
    let mut crowd = Vec::new();
    for _ in 0..200 {
        let mut stream = browser.open().await;
        drop(
            stream
                .write_all(&b"GET /sys/metrics HTTP/1.1\r\nX: "[..])
                .await,
        );
        drop(stream.write_all(&flood[..8000]).await);
        crowd.push(stream);
    }
    for at in 0..500 {
        let address = format!("/sys/metrics/metric/errors_24h?date={}-01-01", 1000 + at);
        browser.get(&address).await;
    }
    assert_eq!(browser.get("/healthz").await.status, 200);
    let grown = program.peak() - before;
    assert!(grown < 20_000, "{grown} kB more");
    assert_eq!(program.end().0, 0);
}

#[tokio::test]
async fn a_thousand_silent_connections_keep_nobody_out_of_the_program() {
    let world = world("").await;
    let program = Program::start(&world, &[]);
    for crowd in ["127.0.0.1", "127.0.0.2"] {
        let browser = Browser::at(program.port).from(crowd);
        let mut held = VecDeque::new();
        for _ in 0..1000 {
            held.push_back(browser.open().await);
            // Those that lost their place already need not be held here.
            if held.len() > 400 {
                assert_eq!(rest(&mut held.pop_front().unwrap()).await, b"");
            }
        }
        let visitor = Browser::at(program.port).from("127.0.0.3");
        assert_eq!(visitor.get("/sys/metrics").await.status, 200);
        assert_eq!(browser.get("/sys/metrics").await.status, 200);
    }
    assert_eq!(program.end().0, 0);
}
