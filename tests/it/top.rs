//! The newest day in the terminal: what is drawn, and what keys do.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::fs;
use std::path::Path;

use chrono::NaiveDate;
use daybook::book::Book;
use daybook::config::Config;
use daybook::entry::Entry;
use daybook::look::edition::Edition;
use daybook::look::terminal::draw::draw;
use daybook::look::terminal::shown::{Day, Shown};
use daybook::look::terminal::state::{Hint, Next, State, press};
use daybook::look::terminal::{TerminalView, TopError};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tokio_util::sync::CancellationToken;
use unicode_width::UnicodeWidthStr;

use crate::top_book::{LAST, MORNING, SETTINGS, days, store, troubled};
use crate::world::{World, date, instant};

const GERMAN: &str = "[report]\nlanguage = \"de\"\n";

#[tokio::test]
async fn a_day_is_drawn_as_wide_and_high_as_the_terminal_is() {
    let ordinary = ordinary().await;
    let troubled = shown(troubled(date(LAST)), SETTINGS).await;
    let alerts = State {
        alerts_only: true,
        ..State::default()
    };
    let details = State {
        details: true,
        ..selecting("active_users")
    };
    let help = State {
        help: true,
        ..State::default()
    };
    let of_parts = selecting("items_by_type");
    let plain = State::default();
    let pages = [
        ("ordinary", (80, 24), &plain, &ordinary),
        ("troubled", (80, 24), &plain, &troubled),
        ("alerts", (80, 24), &alerts, &troubled),
        ("details", (80, 24), &details, &troubled),
        ("help", (80, 24), &help, &ordinary),
        ("smallest", (20, 5), &plain, &troubled),
        ("small", (60, 20), &plain, &troubled),
        ("large", (200, 60), &selecting("active_users"), &troubled),
        ("parts", (160, 30), &of_parts, &ordinary),
        ("high", (80, 44), &of_parts, &ordinary),
    ];
    are_as_stored(&pages.map(|(name, size, state, shown)| (name, drawn(size, state, shown))));
}

#[tokio::test]
async fn an_open_day_a_first_day_an_empty_book_and_a_german_reader_have_their_pages() {
    let mut open = days(date(LAST), 40);
    let today = open.last_mut().unwrap();
    today.partial = true;
    today.as_of = instant("2025-10-03T12:30:00Z");
    today.collected_at = today.as_of;
    let plain = State::default();
    let alerts = State {
        alerts_only: true,
        ..State::default()
    };
    let open = shown(open, SETTINGS).await;
    let one = shown(days(date(LAST), 1), SETTINGS).await;
    let empty = shown(Vec::new(), SETTINGS).await;
    let german = SETTINGS.replace("[tables.users]", &format!("{GERMAN}[tables.users]"));
    let german = shown(troubled(date(LAST)), &german).await;
    let state = selecting("active_users");
    are_as_stored(&[
        ("open", drawn((80, 24), &plain, &open)),
        ("one_day", drawn((80, 24), &plain, &one)),
        ("no_alerts", drawn((80, 24), &alerts, &one)),
        ("empty", drawn((80, 24), &plain, &empty)),
        ("german", drawn((130, 30), &state, &german)),
    ]);
}

#[tokio::test]
async fn once_prints_what_show_prints_and_both_say_when_days_are_missing() {
    let world = World::new(MORNING, SETTINGS);
    let missing = &["top", "--once", "--date", "2025-09-20"];
    for (days, args) in [
        (Vec::new(), &["top", "--once"][..]),
        (troubled(date(LAST)), &["top", "--once"]),
        (Vec::new(), &["top", "--once", "--date", LAST]),
        (Vec::new(), missing),
    ] {
        store(&world, days).await;
        let show: Vec<&str> = args
            .iter()
            .map(|arg| match *arg {
                "top" => "show",
                arg => arg,
            })
            .filter(|arg| *arg != "--once")
            .collect();
        let (once, show) = (world.binary(args), world.binary(&show));
        assert_eq!(once.status, show.status, "{args:?}");
        assert_eq!(once.stdout, show.stdout, "{args:?}");
        assert_eq!(once.stderr, show.stderr, "{args:?}");
        let said = String::from_utf8(once.stderr).unwrap();
        let is_stale = said
            == "daybook: no complete day since Fri 3 Oct 2025; `daybook doctor` finds out why\n";
        assert_eq!(is_stale, once.status.success() && args.len() == 2, "{said}");
    }
}

#[tokio::test]
async fn no_terminal_is_too_small_or_too_large_for_any_page() {
    let pages = [
        ordinary().await,
        shown(troubled(date(LAST)), SETTINGS).await,
        shown(Vec::new(), SETTINGS).await,
    ];
    for shown in &pages {
        for bits in 0..16_u8 {
            let state = State {
                color: bits & 1 > 0,
                alerts_only: bits & 2 > 0,
                help: bits & 4 > 0,
                details: bits & 8 > 0,
                typing: bits == 0,
                ..selecting("items_by_type")
            };
            for (width, height) in [
                (1, 1),
                (2, 3),
                (7, 2),
                (20, 5),
                (39, 9),
                (119, 40),
                (400, 90),
            ] {
                drawn((width, height), &state, shown);
            }
        }
    }
}

#[tokio::test]
async fn without_colours_nothing_is_coloured_and_signs_say_the_same() {
    let shown = shown(troubled(date(LAST)), SETTINGS).await;
    for (color, is_expected) in [(false, false), (true, true)] {
        let state = State {
            color,
            ..State::default()
        };
        let mut terminal = Terminal::new(TestBackend::new(160, 40)).unwrap();
        terminal.draw(|frame| draw(frame, &state, &shown)).unwrap();
        let cells = terminal.backend().buffer().content();
        let is_coloured = cells.iter().any(|cell| {
            let plain = ratatui::style::Color::Reset;
            cell.fg != plain || cell.bg != plain
        });
        assert_eq!(is_coloured, is_expected);
    }
    let text = drawn((80, 24), &State::default(), &shown);
    let line = |label: &str| {
        text.lines()
            .find(|line| line.contains(label))
            .unwrap()
            .to_owned()
    };
    assert!(line("Active users").starts_with(" !!"), "{text}");
    assert!(line("Corrupted files").starts_with(" !!"), "{text}");
}

#[tokio::test]
async fn arrows_pages_and_sections_move_the_selection_and_stop_at_the_ends() {
    let shown = ordinary().await;
    let keys = [
        "total_users",
        "active_users",
        "new_users",
        "total_items",
        "items_by_type",
        "storage",
        "corrupted_files",
        "emails_failed",
    ];
    let mut state = State {
        page: 3,
        ..State::default()
    };
    for (key, expected) in [
        (KeyCode::Up, 0),
        (KeyCode::Down, 1),
        (KeyCode::Char('j'), 2),
        (KeyCode::Char('k'), 1),
        (KeyCode::PageDown, 4),
        (KeyCode::PageDown, 7),
        (KeyCode::Down, 7),
        (KeyCode::PageUp, 4),
        (KeyCode::Home, 0),
        (KeyCode::Tab, 3),
        (KeyCode::Tab, 5),
        (KeyCode::Tab, 7),
        (KeyCode::Tab, 0),
        (KeyCode::BackTab, 7),
        (KeyCode::BackTab, 5),
        (KeyCode::End, 7),
    ] {
        assert_eq!(tap(&mut state, key, &shown), Next::Stay);
        let selected = state.selected.as_deref();
        assert_eq!(selected.unwrap_or(keys[0]), keys[expected], "after {key:?}");
    }
}

#[tokio::test]
async fn days_are_gone_through_as_they_are_stored_and_stop_at_the_ends() {
    let book = opened(days(date(LAST), 40), SETTINGS).await;
    let mut state = State::default();
    let newest = book.shown(LAST).await;
    assert_eq!(tap(&mut state, KeyCode::Right, &newest), Next::Stay);
    assert_eq!(state.hint, Some(Hint::LastDay));
    assert_eq!(tap(&mut state, KeyCode::Char('n'), &newest), Next::Stay);
    let before = Next::Day(date("2025-10-02"));
    assert_eq!(tap(&mut state, KeyCode::Left, &newest), before);
    assert_eq!(state.hint, None);
    // 20 September is missing.
    let later = book.shown("2025-09-21").await;
    let gone_over = Next::Day(date("2025-09-19"));
    assert_eq!(tap(&mut state, KeyCode::Char('['), &later), gone_over);
    let newest = Next::Day(date(LAST));
    assert_eq!(tap(&mut state, KeyCode::Char('n'), &later), newest);
    let first = book.shown("2025-08-25").await;
    assert_eq!(tap(&mut state, KeyCode::Left, &first), Next::Stay);
    assert_eq!(state.hint, Some(Hint::FirstDay));
    let second = Next::Day(date("2025-08-26"));
    assert_eq!(tap(&mut state, KeyCode::Char(']'), &first), second);
}

#[tokio::test]
async fn a_filter_keeps_what_has_it_in_its_name_and_escape_brings_all_back() {
    let shown = ordinary().await;
    let day = shown.day.as_ref().unwrap();
    let mut state = selecting("storage");
    for letter in "/ITEM\u{1b}\u{202e}".chars() {
        assert_eq!(tap(&mut state, KeyCode::Char(letter), &shown), Next::Stay);
    }
    assert_eq!(state.filter, "ITEM");
    assert_eq!(named(&state, day), ["total_items", "items_by_type"]);
    tap(&mut state, KeyCode::Enter, &shown);
    tap(&mut state, KeyCode::Down, &shown);
    assert_eq!(state.selected.as_deref(), Some("items_by_type"));
    // What is typed are letters, not commands.
    tap(&mut state, KeyCode::Char('/'), &shown);
    assert_eq!(tap(&mut state, KeyCode::Char('q'), &shown), Next::Stay);
    assert!(named(&state, day).is_empty());
    let page = drawn((80, 24), &state, &shown);
    assert!(
        page.contains("No metric has “ITEMq” in its name."),
        "{page}"
    );
    assert_eq!(tap(&mut state, KeyCode::Esc, &shown), Next::Stay);
    assert_eq!(named(&state, day).len(), 8);
    assert_eq!(state.selected.as_deref(), Some("items_by_type"));
    assert_eq!(tap(&mut state, KeyCode::Esc, &shown), Next::Quit);
}

#[tokio::test]
async fn other_keys_do_as_the_help_says() {
    let shown = shown(troubled(date(LAST)), SETTINGS).await;
    let day = shown.day.as_ref().unwrap();
    let mut state = State::default();
    tap(&mut state, KeyCode::Char('a'), &shown);
    let alerting = named(&state, day);
    assert_eq!(alerting[0], "corrupted_files");
    assert!(alerting.contains(&"active_users") && !alerting.contains(&"storage"));
    tap(&mut state, KeyCode::Enter, &shown);
    assert!(state.details);
    assert_eq!(tap(&mut state, KeyCode::Char('r'), &shown), Next::Reload);
    for open in ['?', 'h'] {
        tap(&mut state, KeyCode::Char(open), &shown);
        assert!(state.help);
        assert_eq!(tap(&mut state, KeyCode::Char('x'), &shown), Next::Stay);
        assert!(!state.help);
    }
    // Escape leaves the details, then the alerts, then the program.
    assert_eq!(tap(&mut state, KeyCode::Esc, &shown), Next::Stay);
    assert_eq!(tap(&mut state, KeyCode::Esc, &shown), Next::Stay);
    assert!(!state.details && !state.alerts_only);
    assert_eq!(tap(&mut state, KeyCode::Esc, &shown), Next::Quit);
    assert_eq!(tap(&mut state, KeyCode::Char('q'), &shown), Next::Quit);
    let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    state.typing = true;
    assert_eq!(press(&mut state, interrupt, &shown), Next::Quit);
}

#[tokio::test]
async fn hostile_names_and_reasons_keep_to_their_columns_and_move_nothing() {
    let book = opened(troubled(date(LAST)), SETTINGS).await;
    let mut config = book.config.clone();
    let bad = "\u{1b}[2J\u{7}\u{9b}31m\r\n\u{202e}会員数 👩‍👩‍👧 é\u{2028}\t";
    config.name = format!("{bad}app");
    for (at, metric) in config.catalog.metrics.iter_mut().enumerate() {
        metric.label = format!("{}{}", bad.repeat(at % 3), metric.label);
        metric.section = format!("{bad}section");
        metric.description = bad.to_owned();
        metric.unit = bad.to_owned();
    }
    let edition = &book.edition;
    let mut entry = troubled(date(LAST)).pop().unwrap();
    let reason = daybook::entry::Reading::failed(bad);
    entry.readings.insert("emails_failed".to_owned(), reason);
    store(&book.world, vec![entry]).await;
    let report = edition.report(date(LAST), &config.catalog).await.unwrap();
    let shown = Shown::new(report, edition, &config, instant(MORNING));
    let pages = [(20, 5), (80, 24), (160, 44), (250, 30)].map(|size| {
        let state = State {
            details: true,
            ..selecting("emails_failed")
        };
        drawn(size, &state, &shown) + &drawn(size, &State::default(), &shown)
    });
    for text in pages {
        for letter in text.chars().filter(|letter| *letter != '\n') {
            assert!(!letter.is_control(), "{letter:?} in {text}");
            assert!(!"\u{202e}\u{2028}".contains(letter), "{letter:?} in {text}");
        }
    }
    // Changes that are equally long begin in the same column, whatever their labels are.
    let page = drawn((80, 24), &State::default(), &shown);
    let equal = ["▲ +0.1 %", "▲ +0.2 %", "▲ <0.1 %"];
    let begin = |line: &str| {
        let before = equal.into_iter().find_map(|change| line.split_once(change));
        before.map(|(before, _)| before.width())
    };
    let begin: Vec<usize> = page.lines().filter_map(begin).collect();
    assert_eq!(begin.len(), 3, "{page}");
    assert!(begin.iter().all(|column| *column == begin[0]), "{page}");
}

#[tokio::test]
async fn a_book_that_stops_growing_is_called_stale() {
    let book = opened(days(date(LAST), 40), SETTINGS).await;
    // Until half past six local time on the fifth, the report of the third is the newest that is due.
    for (now, is_stale) in [
        (MORNING, false),
        ("2025-10-05T04:29:00Z", false),
        ("2025-10-05T04:31:00Z", true),
    ] {
        let shown = book.shown_at(LAST, now).await;
        let page = drawn((80, 24), &State::default(), &shown);
        let said = page.contains("STALE: no complete day since Fri 3 Oct 2025");
        assert_eq!(said, is_stale, "at {now}:\n{page}");
    }
    let older = book.shown("2025-09-30").await;
    let page = drawn((80, 24), &State::default(), &older);
    assert!(page.contains("newest: Fri 3 Oct"), "{page}");
}

#[tokio::test]
async fn what_cannot_be_shown_is_refused_in_words_that_help() {
    let world = World::new(MORNING, SETTINGS);
    store(&world, days(date(LAST), 40)).await;
    let refused = world.command(&["top"]).await.unwrap_err();
    assert_eq!(refused.exit_code(), 2);
    assert!(refused.to_string().contains("daybook show"), "{refused}");
    let (config, book, stop) = (world.config(), world.book_url(), CancellationToken::new());
    let view = TerminalView {
        config: &config,
        book: &book,
        clock: || instant(MORNING),
        stop: &stop,
    };
    let missing = view.run(Some(date("2025-09-20")), false).await;
    let Err(TopError::NoDay { neighbours, .. }) = missing else {
        panic!("{missing:?}");
    };
    assert_eq!(
        neighbours,
        (Some(date("2025-09-19")), Some(date("2025-09-21")))
    );
}

/// The book of a world, read.
struct Opened {
    world: World,
    config: Config,
    edition: Edition,
}

impl Opened {
    async fn shown(&self, on: &str) -> Shown {
        self.shown_at(on, MORNING).await
    }

    async fn shown_at(&self, on: &str, now: &str) -> Shown {
        let (edition, config) = (&self.edition, &self.config);
        let report = edition.report(date(on), &config.catalog).await.unwrap();
        Shown::new(report, edition, config, instant(now))
    }
}

async fn opened(days: Vec<Entry>, settings: &str) -> Opened {
    let world = World::new(MORNING, settings);
    store(&world, days).await;
    let config = world.config();
    let book = Book::open_to_read(&world.book_url()).await.unwrap();
    let edition = Edition::read(0, book, &config, NaiveDate::MAX)
        .await
        .unwrap();
    Opened {
        world,
        config,
        edition,
    }
}

async fn shown(days: Vec<Entry>, settings: &str) -> Shown {
    opened(days, settings).await.shown(LAST).await
}

async fn ordinary() -> Shown {
    shown(days(date(LAST), 40), SETTINGS).await
}

fn selecting(key: &str) -> State {
    State {
        selected: Some(key.to_owned()),
        ..State::default()
    }
}

fn tap(state: &mut State, code: KeyCode, shown: &Shown) -> Next {
    press(state, KeyEvent::new(code, KeyModifiers::NONE), shown)
}

/// The keys of the rows to be seen.
fn named<'a>(state: &State, day: &'a Day) -> Vec<&'a str> {
    let visible = state.visible(day).into_iter();
    visible.map(|at| day.metrics[at].row.key.as_str()).collect()
}

/// The page as somebody sees it, without blanks at the ends of lines.
fn drawn((width, height): (u16, u16), state: &State, shown: &Shown) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, state, shown)).unwrap();
    let buffer = terminal.backend().buffer();
    let mut page = String::new();
    for row in buffer.content().chunks(usize::from(width)) {
        let (mut line, mut next) = (String::new(), 0);
        for (column, cell) in row.iter().enumerate() {
            // A wide letter has the next cell, too.
            if next <= column {
                line.push_str(cell.symbol());
                next = column + cell.symbol().width().max(1);
            }
        }
        page.push_str(line.trim_end());
        page.push('\n');
    }
    page
}

/// Compares with the pages in `tests/it/top/`; others are left in `target/top/` to look at.
fn are_as_stored(pages: &[(&str, String)]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("target/top");
    let mut changed = Vec::new();
    for (name, page) in pages {
        let stored = fs::read_to_string(root.join(format!("tests/it/top/{name}.txt")));
        if stored.as_ref().ok() != Some(page) {
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(format!("{name}.txt")), page).unwrap();
            changed.push(format!("{name}:\n{page}"));
        }
    }
    let changed = changed.join("\n");
    assert!(
        changed.is_empty(),
        "not as in tests/it/top, see target/top:\n{changed}"
    );
}
