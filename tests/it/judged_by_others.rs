//! What other programs say of the files made for them: promtool, systemd and the readers of man pages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value as Json, json};

#[test]
fn promtool_takes_every_query_of_the_dashboard() {
    let text = include_str!("../../deploy/grafana/dashboards/beryl.json");
    let dashboard: Json = serde_json::from_str(text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels
        .filter_map(|panel| panel["targets"].as_array())
        .flatten();
    let marks = dashboard["annotations"]["list"].as_array().unwrap().iter();
    let asked: Vec<&str> = targets
        .chain(marks)
        .filter_map(|one| one["expr"].as_str())
        .collect();
    assert!(asked.len() > 100, "{}", asked.len());
    let rule =
        |(at, expr): (usize, &&str)| json!({ "record": format!("asked_{at}"), "expr": expr });
    let rules: Vec<Json> = asked.iter().enumerate().map(rule).collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("asked.yml");
    // JSON is YAML too.
    fs::write(
        &file,
        json!({ "groups": [{ "name": "asked", "rules": rules }] }).to_string(),
    )
    .unwrap();
    let said = run(
        "promtool",
        "prometheus",
        &["check", "rules", file.to_str().unwrap()],
    );
    assert!(
        said.contains(&format!("{} rules found", asked.len())),
        "{said}"
    );
}

/// The same query as the dashboard's, on one series with two lives.
#[test]
fn a_picture_joins_days_taken_over_to_those_that_were_scraped() {
    let text = include_str!("../../deploy/grafana/dashboards/beryl.json");
    let dashboard: Json = serde_json::from_str(text).unwrap();
    let mut panels = dashboard["panels"].as_array().unwrap().iter();
    let panel =
        panels.find(|panel| panel["type"] == "timeseries" && panel["title"] == "Total users");
    let expr = panel.unwrap()["targets"][0]["expr"]
        .as_str()
        .unwrap()
        .replace("$job", ".*");
    // Points of an hour: one taken over at 0 h and 24 h, scraped from 30 h to 40 h, unknown from 41 h, though scraped.
    let at = |hours: u32, value: Option<u32>| {
        let samples: Vec<Json> = value
            .iter()
            .map(|value| json!({ "labels": "{}", "value": value }))
            .collect();
        json!({ "expr": expr, "eval_time": format!("{hours}h"), "exp_samples": samples })
    };
    let tests = json!([{
        "interval": "1h",
        "input_series": [
            { "series": "beryl_users_total", "values": "5 _x23 6" },
            { "series": "beryl_users_total{job=\"daybook\"}", "values": "_x30 7x10 stale" },
            { "series": "beryl_metrics_build_info{job=\"daybook\"}", "values": "_x30 1x20" },
        ],
        "promql_expr_test": [at(0, Some(5)), at(13, Some(5)), at(24, Some(6)), at(29, Some(6)), at(30, Some(7)), at(40, Some(7)), at(41, None)],
    }]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("two_lives.yml");
    fs::write(
        &file,
        json!({ "rule_files": [], "evaluation_interval": "1h", "tests": tests }).to_string(),
    )
    .unwrap();
    run(
        "promtool",
        "prometheus",
        &["test", "rules", file.to_str().unwrap()],
    );
}

#[test]
fn promtool_takes_what_is_scraped_and_what_alerts_and_the_alerts_ring_when_they_should() {
    let in_folder = |name: &str| folder("prometheus").join(name).to_str().unwrap().to_owned();
    run(
        "promtool",
        "prometheus",
        &["check", "config", &in_folder("prometheus.yml")],
    );
    run(
        "promtool",
        "prometheus",
        &[
            "check",
            "rules",
            "--lint-fatal",
            &in_folder("daybook.rules.yml"),
        ],
    );
    run(
        "promtool",
        "prometheus",
        &["test", "rules", &in_folder("daybook.rules.test.yml")],
    );
}

#[test]
fn systemd_takes_the_units_and_rates_them_as_well_caged() {
    let copies = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(folder("systemd")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let text = text.replace("/usr/local/bin/daybook", env!("CARGO_BIN_EXE_daybook"));
        fs::write(copies.path().join(path.file_name().unwrap()), text).unwrap();
    }
    let at = |name: &str| copies.path().join(name).to_str().unwrap().to_owned();
    for name in ["daybook-collect", "daybook-catch-up", "daybook-serve"] {
        let service = at(&format!("{name}.service"));
        let said = run(
            "systemd-analyze",
            "systemd",
            &["verify", "--man=no", &service],
        );
        assert_eq!(said, "", "{name}");
        // Of ten; below two is what systemd calls well.
        run(
            "systemd-analyze",
            "systemd",
            &["security", "--offline=true", "--threshold=15", &service],
        );
    }
    for name in ["daybook-collect", "daybook-catch-up"] {
        let said = run(
            "systemd-analyze",
            "systemd",
            &["verify", "--man=no", &at(&format!("{name}.timer"))],
        );
        assert_eq!(said, "", "{name}");
    }
}

#[test]
fn readers_of_man_pages_find_nothing_wrong() {
    let page = Command::new(env!("CARGO_BIN_EXE_daybook"))
        .arg("man")
        .output()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("daybook.1");
    fs::write(&file, page.stdout).unwrap();
    let path = file.to_str().unwrap();
    let said = judged("mandoc", "mandoc", &["-T", "lint", "-W", "warning", path]);
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    // It has none on purpose: the same version makes the same page.
    let faults: Vec<&str> = said
        .lines()
        .filter(|line| !line.contains("missing date"))
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
    let shown = run("mandoc", "mandoc", &["-T", "utf8", path]);
    assert!(
        shown.contains("EXIT STATUS") || shown.contains("E\u{8}EX\u{8}X"),
        "{shown}"
    );
}

/// What the program said, all of it. A failure of it is one of the test.
fn run(program: &str, package: &str, args: &[&str]) -> String {
    let output = judged(program, package, args);
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{program} {args:?}: {said}");
    said
}

fn judged(program: &str, package: &str, args: &[&str]) -> Output {
    let output = Command::new(program).args(args).output();
    output.unwrap_or_else(|error| {
        panic!("{program}: {error}; install it: apt-get install {package}, or `make needed`")
    })
}

fn folder(inside: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy")
        .join(inside)
}
