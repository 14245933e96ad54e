//! Whenever the program is killed or told to stop, and however many run at once, the book stays whole.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::net::TcpListener;
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

use chrono::Days;
use serde_json::Value as Json;

use crate::running::SETTINGS;
use crate::running::program::{code, shop, today, words, world};
use crate::world::{World, in_a_file};

/// How long a program that should end is given before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Long enough to be killed in, whatever else the machine does.
const SLOW: &str = r#"
[[metrics]]
key = "slow"
sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400000) SELECT count(*) FROM n"
"#;

pub(crate) fn ended(mut child: Child) -> Output {
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("it did not end: {:?}", child.wait_with_output());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().unwrap()
}

pub(crate) fn kill_and_wait(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Where a run is killed: after a part of the time that a whole one takes, or when a file is there.
#[derive(Debug, Clone, Copy)]
enum Moment {
    After(Duration),
    Seen(&'static str),
    Filled(&'static str),
}

fn moments(whole: Duration, count: u32) -> impl Iterator<Item = Moment> {
    let watched = [
        Moment::Seen("daybook.db.lock"),
        Moment::Seen("daybook.db"),
        Moment::Filled("daybook.db"),
        Moment::Seen("daybook.db-wal"),
        Moment::Filled("daybook.db-wal"),
    ];
    let timed = (0..count).map(move |at| Moment::After(whole * at / (count - 3)));
    watched.into_iter().chain(timed)
}

fn wait_for(moment: Moment, child: &mut Child, world: &World) {
    let filled = |name: &str| std::fs::metadata(world.path(name)).is_ok_and(|file| file.len() > 0);
    match moment {
        Moment::After(time) => std::thread::sleep(time),
        Moment::Seen(name) => {
            while !world.path(name).exists() && child.try_wait().unwrap().is_none() {}
        }
        Moment::Filled(name) => while !filled(name) && child.try_wait().unwrap().is_none() {},
    }
}

/// Days with what they say, apart from when and how fast they were counted.
async fn days(world: &World) -> Vec<Vec<Option<String>>> {
    if !world.has_table("daily_metrics").await {
        return Vec::new();
    }
    let days =
        "SELECT collection_date, partial, as_of, day_start, metrics FROM daily_metrics ORDER BY 1";
    world.book(days).await
}

/// Kills the command at many moments; each time what is stored is whole and the next run finishes.
async fn survives_kills(world: &World, args: &[&str], prepare: impl Fn()) {
    prepare();
    let begun = Instant::now();
    let undisturbed = ended(world.start(args));
    assert_eq!(code(&undisturbed), 0, "{undisturbed:?}");
    let (whole, expected) = (begun.elapsed(), days(world).await);
    let mut interrupted = 0;
    // Making tables takes a server most of the time.
    let count = if in_a_file() { 12 } else { 30 };
    // A run that was measured while the machine was busy says too late a time.
    for share in [1, 2, 4, 8, 16] {
        for moment in moments(whole / share, count) {
            prepare();
            let mut child = world.start(args);
            wait_for(moment, &mut child, world);
            kill_and_wait(child);
            sound(world).await;
            let left = days(world).await;
            assert!(
                left.iter().all(|day| expected.contains(day)),
                "{moment:?}: {left:?}"
            );
            let again = ended(world.start(args));
            assert_eq!(code(&again), 0, "{moment:?}: {again:?}");
            sound(world).await;
            assert_eq!(days(world).await, expected, "{moment:?}");
            interrupted += usize::from(outcomes(world).contains(&"interrupted".to_owned()));
        }
        if interrupted > 0 {
            break;
        }
    }
    assert!(interrupted > 0, "no kill came in the middle of a run");
}

async fn sound(world: &World) {
    if in_a_file() && world.path("daybook.db").exists() {
        assert_eq!(
            world.book("PRAGMA integrity_check").await[0][0].as_deref(),
            Some("ok")
        );
        assert_eq!(world.book("PRAGMA foreign_key_check").await.len(), 0);
    }
}

/// How the runs ended, the newest first; none goes on.
fn outcomes(world: &World) -> Vec<String> {
    let output = world.binary(&["runs", "--limit", "100", "--json"]);
    let told: Json = serde_json::from_slice(&output.stdout).unwrap();
    let runs = told["runs"].as_array().unwrap();
    let outcomes: Vec<String> = runs
        .iter()
        .map(|run| run["outcome"].as_str().unwrap().to_owned())
        .collect();
    assert!(
        ["stored", "nothing"].contains(&outcomes[0].as_str()),
        "{outcomes:?}"
    );
    let known = ["stored", "nothing", "interrupted"];
    assert!(
        outcomes.iter().all(|one| known.contains(&one.as_str())),
        "{outcomes:?}"
    );
    outcomes
}

#[tokio::test]
async fn a_first_collection_that_is_killed_is_finished_by_the_next() {
    let world = world(&format!("{SETTINGS}{SLOW}"));
    shop(&world).await;
    survives_kills(&world, &["collect", "--date", "yesterday"], || {
        world.forget_book();
    })
    .await;
}

#[tokio::test]
async fn a_collection_into_a_book_that_is_killed_is_finished_by_the_next() {
    let world = world(&format!("{SETTINGS}{SLOW}"));
    shop(&world).await;
    let before = (today() - Days::new(2)).to_string();
    survives_kills(&world, &["collect", "--date", "yesterday"], || {
        world.forget_book();
        assert_eq!(code(&world.binary(&["collect", "--date", &before])), 0);
    })
    .await;
}

#[tokio::test]
async fn a_backfill_that_is_killed_is_finished_by_the_next() {
    let world = world(SETTINGS);
    shop(&world).await;
    let first = (today() - Days::new(60)).to_string();
    let args = ["collect", "--from", &first, "--to", "yesterday"];
    survives_kills(&world, &args, || world.forget_book()).await;
    assert_eq!(days(&world).await.len(), 60);
}

#[tokio::test]
async fn of_many_at_once_one_counts_and_the_others_say_so() {
    let world = world(SETTINGS);
    shop(&world).await;
    let first = (today() - Days::new(20)).to_string();
    for round in 0..6 {
        if round % 2 == 0 {
            world.forget_book();
        }
        let range = ["collect", "--from", &first, "--to", "yesterday", "--force"];
        let one = ["collect", "--date", "yesterday"];
        let children: Vec<Child> = (0..2 + round)
            .map(|at| world.start(if at % 2 == 0 { &range } else { &one }))
            .collect();
        let mut counted = 0;
        for child in children {
            let output = ended(child);
            let said = words(&output);
            assert_eq!(code(&output), 0, "{output:?}");
            let known = [
                "another `daybook collect` is running on this book",
                "is already complete",
                "metrics, in",
                "20 days in",
            ];
            assert!(known.iter().any(|words| said.contains(words)), "{said}");
            counted += usize::from(said.contains(" in "));
        }
        // Where yesterday is there already, the one that gets the lock may have nothing to do.
        assert!(counted > 0 || round % 2 == 1);
        sound(&world).await;
        let days = days(&world).await;
        assert!([1, 20].contains(&days.len()), "{}", days.len());
        assert!(days.iter().all(|day| {
            day[4]
                .as_ref()
                .is_some_and(|metrics| metrics.contains("\"users\":"))
        }));
        assert!(!outcomes(&world).contains(&"interrupted".to_owned()));
    }
}

pub(crate) fn terminate(child: &Child) {
    let told = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status();
    assert!(told.unwrap().success());
}

/// Waits until the run is noted in the book: from then on it counts.
async fn until_counting(world: &World) {
    let begun = Instant::now();
    let noted = async || -> bool {
        world.has_table("mutes").await
            && world
                .book("SELECT 1 FROM runs WHERE outcome = 'running'")
                .await
                .len()
                == 1
    };
    while !noted().await {
        assert!(begun.elapsed() < PATIENCE, "it does not begin");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
}

async fn stops_when_told(world: &World, args: &[&str]) {
    let child = world.start(args);
    until_counting(world).await;
    terminate(&child);
    let output = ended(child);
    assert_eq!(code(&output), 1, "{output:?}");
    // Before that it may have said that a database is away.
    let said = words(&output);
    let last = said.lines().last();
    assert_eq!(
        last,
        Some("daybook: interrupted; days already stored were kept")
    );
    sound(world).await;
    assert!(days(world).await.is_empty());
    let run = world.book("SELECT outcome, error FROM runs").await;
    let told = ["failed", "interrupted; days already stored were kept"];
    assert_eq!(run, [told.map(|text| Some(text.to_owned()))]);
}

#[tokio::test]
async fn a_slow_statement_ends_when_the_program_is_told_to() {
    let endless = "\n[[metrics]]\nkey = \"endless\"\nsql = \"WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n) SELECT count(*) FROM n\"\n";
    let world = world(&format!("{SETTINGS}{endless}"));
    shop(&world).await;
    stops_when_told(&world, &["collect", "--date", "yesterday"]).await;
}

#[tokio::test]
async fn waiting_for_a_database_that_is_away_ends_when_the_program_is_told_to() {
    let mut world = world(SETTINGS);
    world.set("DAYBOOK_RETRY_FOR", "1h");
    world.set(
        "DAYBOOK_APP_DATABASE_URL",
        "postgres://reader@127.0.0.1:1/app",
    );
    stops_when_told(&world, &["collect"]).await;
}

#[tokio::test]
async fn waiting_for_a_server_that_says_nothing_ends_when_the_program_is_told_to() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut world = world(SETTINGS);
    let url = format!("postgres://reader@{}/app", silent.local_addr().unwrap());
    world.set("DAYBOOK_APP_DATABASE_URL", &url);
    stops_when_told(&world, &["collect"]).await;
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut world = world(SETTINGS);
    let url = format!("postgres://reader@{}/app", silent.local_addr().unwrap());
    world.set("DAYBOOK_APP_DATABASE_URL", &url);
    let output = ended(world.start(&["collect"]));
    assert_eq!(code(&output), 69);
    assert_eq!(
        words(&output),
        format!(
            "daybook: the app database is unavailable: {url}: the server did not answer within 10 s\n"
        )
    );
}
