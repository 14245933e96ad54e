//! A library between a program and its files (`disk.c`): it logs what happens to them, and can be a disk that is full or must
//! not be written to.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

/// Compiled when it is first needed, with the compiler that built SQLite.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let library = folder.join("live_disk.so");
        // Another run of the tests may be loading it: it is put there whole.
        let built = folder.join(format!("live_disk.{}.so", std::process::id()));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/live/disk.c");
        let compiled = Command::new("cc")
            .args([
                "-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-pthread",
            ])
            .arg("-o")
            .args([&built, &source])
            .output()
            .unwrap();
        assert!(compiled.status.success(), "{compiled:?}");
        fs::rename(&built, &library).unwrap();
        library
    })
}

/// Lets the program run on such a disk, as far as `folder` goes.
pub(super) fn watched<'c>(
    command: &'c mut Command,
    folder: &Path,
    settings: &[(&str, &str)],
) -> &'c mut Command {
    command
        .env("LD_PRELOAD", library())
        .env("DISK_FOLDER", folder.canonicalize().unwrap())
        .envs(settings.iter().copied())
}

/// What the program did, in the order in which it happened.
#[derive(Debug)]
pub(super) enum Effect {
    /// A process begins; descriptors of the one before mean nothing any more.
    Process,
    Open {
        descriptor: usize,
        is_new: bool,
        path: PathBuf,
    },
    Write {
        descriptor: usize,
        at: usize,
        bytes: Vec<u8>,
    },
    Resize {
        descriptor: usize,
        size: usize,
    },
    Sync(usize),
    Close(usize),
    Delete(PathBuf),
    /// Written to standard output.
    Answer(Vec<u8>),
}

pub(super) fn read_log(log: &Path) -> Vec<Effect> {
    let log = fs::read(log).unwrap();
    let mut rest = &log[..];
    let mut effects = Vec::new();
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap();
        let line = str::from_utf8(&rest[..end]).unwrap();
        let [effect, descriptor, number, length] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        let [descriptor, number, length] =
            [descriptor, number, length].map(|number| number.parse::<usize>().unwrap());
        let (bytes, behind) = rest[end + 1..].split_at(length);
        rest = behind;
        let path = || PathBuf::from(str::from_utf8(bytes).unwrap());
        effects.push(match effect {
            "P" => Effect::Process,
            "O" => Effect::Open {
                descriptor,
                is_new: number == 1,
                path: path(),
            },
            "W" => Effect::Write {
                descriptor,
                at: number,
                bytes: bytes.to_vec(),
            },
            "T" => Effect::Resize {
                descriptor,
                size: number,
            },
            "S" => Effect::Sync(descriptor),
            "C" => Effect::Close(descriptor),
            "U" => Effect::Delete(path()),
            "A" => Effect::Answer(bytes.to_vec()),
            _ => panic!("{line}: {}", String::from_utf8_lossy(bytes)),
        });
    }
    effects
}

/// In memory where the machine has a folder for that: what is written there is thrown away soon.
pub(super) fn passing_folder() -> TempDir {
    let folder = tempfile::tempdir_in("/dev/shm");
    folder.or_else(|_| tempfile::tempdir()).unwrap()
}
