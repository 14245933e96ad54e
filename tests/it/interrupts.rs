//! Told to stop, a command ends, whatever it waits for.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::net::TcpListener;
use std::process::{Child, Stdio};

use crate::kills::{ended, terminate};
use crate::running::SETTINGS;
use crate::running::program::{code, words, world};

/// Bit 14 is SIGTERM: from now on a signal no longer kills.
fn until_it_listens(child: &mut Child) {
    let status = format!("/proc/{}/status", child.id());
    let listens = || {
        let status = std::fs::read_to_string(&status).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = u64::from_str_radix(caught.unwrap().trim(), 16).unwrap();
        caught & (1 << 14) != 0
    };
    while !listens() {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
    }
}

#[test]
fn a_command_that_waits_for_a_silent_server_ends_when_told() {
    let commands: [&[&str]; 16] = [
        &["collect"],
        &["send"],
        &["show"],
        &["report"],
        &["alerts", "list"],
        &["alerts", "backtest"],
        &["alerts", "mutes"],
        &["deliveries"],
        &["runs"],
        &["prune"],
        &["export", "--format", "jsonl"],
        &["import", "days.csv"],
        &["top", "--once"],
        &["book", "copy", "--to", "sqlite:copy.db"],
        &["explain", "users"],
        &["doctor"],
    ];
    for args in commands {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("postgres://reader@{}/app", silent.local_addr().unwrap());
        let mut world = world(SETTINGS);
        world.set("DAYBOOK_APP_DATABASE_URL", &url);
        world.set("DAYBOOK_BOOK_DATABASE_URL", &url);
        world.write("days.csv", "date,key,value\n2026-01-05,users,3\n");
        let child = world.start(args);
        let waiting = silent.accept().unwrap();
        terminate(&child);
        let output = ended(child);
        drop(waiting);
        let told = match args {
            ["collect"] => "daybook: interrupted; days already stored were kept\n",
            _ => "daybook: interrupted\n",
        };
        assert_eq!(
            (code(&output), words(&output).as_str()),
            (1, told),
            "{args:?}"
        );
    }
}

#[test]
fn a_command_that_waits_for_a_pipe_ends_when_told() {
    for args in [
        ["init", "--stdin", "--force"].as_slice(),
        &["book", "copy", "--to", "-"],
        &["import", "-"],
    ] {
        let world = world(SETTINGS);
        let mut program = world.program();
        let program = program.args(args).stdin(Stdio::piped());
        let child = program.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().unwrap();
        let pipe = child.stdin.take();
        until_it_listens(&mut child);
        terminate(&child);
        let output = ended(child);
        drop(pipe);
        assert_eq!(code(&output), 1, "{args:?}");
        let told = "daybook: interrupted\n";
        assert_eq!(words(&output), told, "{args:?}");
    }
}
