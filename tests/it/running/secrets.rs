//! A password never shows: not in words, data, JSON, the book, or an error.

use std::process::Output;

use super::SETTINGS;
use super::program::{code, world};
use crate::world::World;

const PASSWORD: &str = "hunter2:w@/geheim";
const PIECES: [&str; 2] = ["hunter2", "geheim"];

fn silent(output: &Output, what: &[&str]) {
    let all = format!("{output:?}");
    assert!(
        PIECES.iter().all(|piece| !all.contains(piece)),
        "{what:?}: {all}"
    );
}

async fn quiet_everywhere(world: &World) {
    for args in [
        &["collect"][..],
        &["collect", "--json"],
        &["collect", "--verbose"],
        &["collect", "--dry-run"],
        &["config", "show"],
        &["config", "show", "--json"],
        &["config", "check"],
        &["explain"],
        &["runs"],
        &["runs", "--json"],
        &["show"],
    ] {
        silent(&world.binary(args), args);
    }
    for file in ["daybook.db", "daybook.db-wal"] {
        let bytes = std::fs::read(world.path(file)).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        assert!(PIECES.iter().all(|piece| !text.contains(piece)), "{file}");
    }
}

#[tokio::test]
async fn a_password_in_a_url_never_shows() {
    let url = format!("postgres://reader:{PASSWORD}@127.0.0.1:1/app");
    let mut from_environment = world(SETTINGS);
    from_environment.set("DAYBOOK_APP_DATABASE_URL", &url);
    assert_eq!(code(&from_environment.binary(&["collect"])), 69);
    quiet_everywhere(&from_environment).await;

    let from_file = world(&SETTINGS.replace("sqlite:app.db", &url));
    quiet_everywhere(&from_file).await;
    let broken = world(&SETTINGS.replace("sqlite:app.db", &format!("{url}\"\nwrong = \"")));
    quiet_everywhere(&broken).await;
    let mut other_engine = world(SETTINGS);
    other_engine.set(
        "DAYBOOK_APP_DATABASE_URL",
        &url.replace("postgres", "oracle"),
    );
    quiet_everywhere(&other_engine).await;
    other_engine.set("DAYBOOK_APP_DATABASE_URL", PASSWORD);
    quiet_everywhere(&other_engine).await;
}

#[tokio::test]
async fn a_password_on_the_command_line_is_refused_and_not_repeated() {
    let world = world(SETTINGS);
    let url = format!("postgres://reader:{PASSWORD}@127.0.0.1:1/app");
    for args in [
        &["collect", "--config", &url][..],
        &["collect", &url],
        &["collect", "--date", &url],
        &["collect", "--metric", &url],
        &[&url],
    ] {
        let output = world.binary(args);
        assert_eq!(code(&output), 2, "{output:?}");
        silent(&output, args);
        assert!(
            super::program::words(&output).contains("password"),
            "{output:?}"
        );
    }
}
