//! What the tests of the agents' storage ask of queries, and what that storage got wrong.

use std::collections::BTreeSet;
use std::fs;

use chrono::{DateTime, TimeDelta, Utc};
use daybook::web::Limits;
use serde_json::{Value as Json, json};

use super::exports::export;
use super::{Intake, LINES, METRICS, json as parsed, noon, shop};
use crate::world::World;

/// Task 1 to 100, one a minute from 09:01 on: of four agents in turn, the n-th taking 10 n ms and 100 + n tokens; every tenth fails.
fn tasks() -> impl Iterator<Item = Json> {
    let start = noon() - TimeDelta::hours(2);
    (1..=100).map(move |n: i32| {
        json!({
            "kind": "task", "at": start + TimeDelta::minutes(n.into()), "ok": n % 10 != 0,
            "labels": { "task_id": format!("task_{n:03}"), "agent_id": format!("agent_{}", n % 4) },
            "values": { "duration": 10 * n, "tokens_used": 100 + n },
        })
    })
}

async fn recorded(world: &World, events: impl Iterator<Item = Json>) -> Intake {
    let intake = Intake::of(world).await;
    record(&intake, events).await;
    intake
}

async fn record(intake: &Intake, events: impl Iterator<Item = Json>) {
    let lines: Vec<String> = events.map(|event| event.to_string()).collect();
    let browser = intake.browser();
    let answer = browser.post("/api/events", LINES, lines.join("\n")).await;
    assert_eq!(parsed(&answer)["accepted"], lines.len(), "{answer:?}");
}

fn agents() -> World {
    shop("presets = [\"agents\"]")
}

async fn ask(intake: &Intake, question: &str) -> Json {
    let answer = intake.get(&format!("/api/live/{question}")).await;
    assert_eq!(answer.status, 200, "{question}: {answer:?}");
    parsed(&answer)
}

fn numbers(answer: &Json) -> Vec<usize> {
    let number = |point: &Json| {
        let id = point["labels"]["task_id"].as_str().unwrap();
        id["task_".len()..].parse().unwrap()
    };
    answer["points"]
        .as_array()
        .unwrap()
        .iter()
        .map(number)
        .collect()
}

#[tokio::test]
async fn tasks_are_found_by_agent_time_outcome_and_all_of_them_together() {
    let world = agents();
    let intake = recorded(&world, tasks()).await;
    for (filter, expected) in [
        ("label.agent_id=agent_1", (1..=97).step_by(4).collect()),
        ("ok=false", (10..=100).step_by(10).collect::<Vec<usize>>()),
        // From an instant on, up to before another.
        (
            "from=2026-11-20T09:10:00Z&to=2026-11-20T09:20:00Z",
            (10..=19).collect(),
        ),
        (
            "ok=false&label.agent_id=agent_2&to=2026-11-20T10:00:00Z",
            vec![10, 30, 50],
        ),
        ("label.task_id=task_042", vec![42]),
        ("label.agent_id=agent_9", vec![]),
        ("from=2026-11-21&to=2026-11-22", vec![]),
    ] {
        let found = ask(&intake, &format!("task/range?{filter}")).await;
        assert_eq!(numbers(&found), expected, "{filter}");
    }
    intake.end().await;
}

#[tokio::test]
async fn ten_pages_of_ten_are_all_hundred_the_newest_first() {
    let world = agents();
    let intake = recorded(&world, tasks()).await;
    let (mut all, mut after) = (Vec::new(), String::new());
    for _ in 0..10 {
        let page = ask(&intake, &format!("task/points?limit=10{after}")).await;
        assert_eq!(numbers(&page).len(), 10);
        all.extend(numbers(&page));
        after = page["next"]
            .as_str()
            .map_or_else(String::new, |next| format!("&after={next}"));
    }
    assert_eq!(all, (1..=100).rev().collect::<Vec<_>>());
    intake.end().await;
}

#[tokio::test]
async fn averages_and_percentiles_are_those_of_the_tasks_that_are_asked_for() {
    let world = agents();
    let intake = recorded(&world, tasks()).await;
    for (question, expected) in [
        ("average?value=duration", json!(505)),
        ("average?value=tokens_used", json!(150.5)),
        // 10, 50, …, 970.
        ("average?value=duration&label.agent_id=agent_1", json!(490)),
        // Of a hundred the 50th, the 95th and the 99th, not their neighbours.
        ("percentile?value=duration&percentile=50", json!(500)),
        ("percentile?value=duration&percentile=95", json!(950)),
        ("percentile?value=duration&percentile=99", json!(990)),
        // Of 25 the 24th.
        (
            "percentile?value=duration&percentile=95&label.agent_id=agent_0",
            json!(960),
        ),
        (
            "percentile?value=duration&label.agent_id=agent_9",
            json!(null),
        ),
        ("average?value=duration&from=2026-11-21", json!(null)),
    ] {
        let answer = ask(&intake, &format!("task/{question}")).await;
        assert_eq!(answer["value"], expected, "{question}");
    }
    intake.end().await;
}

#[tokio::test]
async fn hours_and_days_have_their_counts_sums_and_averages() {
    let world = agents();
    let intake = recorded(&world, tasks()).await;
    let figures = "figure=count&figure=sum of tokens_used&figure=avg of duration".replace(' ', "+");
    let row = |start: &str, count: u64, sum: u64, average: f64| json!({ "start": start, "count": count, "sum of tokens_used": sum, "avg of duration": average });
    let same = |rows: &Json, expected: &[Json]| {
        let rows = rows.as_array().unwrap();
        assert_eq!(rows.len(), expected.len());
        for (row, expected) in rows.iter().zip(expected) {
            assert_eq!(row["start"], expected["start"]);
            for name in ["count", "sum of tokens_used", "avg of duration"] {
                assert_eq!(row[name].as_f64(), expected[name].as_f64(), "{name}: {row}");
            }
        }
    };
    // 1 to 59, then 60 to 100.
    let hours = ask(&intake, &format!("task/aggregate?every=hour&{figures}")).await;
    same(
        &hours["rows"],
        &[
            row("2026-11-20T10:00:00+01:00", 59, 7670, 300.0),
            row("2026-11-20T11:00:00+01:00", 41, 7380, 800.0),
        ],
    );
    let days = ask(&intake, &format!("task/aggregate?every=day&{figures}")).await;
    same(
        &days["rows"],
        &[row("2026-11-20T00:00:00+01:00", 100, 15_050, 505.0)],
    );
    intake.end().await;
}

#[tokio::test]
async fn agents_are_ranked_by_their_average_and_tasks_by_their_time() {
    let world = agents();
    let intake = recorded(&world, tasks()).await;
    let top = ask(
        &intake,
        "task/top?by=agent_id&figure=avg+of+duration&order=asc&limit=3",
    )
    .await;
    let rows = top["rows"].as_array().unwrap().iter();
    let ranked = rows.map(|row| {
        let values = &row["values"];
        json!([
            row["labels"]["agent_id"],
            row["count"],
            row["avg of duration"],
            values["tokens_used"]["avg"],
            row["success_pct"]
        ])
    });
    let expected = [
        json!(["agent_1", 25, 490, 149, 100]),
        json!(["agent_2", 25, 500, 150, 80]),
        json!(["agent_3", 25, 510, 151, 100]),
    ];
    for (row, expected) in ranked.zip(&expected) {
        let floats = |row: &Json| -> Vec<Option<f64>> {
            row.as_array().unwrap()[1..]
                .iter()
                .map(Json::as_f64)
                .collect()
        };
        assert_eq!(
            (&row[0], floats(&row)),
            (&expected[0], floats(expected)),
            "{top}"
        );
    }
    assert_eq!(top["groups"], 4);
    let slowest = ask(&intake, "task/slowest?limit=3").await;
    assert_eq!(numbers(&slowest), [100, 99, 98]);
    let of_one = ask(
        &intake,
        "task/slowest?limit=2&ok=false&label.agent_id=agent_2",
    )
    .await;
    assert_eq!(numbers(&of_one), [90, 70]);
    intake.end().await;
}

#[tokio::test]
async fn the_fastest_agent_is_not_the_one_with_a_single_fast_task() {
    let task = |(number, (agent, duration)): (usize, (&str, u32))| json!({ "kind": "task", "labels": { "task_id": format!("t{number}"), "agent_id": agent }, "values": { "duration": duration } });
    let durations = [("slow", 1), ("slow", 199_999), ("slow", 1), ("quick", 50)];
    let world = agents();
    let intake = recorded(&world, durations.into_iter().enumerate().map(task)).await;
    let top = ask(
        &intake,
        "task/top?by=agent_id&figure=avg+of+duration&order=asc",
    )
    .await;
    let row = |at: usize| {
        (
            &top["rows"][at]["labels"]["agent_id"],
            top["rows"][at]["avg of duration"].as_f64(),
        )
    };
    assert_eq!(row(0), (&json!("quick"), Some(50.0)));
    assert_eq!(row(1), (&json!("slow"), Some(66_667.0)));
    intake.end().await;
}

#[tokio::test]
async fn a_summary_is_of_the_agent_and_the_time_that_are_asked_for() {
    let world = agents();
    let intake = recorded(&world, tasks()).await;
    let floats = |summary: &Json| -> Vec<Option<f64>> {
        let (duration, tokens) = (
            &summary["values"]["duration"],
            &summary["values"]["tokens_used"],
        );
        [
            &summary["count"],
            &summary["succeeded"],
            &summary["success_pct"],
            &duration["avg"],
            &duration["p95"],
            &duration["p99"],
            &tokens["avg"],
            &tokens["sum"],
            &summary["distinct"]["agent_id"],
        ]
        .map(Json::as_f64)
        .to_vec()
    };
    for (filter, expected) in [
        (
            "",
            [100.0, 90.0, 90.0, 505.0, 950.0, 990.0, 150.5, 15_050.0, 4.0],
        ),
        // 4, 8, …, 100, of which 20, 40, …, 100 fail.
        (
            "label.agent_id=agent_0",
            [25.0, 20.0, 80.0, 520.0, 960.0, 1000.0, 152.0, 3800.0, 1.0],
        ),
        (
            "from=2026-11-20T10:36:00Z",
            [5.0, 4.0, 80.0, 980.0, 1000.0, 1000.0, 198.0, 990.0, 4.0],
        ),
    ] {
        let summary = ask(&intake, &format!("task/summary?{filter}")).await;
        assert_eq!(floats(&summary), expected.map(Some), "{filter}: {summary}");
    }
    let nothing = ask(&intake, "task/summary?label.agent_id=agent_9").await;
    assert_eq!(
        (&nothing["count"], &nothing["success_pct"]),
        (&json!(0), &Json::Null)
    );
    assert_eq!(nothing["distinct"]["agent_id"], 0);
    intake.end().await;
}

#[tokio::test]
async fn an_average_of_cpu_has_no_memory_in_it() {
    let sample = |(metric, value): (&str, f64)| json!({ "kind": "agent", "labels": { "agent_id": "a", "metric_type": metric }, "values": { "value": value } });
    let samples = [("cpu", 20.0), ("mem", 4e9), ("cpu", 30.0), ("mem", 5e9)];
    let world = agents();
    let intake = recorded(&world, samples.into_iter().map(sample)).await;
    for (metric, average) in [("cpu", 25.0), ("mem", 4.5e9)] {
        let question = format!("agent/average?value=value&label.metric_type={metric}");
        assert_eq!(
            ask(&intake, &question).await["value"].as_f64(),
            Some(average)
        );
        let question =
            format!("agent/aggregate?every=hour&figure=avg+of+value&label.metric_type={metric}");
        let rows = &ask(&intake, &question).await["rows"];
        assert_eq!(rows[0]["avg of value"].as_f64(), Some(average), "{rows}");
    }
    intake.end().await;
}

#[tokio::test]
async fn sql_in_a_question_is_a_name_that_nothing_has() {
    let world = agents();
    let intake = recorded(&world, tasks()).await;
    let text = "task/points?label.task_id='+OR+1=1+--";
    assert_eq!(ask(&intake, text).await["points"], json!([]));
    let inner = "(select+name+from+sqlite_master)";
    for (question, status) in [
        (format!("{inner}/points"), 404),
        (format!("task/{inner}"), 404),
        (format!("task/average?value={inner}"), 400),
        (format!("task/aggregate?figure=avg+of+{inner}"), 400),
        (
            format!("task/top?by=agent_id&figure=count&order={inner}"),
            400,
        ),
        (format!("task/points?label.{inner}=1"), 400),
    ] {
        let answer = intake.get(&format!("/api/live/{question}")).await;
        assert_eq!(answer.status, status, "{question}: {answer:?}");
        assert!(
            !answer.body.contains("CREATE TABLE"),
            "{question}: {answer:?}"
        );
    }
    intake.end().await;
}

#[tokio::test]
async fn of_2500_tasks_every_export_has_2500() {
    let task = |n: i32| json!({ "kind": "task", "labels": { "task_id": format!("t{n}"), "agent_id": format!("a{}", n % 7) }, "values": { "duration": n } });
    let world = agents();
    let intake = recorded(&world, (0..2500).map(task)).await;
    let export = async |format: &str| {
        let address = format!("/api/live/task/export?format={format}");
        export(&intake, &address, "").await.text()
    };
    let document: Json = serde_json::from_str(&export("json").await).unwrap();
    assert_eq!(document["task_metrics"].as_array().unwrap().len(), 2500);
    assert_eq!(
        document["export_info"]["record_counts"]["task_metrics"],
        2500
    );
    assert_eq!(document["summary"]["total_tasks"], 2500);
    let ids: BTreeSet<&str> = document["task_metrics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| task["task_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 2500);
    assert_eq!(export("csv").await.matches("2026-11-20T").count(), 2500);
    assert_eq!(
        export("jsonl").await.matches("\"kind\":\"task\"").count(),
        2500
    );
    assert_eq!(
        export("influx").await.matches("task,agent_id=").count(),
        2500
    );
    intake.end().await;
}

async fn by_time(
    zone: &str,
    now: fn() -> DateTime<Utc>,
    moments: &[String],
    every: &str,
) -> Vec<(String, u64)> {
    let settings =
        format!("time_zone = \"{zone}\"\n[live]\naccept = true\npresets = [\"agents\"]\n{METRICS}");
    let world = World::new("2026-01-05T00:00:00Z", &settings);
    let intake = Intake::with(world.config(), Limits::default(), now).await;
    let event = |at: &String| json!({ "kind": "agent", "at": at, "labels": { "agent_id": "a", "metric_type": "cpu" }, "values": { "value": 1 } });
    record(&intake, moments.iter().map(event)).await;
    let answer = ask(
        &intake,
        &format!("agent/aggregate?every={every}&figure=count"),
    )
    .await;
    intake.end().await;
    let row = |row: &Json| {
        (
            row["start"].as_str().unwrap().to_owned(),
            row["count"].as_u64().unwrap(),
        )
    };
    answer["rows"].as_array().unwrap().iter().map(row).collect()
}

fn monday() -> DateTime<Utc> {
    "2026-01-05T00:00:00Z".parse().unwrap()
}

#[tokio::test]
async fn a_morning_in_tokyo_belongs_to_its_own_day() {
    let moments = ["2026-01-02T05:00:00+09:00".to_owned()];
    let days = by_time("Asia/Tokyo", monday, &moments, "day").await;
    assert_eq!(days, [("2026-01-02T00:00:00+09:00".to_owned(), 1)]);
}

#[tokio::test]
async fn the_week_over_new_year_is_one_week() {
    let days = [
        "2025-12-29",
        "2025-12-30",
        "2025-12-31",
        "2026-01-01",
        "2026-01-02",
        "2026-01-03",
        "2026-01-04",
    ];
    let moments = days.map(|day| format!("{day}T12:00:00+01:00"));
    let weeks = by_time("Europe/Zurich", monday, &moments, "week").await;
    assert_eq!(weeks, [("2025-12-29T00:00:00+01:00".to_owned(), 7)]);
}

#[tokio::test]
async fn sixty_clients_leave_no_connection_each() {
    let world = agents();
    let intake = recorded(&world, tasks()).await;
    let asking = (0..60).map(|_| {
        let browser = intake.browser();
        tokio::spawn(async move { browser.get("/api/live/task/summary").await.status })
    });
    for answered in asking.collect::<Vec<_>>() {
        assert_eq!(answered.await.unwrap(), 200);
    }
    let path = fs::canonicalize(world.path("live.db")).unwrap();
    let open = fs::read_dir("/proc/self/fd").unwrap();
    let open = open.filter(|file| {
        fs::read_link(file.as_ref().unwrap().path()).is_ok_and(|target| target == path)
    });
    let count = open.count();
    assert!((1..20).contains(&count), "{count}");
    intake.end().await;
}

#[tokio::test]
async fn an_agent_with_markup_in_its_name_is_shown_by_its_name() {
    let task = json!({ "kind": "task", "labels": { "task_id": "t", "agent_id": "[red]evil[/red]\u{1b}[31m" }, "values": { "duration": 1 } });
    let world = agents();
    let intake = recorded(&world, [task].into_iter()).await;
    let page = intake.get("/sys/metrics/live").await.body;
    assert!(
        page.contains("[red]evil[/red]") && !page.contains('\u{1b}'),
        "{page}"
    );
    let answer = intake
        .get("/api/live/task/top?by=agent_id&figure=count")
        .await
        .body;
    assert!(answer.contains("[red]evil[/red]\\u001b[31m"), "{answer}");
    intake.end().await;
}
