//! `max_duration` is the time of the whole counting, however many tasks it has. What a night has done before it ends
//! early is kept and told.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::time::Duration;

use daybook::nightly::{self, Listener, Night, NightContext, NightError, Orders, Which};
use tokio_util::sync::CancellationToken;

use crate::delivering;
use crate::faults::locked;
use crate::smtp_server::{Script, Server};
use crate::world::{World, date, instant};

/// Spends more than the whole run's time after the first task.
struct Slow;

impl Listener for Slow {
    fn statement(&self, _: usize, _: usize) {}
    fn stored(&self, _: usize, _: usize) {
        std::thread::sleep(Duration::from_millis(2100));
    }
}

/// Asks to stop after the first task.
struct Impatient(CancellationToken);

impl Listener for Impatient {
    fn statement(&self, _: usize, _: usize) {}
    fn stored(&self, _: usize, _: usize) {
        self.0.cancel();
    }
}

const SETTINGS: &str = r#"
    [app]
    database_url = "sqlite:app.db"

    [collect]
    max_duration = "2s"
    statement_timeout = "1s"
    lock_timeout = "1s"

    [tables.users]
    name = "users"

    [[metrics]]
    key = "users"
    table = "users"
    count = "*"
"#;

const RUN: &str = "SELECT outcome, first_date, last_date, days, error FROM runs";

/// The days before yesterday, yesterday and today are three tasks.
async fn four_days(
    world: &World,
    stop: CancellationToken,
    listener: &dyn Listener,
) -> Result<Night, NightError> {
    let app = world.sqlite("app.db").await;
    app.execute("CREATE TABLE users (id INTEGER PRIMARY KEY)")
        .await;
    let config = world.config();
    let now = instant("2025-10-04T06:00:00Z");
    let context = NightContext::new(&config, now, stop, listener);
    let orders = Orders {
        which: Which::Range(date("2025-10-01"), date("2025-10-04")),
        metric: None,
        force: false,
        dry_run: false,
        send: false,
        retry_for: Duration::ZERO,
    };
    nightly::run(&context, &orders).await
}

fn run(error: &str) -> [[Option<String>; 5]; 1] {
    let told = ["failed", "2025-10-01", "2025-10-02", "2", error];
    [told.map(|text| Some(text.to_owned()))]
}

#[tokio::test]
async fn a_run_of_several_tasks_ends_after_its_longest_time() {
    let world = World::new("2025-10-04T06:00:00Z", SETTINGS);
    let night = four_days(&world, CancellationToken::new(), &Slow)
        .await
        .unwrap();
    let error = night.broke_off.unwrap();
    assert!(matches!(error, NightError::TooLong(_)), "{error:?}");
    assert_eq!(night.days.len(), 2);
    assert_eq!(world.book(RUN).await, run(&error.to_string()));
}

#[tokio::test]
async fn a_range_that_is_interrupted_tells_what_it_had_stored() {
    let world = World::new("2025-10-04T06:00:00Z", SETTINGS);
    let stop = CancellationToken::new();
    let night = four_days(&world, stop.clone(), &Impatient(stop.clone())).await;
    let night = night.unwrap();
    let error = night.broke_off.unwrap();
    assert!(matches!(error, NightError::Stopped), "{error:?}");
    assert_eq!(night.days.len(), 2);
    let text = "interrupted; days already stored were kept";
    assert_eq!(world.book(RUN).await, run(text));
}

#[tokio::test]
async fn a_night_that_takes_too_long_tells_its_readers_that_there_are_no_numbers() {
    let endless = "[collect]\nmax_duration = \"1s\"\n[[metrics]]\nkey = \"endless\"\nsql = \"WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n) SELECT count(*) FROM n\"\n";
    let (world, _) = delivering::world(endless).await;
    let line = ["collect", "--date", "yesterday", "--send-email"];
    let error = world.command(&line).await.unwrap_err();
    assert_eq!(error.exit_code(), 1);
    assert!(
        error
            .to_string()
            .starts_with("reading the databases took longer than max_duration = 1s: "),
        "{error}"
    );
    assert_eq!(
        world.ledger().await,
        ["2025-10-03 failure outbox outbox 1 accepted 1 outbox/2025-10-03.failure.html"]
    );
    let told = std::fs::read_to_string(world.path("outbox/2025-10-03.failure.txt")).unwrap();
    let why = "Counting was stopped after 1s. The report follows as soon as a later run can count that day.";
    let body = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(body.contains(why), "{told}");
    assert!(
        !told.contains("max_duration") && !told.contains("daybook runs"),
        "{told}"
    );
    let mail = std::fs::read_to_string(world.path("outbox/2025-10-03.failure.eml")).unwrap();
    let subject = "Subject: [no numbers] Beryl, Fri 3 Oct 2025: counting was stopped after 1s\r\n";
    assert!(mail.replace("\r\n ", " ").contains(subject), "{mail}");
    let run = world.book("SELECT outcome, days, error FROM runs").await;
    let failed = ["failed", "0", &error.to_string()].map(|text| Some(text.to_owned()));
    assert_eq!(run, [failed]);
}

/// Lets a night take a second, and a database hang for longer.
fn limit(world: &World) {
    let settings = std::fs::read_to_string(world.path("daybook.toml")).unwrap();
    let limit = "[collect]\nmax_duration = \"1s\"\nlock_timeout = \"20s\"\n";
    world.write("daybook.toml", &format!("{settings}\n{limit}"));
}

const READER: &str = "[report]\nrecipients_sql = \"SELECT 'ada@example.org'\"";

/// The report about 3 October is stored and sent; from now on the database answers nobody.
async fn before_it_hangs() -> (World, Server, sqlx::SqliteConnection) {
    let (mut world, _) = delivering::world(READER).await;
    let server = Server::start(Script::accepting()).await;
    world.set("DAYBOOK_SMTP_URL", &server.url());
    world.set("DAYBOOK_MAIL_FROM", "Daybook <daybook@example.org>");
    world.morning(Which::One(date("2025-10-03")), false).await;
    limit(&world);
    let owner = locked(&world).await;
    (world, server, owner)
}

/// The night ends in its time, with the mail that says so to the reader who was known before.
async fn ends_in_time(world: &World, server: &Server, line: &[&str], day: &str) {
    let error = world.command(line).await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("reading the databases took longer than max_duration = 1s: "),
        "{error}"
    );
    let mail = server.accepted().pop().unwrap();
    assert_eq!(mail.to, "ada@example.org");
    let text = String::from_utf8(mail.message).unwrap();
    let subject = format!("Subject: [no numbers] Beryl, {day}: counting was stopped after 1s");
    assert!(text.replace("\r\n ", " ").contains(&subject), "{text}");
    let planned = world
        .book("SELECT stale_recipients FROM reports ORDER BY collection_date DESC")
        .await;
    let why = "the night ended before the app database answered";
    assert_eq!(planned[0], [Some(why.to_owned())]);
}

#[tokio::test]
async fn a_database_that_hangs_while_it_is_to_prove_the_clock_does_not_hold_up_the_night() {
    let (mut world, server, _owner) = before_it_hangs().await;
    world.at("2025-12-04T05:00:00Z");
    let line = ["collect", "--date", "yesterday", "--send-email"];
    ends_in_time(&world, &server, &line, "Wed 3 Dec 2025").await;
}

#[tokio::test]
async fn a_database_that_hangs_while_it_is_asked_for_its_oldest_row_does_not_hold_up_the_night() {
    let (mut world, server, _owner) = before_it_hangs().await;
    world.at("2025-10-06T04:00:00Z");
    let range = ["collect", "--from", "2025-10-01", "--to", "2025-10-05"];
    let line = [&range[..], &["--send-email"]].concat();
    ends_in_time(&world, &server, &line, "Sun 5 Oct 2025").await;
}

#[tokio::test]
async fn a_database_that_hangs_while_it_is_asked_for_readers_does_not_hold_up_the_report() {
    let (mut world, _) = delivering::world(READER).await;
    world.night(Which::One(date("2025-10-03"))).await;
    let server = Server::start(Script::accepting()).await;
    world.set("DAYBOOK_SMTP_URL", &server.url());
    world.set("DAYBOOK_MAIL_FROM", "Daybook <daybook@example.org>");
    limit(&world);
    let _owner = locked(&world).await;
    let night = world.morning(Which::One(date("2025-10-03")), false).await;
    assert!(night.readers_missing);
    assert_eq!(
        night.remarks[0],
        "cannot read the recipients, so the report goes to the last known ones: the night ended before the app database answered"
    );
}
