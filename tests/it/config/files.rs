//! Folders of files: every valid one is accepted, every invalid one refused in exactly these words.

use std::path::PathBuf;

use daybook::config::{Request, load};

use super::{assert_same_as_file, project};

#[test]
fn every_valid_file_is_accepted() {
    let files = files("valid");
    assert!(!files.is_empty());
    for name in files {
        if let Err(error) = load(&request(&name)) {
            panic!("{name}: {error}");
        }
    }
}

#[test]
fn every_invalid_file_is_refused_with_all_its_mistakes() {
    let files = files("invalid");
    assert!(files.len() >= 25);
    let mut wrong = Vec::new();
    for name in files {
        let error = load(&request(&name)).expect_err(&name);
        let expected = project("tests/it/config")
            .join(&name)
            .with_extension("expected");
        let compare = || assert_same_as_file(&format!("{error}\n"), &expected);
        if std::panic::catch_unwind(compare).is_err() {
            wrong.push(name);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Named as a user would who stands in the folder above.
fn request(name: &str) -> Request {
    Request {
        path: Some(PathBuf::from(name)),
        environment: Default::default(),
        cwd: project("tests/it/config"),
    }
}

fn files(folder: &str) -> Vec<String> {
    let folder_path = project("tests/it/config").join(folder);
    let listed = std::fs::read_dir(folder_path).expect("the folder is readable");
    let mut names: Vec<String> = listed
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".toml"))
        .map(|name| format!("{folder}/{name}"))
        .collect();
    names.sort();
    names
}
