//! Whatever happens in whatever order, every counter is what was recorded.

use std::time::Duration;

use support::dice::Dice;
use support::proxy::Proxy;
use support::redis::Server;

use super::{Replica, counts, expected, world};

/// Two replicas, one behind a bad line, and a server that fails in every way.
async fn run(seed: u64) {
    let mut dice = Dice(seed.wrapping_mul(7919) + 1);
    let mut server = Server::start(&[]);
    let proxy = Proxy::to(server.port);
    let worlds = [world(&server.url(), ""), world(&proxy.url(), "")];
    let names = ["one", "other"];
    let mut recorded = [0, 0];
    let mut replicas = [None, None];
    for _ in 0..14 {
        for at in [0, 1] {
            if replicas[at].is_none() {
                replicas[at] = Some(Replica::of(&worlds[at]).await);
            }
            if let Some(replica) = replicas[at].as_ref().filter(|_| !dice.one_in(4)) {
                let count = 1 + dice.below(40) as usize;
                replica.record(names[at], count).await;
                recorded[at] += count;
            }
        }
        let mut client = server.client(0);
        match dice.below(12) {
            0 => drop(client.run(["SCRIPT", "FLUSH"])),
            1 => proxy.cut(1 + dice.below(3) as usize),
            2 => proxy.delay(Duration::from_millis(dice.below(300))),
            3 => drop(client.run(["CLIENT", "KILL", "TYPE", "normal"])),
            4 => drop(client.run(["CONFIG", "SET", "maxmemory", "1"])),
            5 => drop(client.run(["REPLICAOF", "127.0.0.1", "1"])),
            6 => drop(client.run(["CLIENT", "PAUSE", "300", "WRITE"])),
            7 => drop(client.run(["SAVE"])),
            // What was not saved is lost.
            8 => server.restart(),
            9 => drop(client.run(["FLUSHALL"])),
            10 => {
                let at = dice.below(2) as usize;
                if let Some(replica) = replicas[at].take() {
                    mend(&server, &proxy);
                    replica.end().await;
                }
            }
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(dice.below(150))).await;
        if dice.one_in(3) {
            mend(&server, &proxy);
        }
    }
    mend(&server, &proxy);
    for (at, replica) in replicas.into_iter().enumerate() {
        let replica = match replica {
            Some(replica) => replica,
            None => Replica::of(&worlds[at]).await,
        };
        // A lost server has to be noticed before the end.
        tokio::time::sleep(Duration::from_millis(1200)).await;
        super::until("everything", || {
            let seen = replica.seen();
            seen.is_connected && seen.trouble.is_none() && seen.backlog.points == 0
        })
        .await;
        replica.end().await;
    }
    let counts = counts(&mut server.client(0), &names);
    let expected = expected(&[("one", recorded[0]), ("other", recorded[1])]);
    assert_eq!(counts, expected, "seed {seed}");
}

fn mend(server: &Server, proxy: &Proxy) {
    proxy.cut(0);
    proxy.delay(Duration::ZERO);
    let mut client = server.client(0);
    client.run(["CONFIG", "SET", "maxmemory", "0"]);
    client.run(["REPLICAOF", "NO", "ONE"]);
}

/// Some at a time: most of it is waiting.
async fn runs(seeds: std::ops::Range<u64>) {
    let all: Vec<u64> = seeds.collect();
    for seeds in all.chunks(25) {
        let runs: Vec<_> = seeds.iter().map(|seed| tokio::spawn(run(*seed))).collect();
        for run in runs {
            run.await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_fifty_random_histories_every_counter_equals_a_recount() {
    runs(0..50).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "`make soak`"]
async fn after_five_hundred_random_histories_every_counter_equals_a_recount() {
    runs(1000..1500).await;
}
