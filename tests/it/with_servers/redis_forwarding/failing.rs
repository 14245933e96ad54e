//! Lost replies, forgotten scripts, servers that are full, replaced or not there: nothing is lost and nothing counted twice.

use std::path::Path;
use std::time::Duration;

use daybook::live::keep::forget;
use daybook::live::store::Store;
use support::proxy::Proxy;
use support::redis::{Reply, Server};

use super::{Replica, counts, expected, until, world};

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_reply_is_no_second_count() {
    let server = Server::start(&[]);
    let proxy = Proxy::to(server.port);
    let world = world(&proxy.url(), "");
    let replica = Replica::of(&world).await;
    until("the connection", || replica.seen().is_connected).await;
    for _ in 0..8 {
        proxy.cut(1);
        replica.record("one", 10).await;
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    until("the last batch", || {
        let seen = replica.seen();
        seen.is_connected && seen.backlog.points == 0
    })
    .await;
    replica.end().await;
    assert_eq!(
        counts(&mut server.client(0), &["one"]),
        expected(&[("one", 80)])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_forgets_its_scripts_is_told_them_again() {
    let server = Server::start(&[]);
    let world = world(&server.url(), "");
    let replica = Replica::of(&world).await;
    for _ in 0..5 {
        server.client(0).run(["SCRIPT", "FLUSH"]);
        replica.record("one", 10).await;
    }
    replica.end().await;
    assert_eq!(
        counts(&mut server.client(0), &["one"]),
        expected(&[("one", 50)])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_lost_is_sent_again() {
    let mut server = Server::start(&[]);
    let world = world(&server.url(), "");
    let replica = Replica::of(&world).await;
    replica.record("one", 20).await;
    until("the first batch", || replica.seen().batches > 0).await;
    server.client(0).run(["SAVE"]);
    replica.record("one", 20).await;
    let batches = replica.seen().batches;
    until("the second batch", || replica.seen().batches > batches).await;
    // It comes back as it was saved, without the second half.
    server.restart();
    replica.record("one", 5).await;
    until("everything", || {
        super::number(
            &mut server.client(0),
            "moderator:metrics:totals",
            "scans_count",
        ) == 45
    })
    .await;
    // And once more with nothing at all, and nothing new.
    server.client(0).run(["FLUSHALL"]);
    server.client(0).run(["CLIENT", "KILL", "TYPE", "normal"]);
    until("everything again", || {
        super::number(
            &mut server.client(0),
            "moderator:metrics:totals",
            "scans_count",
        ) == 45
    })
    .await;
    replica.end().await;
    assert_eq!(
        counts(&mut server.client(0), &["one"]),
        expected(&[("one", 45)])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_full_read_only_or_has_a_foreign_key_is_waited_for() {
    let server = Server::start(&[]);
    let world = world(&server.url(), "");
    let replica = Replica::of(&world).await;
    let mut client = server.client(0);
    replica.record("one", 10).await;
    let mut recorded = 10;
    let troubles: [(&[&str], &[&str], &str); 3] = [
        (
            &["CONFIG", "SET", "maxmemory", "1"],
            &["CONFIG", "SET", "maxmemory", "0"],
            "OOM",
        ),
        (
            &["REPLICAOF", "127.0.0.1", "1"],
            &["REPLICAOF", "NO", "ONE"],
            "READONLY",
        ),
        (
            &["RENAME", "moderator:metrics", "elsewhere"],
            &["RENAME", "elsewhere", "moderator:metrics"],
            "WRONGTYPE moderator:metrics is a string",
        ),
    ];
    for (begin, end, told) in troubles {
        until("the batch before", || replica.seen().backlog.points == 0).await;
        assert_eq!(client.run(begin), Reply::ok());
        if told.starts_with("WRONGTYPE") {
            client.run(["SET", "moderator:metrics", "mine"]);
        }
        replica.record("one", 10).await;
        recorded += 10;
        until("the trouble", || {
            let trouble = replica.seen().trouble;
            trouble.is_some_and(|trouble| trouble.contains(told))
        })
        .await;
        assert_eq!(client.run(end), Reply::ok());
    }
    until("everything", || replica.seen().trouble.is_none()).await;
    replica.end().await;
    assert_eq!(
        counts(&mut client, &["one"]),
        expected(&[("one", recorded)])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_events_are_kept_and_arrive_once_it_is_there() {
    let mut server = Server::start(&[]);
    server.kill();
    let world = world(&server.url(), "");
    let replica = Replica::of(&world).await;
    replica.record("one", 10).await;
    until("what waits", || replica.seen().backlog.points == 30).await;
    let seen = replica.seen();
    assert!(!seen.is_connected && seen.trouble.is_some());
    assert!(seen.backlog.oldest.is_some());
    server.restart();
    until("everything", || {
        let seen = replica.seen();
        seen.is_connected && seen.backlog.points == 0
    })
    .await;
    replica.end().await;
    assert_eq!(
        counts(&mut server.client(0), &["one"]),
        expected(&[("one", 10)])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_too_much_that_waits_the_oldest_goes_and_is_counted() {
    let mut server = Server::start(&[]);
    server.kill();
    let world = world(&server.url(), "");
    let mut live = world.config().live.unwrap();
    live.keep_every = Duration::from_millis(50);
    if let Some(redis) = &mut live.redis {
        redis.backlog = 20_000;
    }
    let replica = Replica::with(live).await;
    for _ in 0..150 {
        replica.record("one", 20).await;
    }
    until("a loss", || replica.seen().lost > 0).await;
    server.restart();
    until("the rest", || {
        let seen = replica.seen();
        seen.is_connected && seen.backlog.points == 0
    })
    .await;
    let path = replica.live.database.clone();
    replica.end().await;
    let mut store = Store::open_reading(&path).await.unwrap().unwrap();
    let lost = store.forwarding().await.unwrap().unwrap().lost;
    let points: i64 = store
        .fill()
        .await
        .unwrap()
        .iter()
        .map(|fill| fill.points)
        .sum();
    // The own file has all of them.
    assert_eq!(points, 9000);
    let counts = counts(&mut server.client(0), &["one"]);
    let arrived = counts["scans"] + counts["checkouts of one"] + counts["samples of one"];
    assert_eq!(arrived + lost, 9000, "{counts:?}");
    assert!(lost > 0 && arrived > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_file_goes_on_under_a_name_of_its_own() {
    let server = Server::start(&[]);
    let (one, copy) = (world(&server.url(), ""), world(&server.url(), ""));
    let replica = Replica::of(&one).await;
    replica.record("one", 10).await;
    until("the first batch", || {
        replica.seen().backlog.points == 0 && replica.seen().batches > 0
    })
    .await;
    let (from, to) = (
        replica.live.database.clone(),
        copy.config().live.unwrap().database,
    );
    replica.end().await;
    std::fs::copy(&from, &to).unwrap();
    let (one, copy) = (Replica::of(&one).await, Replica::of(&copy).await);
    for _ in 0..3 {
        one.record("one", 10).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        copy.record("copy", 10).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    one.end().await;
    copy.end().await;
    let mut client = server.client(0);
    assert_eq!(
        counts(&mut client, &["one", "copy"]),
        expected(&[("one", 40), ("copy", 30)])
    );
    let names = client.run(["HKEYS", "moderator:metrics:applied"]).list();
    assert_eq!(names.len(), 4, "{names:?}");
}

fn restore(backup: &Path, path: &Path) {
    std::fs::copy(backup, path).unwrap();
    for log in ["live.db-wal", "live.db-shm"] {
        std::fs::remove_file(path.with_file_name(log)).ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_copy_of_the_file_sends_nothing_twice() {
    let server = Server::start(&[]);
    let world = world(&server.url(), "");
    let replica = Replica::of(&world).await;
    replica.record("one", 10).await;
    let path = replica.live.database.clone();
    replica.end().await;
    let backup = path.with_extension("backup");
    std::fs::copy(&path, &backup).unwrap();
    let replica = Replica::of(&world).await;
    replica.record("one", 10).await;
    replica.end().await;
    restore(&backup, &path);
    let replica = Replica::of(&world).await;
    replica.record("one", 10).await;
    replica.end().await;
    assert_eq!(
        counts(&mut server.client(0), &["one"]),
        expected(&[("one", 30)])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_copy_that_has_grown_past_the_mark_loses_nothing() {
    let mut server = Server::start(&[]);
    let world = world(&server.url(), "");
    let replica = Replica::of(&world).await;
    replica.record("one", 10).await;
    let path = replica.live.database.clone();
    replica.end().await;
    let backup = path.with_extension("backup");
    std::fs::copy(&path, &backup).unwrap();
    let replica = Replica::of(&world).await;
    for _ in 0..3 {
        replica.record("one", 10).await;
    }
    replica.end().await;
    restore(&backup, &path);
    // More is recorded than was before, while nobody can look at the mark.
    server.client(0).run(["SAVE"]);
    server.kill();
    let replica = Replica::of(&world).await;
    for _ in 0..8 {
        replica.record("one", 10).await;
    }
    server.restart();
    until("all of it", || replica.seen().batches > 0).await;
    replica.end().await;
    assert_eq!(
        counts(&mut server.client(0), &["one"]),
        expected(&[("one", 120)])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_deletes_only_the_marks_makes_nothing_count_twice() {
    let server = Server::start(&[]);
    let world = world(&server.url(), "");
    let mut client = server.client(0);
    for _ in 0..2 {
        let replica = Replica::of(&world).await;
        replica.record("one", 10).await;
        replica.end().await;
        let marks = [
            "moderator:metrics:applied",
            "moderator:metrics:applied:until",
        ];
        assert_eq!(client.run(["DEL", marks[0], marks[1]]), Reply::Number(2));
    }
    let replica = Replica::of(&world).await;
    replica.record("one", 10).await;
    replica.end().await;
    assert_eq!(counts(&mut client, &["one"]), expected(&[("one", 30)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mark_that_is_none_stops_forwarding_and_is_told() {
    let server = Server::start(&[]);
    let world = world(&server.url(), "");
    let replica = Replica::of(&world).await;
    replica.record("one", 10).await;
    replica.end().await;
    let mut client = server.client(0);
    let marks = client.run(["HKEYS", "moderator:metrics:applied"]).list();
    let name = marks.into_iter().map(Reply::text).min().unwrap();
    let mark = client
        .run(["HGET", "moderator:metrics:applied", &name])
        .text();
    client.run(["HSET", "moderator:metrics:applied", &name, "garbage"]);
    let replica = Replica::of(&world).await;
    until("the trouble", || {
        let trouble = replica.seen().trouble.unwrap_or_default();
        trouble.starts_with(&format!("`garbage` stands there as the mark of {name}"))
    })
    .await;
    replica.record("one", 10).await;
    client.run(["HSET", "moderator:metrics:applied", &name, &mark]);
    replica.end().await;
    assert_eq!(counts(&mut client, &["one"]), expected(&[("one", 20)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn forgetting_one_shop_leaves_what_waits_of_others_and_what_may_be_sent_again() {
    let mut server = Server::start(&[]);
    let world = world(&server.url(), "");
    let replica = Replica::of(&world).await;
    replica.record("one", 20).await;
    until("the first batch", || replica.seen().batches > 0).await;
    replica.end().await;
    server.kill();
    let replica = Replica::of(&world).await;
    for _ in 0..3 {
        replica.record("one", 20).await;
        replica.record("two", 20).await;
    }
    let kind = replica.live.kinds["checkout"].clone();
    let mut store = Store::open(&replica.live.database, replica.live.durable)
        .await
        .unwrap();
    let labels = [("shop".to_owned(), "two".to_owned())];
    let forgotten = forget(&mut store, &kind, &labels, false).await.unwrap();
    assert_eq!(forgotten.points, 60);
    store.close().await.unwrap();
    // All that the server had is gone, too.
    server.restart();
    until("all of it", || {
        let seen = replica.seen();
        seen.is_connected && seen.backlog.points == 0
    })
    .await;
    replica.end().await;
    let counts = counts(&mut server.client(0), &["one", "two"]);
    assert_eq!(counts["checkouts of one"], 80);
    assert_eq!(counts["checkouts of two"], 0);
    assert_eq!(counts["scans"], 140);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_far_away_gets_everything_in_order() {
    let server = Server::start(&[]);
    let proxy = Proxy::to(server.port);
    let world = world(&proxy.url(), "");
    proxy.delay(Duration::from_secs(1));
    let replica = Replica::of(&world).await;
    for _ in 0..50 {
        replica.record("one", 40).await;
    }
    replica.end().await;
    assert_eq!(
        counts(&mut server.client(0), &["one"]),
        expected(&[("one", 2000)])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sums_of_other_decimals_are_not_mixed() {
    let server = Server::start(&[]);
    let world = world(&server.url(), "");
    let replica = Replica::of(&world).await;
    replica.record("one", 3).await;
    replica.end().await;
    let mut live = world.config().live.unwrap();
    let checkout = live.kinds.get_mut("checkout").unwrap();
    let amount = checkout.value("amount").unwrap();
    checkout.values[amount].decimals = Some(3);
    let replica = Replica::with(live).await;
    until("the refusal", || {
        let trouble = replica.seen().trouble.unwrap_or_default();
        trouble.starts_with(
            "`amount` of the kind `checkout` was forwarded with 2 decimals and has 3 now",
        )
    })
    .await;
    replica.end().await;
}
