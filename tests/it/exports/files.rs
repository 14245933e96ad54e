//! Where an export goes, and what is there when something goes wrong.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use chrono::Days;
use daybook::commands::{self, target::Target};
use daybook::entry::Value;
use flate2::read::GzDecoder;
use tokio_util::sync::CancellationToken;

use super::{entry, hard_days, keep, observed, printed, world};
use crate::world::{World, date, instant};

fn names(world: &World) -> Vec<String> {
    let all = fs::read_dir(world.path("")).unwrap();
    let mut names: Vec<String> = all
        .map(|one| one.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with("daybook"))
        .collect();
    names.sort();
    names
}

fn refused(world: &World, args: &[&str]) -> (i32, String) {
    let output = world.binary(&[&["export", "--format", "jsonl"], args].concat());
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), said)
}

#[tokio::test]
async fn a_file_is_what_standard_output_is_for_its_group_alone_and_compressed_on_request() {
    let world = world();
    keep(&world, hard_days()).await;
    for format in ["json", "jsonl", "csv"] {
        let plain = printed(&world, &["export", "--format", format]);
        fs::write(world.path("old"), "old").unwrap();
        symlink("old", world.path("link")).unwrap();
        let into = ["export", "--format", format, "--output", "link"];
        assert_eq!(printed(&world, &into), "");
        assert_eq!(fs::read_to_string(world.path("old")).unwrap(), plain);
        assert!(
            fs::symlink_metadata(world.path("link"))
                .unwrap()
                .is_symlink()
        );
        let mode = fs::metadata(world.path("old"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o640);
        printed(
            &world,
            &["export", "--format", format, "--gzip", "-o", "packed"],
        );
        let mut unpacked = String::new();
        GzDecoder::new(fs::File::open(world.path("packed")).unwrap())
            .read_to_string(&mut unpacked)
            .unwrap();
        assert_eq!(unpacked, plain);
        assert_eq!(names(&world), ["link", "old", "packed"]);
        fs::remove_file(world.path("link")).unwrap();
    }
}

#[tokio::test]
async fn what_cannot_be_written_is_told_exactly_and_leaves_nothing_behind() {
    let world = world();
    keep(&world, hard_days()).await;
    fs::create_dir(world.path("folder")).unwrap();
    let (code, said) = refused(&world, &["--output", "folder"]);
    assert_eq!(code, 1);
    assert!(
        said.contains("folder: it is a folder; name a file in it"),
        "{said}"
    );
    let (code, said) = refused(&world, &["--output", "missing/days.jsonl"]);
    assert_eq!(code, 1);
    assert!(
        said.contains("there is no folder") && said.contains("missing"),
        "{said}"
    );
    let (code, said) = refused(&world, &["--output", "/dev/full"]);
    assert_eq!(code, 1);
    assert!(
        said.contains("cannot write /dev/full: No space left"),
        "{said}"
    );
    let (code, said) = refused(&world, &["--from", "2025-10-03", "--to", "2025-10-02"]);
    assert_eq!(code, 2);
    assert!(
        said.contains("--from 2025-10-03 is after --to 2025-10-02"),
        "{said}"
    );
    assert_eq!(refused(&world, &["--from", "2025-02-29"]).0, 2);
    assert_eq!(names(&world), ["folder"]);
}

#[tokio::test]
async fn a_reader_that_goes_away_is_no_failure() {
    let world = world();
    let days = (0..400u64).map(|ago| {
        let on = date("2025-10-25") - Days::new(ago);
        let mut day = entry(on, &[("visits", observed(Value::Whole(1)))]);
        day.readings.extend(hard_days()[1].readings.clone());
        day
    });
    keep(&world, days.collect()).await;
    for format in ["json", "jsonl", "csv", "jsonl --gzip"] {
        let script = format!("set -o pipefail; \"$1\" export --format {format} | head -c 10");
        let piped = world
            .within("bash")
            .args(["-c", &script, "bash", env!("CARGO_BIN_EXE_daybook")])
            .output()
            .unwrap();
        assert!(piped.status.success(), "{piped:?}");
        assert!(piped.stderr.is_empty(), "{piped:?}");
    }
}

#[tokio::test]
async fn a_signal_in_the_middle_leaves_the_old_file_and_no_other() {
    let world = world();
    fs::write(world.path("days"), "old").unwrap();
    for gzip in [false, true] {
        let outside = commands::World {
            now: instant("2025-11-01T06:00:00Z"),
            clock: || instant("2025-11-01T06:00:00Z"),
            program: "daybook".to_owned(),
            environment: BTreeMap::new(),
            directory: world.path(""),
            stdout_is_terminal: false,
            stderr_is_terminal: false,
            width: 100,
            stop: CancellationToken::new(),
        };
        let mut target = Target::open(Some(Path::new("days")), gzip, &outside).unwrap();
        target.write_all(&[b'x'; 1 << 20]).unwrap();
        assert!(!target.is_closed());
        outside.stop.cancel();
        assert!(target.is_closed());
        target.write_all(b"more").unwrap_err();
        let error = target.finish().unwrap_err();
        assert_eq!(error.exit_code(), 1);
        assert!(error.to_string().starts_with("interrupted: "), "{error}");
        assert_eq!(fs::read_to_string(world.path("days")).unwrap(), "old");
        assert_eq!(names(&world), ["days"]);
    }
}
