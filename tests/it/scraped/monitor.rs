//! Monitoring systems for one test: on a free port of this machine, with a folder of their own, gone with the
//! test. Debian's own services are left alone.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value as Json;
use tempfile::TempDir;

/// `$1` is where its words go, the rest how to start it. Ends the server when the test process, however it
/// ends, lets go of its input.
const GUARDIAN: &str = r#"
log=$1; shift
"$@" </dev/null >"$log" 2>&1 &
server=$!
cat >/dev/null
kill -KILL "$server"
wait "$server" 2>/dev/null
"#;

pub(super) struct Monitor {
    port: u16,
    folder: TempDir,
    guardian: Child,
}

impl Monitor {
    /// With these blocks, if any, and scraping a page on that port, if any.
    pub(super) fn prometheus(blocks: Option<&Path>, page: Option<u16>) -> Self {
        Self::start("prometheus", "/-/ready", |folder, port| {
            let targets = page.map_or_else(String::new, |page| {
                format!(
                    "scrape_configs: [{{job_name: daybook, static_configs: [{{targets: ['127.0.0.1:{page}']}}]}}]\n"
                )
            });
            let settings = folder.join("prometheus.yml");
            let text = format!("global: {{scrape_interval: 1s, scrape_timeout: 1s}}\n{targets}");
            std::fs::write(&settings, text).unwrap();
            let own = folder.join("data");
            vec![
                format!("--config.file={}", settings.display()),
                format!("--storage.tsdb.path={}", blocks.unwrap_or(&own).display()),
                "--storage.tsdb.retention.time=100y".to_owned(),
                format!("--web.listen-address=127.0.0.1:{port}"),
            ]
        })
    }

    pub(super) fn victoria() -> Self {
        Self::start("victoria-metrics", "/health", |folder, port| {
            vec![
                format!("-storageDataPath={}", folder.join("data").display()),
                "-retentionPeriod=100y".to_owned(),
                format!("-httpListenAddr=127.0.0.1:{port}"),
            ]
        })
    }

    fn start(program: &str, ready: &str, arguments: impl Fn(&Path, u16) -> Vec<String>) -> Self {
        installed(program, program);
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let guardian = Command::new("sh")
            .args(["-c", GUARDIAN, "guardian"])
            .arg(folder.path().join("log"))
            .arg(program)
            .args(arguments(folder.path(), port))
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let monitor = Self {
            port,
            folder,
            guardian,
        };
        wait(|| {
            let answer = monitor.ask("GET", ready, "");
            answer.is_some_and(|answer| {
                answer.starts_with("HTTP/1.0 200") || answer.starts_with("HTTP/1.1 200")
            })
        });
        monitor
    }

    pub(super) fn get(&self, address: &str) -> String {
        self.body("GET", address, "")
    }

    pub(super) fn post(&self, address: &str, body: &str) {
        self.body("POST", address, body);
    }

    pub(super) fn json(&self, address: &str) -> Json {
        let body = self.get(address);
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"))
    }

    pub(super) fn wait_for(&self, address: &str, is_there: impl Fn(&Json) -> bool) {
        wait(|| is_there(&self.json(address)));
    }

    fn body(&self, method: &str, address: &str, body: &str) -> String {
        let answer = self.ask(method, address, body);
        let answer = answer.unwrap_or_else(|| panic!("no answer: {}", self.log()));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap();
        assert!(status.starts_with('2'), "{head}\n{body}\n{}", self.log());
        body.to_owned()
    }

    /// In the words of HTTP/1.0, so that the answer comes whole.
    fn ask(&self, method: &str, address: &str, body: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        let length = body.len();
        let head = format!(
            "{method} {address} HTTP/1.0\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(body.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        drop(self.guardian.stdin.take());
        self.guardian.wait().unwrap();
    }
}

/// A page that is the same at every visit.
pub(super) struct Page {
    pub(super) port: u16,
}

impl Page {
    pub(super) fn serve(text: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for visitor in listener.incoming() {
                let mut visitor = visitor.unwrap();
                let mut asked = Vec::new();
                let mut some = [0; 1024];
                while !asked.ends_with(b"\r\n\r\n") {
                    match visitor.read(&mut some) {
                        Ok(count @ 1..) => asked.extend(&some[..count]),
                        _ => break,
                    }
                }
                let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nConnection: close\r\n\r\n";
                // A visitor may have gone already.
                drop(visitor.write_all(format!("{head}{text}").as_bytes()));
            }
        });
        Self { port }
    }
}

/// What promtool says of a page.
pub(super) fn check_metrics(text: &str) -> Output {
    installed("promtool", "prometheus");
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = promtool.stdin.take().unwrap();
    input.write_all(text.as_bytes()).unwrap();
    drop(input);
    promtool.wait_with_output().unwrap()
}

pub(super) fn create_blocks(text: &Path, folder: &Path) {
    installed("promtool", "prometheus");
    // Without longer blocks the text is read once for every two hours of it.
    let done = Command::new("promtool")
        .args(["tsdb", "create-blocks-from", "openmetrics"])
        .arg("--max-block-duration=87600h")
        .args([text, folder])
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
}

pub(super) fn wait(mut is_done: impl FnMut() -> bool) {
    let done = (0..600).any(|_| {
        let done = is_done();
        if !done {
            std::thread::sleep(Duration::from_millis(100));
        }
        done
    });
    assert!(done, "a minute was not enough");
}

fn installed(program: &str, package: &str) {
    let found = Command::new(program).arg("--version").output();
    assert!(
        found.is_ok_and(|found| found.status.success()),
        "{program} is missing: install {package}, as `make needed` does"
    );
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
