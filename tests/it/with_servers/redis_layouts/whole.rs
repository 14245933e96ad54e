//! A batch is applied whole or not at all, wherever it fails.

use daybook::config::live_redis::History;
use daybook::live::columns::Columns;
use daybook::live::compat::moderation as bot;
use daybook::live::event::Event;
use daybook::live::redis::changes::Changes;
use daybook::live::redis::compact::Chains;
use daybook::live::redis::{generic, hosts, moderation};
use serde_json::json;
use support::redis::{Client, Holds, Reply, Sent, Server};

use super::{APPLY, PREFIX, kept, now, preset};

/// A scan and a sample of a host, in all the keys that they have anywhere.
struct Both {
    scans: Columns,
    samples: Columns,
}

impl Both {
    fn new() -> Self {
        let scan = json!({
            "guild_id": 7, "content_type": "image", "occurred_at": "2024-01-01T12:00:00Z", "file_size": 1500,
            "scan_duration_ms": 40, "accelerated": true, "scan_result": { "is_nsfw": true, "video_frames_scanned": 3 },
        });
        let scan = bot::event(scan.to_string().as_bytes()).unwrap();
        let sample = Event::new("host")
            .label("host", "web-1")
            .at(now())
            .value("cpu", 12.5);
        Self {
            scans: kept(&preset("scan"), [scan]),
            samples: kept(&preset("host"), [sample]),
        }
    }

    /// The batch of this number, the first being 1.
    fn call(&self, number: u32) -> Sent {
        let mut changes = Changes::new(PREFIX);
        let layout = moderation::Layout {
            prefix: PREFIX.to_owned(),
            stream: PREFIX.to_owned(),
            bound: Some(moderation::Bound {
                most: 1000,
                roughly: false,
            }),
            later: true,
        };
        moderation::add(&mut changes, &self.scans, &layout, now());
        let layout = hosts::Layout {
            retention_days: 30_000,
            history: History::Both,
        };
        hosts::add(
            &mut changes,
            &self.samples,
            layout,
            &mut Chains::new(number.into()),
        );
        for (kind, points) in [("scan", &self.scans), ("host", &self.samples)] {
            let kind = preset(kind);
            generic::add_fresh(&mut changes, points, &kind, "web1").unwrap();
            generic::add_rolled(&mut changes, points, &kind, chrono_tz::UTC, now()).unwrap();
            changes.trim(&generic::fresh_key(&kind.name, "web1"), 1);
            changes.forget(&generic::fresh_key(&kind.name, "web2"));
        }
        let before = match number {
            1 => String::new(),
            number => format!("{}.0", number - 1),
        };
        let call = changes.call("web1", &before, &format!("{number}.0"), 0);
        Sent::of(call.keys.bytes(), call.arguments.bytes())
    }
}

fn apply(client: &mut Client, call: &Sent) -> Reply {
    client.script(APPLY, &call.keys, &call.arguments)
}

fn applied(number: u32) -> Reply {
    Reply::List(vec![
        Reply::Number(1),
        Reply::Bytes(format!("{number}.0").into_bytes()),
    ])
}

#[test]
fn a_batch_of_which_any_part_is_impossible_changes_nothing() {
    let server = Server::start(&[]);
    let (mut client, mut user) = (server.client(0), server.client(0));
    let both = Both::new();
    assert_eq!(apply(&mut client, &both.call(1)), applied(1));
    let call = both.call(2);
    // The user may not run one of the commands.
    let all = ["ACL", "SETUSER", "bot", "on", ">secret", "~*", "+@all"];
    assert_eq!(client.run(all), Reply::ok());
    assert_eq!(user.run(["AUTH", "bot", "secret"]), Reply::ok());
    let before = client.dump();
    for command in [
        "hincrby", "hmget", "hset", "hdel", "hget", "xadd", "xtrim", "zadd", "sadd", "rpush",
        "ltrim", "del", "expire", "expireat", "setex",
    ] {
        client.run(["ACL", "SETUSER", "bot", &format!("-{command}")]);
        let failed = apply(&mut user, &call);
        assert!(matches!(failed, Reply::Error(_)), "{command}: {failed:?}");
        assert_eq!(client.dump(), before, "{command}");
        client.run(["ACL", "SETUSER", "bot", &format!("+{command}")]);
    }
    // One of the keys is something else.
    // Some are replaced or taken away whatever they were.
    let is_kept = |key: &&Vec<u8>| {
        let key = String::from_utf8_lossy(key);
        !key.starts_with("metrics:current:") && !key.ends_with(":fresh:web2")
    };
    for key in call.keys.iter().filter(is_kept) {
        client.run([b"RENAME", &key[..], b"elsewhere"]);
        client.run([b"SET", &key[..], b"mine"]);
        let before = client.dump();
        let failed = apply(&mut client, &call);
        let name = String::from_utf8_lossy(key);
        assert!(matches!(failed, Reply::Error(_)), "{name}: {failed:?}");
        assert_eq!(client.dump(), before, "{name}");
        client.run([b"DEL", &key[..]]);
        client.run([b"RENAME", &b"elsewhere"[..], &key[..]]);
    }
    assert_eq!(client.dump(), before);
    assert_eq!(apply(&mut user, &call), applied(2));
}

#[test]
fn a_number_that_somebody_has_spoilt_stops_no_batch_half_way() {
    let server = Server::start(&[]);
    let mut client = server.client(0);
    let both = Both::new();
    assert_eq!(apply(&mut client, &both.call(1)), applied(1));
    for (key, value) in client.dump() {
        // Marks are compared, not counted with.
        if let Holds::Hash(fields) = value.holds
            && !key.ends_with(":applied")
        {
            for field in fields.keys() {
                client.run(["HSET", &key, field, "many"]);
            }
        }
    }
    assert_eq!(apply(&mut client, &both.call(2)), applied(2));
    for hash in [
        "totals",
        "rollup:2024-01-01:7:image",
        "rollup:2024-01-01:0:image",
    ] {
        let hash = format!("{PREFIX}:{hash}");
        for (field, count) in [("scans_count", "1"), ("total_bytes_sq", "2250000")] {
            assert_eq!(
                client.run(["HGET", &hash, field]).text(),
                count,
                "{hash} {field}"
            );
        }
    }
    let status = format!("{PREFIX}:totals:status");
    assert_eq!(client.run(["HGET", &status, "scan_complete"]).text(), "1");
    assert_eq!(client.run(["XLEN", PREFIX]), Reply::Number(2));
    // Months do not expire.
    let month = "daybook:live:scan:month:1704067200::";
    for (field, number) in [
        ("count", "1"),
        ("bytes:min", "1500"),
        ("bytes:max", "1500"),
        ("bytes:sum", "1500"),
    ] {
        assert_eq!(client.run(["HGET", month, field]).text(), number, "{field}");
    }
}
