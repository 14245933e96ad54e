//! Ways to a server: each variable has its effect there, as have TLS, a password, a user, a database and a socket.

use serde_json::json;
use support::certificates::Authority;
use support::redis::{Client, Reply, Server};
use support::world::World;

use super::{CHECKOUT, METRICS, Replica, counts, expected, number, until, world};

/// A program whose server only variables name.
fn by_variables(variables: &[(&str, &str)]) -> World {
    let settings = format!(
        "[live]\naccept = true\npresets = [\"moderation\", \"hosts\"]\n{CHECKOUT}{METRICS}"
    );
    let mut world = World::new("2026-11-20T11:00:00Z", &settings);
    for (variable, text) in variables {
        world.set(variable, text);
    }
    world
}

async fn record(world: &World, count: usize) {
    let replica = Replica::of(world).await;
    until("the connection", || replica.seen().is_connected).await;
    replica.record("one", count).await;
    replica.end().await;
}

fn scans(client: &mut Client, prefix: &str) -> i64 {
    number(client, &format!("{prefix}:totals"), "scans_count")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_a_password_and_a_database_lead_to_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("redis.sock").display().to_string();
    let server = Server::start(&["--unixsocket", &socket]);
    let mut client = server.client(0);
    client.run(["CONFIG", "SET", "requirepass", "many long words"]);
    let url = format!("unix://{socket}?db=3&password=many%20long%20words");
    record(&world(&url, ""), 4).await;
    let url = format!("redis://:many%20long%20words@127.0.0.1:{}/3", server.port);
    record(&world(&url, ""), 5).await;
    assert_eq!(client.run(["SELECT", "3"]), Reply::ok());
    assert_eq!(counts(&mut client, &["one"]), expected(&[("one", 9)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn host_port_password_and_database_are_meant_without_a_url() {
    let server = Server::start(&[]);
    let mut client = server.client(0);
    client.run(["CONFIG", "SET", "requirepass", "many long words"]);
    let port = server.port.to_string();
    let world = by_variables(&[
        ("REDIS_HOST", "127.0.0.1"),
        ("REDIS_PORT", &port),
        ("REDIS_PASSWORD", "many long words"),
        ("REDIS_DB", "2"),
    ]);
    record(&world, 3).await;
    assert_eq!(client.run(["SELECT", "2"]), Reply::ok());
    assert_eq!(counts(&mut client, &["one"]), expected(&[("one", 3)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_needs_no_more_rights_than_are_documented() {
    let server = Server::start(&[]);
    let mut client = server.client(0);
    let rights: &str = include_str!("../../../../docs/redis.md");
    let line = rights
        .lines()
        .find(|line| line.starts_with("ACL SETUSER daybook "));
    let line = line.expect("the guide shows the rights of a user");
    assert_eq!(client.run(line.split(' ')), Reply::ok());
    let url = format!("redis://daybook:SECRET@127.0.0.1:{}", server.port);
    record(&world(&url, "history = \"both\"\nkeep_scans = 30"), 6).await;
    assert_eq!(counts(&mut client, &["one"]), expected(&[("one", 6)]));
    // Whatever of it is missing, nothing is half done.
    client.run(["ACL", "SETUSER", "daybook", "-zadd"]);
    let world = world(&url, "");
    let replica = Replica::of(&world).await;
    replica.record("two", 1).await;
    until("the trouble", || {
        let trouble = replica.seen().trouble.unwrap_or_default();
        trouble.contains("NOPERM the user may not run ZADD")
    })
    .await;
    assert_eq!(counts(&mut client, &["one"]), expected(&[("one", 6)]));
    client.run(["ACL", "SETUSER", "daybook", "+zadd"]);
    replica.end().await;
    assert_eq!(scans(&mut client, "moderator:metrics"), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_trusted_by_an_authority_of_ones_own_and_nothing_else() {
    let authority = Authority::new();
    let identity = authority.identity("localhost");
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (certificate, key) = (
        file("cert.pem", &identity.certificate),
        file("key.pem", &identity.key),
    );
    let authority = file("ca.pem", authority.pem());
    let server = Server::start(&[]);
    let mut client = server.client(0);
    let settings = [
        ("tls-cert-file", &certificate),
        ("tls-key-file", &key),
        ("tls-ca-cert-file", &authority),
        ("tls-auth-clients", &"no".to_owned()),
    ];
    let all = settings
        .iter()
        .flat_map(|(name, text)| [*name, text.as_str()]);
    let set = ["CONFIG", "SET"].into_iter().chain(all);
    assert_eq!(client.run(set), Reply::ok());
    // Another program may take a port that was free.
    let port = loop {
        let port = support::redis::free_port().to_string();
        if client.run(["CONFIG", "SET", "tls-port", &port]) == Reply::ok() {
            break port;
        }
    };
    let url = format!("rediss://localhost:{port}");
    record(
        &world(&url, &format!("certificate_authority = \"{authority}\"")),
        5,
    )
    .await;
    assert_eq!(scans(&mut client, "moderator:metrics"), 5);
    let stranger = file("stranger.pem", Authority::new().pem());
    let world = world(&url, &format!("certificate_authority = \"{stranger}\""));
    let replica = Replica::of(&world).await;
    until("the refusal", || {
        let trouble = replica.seen().trouble.unwrap_or_default();
        trouble.contains("certificate")
    })
    .await;
    replica.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stream_prefix_and_retention_are_those_of_the_variables() {
    let server = Server::start(&[]);
    let world = by_variables(&[
        ("METRICS_REDIS_URL", &server.url()),
        ("REDIS_URL", "redis://127.0.0.1:1"),
        ("METRICS_REDIS_STREAM", "events"),
        ("METRICS_REDIS_STREAM_MAXLEN", "3"),
        ("METRICS_REDIS_STREAM_APPROX", "no"),
        ("METRICS_REDIS_PREFIX", "bot"),
        ("REDIS_METRICS_RETENTION_DAYS", "2"),
    ]);
    record(&world, 10).await;
    let mut client = server.client(0);
    assert_eq!(scans(&mut client, "bot"), 10);
    assert_eq!(client.run(["XLEN", "events"]), Reply::Number(3));
    let lives = client.run(["TTL", "metrics:history:one"]).number();
    assert!((172_700..=172_800).contains(&lives), "{lives}");
    assert_eq!(
        client.run(["EXISTS", "moderator:metrics"]),
        Reply::Number(0)
    );
    let kept = client.run(["HLEN", "bot:applied"]).number();
    assert_eq!(kept, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_cut_roughly_keeps_what_costs_less() {
    let server = Server::start(&[]);
    let world = by_variables(&[
        ("METRICS_REDIS_URL", &server.url()),
        ("METRICS_REDIS_STREAM_MAXLEN", "3"),
        ("METRICS_REDIS_STREAM_APPROX", "yes"),
    ]);
    record(&world, 10).await;
    // Whole pages of it go.
    let length = server.client(0).run(["XLEN", "moderator:metrics"]).number();
    assert!(length > 3, "{length}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_bots_variable_the_general_one_is_meant() {
    let server = Server::start(&[]);
    let world = by_variables(&[("REDIS_URL", &server.url())]);
    record(&world, 2).await;
    assert_eq!(scans(&mut server.client(0), "moderator:metrics"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_longest_wait_before_forwarding_is_that_of_its_variable() {
    let server = Server::start(&[]);
    let world = by_variables(&[
        ("REDIS_URL", &server.url()),
        ("REDIS_BATCH_WRITE_INTERVAL_MS", "600000"),
    ]);
    let replica = Replica::of(&world).await;
    until("the connection", || replica.seen().is_connected).await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    replica.record("one", 5).await;
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    assert_eq!(scans(&mut server.client(0), "moderator:metrics"), 0);
    // Who stops does not wait for it.
    replica.end().await;
    assert_eq!(scans(&mut server.client(0), "moderator:metrics"), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_later_form_lies_in_database_one_and_has_rollups_of_all_guilds() {
    let server = Server::start(&[]);
    record(&world(&server.url(), "scans = \"later\""), 3).await;
    let mut client = server.client(1);
    assert_eq!(scans(&mut client, "moderator:metrics"), 3);
    let index = ["ZCARD", "moderator:metrics:rollups:index:guild:0"];
    assert_eq!(client.run(index), Reply::Number(1));
    let squares = number(&mut client, "moderator:metrics:totals", "total_bytes_sq");
    assert_eq!(squares, 3_000_000);
    assert_eq!(server.client(0).run(["DBSIZE"]), Reply::Number(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_lets_go_of_anything_is_refused_also_when_it_begins_later() {
    let server = Server::start(&["--maxmemory-policy", "allkeys-lru"]);
    let world = world(&server.url(), "");
    let replica = Replica::of(&world).await;
    until("the refusal", || {
        let trouble = replica.seen().trouble.unwrap_or_default();
        trouble.starts_with("its `maxmemory-policy` is `allkeys-lru`")
    })
    .await;
    replica.record("one", 2).await;
    let mut client = server.client(0);
    client.run(["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    until("the connection", || replica.seen().is_connected).await;
    client.run(["CONFIG", "SET", "maxmemory-policy", "volatile-ttl"]);
    until("the second refusal", || {
        let trouble = replica.seen().trouble.unwrap_or_default();
        trouble.starts_with("its `maxmemory-policy` is `volatile-ttl`")
    })
    .await;
    client.run(["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    replica.end().await;
    assert_eq!(
        json!(counts(&mut server.client(0), &["one"])),
        json!(expected(&[("one", 2)]))
    );
}
