//! The server where replicas of the live half meet: how it is named, and what each variable does.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::time::Duration;

use daybook::config::live_redis::{History, RedisSettings, Scans};
use daybook::config::redis_url::{Place, RedisServer};
use daybook::config::show;
use secrecy::ExposeSecret;

use super::World;

fn live(lines: &str) -> World {
    World::with(&format!("[live]\naccept = true\n[live.redis]\n{lines}\n"))
}

fn redis(world: &World) -> Option<RedisSettings> {
    world.config().live.unwrap().redis
}

fn settings(world: &World) -> RedisSettings {
    redis(world).expect("a server is named")
}

fn tcp(host: &str, port: u16) -> Place {
    let host = host.to_owned();
    Place::Tcp { host, port }
}

#[test]
fn without_a_server_nothing_is_forwarded_and_a_section_without_one_is_told() {
    let world = World::with("[live]\naccept = true\n");
    assert!(redis(&world).is_none());
    let world = live("scans = 'later'");
    assert!(redis(&world).is_none());
    let warnings = world.config().warnings;
    let told = "no server is named, so nothing is forwarded: set `url`, or METRICS_REDIS_URL";
    assert!(
        warnings.iter().any(|warning| warning.ends_with(told)),
        "{warnings:?}"
    );
}

#[test]
fn a_url_says_where_and_as_whom() {
    let parsed =
        |text: &str| RedisServer::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let known = |text: &str| {
        let server = parsed(text);
        let password = server
            .password
            .as_ref()
            .map(|all| all.expose_secret().to_owned());
        (server.place, server.user, password, server.database)
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(known("redis://h"), (tcp("h", 6379), None, None, None));
    assert_eq!(
        known("redis://eve:a%40b@h:7000/3"),
        (tcp("h", 7000), text("eve"), text("a@b"), Some(3))
    );
    assert_eq!(
        known("redis://:secret@[::1]/"),
        (tcp("::1", 6379), None, text("secret"), None)
    );
    let tls = Place::Tls {
        host: "h".to_owned(),
        port: 6379,
    };
    assert_eq!(known("rediss://h/2"), (tls, None, None, Some(2)));
    let sentinels = Place::Sentinels {
        sentinels: vec![("a".to_owned(), 26379), ("::1".to_owned(), 7000)],
        service: "live".to_owned(),
    };
    let url = "redis+sentinel://eve:a%40b@a,[::1]:7000/live/3";
    assert_eq!(known(url), (sentinels, text("eve"), text("a@b"), Some(3)));
    let shown = parsed(url).to_string();
    assert_eq!(shown, "redis+sentinel://eve:***@a:26379,[::1]:7000/live/3");
    let socket = Place::Socket("/run/redis/redis.sock".into());
    for url in [
        "unix:///run/redis/redis.sock?db=5&password=p",
        "redis+unix:///run/redis/redis.sock?db=5&pass=p",
    ] {
        assert_eq!(known(url), (socket.clone(), None, text("p"), Some(5)));
    }
}

#[test]
fn a_url_that_says_nothing_is_refused_with_what_was_expected() {
    for (url, told) in [
        ("http://h", "`http` is none of redis, rediss and unix"),
        ("redis://", "the server's name is missing"),
        (
            "redis://h/x",
            "`x` is not the number of a database, such as 0",
        ),
        ("redis://h/-1", "`-1` is not the number of a database"),
        ("redis://h?tls=1", "after the `?` there is no `tls`"),
        ("unix:", "the socket's path is missing"),
        ("redis+sentinel://a,b", "the service's name is missing"),
        ("redis+sentinel://a,/live", "the server's name is missing"),
        ("h:6379", "`h` is none of redis, rediss and unix"),
    ] {
        let error = RedisServer::parse(url).expect_err(url);
        assert!(error.contains(told), "{url}: {error}");
    }
}

#[test]
fn no_password_shows() {
    let world = live("url = 'redis://eve:sesame@h:7000/3'");
    let config = world.config();
    let shown = format!("{config:?} {:?}", show::show(&config));
    assert!(!shown.contains("sesame"), "{shown}");
    assert!(shown.contains("redis://eve:***@h:7000/3"), "{shown}");
    let world = World::with("[live]\n")
        .set("REDIS_PASSWORD", "sesame")
        .set("REDIS_PORT", "no number");
    let mistakes = world.mistakes();
    assert!(!mistakes.contains("sesame"), "{mistakes}");
}

#[test]
fn each_variable_has_its_effect_and_wins_over_the_file() {
    let world = live(
        "url = 'redis://file'\nconnect_timeout = '1s'\nattempts = 9\nretries = 9\nevery = '9s'\nstream = 'file'\n\
         stream_most = 9\nstream_roughly = true\nprefix = 'file'\nretention = 9",
    )
    .set("METRICS_REDIS_URL", "redis://bot/4")
    .set("REDIS_URL", "redis://other")
    .set("METRICS_REDIS_STREAM", " events ")
    .set("METRICS_REDIS_STREAM_MAXLEN", "1000")
    .set("METRICS_REDIS_STREAM_APPROX", "No")
    .set("METRICS_REDIS_PREFIX", "bot:metrics")
    .set("REDIS_CONNECT_TIMEOUT", "2500")
    .set("REDIS_RETRY_STRATEGY", "7")
    .set("REDIS_MAX_RETRIES_PER_REQUEST", "8")
    .set("REDIS_METRICS_RETENTION_DAYS", "14")
    .set("REDIS_BATCH_WRITE_INTERVAL_MS", "30000");
    let redis = settings(&world);
    assert_eq!(
        (redis.server.place, redis.server.database),
        (tcp("bot", 6379), Some(4))
    );
    assert_eq!(
        (redis.stream.as_str(), redis.prefix.as_str()),
        ("events", "bot:metrics")
    );
    assert_eq!(
        (redis.stream_most, redis.stream_roughly),
        (Some(1000), false)
    );
    assert_eq!(redis.connect_timeout, Duration::from_millis(2500));
    assert_eq!(redis.every, Duration::from_secs(30));
    assert_eq!((redis.attempts, redis.retries, redis.retention), (7, 8, 14));
}

#[test]
fn without_variables_the_file_is_meant_and_without_it_the_defaults() {
    let redis = settings(&live("url = 'redis://h'"));
    assert_eq!(
        (redis.stream.as_str(), redis.prefix.as_str()),
        ("moderator:metrics", "moderator:metrics")
    );
    assert_eq!((redis.stream_most, redis.stream_roughly), (None, true));
    assert_eq!(redis.connect_timeout, Duration::from_secs(5));
    assert_eq!(redis.every, Duration::from_millis(200));
    assert_eq!((redis.attempts, redis.retries, redis.retention), (3, 3, 30));
    assert_eq!(
        (redis.scans, redis.history),
        (Scans::Documented, History::Documented)
    );
    assert_eq!(
        (redis.keep_scans, redis.replica, redis.backlog),
        (None, None, 1 << 30)
    );
    let redis = settings(&live(
        "url = 'redis://h'\nscans = 'later'\nhistory = 'both'\nkeep_scans = 90\nreplica = 'a-1'\nbacklog = 16\nevery = '50ms'",
    ));
    assert_eq!((redis.scans, redis.history), (Scans::Later, History::Both));
    assert_eq!((redis.keep_scans, redis.backlog), (Some(90), 16 << 20));
    assert_eq!(
        (redis.replica.as_deref(), redis.every),
        (Some("a-1"), Duration::from_millis(50))
    );
}

#[test]
fn a_server_is_also_named_by_its_parts() {
    let world = World::with("[live]\n")
        .set("REDIS_HOST", "h")
        .set("REDIS_PORT", "56380")
        .set("REDIS_PASSWORD", "secret of many words")
        .set("REDIS_DB", "2");
    let server = settings(&world).server;
    assert_eq!((server.place, server.database), (tcp("h", 56380), Some(2)));
    assert_eq!(
        server.password.unwrap().expose_secret(),
        "secret of many words"
    );
    let one = settings(&World::with("[live]\n").set("REDIS_PORT", "56380")).server;
    assert_eq!((one.place, one.database), (tcp("localhost", 56380), None));
}

#[test]
fn the_later_form_means_database_one_unless_another_is_named() {
    let database = |lines: &str| settings(&live(lines)).server.database;
    assert_eq!(
        database("scans = 'later'\nurl = 'redis://example.com:6379'"),
        Some(1)
    );
    assert_eq!(
        database("scans = 'later'\nurl = 'redis://example.com:6379/0'"),
        Some(0)
    );
    assert_eq!(database("url = 'redis://example.com:6379'"), None);
}

#[test]
fn variables_that_are_blank_are_not_set() {
    let world = World::with("[live]\n")
        .set("METRICS_REDIS_URL", "  ")
        .set("REDIS_URL", "")
        .set("METRICS_REDIS_STREAM", "")
        .set("REDIS_HOST", "");
    assert!(redis(&world).is_none());
    let fallback = World::with("[live]\n")
        .set("METRICS_REDIS_URL", "")
        .set("REDIS_URL", "redis://fallback")
        .set("METRICS_REDIS_STREAM", " ");
    let redis = settings(&fallback);
    assert_eq!(
        (redis.server.place, redis.stream.as_str()),
        (tcp("fallback", 6379), "moderator:metrics")
    );
}

#[test]
fn a_bound_of_the_stream_that_is_none_is_told_and_keeps_all() {
    for none in ["0", "-5", "many"] {
        let world = live("url = 'redis://h'").set("METRICS_REDIS_STREAM_MAXLEN", none);
        let config = world.config();
        assert_eq!(config.live.unwrap().redis.unwrap().stream_most, None);
        assert_eq!(
            config.warnings,
            [
                "environment METRICS_REDIS_STREAM_MAXLEN: it is no number above 0, so the stream keeps every event"
            ]
        );
    }
    let world = live("url = 'redis://h'").set("METRICS_REDIS_STREAM_APPROX", "perhaps");
    let config = world.config();
    assert!(config.live.unwrap().redis.unwrap().stream_roughly);
    assert_eq!(
        config.warnings,
        [
            "environment METRICS_REDIS_STREAM_APPROX: it is neither true nor false, so the stream is cut roughly"
        ]
    );
}

#[test]
fn a_bad_number_is_a_mistake_that_names_its_variable() {
    for (variable, text, told) in [
        (
            "REDIS_PORT",
            "six",
            "`six` is not a whole number from 1 to 65535",
        ),
        (
            "REDIS_DB",
            "-1",
            "`-1` is not the number of a database, such as 0",
        ),
        ("REDIS_CONNECT_TIMEOUT", "5s", "`5s` is not a whole number"),
        (
            "REDIS_RETRY_STRATEGY",
            "0",
            "`0` is not a whole number from 1 to 1000",
        ),
        (
            "REDIS_MAX_RETRIES_PER_REQUEST",
            "x",
            "`x` is not a whole number from 1 to 1000",
        ),
        (
            "REDIS_METRICS_RETENTION_DAYS",
            "0",
            "`0` is not a whole number from 1 to 36500",
        ),
        (
            "REDIS_BATCH_WRITE_INTERVAL_MS",
            "0",
            "`0ms` is not between 1ms and 1h",
        ),
        (
            "METRICS_REDIS_URL",
            "localhost:6379",
            "`localhost` is none of redis, rediss and unix",
        ),
    ] {
        let world = World::with("[live]\n[live.redis]\nhost = 'h'\n").set(variable, text);
        let mistakes = world.mistakes();
        assert!(mistakes.contains(variable), "{mistakes}");
        assert!(mistakes.contains(told), "{mistakes}");
    }
}
