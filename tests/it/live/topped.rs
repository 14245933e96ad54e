//! What happens now in the terminal: printed once, and drawn on screens of several sizes.

use std::fs;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use daybook::config::Config;
use daybook::config::live::Durable;
use daybook::live::batch::Batch;
use daybook::live::event::Event;
use daybook::live::question::Context;
use daybook::live::record::Recorder;
use daybook::live::store::Store;
use daybook::live::watch;
use daybook::look::terminal::live::{LiveView, Looking, Next, draw, press};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use support::world::World;
use tokio_util::sync::CancellationToken;
use unicode_width::UnicodeWidthStr;

use super::{CHECKOUT, METRICS, noon};

fn agents() -> World {
    let settings = format!("[live]\npresets = [\"agents\"]\n{METRICS}");
    World::new("2026-11-20T11:00:00Z", &settings)
}

fn shop() -> World {
    let settings = format!("[live]\n[live.kinds.checkout]\n{CHECKOUT}{METRICS}");
    World::new("2026-11-20T11:00:00Z", &settings)
}

fn ago(minutes: i64) -> DateTime<Utc> {
    noon() - TimeDelta::minutes(minutes)
}

fn task(number: usize, agent: &str, duration: f64, minutes: i64, ok: bool) -> Event<'static> {
    Event::new("task")
        .label("task_id", format!("task-{number}"))
        .label("agent_id", agent.to_owned())
        .value("duration", duration)
        .value("tokens_used", 400.0)
        .ok(ok)
        .at(ago(minutes))
}

fn gauge(name: &str, number: f64) -> Event<'static> {
    Event::new("swarm")
        .label("swarm_id", "main")
        .label("metric_type", name.to_owned())
        .value("value", number)
        .at(ago(1))
}

async fn record(config: &Config, events: Vec<Event<'static>>) {
    let live = config.live.as_ref().unwrap();
    let opened = Recorder::open(live, config.time_zone, noon).await;
    let (recorder, writer) = opened.unwrap();
    let mut batch = Batch::default();
    for (at, event) in events.iter().enumerate() {
        batch.add(at, event, recorder.kinds(), recorder.now());
    }
    let reply = recorder.send(batch).await.unwrap();
    assert_eq!(reply.rejected, []);
    writer.stop().await.unwrap().close().await.unwrap();
}

/// Seven agents; one of them with a name that a terminal must not obey.
async fn busy(config: &Config) {
    let mut events = Vec::new();
    for number in 0..240 {
        let agent = ["ann", "bob", "cyd", "dan", "eva", "fay", "\u{1b}[31mgil"][number % 7];
        let duration = 200.0 + 90.0 * (number % 7) as f64;
        let minutes = if number < 140 {
            number as i64 % 4
        } else {
            number as i64 % 55
        };
        events.push(task(number, agent, duration, minutes, number % 50 > 0));
    }
    for hour in 1..20 {
        for number in 0..hour as usize * 3 {
            let number = 1000 * hour as usize + number;
            events.push(task(number, "ann", 300.0, hour * 60, true));
        }
    }
    for (name, number) in [
        ("queue_pending", 12.0),
        ("queue_backlog", 25.0),
        ("queue_high", 5.0),
        ("queue_low", 7.0),
        ("token_budget", 200_000.0),
        ("agent_quota", 10.0),
        ("memory_bytes", 512e6),
    ] {
        events.push(gauge(name, number));
    }
    record(config, events).await;
}

/// Slow and failing tasks, a full queue, and alerts that have been looked at.
async fn troubled(config: &Config) {
    let mut events = Vec::new();
    for number in 0..40 {
        events.push(task(
            number,
            ["ann", "bob"][number % 2],
            6000.0,
            1,
            number % 5 > 0,
        ));
    }
    events.push(gauge("queue_pending", 80.0));
    events.push(gauge("token_budget", 18_000.0));
    record(config, events).await;
    let live = config.live.as_ref().unwrap();
    let open = async || Store::open(&live.database, Durable::Commit).await.unwrap();
    let context = Context {
        zone: config.time_zone,
        now: noon(),
    };
    let (mut reader, mut writer) = (open().await, open().await);
    watch::round(
        &mut reader,
        &mut writer,
        live,
        context,
        DateTime::UNIX_EPOCH,
    )
    .await
    .unwrap();
}

fn view<'a>(config: &'a Config, stop: &'a CancellationToken) -> LiveView<'a> {
    LiveView {
        config,
        live: config.live.as_ref().unwrap(),
        clock: noon,
        stop,
    }
}

async fn once(config: &Config, width: usize) -> String {
    let stop = CancellationToken::new();
    view(config, &stop).once(width, false).await.unwrap()
}

async fn drawn(config: &Config, (width, height): (u16, u16), looking: &mut Looking) -> String {
    let stop = CancellationToken::new();
    let view = view(config, &stop);
    let seen = view.seen().await.unwrap();
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal
        .draw(|frame| draw(frame, looking, &seen, view.live))
        .unwrap();
    let cells = terminal.backend().buffer().content();
    let line = |row: &[ratatui::buffer::Cell]| {
        let line: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
        format!("{}\n", line.trim_end())
    };
    cells.chunks(usize::from(width)).map(line).collect()
}

fn are_as_stored(pages: &[(&str, String)]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("target/topped");
    let mut changed = Vec::new();
    for (name, page) in pages {
        let stored = fs::read_to_string(root.join(format!("tests/it/live/topped/{name}.txt")));
        if stored.as_ref().ok() != Some(page) {
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(format!("{name}.txt")), page).unwrap();
            changed.push(format!("{name}:\n{page}"));
        }
    }
    let changed = changed.join("\n");
    assert!(
        changed.is_empty(),
        "not as in tests/it/live/topped, see target/topped:\n{changed}"
    );
}

#[tokio::test]
async fn the_agents_dashboard_is_printed_when_idle_busy_and_alerting() {
    let mut pages = Vec::new();
    let [idle, busy_world, alerting] = [agents(), agents(), agents()];
    let [idle, busy_one, alerting] = [idle.config(), busy_world.config(), alerting.config()];
    record(&idle, Vec::new()).await;
    busy(&busy_one).await;
    troubled(&alerting).await;
    for (names, config) in [
        (["idle_100", "idle_60"], &idle),
        (["busy_100", "busy_60"], &busy_one),
        (["alerting_100", "alerting_60"], &alerting),
    ] {
        pages.push((names[0], once(config, 100).await));
        pages.push((names[1], once(config, 60).await));
    }
    for (name, size) in [("screen_80x24", (80, 24)), ("screen_40x12", (40, 12))] {
        pages.push((name, drawn(&busy_one, size, &mut Looking::default()).await));
    }
    let mut below = Looking {
        first: 99,
        ..Looking::default()
    };
    pages.push((
        "screen_40x12_end",
        drawn(&busy_one, (40, 12), &mut below).await,
    ));
    are_as_stored(&pages);
    for (_, page) in &pages {
        assert!(!page.contains('\u{1b}'), "{page}");
    }
    let stop = CancellationToken::new();
    let colored = view(&alerting, &stop).once(100, true).await.unwrap();
    assert!(
        colored.contains("\u{1b}[1;31m  80.0 %\u{1b}[0m\u{1b}[1;31m !!"),
        "{colored:?}"
    );
}

#[tokio::test]
async fn every_kind_has_a_row_and_a_file_that_is_not_there_is_told_in_words() {
    let world = shop();
    let config = world.config();
    let none = once(&config, 400).await;
    let database = config.live.as_ref().unwrap().database.display().to_string();
    assert!(
        none.ends_with(&format!(
            "\n\nNothing is recorded yet: there is no {database}\n"
        )),
        "{none}"
    );
    let checkout = |minutes, duration: f64, ok| {
        Event::new("checkout")
            .label("shop", "zh")
            .value("duration", duration)
            .ok(ok)
            .at(ago(minutes))
    };
    let events = vec![
        checkout(2, 120.0, true),
        checkout(30, 1500.0, false),
        checkout(300, 90.0, true),
    ];
    record(&config, events).await;
    are_as_stored(&[
        ("kinds_100", once(&config, 100).await),
        ("kinds_60", once(&config, 60).await),
        ("kinds_40", once(&config, 40).await),
    ]);
    let newer = Store::open(&config.live.as_ref().unwrap().database, Durable::Commit).await;
    newer.unwrap().close().await.unwrap();
    let file = &config.live.as_ref().unwrap().database;
    let mut bytes = fs::read(file).unwrap();
    // SQLite's own place of `user_version`.
    bytes[60..64].copy_from_slice(&9_u32.to_be_bytes());
    fs::write(file, bytes).unwrap();
    let stop = CancellationToken::new();
    let error = view(&config, &stop).seen().await.unwrap_err().to_string();
    assert_eq!(
        error,
        format!("{database}: a newer Daybook wrote it (version 9): update this one")
    );
}

#[test]
fn no_terminal_and_no_kinds_are_told_with_what_to_do() {
    let world = shop();
    let ended = world.binary(&["top", "--live"]);
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(
        said.contains("use `daybook top --live --once` for plain text"),
        "{said}"
    );
    let ended = world.binary(&["top", "--live", "--once"]);
    assert!(ended.status.success(), "{ended:?}");
    let without = World::new("2026-11-20T11:00:00Z", METRICS);
    let ended = without.binary(&["top", "--live", "--once"]);
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(said.contains("has no section [live]"), "{said}");
}

#[tokio::test]
async fn keys_scroll_look_again_and_quit_on_any_screen() {
    let mut looking = Looking::default();
    let mut key = |code| {
        let next = press(&mut looking, KeyEvent::new(code, KeyModifiers::NONE));
        (next, looking.first)
    };
    assert_eq!(key(KeyCode::Down), (Next::Stay, 1));
    assert_eq!(key(KeyCode::PageDown), (Next::Stay, 11));
    assert_eq!(key(KeyCode::Up), (Next::Stay, 10));
    assert_eq!(key(KeyCode::Home), (Next::Stay, 0));
    assert_eq!(key(KeyCode::Char('x')), (Next::Stay, 0));
    assert_eq!(key(KeyCode::Char('r')), (Next::Look, 0));
    assert_eq!(key(KeyCode::Char('q')), (Next::Quit, 0));
    let control = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(press(&mut looking, control), Next::Quit);
    let world = agents();
    let config = world.config();
    busy(&config).await;
    for size in [
        (1, 1),
        (2, 3),
        (7, 2),
        (20, 5),
        (39, 9),
        (79, 40),
        (80, 41),
        (250, 80),
    ] {
        for first in [0, 3, usize::MAX / 2] {
            let mut looking = Looking {
                first,
                color: true,
                trouble: (first == 3).then(|| "the file is busy".to_owned()),
            };
            let page = drawn(&config, size, &mut looking).await;
            assert!(
                page.lines().all(|line| line.width() <= usize::from(size.0)),
                "{page}"
            );
        }
    }
}
