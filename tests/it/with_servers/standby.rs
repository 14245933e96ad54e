//! Numbers from a server that follows another one: behind, held back, released, in conflict, and taking over.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]
#![expect(clippy::disallowed_methods, reason = "a standby tells the real time")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Europe::Zurich;
use daybook::calendar::Day;
use daybook::collect::{self, Collected, Request, Work};
use daybook::commands::Ended;
use daybook::config::Config;
use daybook::database::Trouble;
use daybook::nightly::{Orders, Which};
use daybook::operate::doctor::{Level, examine};
use serde_json::{Value as Json, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::beryl;
use crate::postgres::Pair;
use crate::with_servers::naps::changed_in_the_nap;
use crate::world::{App, World, date};

const USERS: &str = r#"
    [tables.users]
    name = "users"
    created_at = "joined"

    [tables.stock]
    name = "stock"

    [[metrics]]
    key = "users"
    table = "users"
    count = "*"

    [[metrics]]
    key = "pieces"
    table = "stock"
    sum = "pieces"
"#;

const SLOW: &str =
    "[[metrics]]\nkey = \"slow\"\nsql = \"SELECT count(*) FROM stock, pg_sleep(3)\"\n";

async fn filled(pair: &Pair) {
    pair.primary()
        .execute(
            "CREATE TABLE users (joined timestamptz NOT NULL); CREATE TABLE stock (pieces int);
             INSERT INTO users SELECT now() - interval '40 days' FROM generate_series(1, 10);
             INSERT INTO stock VALUES (30), (12)",
        )
        .await;
    pair.caught_up().await;
}

fn world(app: &App, now: DateTime<Utc>, settings: &str) -> World {
    let mut world = World::new(&now.to_rfc3339(), settings);
    world.set("DAYBOOK_APP_DATABASE_URL", &app.url());
    world.set("DAYBOOK_RETRY_FOR", "0");
    world
}

async fn counted(config: &Config, as_of: DateTime<Utc>, patience: Duration) -> Collected {
    let request = Request {
        catalog: &config.catalog,
        keys: vec!["users".to_owned(), "pieces".to_owned()],
        work: Work::Night(Day::containing(as_of, Zurich).as_of(as_of)),
        now: as_of,
        grace: TimeDelta::hours(24),
        retry_for: Duration::ZERO,
        follower_timeout: patience,
        limits: collect::limits(config, CancellationToken::new()),
        recipients: None,
        progress: &|_, _| {},
        retrying: &|_, _| {},
    };
    collect::collect(&config.apps, &request).await
}

fn number(collected: &Collected, key: &str) -> Json {
    let value = collected.days[0].1[key].value.as_ref();
    value.map_or(Json::Null, |value| json!(value.number().unwrap()))
}

#[tokio::test]
async fn a_standby_gives_the_primarys_numbers_over_connections_that_share_a_snapshot() {
    let pair = Pair::start();
    beryl::fill(&pair.primary()).await;
    pair.caught_up().await;
    let now = "2025-11-15T06:00:00Z".parse().unwrap();
    let mut nights = Vec::new();
    for app in [pair.primary(), pair.standby()] {
        let world = world(&app, now, beryl::SETTINGS);
        let night = world.night(Which::One(date("2025-11-14"))).await;
        let entry = night.days.into_iter().next().unwrap().entry.unwrap();
        assert_eq!(entry.failures().count(), 0);
        assert!(!entry.partial);
        nights.push(entry.readings);
    }
    assert_eq!(nights[0], nights[1]);
}

#[tokio::test]
async fn one_that_is_held_back_is_waited_for_until_it_is_released() {
    let pair = Pair::start();
    filled(&pair).await;
    pair.standby().execute("SELECT pg_wal_replay_pause()").await;
    let before = Utc::now();
    pair.primary()
        .execute("INSERT INTO users SELECT now() FROM generate_series(1, 5)")
        .await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let as_of = Utc::now();
    let config = world(&pair.standby(), as_of, USERS).config();
    let late = counted(&config, as_of, Duration::ZERO).await;
    let error = &late.unreachable[0].error;
    let Trouble::Behind(Some(until)) = error.trouble else {
        panic!("{error:?}");
    };
    assert!(until < before, "{until} {before}");
    assert!(
        error
            .message
            .contains("it is a replica and has replayed only up to"),
        "{error}"
    );
    let released = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        pair.standby()
            .execute("SELECT pg_wal_replay_resume()")
            .await;
        // Whatever is written next tells the standby that it has come past the moment.
        pair.primary()
            .execute("INSERT INTO stock VALUES (100)")
            .await;
    };
    let patience = Duration::from_secs(60);
    let (found, ()) = tokio::join!(counted(&config, as_of, patience), released);
    assert!(found.unreachable.is_empty(), "{:?}", found.unreachable);
    assert_eq!(number(&found, "users"), json!(15.0));
}

#[tokio::test]
async fn an_account_that_may_not_see_the_receiver_knows_a_safe_moment_all_the_same() {
    let pair = Pair::start();
    filled(&pair).await;
    pair.primary()
        .execute("CREATE ROLE visitor LOGIN; GRANT SELECT ON users, stock TO visitor")
        .await;
    pair.caught_up().await;
    let visitor = crate::postgres::as_role(&pair.standby(), "visitor");
    let now = Utc::now();
    let config = world(&visitor, now, USERS).config();
    // The receiver's timeout is a minute.
    let minutes_ago = counted(&config, now - TimeDelta::minutes(2), Duration::ZERO).await;
    assert!(
        minutes_ago.unreachable.is_empty(),
        "{:?}",
        minutes_ago.unreachable
    );
    assert_eq!(number(&minutes_ago, "pieces"), json!(42.0));
}

/// A program that believes it is days later takes today for a day that is over, whose end nobody has reached.
#[tokio::test]
async fn a_day_whose_end_is_not_reached_stays_open_is_not_judged_and_is_replaced_later() {
    let pair = Pair::start();
    filled(&pair).await;
    let today = Utc::now().with_timezone(&Zurich).date_naive().to_string();
    let soon = Utc::now() + TimeDelta::hours(24);
    let settings = format!("{USERS}[collect]\ngrace = \"3d\"\n");
    let mut world = world(&pair.standby(), soon, &settings);
    let ended = world
        .command(&["collect", "--date", &today, "--quiet"])
        .await;
    assert_eq!(ended.unwrap(), Ended::Unavailable);
    let stored = "SELECT partial, as_of < day_end FROM daily_metrics";
    let open = |flag: &str| vec![vec![Some(flag.to_owned()), Some(flag.to_owned())]];
    assert_eq!(world.book(stored).await, open("1"));
    assert_eq!(world.value(&today, "users").await, json!(10));
    // What changes is as it was when the standby had come there, whatever the time is now.
    let seen = world.provenance(&today, "pieces").await;
    assert_eq!(seen, Json::Null);
    let letter = world.binary(&["report", "--date", &today, "--format", "text"]);
    let letter = String::from_utf8_lossy(&letter.stdout);
    assert!(letter.contains("The day is still open"), "{letter}");
    assert!(!letter.contains("counted "), "{letter}");
    let told = world.binary(&["collect", "--date", &today, "--json"]);
    assert_eq!(told.status.code(), Some(0), "{told:?}");

    // A day that began after what the standby has is not made up.
    let tomorrow = soon.with_timezone(&Zurich).date_naive();
    world.at(&(soon + TimeDelta::hours(24)).to_rfc3339());
    let refused = world
        .command(&["collect", "--date", &tomorrow.to_string(), "--quiet"])
        .await;
    assert_eq!(refused.unwrap_err().exit_code(), 69);
    assert_eq!(world.book(stored).await, open("1"));
    world.at(&soon.to_rfc3339());
    world.set("DAYBOOK_APP_DATABASE_URL", &pair.primary().url());
    let ended = world
        .command(&["collect", "--date", &today, "--quiet"])
        .await;
    assert_eq!(ended.unwrap(), Ended::Done);
    assert_eq!(world.book(stored).await, open("0"));

    // What is complete stays so, whatever a standby says later.
    world.set("DAYBOOK_APP_DATABASE_URL", &pair.standby().url());
    let refused = world
        .command(&["collect", "--date", &today, "--force", "--quiet"])
        .await;
    assert_eq!(refused.unwrap_err().exit_code(), 69);
    assert_eq!(world.book(stored).await, open("0"));
    assert_eq!(world.value(&today, "users").await, json!(10));
}

#[tokio::test]
async fn the_doctor_says_whether_a_standby_keeps_up() {
    let pair = Pair::start();
    filled(&pair).await;
    for (ahead, level, what) in [
        (
            0,
            Level::Ok,
            "the app database is a replica and keeps up with its primary",
        ),
        (
            3,
            Level::Warning,
            "the app database is a replica, 3 h 0 min behind its primary",
        ),
    ] {
        let now = Utc::now() + TimeDelta::hours(ahead);
        let config = world(&pair.standby(), now, USERS).config();
        let findings = examine(&config, now, &CancellationToken::new()).await;
        let found = findings
            .iter()
            .find(|one| one.what.contains("is a replica"));
        let found = found.unwrap_or_else(|| panic!("{findings:?}"));
        assert_eq!((found.level, found.what.as_str()), (level, what));
    }
}

/// The sessions that are in the middle of the slow statement, in words.
async fn sleepers(server: &App) -> Vec<Vec<Option<String>>> {
    let question = "SELECT pid::text FROM pg_stat_activity WHERE query LIKE '%pg_sleep(3)%' \
         AND state = 'active' AND pid <> pg_backend_pid()";
    loop {
        // A standby without patience may cancel this question as well, or end its session.
        if let Ok(rows) = server.asked(question).await {
            return rows;
        }
    }
}

/// Takes rows away that the standby's statement still reads, `times` times.
async fn quarrel(pair: &Pair, times: usize) {
    pair.lose_patience().await;
    let mut ended = Vec::new();
    while ended.len() < times {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let Some(victim) = sleepers(&pair.standby()).await.pop() else {
            continue;
        };
        if ended.contains(&victim) {
            continue;
        }
        let primary = pair.primary();
        primary.execute("UPDATE stock SET pieces = pieces").await;
        primary.execute("VACUUM stock").await;
        ended.push(victim);
    }
}

fn orders(day: &str, retry_for: Duration) -> Orders {
    Orders {
        which: Which::One(date(day)),
        metric: None,
        force: false,
        dry_run: false,
        send: false,
        retry_for,
    }
}

#[tokio::test]
async fn what_the_standby_takes_back_twice_is_read_in_pieces_and_says_when() {
    let pair = Pair::start();
    filled(&pair).await;
    let now = Utc::now();
    let yesterday = (now.with_timezone(&Zurich).date_naive() - TimeDelta::days(1)).to_string();
    let world = world(&pair.standby(), now, &format!("{USERS}{SLOW}"));
    let orders = orders(&yesterday, Duration::ZERO);
    let (night, ()) = tokio::join!(world.ordered(&orders), quarrel(&pair, 2));
    assert!(night.unwrap().unreachable.is_empty());
    for (key, value) in [
        ("users", json!(10)),
        ("pieces", json!(42)),
        ("slow", json!(2)),
    ] {
        assert_eq!(world.value(&yesterday, key).await, value, "{key}");
        let provenance = world.provenance(&yesterday, key).await;
        assert!(provenance["observed_at"].is_string(), "{key}: {provenance}");
    }
}

#[tokio::test]
async fn what_even_alone_is_taken_back_fails_with_advice_and_takes_nothing_with_it() {
    let pair = Pair::start();
    filled(&pair).await;
    let now = Utc::now();
    let yesterday = (now.with_timezone(&Zurich).date_naive() - TimeDelta::days(1)).to_string();
    let world = world(&pair.standby(), now, &format!("{USERS}{SLOW}"));
    let orders = orders(&yesterday, Duration::ZERO);
    let (night, ()) = tokio::join!(world.ordered(&orders), quarrel(&pair, 4));
    assert!(night.unwrap().unreachable.is_empty());
    assert_eq!(world.value(&yesterday, "users").await, json!(10));
    assert_eq!(world.value(&yesterday, "pieces").await, json!(42));
    let why = world.provenance(&yesterday, "slow").await;
    let reason = why["reason"].as_str().unwrap();
    assert!(reason.contains("conflict with recovery"), "{reason}");
    assert!(
        reason.ends_with(
            "set hot_standby_feedback = on there, or a longer max_standby_streaming_delay"
        ),
        "{reason}"
    );
}

/// One address that leads to whichever server is in charge.
struct Door {
    address: String,
    leads_to: Arc<Mutex<String>>,
    closed: watch::Sender<usize>,
}

impl Door {
    async fn open(server: &App) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let leads_to = Arc::new(Mutex::new(place(server)));
        let (closed, watched) = watch::channel(0);
        let target = Arc::clone(&leads_to);
        tokio::spawn(async move {
            loop {
                let (mut inward, _) = listener.accept().await.unwrap();
                let server = target.lock().unwrap().clone();
                let mut watched = watched.clone();
                watched.mark_unchanged();
                tokio::spawn(async move {
                    let Ok(mut outward) = TcpStream::connect(server).await else {
                        return;
                    };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut inward, &mut outward) => {}
                        _ = watched.changed() => {}
                    }
                });
            }
        });
        Self {
            address,
            leads_to,
            closed,
        }
    }

    /// Everybody is shut out, and who comes again meets the other server.
    fn leads_to(&self, server: &App) {
        *self.leads_to.lock().unwrap() = place(server);
        self.closed.send_modify(|count| *count += 1);
    }
}

fn place(app: &App) -> String {
    let url = app.url();
    let after = url.split('@').nth(1).unwrap();
    after.split('/').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_table_emptied_and_filled_on_the_primary_while_the_standby_is_counted_is_counted_again() {
    let pair = Pair::start();
    filled(&pair).await;
    let nap = "[[metrics]]\nkey = \"nap\"\nsql = \"SELECT count(*) FROM pg_sleep(2)\"\n[app]\nconnections = 1\n";
    let now = Utc::now();
    let world = world(&pair.standby(), now, &format!("{USERS}{nap}"));
    let day = (now - TimeDelta::hours(24))
        .with_timezone(&Zurich)
        .date_naive();
    let standby = pair.standby();
    let napping = async {
        let napping = "SELECT count(*) FROM pg_stat_activity
            WHERE query LIKE '%pg_sleep(2)%' AND state = 'active' AND pid <> pg_backend_pid()";
        while standby.number(napping).await != Some(1.into()) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let reload = async {
        pair.primary()
            .execute("BEGIN; CREATE TEMP TABLE kept AS TABLE stock; TRUNCATE stock; INSERT INTO stock TABLE kept; COMMIT")
            .await;
        pair.caught_up().await;
    };
    let night = changed_in_the_nap(world.night(Which::One(day)), napping, reload).await;
    assert!(night.unreachable.is_empty());
    let pieces = world.value(&day.to_string(), "pieces").await;
    assert_eq!(pieces, json!(42));
}

#[tokio::test]
async fn a_read_only_server_that_takes_over_in_the_middle_gives_the_whole_night() {
    let pair = Pair::start();
    filled(&pair).await;
    let door = Door::open(&pair.primary()).await;
    let now = Utc::now();
    let yesterday = (now.with_timezone(&Zurich).date_naive() - TimeDelta::days(1)).to_string();
    let mut world = world(&pair.primary(), now, &format!("{USERS}{SLOW}"));
    let through = pair
        .primary()
        .url()
        .replace(&place(&pair.primary()), &door.address);
    world.set("DAYBOOK_APP_DATABASE_URL", &through);
    let napping = async {
        while sleepers(&pair.primary()).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let failover = async { door.leads_to(&pair.standby()) };
    let orders = orders(&yesterday, Duration::from_secs(60));
    let night = changed_in_the_nap(world.ordered(&orders), napping, failover).await;
    assert!(night.unwrap().unreachable.is_empty());
    for (key, value) in [
        ("users", json!(10)),
        ("pieces", json!(42)),
        ("slow", json!(2)),
    ] {
        assert_eq!(world.value(&yesterday, key).await, value, "{key}");
    }
}
