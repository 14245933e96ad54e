//! A book on a server: reached from several hosts, beside other tables, and not there when it is needed.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::net::TcpListener;
use std::process::Child;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

use chrono::{Days, NaiveDate, TimeDelta};
use daybook::book::{self, Book, BookError, Outcome, Watch};
use daybook::config::DatabaseUrl;
use daybook::engine::Engine;
use daybook::entry::merge::Mode;
use daybook::nightly::Which;
use daybook::operate::doctor;
use serde_json::json;
use sqlx::{Connection, Executor};

use crate::book::entry_on;
use crate::delivering;
use crate::dice::Dice;
use crate::mariadb;
use crate::postgres::as_role;
use crate::running::SETTINGS;
use crate::running::program::{code, real_now, shop, today, words, world};
use crate::smtp_server::Script;
use crate::world::{App, World, book_url, date, instant};

fn fresh() -> DatabaseUrl {
    book_url(std::path::Path::new("nowhere"))
}

/// Ends the server's connections that hold a lock, as a broken network would.
async fn cut_lock_holders(url: &DatabaseUrl) {
    let app = App::new(url);
    match url.engine() {
        Engine::Sqlite => {}
        Engine::Postgres => {
            app.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            )
            .await;
        }
        Engine::Mysql => {
            let name = "concat('daybook collect ', left(sha2(database(), 256), 40))";
            let holder = app.number(&format!("SELECT is_used_lock({name})")).await;
            app.execute(&format!("KILL {}", holder.unwrap())).await;
        }
    }
}

#[tokio::test]
#[ignore = "keeps its book on a server: `make test`"]
async fn on_two_hosts_with_one_book_one_collects_and_the_other_says_so() {
    let here = world(SETTINGS);
    shop(&here).await;
    let mut there = world(SETTINGS);
    shop(&there).await;
    there.set("DAYBOOK_BOOK_DATABASE_URL", here.book_url().expose());
    let first = (today() - Days::new(20)).to_string();
    let range = ["collect", "--from", &first, "--to", "yesterday"];
    for round in 0..4 {
        let both = [&here, &there].map(|world| world.start(&range));
        let said: Vec<String> = both
            .into_iter()
            .map(|child| {
                let output = crate::kills::ended(child);
                assert_eq!(code(&output), 0, "{output:?}");
                words(&output)
            })
            .collect();
        let elsewhere = "another `daybook collect` is running on this book";
        let left = said.iter().filter(|said| said.contains(elsewhere)).count();
        assert!(left <= 1, "{round}: {said:?}");
        here.book("DELETE FROM daily_metrics").await;
    }
    let running = "SELECT count(*) FROM runs WHERE outcome NOT IN ('stored', 'nothing')";
    assert_eq!(here.book(running).await, [[Some("0".to_owned())]]);
}

#[tokio::test]
#[ignore = "keeps its book on a server: `make test`"]
async fn while_one_host_holds_the_lock_no_other_takes_it() {
    let (one, other) = (fresh(), fresh());
    let lock = Book::lock(&one).await.unwrap().unwrap();
    assert!(Book::lock(&one).await.unwrap().is_none());
    assert!(Book::lock(&other).await.unwrap().is_some());
    let began = Instant::now();
    let refused = Book::wait_for_lock(&one, Duration::from_millis(200)).await;
    assert!(matches!(refused, Err(BookError::Held { .. })));
    assert!(began.elapsed() >= Duration::from_millis(200));
    lock.release().await;
    assert!(Book::lock(&one).await.unwrap().is_some());
}

#[tokio::test]
#[ignore = "keeps its book on a server: `make test`"]
async fn whoever_lost_the_lock_writes_nothing_more() {
    let url = fresh();
    let lock = Book::lock(&url).await.unwrap().unwrap();
    let book = Book::open_under(&lock).await.unwrap();
    let run = book::begin_run(&book, "collect", instant("2025-10-03T22:15:00Z")).await;
    run.unwrap();
    cut_lock_holders(&url).await;
    let begun = Instant::now();
    let next = loop {
        match Book::lock(&url).await.unwrap() {
            Some(lock) => break lock,
            None => assert!(begun.elapsed() < Duration::from_secs(5)),
        }
    };
    let refused = book::store(&book, entry_on(date("2025-10-03")), Mode::Replace).await;
    let error = refused.unwrap_err();
    assert!(matches!(error, BookError::LostLock { .. }), "{error:?}");
    assert!(error.is_unavailable());
    assert!(error.to_string().contains("run `daybook collect` again"));
    let other = Book::open_under(&next).await.unwrap();
    assert_eq!(book::all_dates(&other).await.unwrap(), []);
    book::store(&other, entry_on(date("2025-10-03")), Mode::Replace)
        .await
        .unwrap();
}

/// A killed program's last statement goes on in the server, while its locks are gone.
#[tokio::test]
#[ignore = "keeps its book on a server: `make test`"]
async fn a_first_start_waits_for_what_the_server_still_does_for_a_killed_one() {
    if fresh().engine() != Engine::Postgres {
        return;
    }
    let world = world(SETTINGS);
    shop(&world).await;
    let app = App::new(&world.book_url());
    app.execute(
        "CREATE FUNCTION slow() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
             IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity LIKE '%daybook_migrations') THEN
                 PERFORM pg_sleep(1.5);
             END IF; END $$;
         CREATE EVENT TRIGGER slow ON ddl_command_end EXECUTE FUNCTION slow()",
    )
    .await;
    let mut first = world.start(&["collect"]);
    let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
    while app.number(sleeping).await != Some(1.into()) {
        assert_eq!(first.try_wait().unwrap(), None, "it never slept");
    }
    crate::kills::kill_and_wait(first);
    let output = crate::kills::ended(world.start(&["collect"]));
    assert_eq!(code(&output), 0, "{output:?}");
}

#[tokio::test]
#[ignore = "keeps its book on a server: `make test`"]
async fn of_many_first_starts_at_once_some_killed_the_others_end_well() {
    let mut dice = Dice(20_251_003);
    for round in 0..6 {
        let world = world(SETTINGS);
        shop(&world).await;
        let mut children: Vec<Child> = (0..6).map(|_| world.start(&["collect"])).collect();
        for child in children.drain(..3) {
            std::thread::sleep(Duration::from_millis(dice.below(60)));
            crate::kills::kill_and_wait(child);
        }
        children.extend((0..2).map(|_| world.start(&["collect"])));
        for child in children {
            let output = crate::kills::ended(child);
            assert_eq!(code(&output), 0, "{round} {output:?}");
        }
        let output = crate::kills::ended(world.start(&["collect"]));
        assert_eq!(code(&output), 0, "{round} {output:?}");
        let days = "SELECT count(*) FROM daily_metrics";
        assert_eq!(world.book(days).await, [[Some("1".to_owned())]]);
    }
}

#[tokio::test]
#[ignore = "keeps its book on a server: `make test`"]
async fn tables_of_the_same_names_that_somebody_else_made_are_left_alone() {
    let url = fresh();
    let app = App::new(&url);
    app.execute("CREATE TABLE runs (distance int); INSERT INTO runs VALUES (42)")
        .await;
    let error = Book::open(&url, Duration::ZERO).await.unwrap_err();
    assert!(matches!(&error, BookError::NotOurs { table, .. } if table == "runs"));
    assert!(
        error.to_string().contains("a database of its own"),
        "{error}"
    );
    assert!(error.is_unavailable());
    assert_eq!(
        app.number("SELECT distance FROM runs").await,
        Some(42.into())
    );
}

#[tokio::test]
#[ignore = "keeps its book on a server: `make test`"]
async fn a_server_that_is_away_or_says_no_is_told_at_once_without_the_password() {
    let mut world = world(SETTINGS);
    shop(&world).await;
    let scheme = fresh().expose().split(':').next().unwrap().to_owned();
    world.set(
        "DAYBOOK_BOOK_DATABASE_URL",
        &format!("{scheme}://bea:hunter2@127.0.0.1:1/book"),
    );
    for args in [&["collect"][..], &["show"], &["runs"], &["prune"]] {
        let begun = Instant::now();
        let output = crate::kills::ended(world.start(args));
        let said = words(&output);
        assert_eq!(code(&output), 69, "{said}");
        let expected = format!("cannot reach the book {scheme}://bea:");
        assert!(said.contains(&expected), "{said}");
        assert!(
            said.contains("refused") && !said.contains("hunter2"),
            "{said}"
        );
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
    let lost = fresh().expose().to_owned() + "_that_is_not_there";
    world.set("DAYBOOK_BOOK_DATABASE_URL", &lost);
    let output = crate::kills::ended(world.start(&["collect"]));
    assert_eq!(code(&output), 69, "{output:?}");
    assert!(
        words(&output).contains("cannot reach the book"),
        "{output:?}"
    );
}

#[tokio::test]
#[ignore = "keeps its book on a server: `make test`"]
async fn a_server_that_says_nothing_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut world = world(SETTINGS);
    shop(&world).await;
    let scheme = fresh().expose().split(':').next().unwrap().to_owned();
    let url = format!("{scheme}://bea@{}/book", silent.local_addr().unwrap());
    world.set("DAYBOOK_BOOK_DATABASE_URL", &url);
    let output = crate::kills::ended(world.start(&["collect"]));
    assert_eq!(code(&output), 69);
    let expected =
        format!("daybook: cannot reach the book {url}: the server did not answer within 10 s\n");
    assert_eq!(words(&output), expected);
}

#[tokio::test]
#[ignore = "keeps its book on a server: `make test`"]
async fn the_book_may_stand_beside_the_applications_tables() {
    let url = fresh();
    let mut world = World::new("2025-10-04T06:00:00Z", SETTINGS);
    world.set("DAYBOOK_APP_DATABASE_URL", url.expose());
    world.set("DAYBOOK_BOOK_DATABASE_URL", url.expose());
    App::new(&url)
        .execute(
            "CREATE TABLE users (joined timestamp NULL); CREATE TABLE stock (pieces int);
             INSERT INTO users VALUES ('2025-10-03 09:00:00'); INSERT INTO stock VALUES (42)",
        )
        .await;
    world.night(Which::One(date("2025-10-03"))).await;
    assert_eq!(world.value("2025-10-03", "users").await, json!(1));
    assert_eq!(world.value("2025-10-03", "stock").await, json!(42));
}

#[tokio::test]
#[ignore = "keeps its book on a server: `make test`"]
async fn who_holds_the_lock_of_a_server_for_too_long_or_is_no_daybook_is_named_and_no_night_ends_well()
 {
    let world = world(SETTINGS);
    shop(&world).await;
    let url = world.book_url();
    let lock = Book::lock(&url).await.unwrap().unwrap();
    let output = crate::kills::ended(world.start(&["collect"]));
    assert_eq!(code(&output), 0, "{output:?}");
    let holder = Book::collector(&url).await.unwrap().unwrap();
    let (now, since) = (real_now(), holder.since.unwrap());
    assert!(
        (now - since).abs() < TimeDelta::seconds(10),
        "{since} {now}"
    );
    let longest = TimeDelta::hours(12);
    assert!(
        holder
            .trouble(now + TimeDelta::hours(11), longest)
            .is_none()
    );
    let trouble = holder.trouble(now + TimeDelta::hours(13), longest).unwrap();
    assert!(matches!(trouble, BookError::HeldTooLong { .. }));
    let expected = match url.engine() {
        Engine::Mysql => "connection ".to_owned(),
        _ => format!("process {} on 127.0.0.1 ", std::process::id()),
    };
    assert!(trouble.to_string().starts_with(&expected), "{trouble}");
    assert!(
        trouble
            .to_string()
            .contains(&format!("the collect lock of {url}")),
        "{trouble}"
    );
    lock.release().await;
    if url.engine() != Engine::Postgres {
        return;
    }
    let mut other = sqlx::PgConnection::connect(url.expose()).await.unwrap();
    let taken =
        "SELECT pg_advisory_lock(hashtextextended('daybook collect ' || current_schema(), 0))";
    other.execute(taken).await.unwrap();
    let output = crate::kills::ended(world.start(&["collect"]));
    assert_eq!(code(&output), 69, "{output:?}");
    assert!(words(&output).contains("and is not Daybook"), "{output:?}");
    other.close().await.unwrap();
}

/// A lock like the night's, of somebody who may log in and has no rights on the book, whatever it calls itself.
async fn held_by_a_stranger(url: &DatabaseUrl) -> Box<dyn std::any::Any> {
    let book = App::new(url);
    match url.engine() {
        Engine::Mysql => {
            let (server, name) = url.expose().rsplit_once('/').unwrap();
            mariadb::grant(&book, "stranger", "USAGE ON *.*").await;
            let server = server.replace("//root@", "//stranger@");
            let mut session = sqlx::MySqlConnection::connect(&server).await.unwrap();
            let lock = format!("concat('daybook collect ', left(sha2('{name}', 256), 40))");
            let take = sqlx::AssertSqlSafe(format!("SELECT get_lock({lock}, 0)"));
            session.execute(sqlx::raw_sql(take)).await.unwrap();
            Box::new(session)
        }
        _ => {
            let role =
                "DO $$ BEGIN CREATE ROLE stranger LOGIN; EXCEPTION WHEN OTHERS THEN NULL; END $$";
            book.execute(role).await;
            let url = as_role(&book, "stranger").url() + "?application_name=daybook%201";
            let mut session = sqlx::PgConnection::connect(&url).await.unwrap();
            let take = "BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('daybook collect ' || current_schema(), 0))";
            session.execute(sqlx::raw_sql(take)).await.unwrap();
            Box::new(session)
        }
    }
}

#[tokio::test]
#[ignore = "keeps its book on a server: `make test`"]
async fn a_lock_held_by_another_account_is_an_error_at_once_that_names_it_as_far_as_can_be_seen() {
    let mut world = world(SETTINGS);
    shop(&world).await;
    let book = App::new(&world.book_url());
    let stranger = held_by_a_stranger(&world.book_url()).await;
    let (keeper, seen, hidden) = match world.book_url().engine() {
        Engine::Mysql => {
            mariadb::grant(&book, "keeper_of_book", "ALL ON HERE.*").await;
            let keeper = mariadb::as_user(&book, "keeper_of_book");
            (
                keeper,
                " of stranger from ",
                " of the server holds the collect lock of ",
            )
        }
        _ => {
            let name = book.url().rsplit_once('/').unwrap().1.to_owned();
            book.execute(&format!(
                "CREATE ROLE keeper_{name} LOGIN; GRANT ALL ON SCHEMA public TO keeper_{name}"
            ))
            .await;
            let keeper = as_role(&book, &format!("keeper_{name}"));
            (
                keeper,
                " of stranger (daybook 1) on 127.0.0.1",
                " of stranger (daybook 1) holds the collect lock of ",
            )
        }
    };
    for (url, expected, is_since_seen) in [(book.url(), seen, true), (keeper.url(), hidden, false)]
    {
        world.set("DAYBOOK_BOOK_DATABASE_URL", &url);
        let output = crate::kills::ended(world.start(&["collect"]));
        let said = words(&output);
        assert_eq!(code(&output), 69, "{said}");
        assert!(said.contains(expected), "{said}");
        assert_eq!(said.contains(" (since 20"), is_since_seen, "{said}");
        assert!(
            said.contains(" under another account than this daybook's: "),
            "{said}"
        );
        let told = crate::running::program::data(&world.binary(&["doctor"]));
        assert!(told.contains("under another account"), "{told}");
    }
    drop(stranger);
}

#[tokio::test]
#[ignore = "keeps its book on a server: `make test`"]
async fn a_prepared_transaction_that_holds_the_lock_is_named() {
    if fresh().engine() != Engine::Postgres {
        return;
    }
    let world = world(SETTINGS);
    shop(&world).await;
    let book = App::new(&world.book_url());
    book.execute(
        "BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('daybook collect ' || current_schema(), 0));
         PREPARE TRANSACTION 'left behind'",
    )
    .await;
    let output = crate::kills::ended(world.start(&["collect"]));
    assert_eq!(code(&output), 69, "{output:?}");
    let expected =
        "a prepared transaction (listed in pg_prepared_xacts) holds the collect lock of ";
    assert!(words(&output).contains(expected), "{output:?}");
    book.execute("ROLLBACK PREPARED 'left behind'").await;
}

#[tokio::test]
#[ignore = "keeps its book on a server: `make test`"]
async fn two_who_deliver_at_once_send_nothing_twice_and_leave_nobody_out() {
    let readers: Vec<String> = (1..=6).map(|n| format!("\"r{n}@example.org\"")).collect();
    let readers = readers.join(", ");
    let (mut here, _app, server) = delivering::with_mail(&readers, Script::accepting()).await;
    let (mut there, _, _) = delivering::with_mail(&readers, Script::accepting()).await;
    here.set("DAYBOOK_SMTP_URL", "smtp://127.0.0.1:1?tls=none");
    here.morning(Which::One(date("2025-10-03")), false).await;
    assert_eq!(server.accepted().len(), 0);
    for world in [&mut here, &mut there] {
        world.set("DAYBOOK_SMTP_URL", &server.url());
        world.at("2025-10-04T08:00:00Z");
    }
    there.set("DAYBOOK_BOOK_DATABASE_URL", here.book_url().expose());
    let day = || Which::One(date("2025-10-03"));
    tokio::join!(here.morning(day(), false), there.morning(day(), false));
    let mut to: Vec<String> = server
        .accepted()
        .iter()
        .map(|mail| mail.to.clone())
        .collect();
    to.sort();
    let expected: Vec<String> = (1..=6).map(|n| format!("r{n}@example.org")).collect();
    assert_eq!(to, expected);
    let ledger = here.ledger().await;
    assert!(
        ledger.iter().all(|row| row.contains(" accepted ")),
        "{ledger:?}"
    );
}

#[tokio::test]
#[ignore = "keeps its book on a server: `make test`"]
async fn a_watch_notices_every_write_and_nothing_else() {
    let url = fresh();
    let book = Book::open(&url, Duration::ZERO).await.unwrap();
    let watch = Watch::open(&url).await.unwrap();
    let first = watch.version().await.unwrap();
    let reader = Book::open_to_read(&url).await.unwrap();
    assert_eq!(book::newest(&reader, NaiveDate::MAX).await.unwrap(), None);
    assert_eq!(watch.version().await.unwrap(), first);
    book::store(&book, entry_on(date("2025-10-03")), Mode::Replace)
        .await
        .unwrap();
    let second = watch.version().await.unwrap();
    assert_ne!(second, first);
    assert!(watch.is_still(&second).await.unwrap());
    assert!(!watch.is_still(&first).await.unwrap());
}

#[tokio::test]
#[ignore = "keeps its book on a server: `make test`"]
async fn the_doctor_tells_of_the_server() {
    const NOW: &str = "2025-10-04T06:00:00Z";
    let (world, _app) = delivering::world("").await;
    let told = async |world: &World| -> Vec<String> {
        let all = doctor::examine(&world.config(), instant(NOW), &CancellationToken::new()).await;
        let book = all.iter().filter(|finding| finding.area == "book");
        book.map(|one| format!("{:?} {}", one.level, one.what))
            .collect()
    };
    let before = told(&world).await;
    assert!(
        before.iter().any(|line| line.contains("no book yet")),
        "{before:?}"
    );
    world.night(Which::One(date("2025-10-03"))).await;
    let url = world.book_url();
    let after = told(&world).await;
    assert_eq!(after[0], "Ok no collection is running");
    let name = match url.engine() {
        Engine::Mysql if mariadb::mysql().is_some() => "MySQL",
        Engine::Mysql => "MariaDB",
        _ => "PostgreSQL",
    };
    assert!(
        after[1].starts_with(&format!("Ok {url} on "))
            && after[1].contains(name)
            && after[1].ends_with("can be read: 1 day, 2025-10-03"),
        "{after:?}"
    );
    // MySQL makes itself a certificate, and is reached over TLS wherever it stands.
    let line = match (url.engine(), mariadb::mysql()) {
        (Engine::Mysql, Some(_)) => "Ok the connection to the book is encrypted",
        _ => "Ok the connection to the book is not encrypted",
    };
    assert_eq!(after[2], line);
    let lock = Book::lock(&url).await.unwrap().unwrap();
    let held = told(&world).await;
    assert!(
        held[0].starts_with("Ok a collection is running, "),
        "{held:?}"
    );
    lock.release().await;
    let runs = book::runs(&Book::open_to_read(&url).await.unwrap(), 9).await;
    assert_eq!(runs.unwrap()[0].outcome, Outcome::Stored);
}

#[tokio::test]
#[ignore = "keeps its book on a server: `make test`"]
async fn on_postgresql_a_schema_keeps_the_book_apart_from_tables_of_the_same_names() {
    let url = fresh();
    if url.engine() != Engine::Postgres {
        return;
    }
    let app = App::new(&url);
    app.execute("CREATE TABLE runs (distance int); CREATE SCHEMA daybook")
        .await;
    let within = format!("{}?options[search_path]=daybook", url.expose());
    let within = DatabaseUrl::parse(&within, std::path::Path::new("/")).unwrap();
    let lock = Book::lock(&within).await.unwrap().unwrap();
    let book = Book::open_under(&lock).await.unwrap();
    book::begin_run(&book, "collect", instant("2025-10-03T22:15:00Z"))
        .await
        .unwrap();
    assert!(Book::lock(&within).await.unwrap().is_none());
    assert!(Book::lock(&url).await.unwrap().is_some());
    let counts =
        "SELECT (SELECT count(*) FROM public.runs) + 10 * (SELECT count(*) FROM daybook.runs)";
    assert_eq!(app.number(counts).await, Some(10.into()));
}

/// PostgreSQL drops no view upon which another one stands.
#[tokio::test]
#[ignore = "keeps its book on a server: `make test`"]
async fn a_view_upon_the_view_of_columns_keeps_no_report_from_its_readers() {
    if fresh().engine() != Engine::Postgres {
        return;
    }
    let counted = |what: &str| {
        format!(
            "[app]\ndatabase_url = \"sqlite:app.db\"\n[outbox]\ndirectory = \"outbox\"\n\
             [tables.stock]\nname = \"stock\"\n\
             [[metrics]]\nkey = \"stock\"\ntable = \"stock\"\n{what}\n"
        )
    };
    let mut world = World::new("2025-10-03T22:10:00Z", &counted("count = \"*\""));
    let app = world.sqlite("app.db").await;
    app.execute("CREATE TABLE stock (pieces INTEGER); INSERT INTO stock VALUES (100)")
        .await;
    world.morning(Which::One(date("2025-10-03")), false).await;
    world
        .meddle("CREATE VIEW mine AS SELECT stock FROM daily_metrics_columns")
        .await;
    world.write("daybook.toml", &counted("sum = \"pieces\""));
    world.at("2025-10-04T22:10:00Z");
    let night = world.morning(Which::One(date("2025-10-04")), false).await;
    assert!(world.path("outbox/2025-10-04.html").exists());
    let remark = &night.remarks[0];
    assert!(
        remark.starts_with("cannot update the view daily_metrics_columns in the book postgres://")
            && remark.ends_with(
                "cannot drop view daily_metrics_columns because other objects depend on it"
            ),
        "{remark}"
    );
    assert_eq!(world.value("2025-10-04", "stock").await, json!(100));
}

/// A view asks MariaDB and MySQL with the rights of the account that made it.
#[tokio::test]
#[ignore = "keeps its book on a server: `make test`"]
async fn the_view_of_columns_outlives_the_account_that_made_it() {
    let url = fresh();
    if url.engine() != Engine::Mysql {
        return;
    }
    let book = App::new(&url);
    mariadb::grant(&book, "first_maker", "ALL ON HERE.*").await;
    let (mut world, _app) = delivering::world("").await;
    world.set(
        "DAYBOOK_BOOK_DATABASE_URL",
        &mariadb::as_user(&book, "first_maker").url(),
    );
    world.morning(Which::One(date("2025-10-03")), false).await;
    book.execute("DROP USER first_maker").await;
    world.set("DAYBOOK_BOOK_DATABASE_URL", url.expose());
    world.morning(Which::One(date("2025-10-03")), false).await;
    let days = book
        .number("SELECT count(*) FROM daily_metrics_columns")
        .await;
    assert_eq!(days, Some(1.into()));
}
