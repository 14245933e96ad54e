//! What is handed to schedulers calls the program as it is.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use daybook::cli::Cli;

#[test]
fn every_call_in_the_crontab_is_one_that_the_program_takes() {
    let crontab = include_str!("../../crontab.example");
    let calls: Vec<&str> = crontab
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| Some(&line[line.find("daybook ")?..]))
        .collect();
    assert_eq!(calls.len(), 2, "{calls:?}");
    for call in calls {
        taken(call);
        assert!(
            call.ends_with("--quiet"),
            "cron mails what it prints: {call}"
        );
    }
}

#[test]
fn every_unit_starts_what_the_program_takes_and_is_caged() {
    let mut services = 0;
    for path in files("systemd", "service") {
        let unit = fs::read_to_string(&path).unwrap();
        let Some(call) = unit
            .lines()
            .find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/"))
        else {
            continue;
        };
        services += 1;
        taken(call);
        for line in [
            "User=daybook",
            "StateDirectory=daybook",
            "Environment=METRICS_DATABASE=/var/lib/daybook/live.db",
            "ProtectSystem=strict",
            "NoNewPrivileges=yes",
            "CapabilityBoundingSet=",
            "MemoryDenyWriteExecute=yes",
            "UMask=0077",
        ] {
            assert!(
                unit.lines().any(|found| found == line),
                "{path:?} lacks {line}"
            );
        }
        for credential in unit.lines().filter_map(|line| {
            line.trim_start_matches("# ")
                .strip_prefix("LoadCredential=")
        }) {
            let name = credential.split(':').next().unwrap();
            known_secret(name);
        }
        if call.contains("--send-email") {
            assert!(unit.contains("\nSuccessExitStatus=75\n"), "{path:?}");
        }
    }
    assert_eq!(services, 3);
    // The keeper of live events changes its own priority, and a call that is not allowed ends the program.
    let serve = fs::read_to_string(folder().join("systemd/daybook-serve.service")).unwrap();
    let filters: Vec<&str> = serve
        .lines()
        .filter_map(|line| line.strip_prefix("SystemCallFilter="))
        .collect();
    assert_eq!(
        filters,
        ["@system-service", "~@privileged @resources", "setpriority"]
    );
    let timer = fs::read_to_string(folder().join("systemd/daybook-collect.timer")).unwrap();
    assert!(timer.contains("OnCalendar=*-*-* 00:15:00 Europe/Zurich\n"));
    assert!(timer.contains("Persistent=true\n"));
}

#[test]
fn the_containers_call_the_program_with_as_few_rights_as_it_needs() {
    let compose = fs::read_to_string(folder().join("container/compose.yaml")).unwrap();
    let commands = compose
        .lines()
        .filter_map(|line| line.trim().strip_prefix("command: "));
    let mut calls = 0;
    for command in commands {
        let words: Vec<String> = serde_json::from_str(command).unwrap();
        taken(&format!("daybook {}", words.join(" ")));
        calls += 1;
    }
    assert_eq!(calls, 2);
    for right in [
        "read_only: true",
        "cap_drop: [ALL]",
        "no-new-privileges:true",
        "127.0.0.1:8321:8321",
    ] {
        assert!(compose.contains(right), "{right}");
    }
    for line in compose.lines().filter(|line| line.contains("{ file: ")) {
        known_secret(line.trim().split(':').next().unwrap());
    }
    let image = fs::read_to_string(folder().join("container/Containerfile")).unwrap();
    for line in [
        "FROM scratch",
        "USER 65532:65532",
        "STOPSIGNAL SIGTERM",
        "VOLUME /data",
    ] {
        assert!(image.lines().any(|found| found == line), "{line}");
    }
    let version = env!("CARGO_PKG_RUST_VERSION");
    assert!(
        image.contains(&format!("rust:{version}-alpine")),
        "Rust {version}"
    );
}

fn taken(call: &str) {
    let parsed = Cli::try_parse_from(call.split_whitespace());
    assert!(parsed.is_ok(), "{call}: {}", parsed.unwrap_err());
}

/// A credential has the name of its variable in lower case.
fn known_secret(name: &str) {
    let variable = name.to_uppercase();
    let settings = include_str!("../../daybook.example.toml");
    assert!(settings.contains(&variable), "{variable}");
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy")
}

fn files(inside: &str, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder().join(inside)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect()
}
