//! The real program under a clock that is years off.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use crate::world::World;

const SETTINGS: &str = r#"
    [app]
    database_url = "sqlite:app.db"

    [tables.users]
    name = "users"
    created_at = "joined"

    [[metrics]]
    key = "users"
    table = "users"
    count = "*"
"#;

fn at(world: &World, clock: &str, args: &[&str]) -> (Option<i32>, String) {
    let output = world
        .within("faketime")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("TZ", "UTC")
        .args(["-f", &format!("@{clock}"), env!("CARGO_BIN_EXE_daybook")])
        .args(args)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), said)
}

async fn shop() -> World {
    let world = World::new("2025-10-04T06:00:00Z", SETTINGS);
    let app = world.sqlite("app.db").await;
    app.execute(
        "CREATE TABLE users (joined TEXT NOT NULL);
         WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 499)
         INSERT INTO users SELECT datetime('2025-10-03 10:00:00', -n || ' days') FROM n;",
    )
    .await;
    world
}

#[tokio::test]
async fn the_program_refuses_a_clock_before_1970_in_words() {
    let world = shop().await;
    let (code, said) = at(&world, "1969-07-20 20:17:00", &["collect"]);
    assert_eq!(code, Some(1), "{said}");
    assert_eq!(
        said,
        "daybook: this machine's clock shows 1969-07-20 20:17 UTC, and Daybook supports the years 1970 to 9999: set the clock; nothing was done\n"
    );
    assert!(!world.path("daybook.db").exists());
}

#[tokio::test]
async fn a_clock_in_2028_for_one_night_leaves_book_ledger_and_readers_alone() {
    let world = shop().await;
    let range = ["collect", "--from", "2024-10-15", "--to", "2025-10-02"];
    let nightly = ["collect", "--catch-up", "--send-email", "--quiet"];
    assert_eq!(at(&world, "2025-10-04 04:00:00", &range).0, Some(0));
    assert_eq!(at(&world, "2025-10-04 05:00:00", &nightly).0, Some(0));
    let counts = "SELECT (SELECT count(*) FROM daily_metrics), (SELECT count(*) FROM deliveries), (SELECT count(*) FROM reports)";
    let before = world.book(counts).await;
    assert_eq!(before[0][0].as_deref(), Some("354"));

    let (code, said) = at(&world, "2028-03-14 04:00:00", &nightly);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.starts_with("daybook: this machine's clock shows Tue 14 Mar 2028, but the newest stored day is Fri 3 Oct 2025"),
        "{said}"
    );
    assert_eq!(world.book(counts).await, before);
    let (code, said) = at(&world, "2025-10-04 06:00:00", &nightly);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert_eq!(world.book(counts).await, before);
}
