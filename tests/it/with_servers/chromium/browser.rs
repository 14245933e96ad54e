//! Chromium without a window: a page's picture, and its markup after its scripts have run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The device that looks at a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Screen {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) dark: bool,
}

/// The page as its scripts left it.
pub(super) fn dom(page: &Path, screen: Screen) -> String {
    let profile = tempfile::tempdir().unwrap();
    let out = chromium(screen, profile.path())
        .args(["--virtual-time-budget=2000", "--dump-dom"])
        .arg(page)
        .output()
        .unwrap();
    String::from_utf8(out.stdout).unwrap()
}

pub(super) fn picture(page: &Path, screen: Screen, to: &Path) {
    let profile = tempfile::tempdir().unwrap();
    let done = chromium(screen, profile.path())
        .arg(format!("--screenshot={}", to.display()))
        .arg(page)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(
        done.success() && to.exists(),
        "no picture of {}",
        page.display()
    );
}

/// A page that shows another one as wide as a phone: windows without a screen have a least width.
pub(super) fn framed(page: &Path, width: u32, height: u32) -> PathBuf {
    let name = page.file_name().unwrap().to_str().unwrap();
    let frame = page.with_file_name(format!("frame-{width}-{name}"));
    let html = format!(
        "<!DOCTYPE html><html><body style=\"margin:0\"><iframe src=\"{name}\" width=\"{width}\" height=\"{height}\" style=\"border:0;display:block\"></iframe></body></html>"
    );
    fs::write(&frame, html).unwrap();
    frame
}

fn chromium(screen: Screen, profile: &Path) -> Command {
    let mut command = Command::new(program());
    command
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            "--allow-file-access-from-files",
        ])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("--window-size={},{}", screen.width, screen.height))
        .arg(format!(
            "--blink-settings=preferredColorScheme={}",
            u32::from(!screen.dark)
        ))
        .stderr(Stdio::null());
    command
}

fn program() -> &'static str {
    let there = |name: &&str| {
        let found = Command::new(name)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        found.is_ok_and(|found| found.success())
    };
    ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(there)
        .expect("Chromium is missing; `make test` installs it")
}
