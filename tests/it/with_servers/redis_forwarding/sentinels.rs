//! Sentinels say where the server is, also once another one has taken its place.

use std::time::Duration;

use daybook::live::redis::server::Server as Connection;
use support::redis::{Sentinel, Server};

use super::{Replica, counts, expected, until, world};

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_takes_the_place_of_its_master_gets_everything_once() {
    let mut master = Server::start(&[]);
    let place = format!("127.0.0.1 {}", master.port);
    let second = Server::start(&["--replicaof", &place]);
    let sentinel = Sentinel::start(master.port, None);
    until("the replica", || sentinel.knows_replica()).await;
    // The first one is not there.
    let url = format!(
        "redis+sentinel://127.0.0.1:1,127.0.0.1:{}/live",
        sentinel.port
    );
    let world = world(&url, "");
    let replica = Replica::of(&world).await;
    for round in 0..30 {
        replica.record("one", 10).await;
        if round == 15 {
            until("some of it", || replica.seen().batches > 3).await;
            master.kill();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    until("the second master", || sentinel.master() == second.port).await;
    until("all of it", || {
        let seen = replica.seen();
        seen.is_connected && seen.backlog.points == 0
    })
    .await;
    replica.end().await;
    assert_eq!(
        counts(&mut second.client(0), &["one"]),
        expected(&[("one", 300)])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_sentinels_say_is_told_where_it_leads_nowhere() {
    let master = Server::start(&[]);
    let place = format!("127.0.0.1 {}", master.port);
    let second = Server::start(&["--replicaof", &place, "--masterauth", "hush hush"]);
    for server in [&master, &second] {
        let mut client = server.client(0);
        client.run(["CONFIG", "SET", "requirepass", "hush hush"]);
    }
    let sentinel = Sentinel::start(master.port, Some("\"hush hush\""));
    let connect = |url: String| async move {
        let settings = world(&url, "").config().live.unwrap().redis.unwrap();
        Connection::connect(&settings).await.map(drop)
    };
    let of = |service: &str| {
        format!(
            "redis+sentinel://:hush%20hush@127.0.0.1:{}/{service}",
            sentinel.port
        )
    };
    assert_eq!(connect(of("live")).await, Ok(()));
    let error = connect(of("other")).await.unwrap_err().0;
    let said = format!(
        "no sentinel says where it is: 127.0.0.1:{}: it knows no service `other`",
        sentinel.port
    );
    assert_eq!(error, said);
    let error = connect("redis+sentinel://127.0.0.1:1/live".to_owned())
        .await
        .unwrap_err()
        .0;
    assert!(
        error.starts_with("no sentinel says where it is: 127.0.0.1:1: "),
        "{error}"
    );
    // Another one that says a replica.
    let stale = Sentinel::start(second.port, None);
    let url = format!(
        "redis+sentinel://:hush%20hush@127.0.0.1:{}/live",
        stale.port
    );
    let error = connect(url).await.unwrap_err().0;
    assert_eq!(error, "the sentinels say a server that is a replica");
}
