//! A full disk is called one, keeps nothing half written, and is forgotten as soon as there is room.

use std::process::Command;

use crate::running::SETTINGS;
use crate::running::program::{shop, world};
use crate::world::{World, in_a_file};

/// Runs a script in this world's folder, where `full` is a disk of its own that ends with the script; each line is
/// what one step said, behind its exit code.
fn on_a_disk(world: &World, options: &str, steps: &[&str]) -> Vec<String> {
    let mut script = format!("mount -t tmpfs -o {options} tmpfs full || exit 99\n");
    for step in steps {
        script += &format!("said=$({step} 2>&1); echo \"$? $said\" | tr '\\n' ' '; echo\n");
    }
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", &script])
        .current_dir(world.path(""))
        .env("daybook", env!("CARGO_BIN_EXE_daybook"))
        .env("DAYBOOK_BOOK_DATABASE_URL", "sqlite:full/daybook.db")
        .env("DAYBOOK_RETRY_FOR", "0")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "a small disk could not be mounted: be root, or allow user namespaces: {output:?}"
    );
    let said = String::from_utf8(output.stdout).unwrap();
    said.lines().map(ToOwned::to_owned).collect()
}

async fn with_a_disk() -> World {
    let world = world(SETTINGS);
    shop(&world).await;
    std::fs::create_dir(world.path("full")).unwrap();
    world
}

const FILL: &str = "cat /dev/zero > full/filler";
const FREE: &str = "rm full/filler";
const COLLECT: &str = "$daybook collect --date yesterday";

#[tokio::test]
async fn a_first_start_on_a_full_disk_says_so_and_begins_when_there_is_room() {
    if !in_a_file() {
        return;
    }
    let world = with_a_disk().await;
    let steps = [
        FILL,
        COLLECT,
        "$daybook doctor",
        FREE,
        COLLECT,
        "$daybook show",
    ];
    let said = on_a_disk(&world, "size=2m", &steps);
    assert!(said[1].starts_with("69 daybook: cannot "), "{said:?}");
    assert!(
        said[1].contains("full/daybook.db is full: free some space"),
        "{said:?}"
    );
    assert!(said[2].starts_with("1 "), "{said:?}");
    assert!(said[2].contains("left on the disk of the book"), "{said:?}");
    assert!(
        said[4].starts_with("0 ") && said[5].starts_with("0 "),
        "{said:?}"
    );
}

#[tokio::test]
async fn a_disk_that_fills_up_costs_no_stored_day_and_the_next_run_goes_on() {
    if !in_a_file() {
        return;
    }
    let world = with_a_disk().await;
    let older =
        "$daybook collect --from \"$(date -d '-9 days' +%F)\" --to \"$(date -d '-3 days' +%F)\"";
    let days = "$daybook export --format csv --from 2000-01-01 --to \"$(date +%F)\" | wc -l";
    let steps = [
        older,
        days,
        FILL,
        COLLECT,
        "$daybook doctor",
        "$daybook show",
        FREE,
        days,
        COLLECT,
        days,
    ];
    let said = on_a_disk(&world, "size=3m", &steps);
    assert!(said[0].starts_with("0 "), "{said:?}");
    let full = "full/daybook.db is full: free some space";
    assert!(
        said[3].starts_with("69 ") && said[3].contains(full),
        "{said:?}"
    );
    // Reading needs a helper file too, which may or may not be there still.
    assert!(
        said[5].starts_with("0 ") || said[5].contains(full),
        "{said:?}"
    );
    assert!(said[4].contains("left on the disk of the book"), "{said:?}");
    let rows = |told: &str| told.split(' ').nth(1).unwrap().parse::<i64>().unwrap();
    assert_eq!(rows(&said[7]), rows(&said[1]), "{said:?}");
    assert!(said[8].starts_with("0 "), "{said:?}");
    assert_eq!(rows(&said[9]), rows(&said[1]) + 1, "{said:?}");
}

#[tokio::test]
async fn a_disk_on_which_no_more_files_fit_is_full_too() {
    if !in_a_file() {
        return;
    }
    let world = with_a_disk().await;
    let fill = "i=0; while touch full/$i; do i=$((i+1)); done";
    let said = on_a_disk(
        &world,
        "size=3m,nr_inodes=20",
        &[fill, COLLECT, "$daybook doctor"],
    );
    assert!(said[1].starts_with("69 "), "{said:?}");
    assert!(
        said[1].contains("full/daybook.db is full: free some space"),
        "{said:?}"
    );
    assert!(
        said[2].contains("no more files fit on the disk of the book"),
        "{said:?}"
    );
}

#[tokio::test]
async fn two_full_disks_are_told_apart_and_one_disk_is_told_once() {
    if !in_a_file() {
        return;
    }
    let world = world(&format!("{SETTINGS}\n[outbox]\ndirectory = \"other\"\n"));
    shop(&world).await;
    for folder in ["full", "other"] {
        std::fs::create_dir(world.path(folder)).unwrap();
    }
    let another = "mount -t tmpfs -o size=2m,nr_inodes=0 tmpfs other";
    let fill_other = "cat /dev/zero > other/filler";
    let same = "umount other; mount --bind full other";
    let steps = [
        another,
        FILL,
        fill_other,
        "$daybook doctor",
        same,
        "$daybook doctor",
    ];
    let said = on_a_disk(&world, "size=2m,nr_inodes=0", &steps);
    for whose in ["the book ", "the outbox "] {
        let expected = format!("left on the disk of {whose}");
        assert!(said[3].contains(&expected), "{}", said[3]);
    }
    let expected = "left on the disk of the book and the outbox";
    assert!(said[5].contains(expected), "{}", said[5]);
}
