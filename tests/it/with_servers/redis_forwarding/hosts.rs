//! What the host monitor's keys hold of hosts that are silent, that several replicas hear of, and that are thousands.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use daybook::live::batch::Batch;
use daybook::live::event::Event;
use support::proxy::Proxy;
use support::redis::{Client, Reply, Server};

use super::{Replica, until, world};

pub(super) fn sample(host: &str, at: DateTime<Utc>, cpu: f64) -> Event<'_> {
    Event::new("host")
        .label("host", host)
        .at(at)
        .value("cpu", cpu)
}

pub(super) async fn send<'e>(replica: &Replica, samples: impl IntoIterator<Item = Event<'e>>) {
    let mut batch = Batch::default();
    for sample in samples {
        batch.add(1, &sample, replica.recorder.kinds(), replica.recorder.now());
    }
    assert!(batch.reply().rejected.is_empty(), "{:?}", batch.reply());
    replica.recorder.send(batch).await.unwrap();
}

fn count(client: &mut Client, host: &str) -> i64 {
    client
        .run(["ZCARD", &format!("metrics:history:{host}")])
        .number()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keys_of_a_silent_host_live_no_longer_because_others_send() {
    let server = Server::start(&[]);
    let world = world(&server.url(), "");
    let replica = Replica::of(&world).await;
    let mut client = server.client(0);
    send(&replica, [sample("silent", Utc::now(), 1.0)]).await;
    until("its sample", || count(&mut client, "silent") == 1).await;
    let keys = ["metrics:current:silent", "metrics:history:silent"];
    let ends = |client: &mut Client| keys.map(|key| client.run(["PEXPIRETIME", key]).number());
    let before = ends(&mut client);
    let in_an_hour = (Utc::now() + TimeDelta::hours(1)).timestamp_millis();
    assert!(before[0] > 0 && before[0] <= in_an_hour, "{before:?}");
    for number in 1..=20 {
        send(&replica, [sample("loud", Utc::now(), 2.0)]).await;
        until("the next sample", || count(&mut client, "loud") == number).await;
    }
    assert_eq!(ends(&mut client), before);
    // Nor does a replica that begins anew write it again.
    replica.end().await;
    let replica = Replica::of(&world).await;
    until("the connection", || replica.seen().is_connected).await;
    replica.end().await;
    assert_eq!(ends(&mut client), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_sample_that_arrives_later_is_never_the_current_one() {
    let server = Server::start(&[]);
    let worlds = [(); 2].map(|()| world(&server.url(), ""));
    let now = Utc::now();
    let [slow, fast] = [Replica::of(&worlds[0]).await, Replica::of(&worlds[1]).await];
    let mut client = server.client(0);
    for second in 0..5 {
        let at = now - TimeDelta::seconds(10 - second);
        send(&fast, [sample("web", at, 99.0)]).await;
        let known = 2 * second + 1;
        until("the newer sample", || count(&mut client, "web") == known).await;
        let old = at - TimeDelta::minutes(5);
        send(&slow, [sample("web", old, 1.0)]).await;
        until("the older sample", || {
            count(&mut client, "web") == known + 1
        })
        .await;
        let current = client.run(["GET", "metrics:current:web"]).text();
        let millis = at.timestamp_millis();
        let expected = format!(r#"{{"hostId":"web","timestamp":{millis},"cpu":{{"usage":99}}}}"#);
        assert_eq!(current, expected);
    }
    slow.end().await;
    fast.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_is_one_member_in_whatever_order_its_numbers_came() {
    let server = Server::start(&[]);
    let worlds = [(); 2].map(|()| world(&server.url(), ""));
    let at = Utc::now().trunc_subsecs(3);
    let numbers = [
        ("cpu", 12.5),
        ("cores", 4.0),
        ("memory", 25.0),
        ("bytes_in", 7.0),
    ];
    let with =
        |event: Event<'static>, (name, number): &(&'static str, f64)| event.value(*name, *number);
    let web = || Event::new("host").label("host", "web").at(at);
    let forwards = numbers.iter().fold(web(), with);
    let backwards = numbers.iter().rev().fold(web(), with);
    for (world, event) in worlds.iter().zip([forwards, backwards]) {
        let replica = Replica::of(world).await;
        send(&replica, [event]).await;
        replica.end().await;
    }
    let members = server
        .client(0)
        .run(["ZRANGE", "metrics:history:web", "0", "-1"]);
    let expected = format!(
        r#"{{"hostId":"web","timestamp":{},"cpu":{{"usage":12.5,"cores":4}},"memory":{{"usagePercent":25}},"network":{{"bytesIn":7}}}}"#,
        at.timestamp_millis()
    );
    assert_eq!(members.list(), [Reply::Bytes(expected.into_bytes())]);
}

/// One after the other, they would need four ways each.
#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_hosts_are_forwarded_in_a_handful_of_round_trips() {
    let server = Server::start(&[]);
    let proxy = Proxy::to(server.port);
    let world = world(&proxy.url(), "");
    let replica = Replica::of(&world).await;
    until("the connection", || replica.seen().is_connected).await;
    proxy.delay(Duration::from_millis(1));
    let hosts: Vec<String> = (0..8000).map(|host| format!("host-{host}")).collect();
    let (before, began) = (proxy.round_trips(), Instant::now());
    let now = Utc::now();
    send(&replica, hosts.iter().map(|host| sample(host, now, 1.0))).await;
    let mut client = server.client(0);
    until("all of them", || {
        client.run(["SCARD", "metrics:hosts"]) == Reply::Number(8000)
    })
    .await;
    let (trips, took) = (proxy.round_trips() - before, began.elapsed());
    assert!(trips < 40, "{trips}");
    assert!(took < Duration::from_secs(30), "{took:?}");
    for host in &hosts {
        assert_eq!(count(&mut client, host), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rollups_of_a_fleet_are_made_in_pieces_between_which_nothing_is_missing() {
    let server = Server::start(&[]);
    let world = world(&server.url(), "");
    let replica = Replica::of(&world).await;
    until("the connection", || replica.seen().is_connected).await;
    let hosts: Vec<String> = (0..3000).map(|host| format!("host-{host}")).collect();
    let at = DateTime::from_timestamp(Utc::now().timestamp() / 3600 * 3600 - 1800, 0).unwrap();
    send(&replica, hosts.iter().map(|host| sample(host, at, 1.0))).await;
    let mut client = server.client(0);
    until("all of them", || {
        client.run(["SCARD", "metrics:hosts"]) == Reply::Number(3000)
    })
    .await;
    let fresh = client.run(["KEYS", "daybook:live:host:fresh:*"]).list();
    let fresh = fresh.into_iter().next().unwrap().text();
    let ending = tokio::spawn(replica.end());
    let mut seen = BTreeSet::new();
    loop {
        let is_over = ending.is_finished();
        // One script sees one instant.
        let state = client.run([
            "EVAL",
            "local all = redis.call('KEYS', 'daybook:live:host:index:hour:')[1]
             local rollup = all and redis.call('ZRANGE', all, 0, 0)[1]
             local hosts = redis.call('ZCARD', 'daybook:live:host:index:hour:host')
             return { hosts, tonumber(rollup and redis.call('HGET', rollup, 'count') or 0), redis.call('EXISTS', KEYS[1]) }",
            "1",
            &fresh,
        ]);
        let state: Vec<i64> = state.list().into_iter().map(Reply::number).collect();
        let [rolled, counted, has_fresh] = state[..] else {
            panic!("{state:?}")
        };
        assert_eq!(rolled, counted);
        assert_eq!(has_fresh == 1, rolled < 3000, "{state:?}");
        seen.insert(rolled);
        if is_over {
            break;
        }
    }
    ending.await.unwrap();
    assert_eq!(seen.last(), Some(&3000));
    assert!(seen.len() > 2, "{seen:?}");
}
