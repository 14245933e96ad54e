//! The terminal view in a real terminal: it is drawn, follows the book, and is given back on every way out.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod terminal;

use chrono::Days;
use daybook::entry::{Part, PartKey, Reading, Value};
use daybook::look::terminal::session::Session;

use crate::top_book::{LAST, MORNING, SETTINGS, days, store, troubled};
use crate::world::{World, date};
use terminal::Terminal;

const HOSTILE: &str = "\u{1b}]0;taken\u{7}\u{9b}2J\u{202e}turned\r\n";

#[tokio::test]
async fn a_real_terminal_shows_the_days_follows_the_book_and_is_given_back() {
    let world = World::new(MORNING, SETTINGS);
    store(&world, days(date(LAST), 40)).await;
    let terminal = Terminal::start(&world, 80, 24);
    terminal.run("top");
    terminal.shows("Friday 3 October 2025");
    assert!(terminal.is_alternate());
    terminal.press(&["Left"]);
    terminal.shows("Thursday 2 October 2025");
    terminal.press(&["n", "Down", "Down"]);
    terminal.shows("Friday 3 October 2025");
    terminal.shows("▸+  New users");
    let newer = days(date(LAST) + Days::new(1), 41).pop().unwrap();
    store(&world, vec![newer]).await;
    terminal.shows("Saturday 4 October 2025");
    terminal.shows("▸+  New users");
    terminal.resize(50, 12);
    terminal.shows_within(12, "Sat 4 Oct 2025");
    terminal.press(&["?"]);
    terminal.shows("next section");
    terminal.press(&["x", "q"]);
    assert_eq!(terminal.ended(), "0");
    terminal.is_given_back();
}

#[tokio::test]
async fn a_book_put_in_its_place_is_shown_and_followed() {
    let world = World::new(MORNING, SETTINGS);
    store(&world, days(date(LAST), 40)).await;
    let other = World::new(MORNING, SETTINGS);
    let newer = |count: u64| days(date(LAST) + Days::new(count), 40 + count);
    store(&other, newer(1)).await;
    let terminal = Terminal::start(&world, 80, 24);
    terminal.run("top");
    terminal.shows("Friday 3 October 2025");
    std::fs::copy(other.path("daybook.db"), world.path("new.db")).unwrap();
    std::fs::rename(world.path("new.db"), world.path("daybook.db")).unwrap();
    terminal.shows("Saturday 4 October 2025");
    store(&world, vec![newer(2).pop().unwrap()]).await;
    terminal.shows("Sunday 5 October 2025");
    std::fs::remove_file(world.path("daybook.db")).unwrap();
    terminal.shows("no book yet at");
    terminal.press(&["q"]);
    assert_eq!(terminal.ended(), "0");
}

#[tokio::test]
async fn a_signal_ends_it_and_gives_the_terminal_back() {
    let world = World::new(MORNING, SETTINGS);
    store(&world, days(date(LAST), 40)).await;
    let terminal = Terminal::start(&world, 80, 24);
    for signal in ["TERM", "INT", "HUP"] {
        terminal.run("top");
        terminal.shows("Friday 3 October 2025");
        terminal.signal(signal);
        assert_eq!(terminal.ended(), "0", "{signal}");
        terminal.is_given_back();
    }
}

#[tokio::test]
async fn it_ends_when_its_terminal_goes_away() {
    let world = World::new(MORNING, SETTINGS);
    store(&world, days(date(LAST), 40)).await;
    let terminal = Terminal::start(&world, 80, 24);
    terminal.run("top");
    terminal.shows("Friday 3 October 2025");
    terminal.vanish();
}

#[tokio::test]
async fn bytes_from_data_never_reach_a_real_terminal() {
    let world = World::new(MORNING, SETTINGS);
    let mut days = troubled(date(LAST));
    let today = days.last_mut().unwrap();
    let failed = Reading::failed(HOSTILE);
    today.readings.insert("emails_failed".to_owned(), failed);
    let part = |label: &str, count: i64| Part {
        key: PartKey::Value(label.to_owned()),
        label: label.to_owned(),
        count: count.into(),
    };
    let parts = vec![part(HOSTILE, 50_000), part("Books", 7)];
    let parts = Reading::observed(Some(Value::Parts(parts)));
    today.readings.insert("items_by_type".to_owned(), parts);
    store(&world, days).await;
    let terminal = Terminal::start(&world, 160, 40);
    terminal.record("stream");
    terminal.run("top");
    terminal.shows("Friday 3 October 2025");
    terminal.press(&["End"]);
    // The reason and the part are seen, in letters that do nothing.
    terminal.shows("]0;taken");
    terminal.press(&["q"]);
    assert_eq!(terminal.ended(), "0");
    let stream = std::fs::read(world.path("stream")).unwrap();
    let has = |bytes: &[u8]| stream.windows(bytes.len()).any(|window| window == bytes);
    assert!(has("taken".as_bytes()));
    assert!(!has(b"\x1b]"), "a title was set");
    assert!(!has(b"\x07"), "the bell rang");
    assert!(!has("\u{9b}".as_bytes()), "a C1 control passed");
    assert!(!has("\u{202e}".as_bytes()), "text was turned");
    assert!(!has(b"turned\r"), "a line was broken");
}

#[test]
fn a_panic_is_told_on_a_terminal_that_was_given_back() {
    let world = World::new(MORNING, SETTINGS);
    let terminal = Terminal::start(&world, 100, 30);
    let this = std::env::current_exe().unwrap();
    let name = "with_servers::tmux::panics_while_it_has_the_terminal";
    let line = format!("{} --ignored --exact --nocapture {name}", this.display());
    terminal.run_other(&line);
    assert_eq!(terminal.ended(), "101");
    terminal.shows("broken on purpose");
    terminal.is_given_back();
}

#[test]
#[ignore = "run in a terminal by the test before"]
fn panics_while_it_has_the_terminal() {
    let mut session = Session::enter().unwrap();
    session.terminal.draw(|_| {}).unwrap();
    panic!("broken on purpose");
}
