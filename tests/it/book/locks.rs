//! The locks of a book in a file: open to those who may read the book, and never held for ever without a word.

use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};
use tokio_util::sync::CancellationToken;

use chrono::{DateTime, TimeDelta, Utc};
use daybook::book::{self, Book, BookError, HeldBy};
use daybook::operate::doctor;

use super::{file_of, new_book};
use crate::running::SETTINGS;
use crate::running::program::{code, real_now, shop, words, world};
use crate::world::{World, in_a_file};

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn only_who_may_read_the_book_can_hold_its_locks() {
    if !in_a_file() {
        return;
    }
    for (of_book, before, after) in [
        (0o640, None, 0o640),
        (0o600, None, 0o600),
        (0o644, None, 0o640),
        (0o640, Some(0o644), 0o640),
        (0o600, Some(0o666), 0o600),
        (0o640, Some(0o600), 0o600),
    ] {
        let (folder, book) = new_book().await;
        set_mode(&file_of(&book), of_book);
        let locks = ["daybook.db.lock", "daybook.db.delivery.lock"];
        let locks = locks.map(|name| folder.path().join(name));
        for lock in &locks {
            drop(std::fs::remove_file(lock));
            if let Some(before) = before {
                File::create(lock).unwrap();
                set_mode(lock, before);
            }
        }
        let _collecting = Book::lock(book.url()).await.unwrap().unwrap();
        let _delivering = book::delivery_lock(&book, Duration::ZERO).await.unwrap();
        for lock in &locks {
            assert_eq!(mode(lock), after, "{of_book:o} {before:?}");
        }
    }
}

/// What `collect` says while the lock is held: its exit code and its words.
fn collect(world: &World) -> (i32, String) {
    let output = world.binary(&["collect"]);
    (code(&output), words(&output))
}

async fn doctor_of(world: &World, now: DateTime<Utc>) -> Vec<(doctor::Level, String)> {
    let findings = doctor::examine(&world.config(), now, &CancellationToken::new()).await;
    let book = findings.into_iter().filter(|one| one.area == "book");
    book.map(|one| (one.level, one.what)).collect()
}

#[tokio::test]
async fn another_program_that_holds_a_lock_is_named_and_no_night_ends_well() {
    if !in_a_file() {
        return;
    }
    let world = world(SETTINGS);
    shop(&world).await;
    assert_eq!(collect(&world).0, 0);
    for (name, is_shared) in [("daybook.db.lock", false), ("daybook.db.lock", true)] {
        let lock = world.path(name);
        let held = File::open(&lock).unwrap();
        match is_shared {
            true => held.lock_shared().unwrap(),
            false => held.lock().unwrap(),
        }
        let comm = std::fs::read_to_string("/proc/self/comm").unwrap();
        let expected = format!(
            "process {} ({}) holds {} and is not Daybook: end that process; nothing can be stored until then",
            std::process::id(),
            comm.trim_end(),
            lock.canonicalize().unwrap().display()
        );
        for _ in 0..2 {
            let (code, said) = collect(&world);
            assert_eq!(code, 69, "{said}");
            assert_eq!(said, format!("daybook: {expected}\n"));
        }
        let said = words(&world.binary(&["doctor"]));
        let told = crate::running::program::data(&world.binary(&["doctor"]));
        assert!(told.contains(&expected), "{told}{said}");
        drop(held);
        let (code, said) = collect(&world);
        assert_eq!(code, 0, "{said}");
    }
}

/// `$1` is the program. Each file system numbers its files anew.
const ON_TWO_FILE_SYSTEMS: &str = r#"
    mkdir ours others
    mount -t tmpfs ours ours
    mount -t tmpfs others others
    export DAYBOOK_BOOK_DATABASE_URL=sqlite:ours/daybook.db
    "$1" collect --quiet
    number=$(stat -c %i ours/daybook.db.lock)
    for name in $(seq 100); do
        touch others/$name
        [ "$(stat -c %i others/$name)" != "$number" ] || exec flock others/$name "$1" doctor
    done
"#;

#[tokio::test]
async fn a_lock_on_a_file_of_the_same_number_on_another_file_system_is_not_ours() {
    if !in_a_file() {
        return;
    }
    let world = world(SETTINGS);
    shop(&world).await;
    let output = world
        .within("unshare")
        .args(["-rm", "sh", "-euc", ON_TWO_FILE_SYSTEMS, "sh"])
        .arg(env!("CARGO_BIN_EXE_daybook"))
        .output()
        .unwrap();
    let told = crate::running::program::data(&output);
    assert!(
        told.contains("no collection is running"),
        "be root, or allow user namespaces, for the two file systems: {output:?}"
    );
}

#[tokio::test]
async fn a_daybook_that_holds_the_lock_longer_than_a_night_can_last_is_an_error() {
    if !in_a_file() {
        return;
    }
    for (settings, hours, is_too_long) in [
        ("", 11, false),
        ("", 13, true),
        ("[collect]\nmax_duration = \"1h\"\n", 1, false),
        ("[collect]\nmax_duration = \"1h\"\n", 2, true),
    ] {
        let world = world(&format!("{SETTINGS}\n{settings}"));
        shop(&world).await;
        assert_eq!(collect(&world).0, 0);
        let lock = Book::lock(&world.book_url()).await.unwrap().unwrap();
        let path = world.path("daybook.db.lock");
        let since = SystemTime::from(real_now() - TimeDelta::hours(hours));
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(since)
            .unwrap();
        let (code, said) = collect(&world);
        let findings = doctor_of(&world, real_now()).await;
        if is_too_long {
            let process = format!("daybook: process {} (", std::process::id());
            assert_eq!(code, 69, "{said}");
            assert!(said.starts_with(&process), "{said}");
            let since = DateTime::<Utc>::from(since).format("%Y-%m-%d %H:%M UTC");
            let longest = if settings.is_empty() { "12h" } else { "75m" };
            let expected = format!("since {since}, longer than a night can last ({longest})");
            assert!(said.contains(&expected), "{said}");
        } else {
            assert_eq!(code, 0, "{said}");
            assert!(
                said.contains("another `daybook collect` is running"),
                "{said}"
            );
        }
        let level = findings.iter().map(|(level, _)| *level).max().unwrap();
        assert_eq!(level == doctor::Level::Error, is_too_long, "{findings:?}");
        drop(lock);
        assert_eq!(collect(&world).0, 0);
    }
}

#[tokio::test]
async fn whoever_holds_the_lock_without_a_word_is_noted_by_the_first_one_in_vain() {
    if !in_a_file() {
        return;
    }
    let (folder, book) = new_book().await;
    let path = folder.path().join("daybook.db.lock");
    // Of this program, as a former version that noted nothing.
    let held = File::open(&path).unwrap();
    held.lock().unwrap();
    let holder = Book::collector(book.url()).await.unwrap().unwrap();
    assert_eq!((holder.since, holder.by), (None, HeldBy::Daybook));
    let before = real_now();
    for _ in 0..2 {
        assert!(Book::lock(book.url()).await.unwrap().is_none());
    }
    let holder = Book::collector(book.url()).await.unwrap().unwrap();
    let since = holder.since.unwrap();
    assert!(since >= before - TimeDelta::seconds(1) && since <= real_now());
    let longest = TimeDelta::hours(12);
    assert!(holder.trouble(since + longest, longest).is_none());
    let trouble = holder.trouble(since + longest + TimeDelta::seconds(1), longest);
    assert!(matches!(trouble, Some(BookError::HeldTooLong { .. })));
    drop(held);
    assert_eq!(Book::collector(book.url()).await.unwrap(), None);
}

#[tokio::test]
async fn a_lock_open_to_every_user_is_a_warning_of_the_doctor() {
    if !in_a_file() {
        return;
    }
    let world = world(SETTINGS);
    shop(&world).await;
    assert_eq!(collect(&world).0, 0);
    set_mode(world.path("").as_path(), 0o755);
    let warned = |findings: &[(doctor::Level, String)]| -> Vec<String> {
        let warned = findings
            .iter()
            .filter(|(level, _)| *level == doctor::Level::Warning);
        warned.map(|(_, what)| what.clone()).collect()
    };
    assert_eq!(warned(&doctor_of(&world, real_now()).await), [""; 0]);
    for name in ["daybook.db.lock", "daybook.db.delivery.lock"] {
        let lock = world.path(name);
        drop(
            File::options()
                .create(true)
                .append(true)
                .open(&lock)
                .unwrap(),
        );
        set_mode(&lock, 0o644);
        let real = lock.canonicalize().unwrap();
        let expected = format!(
            "every user of this machine can hold the lock {}, mode 0644",
            real.display()
        );
        assert_eq!(warned(&doctor_of(&world, real_now()).await), [expected]);
        set_mode(&lock, 0o640);
    }
}
