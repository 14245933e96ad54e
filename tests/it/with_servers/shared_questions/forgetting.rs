//! A host that is deleted through one replica is gone for all of them, and for whoever asks over HTTP.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use support::redis::Server;

use super::served::{Site, beat, heartbeat, monitor, usages};

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        let waited = began.elapsed();
        assert!(waited < Duration::from_secs(20), "{what} never came to be");
        sleep(Duration::from_millis(50));
    }
}

fn points(site: &Site) -> usize {
    let answer = site.get("/api/live/host/points?label.host=db-1&limit=100");
    assert_eq!(answer["answered_from"], json!("redis"));
    answer["points"].as_array().unwrap().len()
}

#[test]
fn a_host_that_another_replica_recorded_is_deleted_with_all_its_samples() {
    for history in ["documented", "compact"] {
        let server = Server::start(&[]);
        let worlds = [(); 2].map(|()| monitor(&server.url(), history));
        let [one, two] = [Site::of(&worlds[0]), Site::of(&worlds[1])];
        for usage in 1..=30 {
            assert_eq!(heartbeat(&one, "db-1", f64::from(usage)).0, 200);
            sleep(Duration::from_millis(3));
        }
        heartbeat(&one, "web-1", 7.0);
        let count = |site: &Site, host: &str| -> Json {
            let path = format!("/api/hosts/{host}/metrics/count?orgId=acme");
            site.try_ask("GET", &path, "").1
        };
        let all = json!({ "count": 30, "answered_from": "redis" });
        until("all samples", || count(&two, "db-1") == all);
        let path = "/api/hosts/db-1/metrics?orgId=acme";
        let (status, answer) = two.ask_as("acme", "DELETE", path);
        assert_eq!((status, &answer["points"]), (200, &json!(30)), "{history}");
        assert_eq!([points(&one), points(&two)], [0, 0]);
        let is_gone = |site: &Site| site.try_ask("GET", "/api/hosts/db-1?orgId=acme", "").0 == 404;
        assert!(is_gone(&two));
        until("the end of the host", || is_gone(&one));
        for site in [&one, &two] {
            assert_eq!(usages(&site.get("/api/dashboard?orgId=acme")), [7.0]);
        }
        // Then it may be anybody's.
        let body = beat("db-1", 55.5).to_string();
        let (status, answer) = one.send("globex", "POST", "/api/agent/heartbeat", &body);
        assert_eq!(status, 200, "{answer}");
        until("the new host", || points(&two) == 1);
        let recent = two.get("/api/hosts/db-1/metrics/recent?orgId=globex");
        assert_eq!(usages(&recent), [55.5]);
        assert_eq!(one.stop().0, 0);
        assert_eq!(points(&two), 1);
        assert_eq!(count(&two, "web-1")["count"], json!(1));
    }
}
