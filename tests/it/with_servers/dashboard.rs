//! The dashboard as somebody sees it: a real program, a real browser, every page.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod tab;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Child;

use serde_json::Value;

use crate::world::World;
use tab::{Device, Tab};

const PHONE: Device = Device {
    width: 360,
    height: 780,
    dark: false,
    scripts: true,
};
const DESKTOP: Device = Device {
    width: 1400,
    height: 900,
    dark: false,
    scripts: true,
};

/// What is wider than the screen, has no name to be read aloud, or repeats an id.
const EXAMINE: &str = "(() => {
    const root = document.documentElement, faults = [];
    if (root.scrollWidth > root.clientWidth) faults.push(`wider: ${root.scrollWidth} > ${root.clientWidth}`);
    const name = it => (it.getAttribute('aria-label') || it.textContent || it.title || '').trim();
    for (const it of document.querySelectorAll('a, button')) if (!name(it)) faults.push(`nameless: ${it.outerHTML}`);
    for (const it of document.querySelectorAll('svg'))
        if (it.getAttribute('aria-hidden') !== 'true' && !it.querySelector('title') && !it.getAttribute('aria-label'))
            faults.push(`picture without words: ${it.outerHTML.slice(0, 120)}`);
    const ids = [...document.querySelectorAll('[id]')].map(it => it.id);
    for (const id of new Set(ids)) if (ids.filter(one => one === id).length > 1) faults.push(`twice: ${id}`);
    for (const it of document.querySelectorAll('input, select'))
        if (!it.labels?.length && !it.getAttribute('aria-label')) faults.push(`without label: ${it.outerHTML}`);
    if (!document.querySelector('main') || document.querySelectorAll('h1').length !== 1) faults.push('no main or not one h1');
    if (!root.lang) faults.push('no language');
    return faults;
})()";

/// Every address of this site that the page links to.
const LINKS: &str = "[...document.querySelectorAll('a[href]')].map(it => it.href).filter(it => it.startsWith(location.origin))";

#[test]
fn every_page_is_reached_by_its_links_and_holds_on_every_screen() {
    let site = Site::of_the_demo();
    let mut tab = Tab::open(DESKTOP);
    let mut met = BTreeSet::new();
    let mut ahead = vec![site.address("/")];
    let mut kinds = BTreeSet::new();
    while let Some(address) = ahead.pop() {
        if !met.insert(kind(&address)) {
            continue;
        }
        for device in [DESKTOP, PHONE] {
            for dark in [false, true] {
                tab.look_with(Device { dark, ..device });
                tab.go(&address);
                let faults = tab.evaluate(EXAMINE);
                let seen = format!("{address} at {} dark {dark}", device.width);
                assert_eq!(faults, Value::Array(Vec::new()), "{seen}");
                assert_eq!(tab.complaints, Vec::<String>::new(), "{seen}");
            }
        }
        kinds.insert(kind(&address));
        let links = tab.evaluate(LINKS);
        let links = links.as_array().unwrap().iter();
        ahead.extend(links.map(|link| link.as_str().unwrap().to_owned()));
    }
    let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
    for expected in [
        "/sys/metrics",
        "/sys/metrics?date",
        "/sys/metrics/alerts",
        "/sys/metrics/runs",
        "/sys/metrics/metric/*",
        "/sys/metrics/metric/*?days",
    ] {
        assert!(kinds.contains(&expected), "{expected} not among {kinds:?}");
    }
    let foreign: Vec<&String> = tab
        .requests
        .iter()
        .filter(|address| {
            !address.starts_with(&site.origin)
                && *address != "about:blank"
                && !address.starts_with("data:")
        })
        .collect();
    assert!(foreign.is_empty(), "{foreign:?}");
}

#[test]
fn a_reader_clicks_from_the_day_to_a_metric_its_year_and_back() {
    let site = Site::of_the_demo();
    let mut tab = Tab::open(DESKTOP);
    tab.go(&site.address("/sys/metrics"));
    let newest = tab.evaluate("location.pathname");
    assert_eq!(newest, "/sys/metrics");
    tab.follow("a[rel=prev]");
    let earlier = tab.evaluate("location.search");
    assert!(earlier.as_str().unwrap().starts_with("?date="), "{earlier}");
    tab.follow("a[rel=next]");
    tab.follow("main a[href*='/metric/']");
    let metric = tab.evaluate("location.pathname");
    assert!(metric.as_str().unwrap().starts_with("/sys/metrics/metric/"));
    tab.follow("a[href*='days=365']");
    assert_eq!(tab.evaluate("!!document.querySelector('main svg')"), true);
    tab.follow("nav a[href^='/sys/metrics/alerts']");
    tab.follow("nav a[href='/sys/metrics/runs']");
    tab.follow("nav a:first-child");
    assert_eq!(tab.complaints, Vec::<String>::new());
}

#[test]
fn the_first_tab_leads_past_the_head_and_every_stop_is_visible() {
    let site = Site::of_the_demo();
    let mut tab = Tab::open(DESKTOP);
    tab.go(&site.address("/sys/metrics"));
    tab.press("Tab");
    let first = tab.evaluate("document.activeElement.getAttribute('href')");
    assert!(first.as_str().unwrap().starts_with('#'), "{first}");
    for stop in 0..12 {
        tab.press("Tab");
        let shown = tab.evaluate(
            "(() => { const it = document.activeElement, style = getComputedStyle(it), box = it.getBoundingClientRect();
                return it !== document.body && box.width > 0 && (style.outlineStyle !== 'none' || style.boxShadow !== 'none') || it.outerHTML; })()",
        );
        assert_eq!(shown, true, "stop {stop}");
    }
}

#[test]
fn without_scripts_the_pages_are_whole() {
    let site = Site::of_the_demo();
    let mut tab = Tab::open(Device {
        scripts: false,
        ..DESKTOP
    });
    for path in ["/sys/metrics", "/sys/metrics/alerts", "/sys/metrics/runs"] {
        tab.go(&site.address(path));
        tab.follow("nav a[href='/sys/metrics']");
    }
    assert_eq!(tab.complaints, Vec::<String>::new());
}

#[test]
fn the_live_page_renews_itself_in_place_and_leaves_open_what_is_open() {
    let settings = "[live]
accept = true
[live.kinds.visit]
shape = \"event\"
labels = { page = { most = 50 } }
by = [[\"page\"]]
[[live.alerts]]
key = \"visits\"
label = \"Many visits of a page with a long name that has to be broken at the end of a narrow line\"
watch = { kind = \"visit\", value = \"count\" }
warning = \"> 0\"
[tables.users]
name = \"users\"
[[metrics]]
key = \"total_users\"
table = \"users\"
count = \"*\"
";
    let site = Site::of(World::new("2026-01-01T00:00:00Z", settings), &[]);
    let mut tab = Tab::open(PHONE);
    // Before the first night the other pages lead there.
    tab.go(&site.address("/"));
    tab.follow("main a[href='/sys/metrics/live']");
    let sent = "fetch('/api/events', { method: 'POST', headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(Array.from({ length: 9 }, (_, at) => ({ kind: 'visit', labels: { page: 'page ' + at } }))) })
        .then(answer => answer.status)";
    assert_eq!(tab.evaluate(sent), 200);
    let comes = |tab: &mut Tab, expression: &str| {
        let wait = format!(
            "new Promise(resolve => {{ const look = () => ({expression}) ? resolve(true) : setTimeout(look, 50); look(); }})"
        );
        assert_eq!(tab.evaluate(&wait), true);
    };
    // The server looks at its alerts every ten seconds, and the page at the server every five.
    comes(&mut tab, "document.querySelector('#happened')");
    tab.evaluate(
        "(() => { document.querySelector('#happened').open = true; window.stays = true; scrollTo(0, 300);
            window.before = document.querySelector('.masthead p').textContent; })()",
    );
    assert_eq!(tab.evaluate(EXAMINE), Value::Array(Vec::new()));
    comes(
        &mut tab,
        "document.querySelector('.masthead p').textContent !== window.before",
    );
    for expression in [
        "window.stays",
        "document.querySelector('#happened').open",
        "scrollY === 300",
    ] {
        assert_eq!(tab.evaluate(expression), true, "{expression}");
    }
    assert_eq!(tab.complaints, Vec::<String>::new());
}

#[test]
#[ignore = "makes pictures to look at: make preview"]
fn previews() {
    let site = Site::of_the_demo();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/preview");
    fs::create_dir_all(&folder).unwrap();
    let mut tab = Tab::open(DESKTOP);
    for (name, path) in [
        ("day", "/sys/metrics"),
        ("earlier", "/sys/metrics?date=2026-10-25"),
        ("metric", "/sys/metrics/metric/active_users_24h"),
        ("metric-year", "/sys/metrics/metric/total_items?days=365"),
        ("distribution", "/sys/metrics/metric/item_type_distribution"),
        ("alerts", "/sys/metrics/alerts"),
        ("runs", "/sys/metrics/runs"),
        ("missing", "/sys/metrics?date=2011-01-01"),
    ] {
        for (device, screen) in [(DESKTOP, "wide"), (PHONE, "narrow")] {
            for (dark, shade) in [(false, "light"), (true, "dark")] {
                tab.look_with(Device { dark, ..device });
                tab.go(&site.address(path));
                tab.picture(&folder.join(format!("dashboard-{name}-{screen}-{shade}.png")));
            }
        }
    }
}

/// A dashboard of the example application.
struct Site {
    origin: String,
    server: Child,
    _world: World,
}

impl Site {
    fn of_the_demo() -> Self {
        let world = World::new("2026-01-01T00:00:00Z", "");
        let made = world.binary(&["demo", "--dir", "demo"]);
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        Self::of(world, &["--config", "demo/daybook.toml"])
    }

    fn of(world: World, options: &[&str]) -> Self {
        let serve = ["serve", "--listen", "127.0.0.1:0"];
        let mut server = world.start(&[options, &serve].concat());
        let mut said = BufReader::new(server.stderr.take().unwrap()).lines();
        let origin = said
            .find_map(|line| {
                let line = line.unwrap();
                let at = line.find("http://")?;
                let rest = &line[at..];
                let end = rest[7..].find('/').map_or(rest.len(), |end| end + 7);
                Some(rest[..end].to_owned())
            })
            .expect("the server says where it is");
        // It may go on talking.
        std::thread::spawn(move || said.for_each(drop));
        Self {
            origin,
            server,
            _world: world,
        }
    }

    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

/// Addresses that differ only by date, metric or length of history are of one kind.
fn kind(address: &str) -> String {
    let path = address.splitn(4, '/').nth(3).unwrap_or_default();
    let path = path.split('#').next().unwrap();
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let path = match path.rsplit_once("metric/") {
        Some((before, _)) => format!("/{before}metric/*"),
        None => format!("/{path}"),
    };
    match query.split('=').next().filter(|key| !key.is_empty()) {
        Some(key) => format!("{path}?{key}"),
        None => path,
    }
}
