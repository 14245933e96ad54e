//! A tab of a real browser, driven over the pipe of its debugging protocol: it opens addresses, clicks, types, and
//! remembers whatever the browser complained about.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use base64::Engine;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::with_servers::chromium::browser::{ALONE, program};

pub(super) struct Tab {
    browser: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    session: Option<String>,
    last_id: u64,
    /// Events that nobody has waited for yet.
    events: VecDeque<Value>,
    /// Errors and warnings of the console, exceptions, breaches of the content policy.
    pub(super) complaints: Vec<String>,
    /// Every address asked for.
    pub(super) requests: Vec<String>,
    _profile: TempDir,
}

/// What the reader looks with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Device {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) dark: bool,
    pub(super) scripts: bool,
}

impl Tab {
    pub(super) fn open(device: Device) -> Self {
        let profile = tempfile::tempdir().unwrap();
        // The protocol speaks over descriptors 3 and 4, which a shell can give it.
        let mut browser = Command::new("bash")
            .args([
                "-c",
                "exec \"$0\" \"$@\" 3<&0 4>&1 0</dev/null 1>/dev/null",
                program(),
            ])
            .args(ALONE)
            .arg("--remote-debugging-pipe")
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut tab = Self {
            to: browser.stdin.take().unwrap(),
            from: BufReader::new(browser.stdout.take().unwrap()),
            browser,
            session: None,
            last_id: 0,
            events: VecDeque::new(),
            complaints: Vec::new(),
            requests: Vec::new(),
            _profile: profile,
        };
        let target = tab.ask("Target.createTarget", json!({ "url": "about:blank" }));
        let attached = tab.ask(
            "Target.attachToTarget",
            json!({ "targetId": target["targetId"], "flatten": true }),
        );
        tab.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            tab.ask(&format!("{domain}.enable"), json!({}));
        }
        tab.look_with(device);
        tab
    }

    pub(super) fn look_with(&mut self, device: Device) {
        let Device {
            width,
            height,
            dark,
            scripts,
        } = device;
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 }),
        );
        let scheme = if dark { "dark" } else { "light" };
        self.ask(
            "Emulation.setEmulatedMedia",
            json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] }),
        );
        self.ask(
            "Emulation.setScriptExecutionDisabled",
            json!({ "value": !scripts }),
        );
    }

    /// Goes to an address and waits until the page is there.
    pub(super) fn go(&mut self, address: &str) {
        self.events.clear();
        self.ask("Page.navigate", json!({ "url": address }));
        self.wait_for("Page.loadEventFired");
    }

    /// What an expression is worth on the page; promises are waited for.
    pub(super) fn evaluate(&mut self, expression: &str) -> Value {
        let answer = self.ask(
            "Runtime.evaluate",
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true }),
        );
        assert!(
            answer.get("exceptionDetails").is_none(),
            "{expression}: {answer:#}"
        );
        answer["result"]["value"].clone()
    }

    /// Clicks with the mouse where the element is, and waits for the page behind it.
    pub(super) fn follow(&mut self, selector: &str) {
        self.events.clear();
        self.click(selector);
        self.wait_for("Page.loadEventFired");
    }

    pub(super) fn click(&mut self, selector: &str) {
        let quoted = Value::from(selector);
        let place = self.evaluate(&format!(
            "(() => {{ const it = document.querySelector({quoted}); if (!it) return null;
                it.scrollIntoView({{ block: 'center' }});
                const box = it.getClientRects()[0];
                return [box.x + box.width / 2, box.y + box.height / 2]; }})()"
        ));
        assert!(place.is_array(), "nothing to click: {selector}");
        for kind in ["mousePressed", "mouseReleased"] {
            self.ask(
                "Input.dispatchMouseEvent",
                json!({ "type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1 }),
            );
        }
    }

    pub(super) fn press(&mut self, key: &str) {
        let code = match key {
            "Tab" => 9,
            "Enter" => 13,
            _ => 0,
        };
        let text = if key == "Enter" { "\r" } else { "" };
        for kind in ["keyDown", "keyUp"] {
            self.ask(
                "Input.dispatchKeyEvent",
                json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text }),
            );
        }
    }

    /// The whole page as a picture, as high as it is.
    pub(super) fn picture(&mut self, to: &Path) {
        let size = self.evaluate(
            "[document.documentElement.clientWidth, document.documentElement.scrollHeight]",
        );
        let height = size[1].as_f64().unwrap().min(6000.0);
        let shot = self.ask(
            "Page.captureScreenshot",
            json!({ "captureBeyondViewport": true,
                "clip": { "x": 0, "y": 0, "width": size[0], "height": height, "scale": 1 } }),
        );
        let picture = base64::prelude::BASE64_STANDARD.decode(shot["data"].as_str().unwrap());
        std::fs::write(to, picture.unwrap()).unwrap();
    }

    pub(super) fn wait_for(&mut self, method: &str) -> Value {
        loop {
            while let Some(event) = self.events.pop_front() {
                if event["method"] == method {
                    return event;
                }
            }
            let message = self.read();
            self.events.push_back(message);
        }
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        let mut message = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = Value::from(session.as_str());
        }
        self.to
            .write_all(format!("{message}\0").as_bytes())
            .unwrap();
        self.to.flush().unwrap();
        loop {
            let answer = self.read();
            if answer["id"] == id {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].clone();
            }
            self.events.push_back(answer);
        }
    }

    fn read(&mut self) -> Value {
        let mut message = Vec::new();
        self.from.read_until(0, &mut message).unwrap();
        assert!(!message.is_empty(), "the browser went away");
        message.pop();
        let message: Value = serde_json::from_slice(&message).unwrap();
        self.note(&message);
        message
    }

    fn note(&mut self, message: &Value) {
        let params = &message["params"];
        match message["method"].as_str() {
            Some("Runtime.exceptionThrown") => {
                self.complaints.push(params["exceptionDetails"].to_string());
            }
            Some("Runtime.consoleAPICalled") => self.complaints.push(params["args"].to_string()),
            Some("Log.entryAdded") => self.complaints.push(params["entry"].to_string()),
            Some("Network.requestWillBeSent") => {
                let address = params["request"]["url"].as_str().unwrap_or_default();
                self.requests.push(address.to_owned());
            }
            _ => {}
        }
    }
}

impl Drop for Tab {
    fn drop(&mut self) {
        drop(self.browser.kill());
        drop(self.browser.wait());
    }
}
