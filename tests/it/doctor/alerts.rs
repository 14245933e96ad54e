//! Metrics that alert so often that nobody looks any more.

use chrono::NaiveDate;
use daybook::operate::doctor::{Finding, examine};
use tokio_util::sync::CancellationToken;

use super::{NOW, line};
use crate::backtest::{bursty, in_threes};
use crate::world::{World, instant};

const BY_USUAL: &str = "[alerts]\njudge = \"usual\"\n";
const LIMITED: &str = "alert = { warning = \"> 5\" }";

type Days = Vec<(NaiveDate, u64)>;

/// A book into which these days were imported.
async fn book(general: &str, metrics: &[(&str, &str, Days)]) -> World {
    let mut settings = general.to_owned();
    let mut days = "date,key,value\n".to_owned();
    for (key, lines, values) in metrics {
        settings += &format!("[[metrics]]\nkey = \"{key}\"\nsql = \"SELECT 1\"\n{lines}\n");
        for (on, value) in values {
            days += &format!("{on},{key},{value}\n");
        }
    }
    let world = World::new(NOW, &settings);
    world.write("days.csv", &days);
    world.command(&["import", "days.csv"]).await.unwrap();
    world
}

async fn findings(world: &World) -> Vec<Finding> {
    let all = examine(&world.config(), instant(NOW), &CancellationToken::new()).await;
    all.into_iter().filter(|one| one.area == "alerts").collect()
}

fn quiet() -> Days {
    bursty(|_| 1.0)
}

/// The same days with other values.
fn days(value: impl Fn(usize) -> u64) -> Days {
    let days = quiet().into_iter().enumerate();
    days.map(|(at, (on, _))| (on, value(at))).collect()
}

#[tokio::test]
async fn noisy_metrics_are_named_with_what_to_set() {
    let world = book(
        BY_USUAL,
        &[
            ("quiet", "", quiet()),
            ("bursts", "", bursty(in_threes)),
            ("seen", "", bursty(in_threes)),
            ("grows", "", bursty(|at| 1.5 * 1.1_f64.powi(at))),
            ("stays", LIMITED, days(|at| if at >= 260 { 9 } else { 1 })),
            (
                "ended",
                LIMITED,
                days(|at| if (240..265).contains(&at) { 9 } else { 1 }),
            ),
            ("often", LIMITED, days(|at| if at % 5 == 0 { 9 } else { 1 })),
        ],
    )
    .await;
    let mute = [
        "alerts",
        "mute",
        "seen",
        "--until",
        "2025-10-10",
        "--because",
        "known",
    ];
    world.command(&mute).await.unwrap();
    let found = findings(&world).await;
    let told: Vec<String> = found.iter().map(line).collect();
    let noisy = "1 metric alerted on more than a tenth of the last 90 days";
    assert_eq!(
        told,
        [
            format!("warning alerts: {noisy}: stays on 40, since Mon 25 Aug 2025"),
            format!("ok alerts: {noisy}: ended on 25"),
            format!("warning alerts: {noisy}: often on 18"),
            format!("warning alerts: {noisy}: bursts on 12"),
            format!("warning alerts: {noisy}: grows on 12"),
        ]
    );
    let advised = [
        "Find out why the value stays where it is.",
        "",
        "Set `warning` and `critical` of its `alert`",
        "Set `alert = { reach = 0.99 }`, which would have kept it below a tenth; `daybook alerts backtest --metric bursts --reach 0.99` ",
        "Give it limits of its own, `alert = { percent = { warning = 30, critical = 60 } }`",
    ];
    for (finding, advice) in found.iter().zip(advised) {
        assert!(finding.advice.starts_with(advice), "{finding:?}");
    }
}

#[tokio::test]
async fn plain_thresholds_are_left_where_what_is_usual_would_be_quiet() {
    let week = days(|at| if at % 7 < 5 { 1000 } else { 600 });
    let plain = BY_USUAL.replace("usual", "thresholds");
    let world = book(
        &plain,
        &[("orders", "", week.clone()), ("visits", "", week.clone())],
    )
    .await;
    let found = findings(&world).await;
    let [finding] = &found[..] else {
        panic!("{found:?}");
    };
    assert!(
        finding
            .what
            .starts_with("2 metrics alerted on more than a tenth"),
        "{finding:?}"
    );
    assert!(
        finding.advice.starts_with("Leave out `judge"),
        "{finding:?}"
    );
    assert_eq!(
        findings(&book(BY_USUAL, &[("orders", "", week)]).await).await,
        []
    );
}

#[tokio::test]
async fn four_weeks_must_be_stored_before_a_metric_is_called_noisy() {
    let often = days(|at| if at % 5 == 0 { 9 } else { 1 });
    for (count, named) in [(27, 0), (28, 1)] {
        let lately = often[often.len() - count..].to_vec();
        let world = book(BY_USUAL, &[("often", LIMITED, lately)]).await;
        assert_eq!(findings(&world).await.len(), named, "{count} days");
    }
}
