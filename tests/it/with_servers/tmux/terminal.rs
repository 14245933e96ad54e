//! A terminal of its own for a test: tmux with a shell in a world's folder.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::world::World;

/// Something is wrong when a page takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

static COUNT: AtomicUsize = AtomicUsize::new(0);

pub(super) struct Terminal {
    socket: String,
    folder: PathBuf,
}

impl Terminal {
    pub(super) fn start(world: &World, width: u16, height: u16) -> Self {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let terminal = Self {
            socket: format!("daybook-{}-{count}", std::process::id()),
            folder: world.path(""),
        };
        let (width, height) = (width.to_string(), height.to_string());
        let folder = terminal.folder.to_string_lossy().into_owned();
        let size = ["-x", &width, "-y", &height, "-c", &folder];
        let begin = [["-f", "/dev/null", "new-session", "-d"].as_slice(), &size].concat();
        terminal.tmux(&[begin.as_slice(), &["env PS1='$ ' bash --norc"]].concat());
        terminal.tmux(&["set-option", "-g", "status", "off"]);
        terminal.tmux(&["set-option", "-g", "window-size", "manual"]);
        terminal.tmux(&["resize-window", "-x", &width, "-y", &height]);
        terminal.shows("$");
        terminal
    }

    /// Runs Daybook; its process id, its exit code and the terminal's modes before and after are kept in files.
    pub(super) fn run(&self, command: &str) {
        let program = env!("CARGO_BIN_EXE_daybook");
        self.run_other(&format!("{program} {command}"));
    }

    pub(super) fn run_other(&self, line: &str) {
        drop(fs::remove_file(self.folder.join("code")));
        let script = format!(
            "stty -a >before\n(sh -c 'echo $$ >pid; exec {line}')\ncode=$?\nstty -a >after\necho $code >code.new\nmv code.new code\n"
        );
        fs::write(self.folder.join("script"), script).unwrap();
        self.press(&["clear; . ./script", "Enter"]);
    }

    pub(super) fn press(&self, keys: &[&str]) {
        self.tmux(&[["send-keys"].as_slice(), keys].concat());
    }

    pub(super) fn resize(&self, width: u16, height: u16) {
        let (width, height) = (width.to_string(), height.to_string());
        self.tmux(&["resize-window", "-x", &width, "-y", &height]);
    }

    /// Whatever programs write from now on goes to that file, too.
    pub(super) fn record(&self, file: &str) {
        let path = self.folder.join(file);
        self.tmux(&["pipe-pane", &format!("cat >{}", path.display())]);
    }

    pub(super) fn signal(&self, signal: &str) {
        let pid = fs::read_to_string(self.folder.join("pid")).unwrap();
        let sent = Command::new("kill")
            .args(["-s", signal, pid.trim()])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Takes the terminal away, and waits until the program has ended.
    pub(super) fn vanish(&self) {
        let pid = fs::read_to_string(self.folder.join("pid")).unwrap();
        let program = PathBuf::from(format!("/proc/{}/stat", pid.trim()));
        let server = self.tmux(&["display-message", "-p", "#{pid}"]);
        let killed = Command::new("kill").args(["-9", server.trim()]).status();
        assert!(killed.unwrap().success());
        let begun = Instant::now();
        // Whoever has inherited it may not have noticed its end yet.
        while fs::read_to_string(&program).is_ok_and(|stat| !stat.contains(") Z ")) {
            assert!(begun.elapsed() < PATIENCE, "it goes on without a terminal");
            sleep(Duration::from_millis(50));
        }
    }

    pub(super) fn shows(&self, text: &str) {
        self.waits_for(text, |screen| screen.contains(text));
    }

    /// The first lines say so, and the last of them is that of the keys.
    pub(super) fn shows_within(&self, height: usize, text: &str) {
        self.waits_for(text, |screen| {
            let keys = screen.lines().nth(height - 1);
            screen.contains(text) && keys.is_some_and(|keys| keys.starts_with("q quit"))
        });
    }

    /// The exit code of what ran.
    pub(super) fn ended(&self) -> String {
        let code = self.folder.join("code");
        self.waits_for("the end", |_| code.exists());
        fs::read_to_string(code).unwrap().trim().to_owned()
    }

    pub(super) fn is_alternate(&self) -> bool {
        self.tmux(&["display-message", "-p", "#{alternate_on}"])
            .trim()
            == "1"
    }

    /// The modes are as before, the main screen is back, and the cursor is seen.
    pub(super) fn is_given_back(&self) {
        let modes = ["before", "after"].map(|name| {
            let said = fs::read_to_string(self.folder.join(name)).unwrap();
            // The first line is the size, which a test may have changed.
            let (_, modes) = said.split_once('\n').unwrap();
            modes.to_owned()
        });
        assert!(modes[0].contains(" echo "), "{}", modes[0]);
        assert_eq!(modes[0], modes[1]);
        let state = self.tmux(&["display-message", "-p", "#{alternate_on} #{cursor_flag}"]);
        assert_eq!(state.trim(), "0 1");
    }

    fn waits_for(&self, what: &str, is_there: impl Fn(&str) -> bool) {
        let begun = Instant::now();
        loop {
            let screen = self.tmux(&["capture-pane", "-p"]);
            if is_there(&screen) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "never saw {what}:\n{screen}");
            sleep(Duration::from_millis(50));
        }
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let output = Command::new("tmux")
            .args(["-L", &self.socket])
            .args(arguments)
            .env("LC_ALL", "C.UTF-8")
            .env_remove("TMUX")
            .env_remove("NO_COLOR")
            .output();
        let output = output.unwrap_or_else(|error| panic!("install tmux (make needed): {error}"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "tmux {arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Its own server, and with it whatever still runs in it.
        drop(
            Command::new("tmux")
                .args(["-L", &self.socket, "kill-server"])
                .output(),
        );
    }
}
