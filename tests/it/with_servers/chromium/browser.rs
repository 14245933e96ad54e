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

/// A page on a device.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) page: PathBuf,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Frame {
    /// Lower than any report, so that a height measured is the report's.
    pub(super) fn low(page: PathBuf, width: u32) -> Self {
        Self {
            page,
            width,
            height: 50,
        }
    }
}

/// Without a window, and asking nobody for anything.
pub(in crate::with_servers) const ALONE: [&str; 8] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// Between pages, in pixels.
const GAP: u32 = 12;

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

/// A page that shows others side by side, each as wide as its device: windows without a screen have a least width.
pub(super) fn sheet(frames: &[Frame], script: &str) -> PathBuf {
    let first = &frames.first().expect("a frame to show").page;
    let sheet = first.with_extension("sheet.html");
    let frames = frames.iter().map(|frame| {
        let name = frame.page.file_name().unwrap().to_str().unwrap();
        let (width, height) = (frame.width, frame.height);
        format!("<iframe src=\"{name}\" width=\"{width}\" height=\"{height}\" style=\"border:0;float:left;margin-right:{GAP}px\"></iframe>")
    });
    let frames: String = frames.collect();
    let html = format!(
        "<!DOCTYPE html><html><head>{script}</head><body style=\"margin:0;background:#888\">{frames}</body></html>"
    );
    fs::write(&sheet, html).unwrap();
    sheet
}

/// As large as the pages are.
pub(super) fn screen_of(frames: &[Frame]) -> Screen {
    Screen {
        width: frames.iter().map(|frame| frame.width + GAP).sum(),
        height: frames.iter().map(|frame| frame.height).max().unwrap_or(1),
        dark: false,
    }
}

fn chromium(screen: Screen, profile: &Path) -> Command {
    let mut command = Command::new(program());
    command
        .args(ALONE)
        .args(["--hide-scrollbars", "--allow-file-access-from-files"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("--window-size={},{}", screen.width, screen.height))
        .arg(format!(
            "--blink-settings=preferredColorScheme={}",
            u32::from(!screen.dark)
        ))
        .stderr(Stdio::null());
    command
}

pub(in crate::with_servers) fn program() -> &'static str {
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
