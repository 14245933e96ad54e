//! Chunks of a day are sorted until each host's points lie in few of them; what is one too many, or must go, is said.

use std::collections::BTreeMap;
use std::fs;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use daybook::config::live::Durable;
use daybook::live::batch::Batch;
use daybook::live::event::Event;
use daybook::live::grain::Grain;
use daybook::live::keep::{self, Rules, forget, prune_all};
use daybook::live::question::{self, Filter, Points};
use daybook::live::record::Settings;
use daybook::live::store::{ChunkRow, Known, Store};

use super::{everything, kind, kinds, noon, points, recorder_in, rules};

const HOSTS: usize = 128;

/// So many samples of each host, one every 5 seconds, sealed as they come.
async fn sampled(store: &mut Store, samples: usize) -> DateTime<Utc> {
    let (kinds, known) = (kinds(), &mut Known::new(1000, false));
    let names: Vec<String> = (0..HOSTS).map(|host| format!("host-{host:03}")).collect();
    let mut at = noon();
    for sample in 0..samples {
        at = noon() + TimeDelta::seconds(5 * sample as i64);
        let mut batch = Batch::default();
        for (host, name) in names.iter().enumerate() {
            let event = Event::new("host").at(at).label("host", name.as_str());
            let event = event.value("cpu", ((sample * 7 + host) % 100) as f64);
            batch.add(host, &event, &kinds, at);
        }
        store.commit(&mut [batch], &kinds, at, known).await.unwrap();
        if sample % 64 == 63 {
            keep::round(store, &rules(&kinds, Tz::Europe__Zurich), at)
                .await
                .unwrap();
        }
    }
    at
}

/// In how many chunks a host's points may lie.
fn holding(chunks: &[ChunkRow], host: &str) -> usize {
    let holds = |chunk: &&ChunkRow| {
        let bounds = chunk.cluster.as_ref();
        bounds.is_none_or(|cluster| (&*cluster.least..=&*cluster.most).contains(&host))
    };
    chunks.iter().filter(holds).count()
}

async fn cpu_of(store: &mut Store, host: &str) -> Vec<Option<f64>> {
    let question = Points {
        filter: Filter {
            labels: vec![("host".to_owned(), host.to_owned())],
            ok: None,
        },
        ..everything()
    };
    let found = question::points(store, &kinds()["host"], &question)
        .await
        .unwrap();
    assert_eq!(found.broken, []);
    let cpu = found.points.value("cpu").unwrap();
    (0..cpu.len()).map(|at| cpu.get(at)).collect()
}

#[tokio::test]
async fn a_host_lies_in_few_chunks_also_while_its_day_goes_on() {
    let mut store = Store::in_memory().await.unwrap();
    // 1,280 samples of 128 hosts fill twenty chunks of 8,192 points.
    let samples = 1280;
    let last = sampled(&mut store, samples).await;
    let id = store.kind("host").await.unwrap().unwrap();
    let chunks = store.all_chunks(id).await.unwrap();
    let most = (0..HOSTS).map(|host| holding(&chunks, &format!("host-{host:03}")));
    assert!(most.max().unwrap() <= 16, "{chunks:?}");
    let expected: Vec<Option<f64>> = (0..samples)
        .rev()
        .map(|sample| Some(((sample * 7 + 77) % 100) as f64))
        .collect();
    assert_eq!(cpu_of(&mut store, "host-077").await, expected);

    // Once the day is over, in one or two.
    let rules = rules(&kinds(), Tz::Europe__Zurich);
    keep::round(&mut store, &rules, last + TimeDelta::days(1))
        .await
        .unwrap();
    let chunks = store.all_chunks(id).await.unwrap();
    for host in 0..HOSTS {
        let count = holding(&chunks, &format!("host-{host:03}"));
        assert!((1..=2).contains(&count), "{host}: {count}");
    }
    let total: i64 = chunks.iter().map(|chunk| chunk.points).sum();
    assert_eq!(total, (samples * HOSTS) as i64);
    assert_eq!(cpu_of(&mut store, "host-077").await, expected);
    // Nothing is left to do.
    keep::round(&mut store, &rules, last + TimeDelta::days(1))
        .await
        .unwrap();
    assert_eq!(store.all_chunks(id).await.unwrap(), chunks);
}

#[tokio::test]
async fn a_kind_that_is_sorted_anew_still_finds_what_was_sorted_otherwise() {
    let mut store = Store::in_memory().await.unwrap();
    let last = sampled(&mut store, 100).await;
    let mut host = kinds()["host"].clone();
    host.cluster = host.label("organisation");
    let kinds = [("host".to_owned(), host)].into();
    keep::round(
        &mut store,
        &rules(&kinds, Tz::UTC),
        last + TimeDelta::days(2),
    )
    .await
    .unwrap();
    let question = Points {
        filter: Filter {
            labels: vec![
                ("host".to_owned(), "host-077".to_owned()),
                ("organisation".to_owned(), String::new()),
            ],
            ok: None,
        },
        ..everything()
    };
    let found = question::points(&mut store, &kinds["host"], &question)
        .await
        .unwrap();
    assert_eq!(found.points.len(), 100);
}

#[tokio::test]
async fn the_10_001st_group_of_a_month_is_counted_as_other() {
    let toml = r#"
        shape = "event"
        labels = { row = { most = 200 }, seat = { most = 200 } }
        by = [["row", "seat"]]
    "#;
    let kinds = [("visit".to_owned(), kind("visit", toml))].into();
    let mut store = Store::in_memory().await.unwrap();
    let mut batch = Batch::default();
    for at in 0..11_000 {
        let (row, seat) = (format!("{:03}", at / 100), format!("{:02}", at % 100));
        let event = Event::new("visit").label("row", row).label("seat", seat);
        batch.add(at, &event, &kinds, noon());
    }
    let known = &mut Known::new(1000, false);
    store
        .commit(&mut [batch], &kinds, noon(), known)
        .await
        .unwrap();
    let later = noon() + TimeDelta::hours(2);
    keep::round(&mut store, &rules(&kinds, Tz::UTC), later)
        .await
        .unwrap();
    let id = store.kind("visit").await.unwrap().unwrap();
    let by = ["row".to_owned(), "seat".to_owned()];
    for grain in Grain::ALL {
        let rollups = store
            .rollups(id, grain, &by, i64::MIN..i64::MAX)
            .await
            .unwrap();
        assert_eq!(rollups.len(), 10_001);
        let other = rollups
            .iter()
            .find(|(key, _)| key.words == ["other", "other"]);
        assert_eq!(other.unwrap().1.points, 1000);
    }
    let all = store
        .rollups(id, Grain::Month, &[], i64::MIN..i64::MAX)
        .await
        .unwrap();
    assert_eq!(all[0].1.points, 11_000);
    let dropped = store.dropped().await.unwrap();
    assert_eq!(dropped.len(), 1);
    let one = (&*dropped[0].label, dropped[0].is_group, dropped[0].points);
    assert_eq!(one, ("row,seat", true, 1000));
}

#[tokio::test]
async fn of_too_many_ids_the_oldest_are_forgotten_and_the_reply_says_since_when() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        ids: 400,
        ..Settings::default()
    };
    let (recorder, writer) = recorder_in(&folder.path().join("live.db"), settings).await;
    let batch = |first: usize| {
        let mut batch = Batch::default();
        for at in first..first + 100 {
            let event = Event::new("checkout")
                .label("shop", "zh")
                .id(at.to_string());
            batch.add(at, &event, &kinds(), noon());
        }
        batch
    };
    for first in (0..1000).step_by(100) {
        let reply = recorder.send(batch(first)).await.unwrap();
        assert_eq!((reply.known, reply.remembered_since), (0, Some(noon())));
    }
    assert_eq!(recorder.send(batch(900)).await.unwrap().known, 100);
    assert_eq!(recorder.send(batch(0)).await.unwrap().known, 0);
    let event = Event::new("checkout").label("shop", "zh");
    assert_eq!(
        recorder.record(&event).await.unwrap().remembered_since,
        None
    );
    let mut store = writer.stop().await.unwrap();
    assert_eq!(points(&mut store, "checkout").await.len(), 1101);
}

/// Checkouts in both shops, of which those of the first hour are sealed.
async fn sold(store: &mut Store) {
    let (kinds, known) = (kinds(), &mut Known::new(1000, false));
    for (hour, shop, count) in [(2, "zh", 30), (2, "be", 20), (0, "zh", 3), (0, "be", 2)] {
        let at = noon() - TimeDelta::hours(hour);
        let mut batch = Batch::default();
        for number in 0..count {
            let event = Event::new("checkout").at(at).label("shop", shop);
            let event = event.label("order", format!("{shop}-{hour}-{number}"));
            batch.add(number, &event, &kinds, noon());
        }
        store
            .commit(&mut [batch], &kinds, noon(), known)
            .await
            .unwrap();
    }
    keep::round(store, &rules(&kinds, Tz::UTC), noon())
        .await
        .unwrap();
}

fn label(name: &str, text: &str) -> [(String, String); 1] {
    [(name.to_owned(), text.to_owned())]
}

#[tokio::test]
async fn what_is_forgotten_leaves_points_rollups_and_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live.db");
    let mut store = Store::open(&path, Durable::Commit).await.unwrap();
    sold(&mut store).await;
    let checkout = &kinds()["checkout"];
    for (dry_run, left) in [(true, 55), (false, 22)] {
        let forgotten = forget(&mut store, checkout, &label("shop", "zh"), dry_run)
            .await
            .unwrap();
        assert_eq!((forgotten.points, forgotten.broken), (33, vec![]));
        // Two hours, the day and the month, by shop and by shop and method.
        assert_eq!(forgotten.rollups, 8);
        assert_eq!(points(&mut store, "checkout").await.len(), left);
    }
    let again = forget(&mut store, checkout, &label("shop", "zh"), false)
        .await
        .unwrap();
    assert_eq!((again.points, again.rollups), (0, 0));
    let id = store.kind("checkout").await.unwrap().unwrap();
    let mut counts = BTreeMap::new();
    for by in [vec![], vec!["shop".to_owned()]] {
        let months = store
            .rollups(id, Grain::Month, &by, i64::MIN..i64::MAX)
            .await
            .unwrap();
        for (key, rollup) in months {
            counts.insert(key.words, rollup.points);
        }
    }
    // Sums over all shops name none, and stay.
    assert_eq!(counts, [(vec![], 55), (vec!["be".to_owned()], 22)].into());
    // One order, which no rollup names; its text leaves the file.
    let forgotten = forget(&mut store, checkout, &label("order", "be-0-1"), false)
        .await
        .unwrap();
    assert_eq!((forgotten.points, forgotten.rollups), (1, 0));
    store.close().await.unwrap();
    let bytes = fs::read(&path).unwrap();
    let holds = |text: &str| {
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    assert!(holds("be-0-0"));
    assert!(!holds("be-0-1") && !holds("zh-0-2"));
}

#[tokio::test]
async fn a_pruned_day_lies_in_the_archive_once_also_if_the_prune_was_broken_off() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live.db");
    let mut store = Store::open(&path, Durable::Commit).await.unwrap();
    sold(&mut store).await;
    let rules = Rules {
        archive: Some(folder.path().join("archive")),
        ..rules(&kinds(), Tz::UTC)
    };
    // Sealed, and not pruned yet.
    let later = noon() + TimeDelta::hours(2);
    keep::round(&mut store, &rules, later).await.unwrap();
    store.close().await.unwrap();
    let before = fs::read(&path).unwrap();
    let mut files = Vec::new();
    for _ in 0..2 {
        // As if the power had gone between the file and the deletion.
        fs::write(&path, &before).unwrap();
        let mut store = Store::open(&path, Durable::Commit).await.unwrap();
        let pruned = prune_all(&mut store, &rules, noon() + TimeDelta::days(9), false)
            .await
            .unwrap();
        let of_checkouts = pruned.iter().find(|pruned| pruned.kind == "checkout");
        assert_eq!(of_checkouts.unwrap().points, 55);
        assert_eq!(
            points(&mut store, "checkout").await,
            [] as [serde_json::Value; 0]
        );
        store.close().await.unwrap();
        let names = fs::read_dir(folder.path().join("archive/checkout")).unwrap();
        files = names
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(files.len(), 1, "{files:?}");
    }
    assert!(files[0].starts_with("2026-11-20."), "{files:?}");
    let archived = super::archive::rows(&folder.path().join("archive/checkout").join(&files[0]));
    assert_eq!(archived.len(), 55);
}
