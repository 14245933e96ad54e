//! Refused days: exit code 2, and words that say what to do.

use super::SETTINGS;
use crate::world::World;

const NOW: &str = "2025-10-04T06:00:00Z";

async fn refused(world: &World, args: &[&str]) -> String {
    let error = world.command(args).await.unwrap_err();
    assert_eq!(error.exit_code(), 2, "{error}");
    let book = world.path("daybook.db");
    assert!(!book.exists(), "a refusal makes no book");
    error.to_string()
}

#[tokio::test]
async fn dates_that_are_not_of_the_calendar_are_refused() {
    let world = World::new(NOW, SETTINGS);
    for text in [
        "2025-1-3",
        "03.10.2025",
        "20251003",
        "2025-10-03 ",
        "tomorrow",
        "",
        "+12345-01-01",
        "-262143-01-01",
        "-0001-01-01",
        "2025-10-03T00:00:00Z",
        "٢٠٢٥-١٠-٠٣",
    ] {
        for command in ["collect", "show"] {
            let message = refused(&world, &[command, &format!("--date={text}")]).await;
            assert_eq!(
                message,
                format!(
                    "--date {}: expected a date like 2025-10-03, `today` or `yesterday`",
                    text.escape_debug()
                )
            );
        }
    }
    for text in ["2025-02-30", "2025-13-01", "2025-10-32"] {
        let message = refused(&world, &["collect", "--from", "2025-10-01", "--to", text]).await;
        assert_eq!(message, format!("--to {text}: there is no such day"));
    }
}

#[tokio::test]
async fn the_future_and_what_would_be_pruned_at_once_are_refused() {
    let world = World::new(NOW, SETTINGS);
    assert_eq!(
        refused(&world, &["collect", "--date", "2025-10-05"]).await,
        "Sun 5 Oct 2025 is in the future: in Europe/Zurich it is Sat 4 Oct 2025 now"
    );
    let file = world.path("daybook.toml");
    let too_old = |days: u32, rest: &str| {
        format!(
            "Thu 3 Oct 2024 is older than the 365 days that are kept: set `[retention] days = {days}` in {} to collect \
             it{rest}; METRICS_RETENTION_DAYS overrides the file; if you use it, set it for every later `daybook collect`",
            file.display()
        )
    };
    assert_eq!(
        refused(&world, &["collect", "--date", "2024-10-03"]).await,
        too_old(366, "")
    );
    let range = ["collect", "--from", "2024-10-03", "--to", "2025-10-03"];
    assert_eq!(
        refused(&world, &range).await,
        too_old(366, " and the rest from 2024-10-03 to 2025-10-03")
    );
    // The whole range needs 3 years, one of which has 366 days.
    let range = ["collect", "--from", "2022-10-04", "--to", "2023-10-03"];
    let message = refused(&world, &range).await;
    assert!(message.contains("`[retention] days = 1096`"), "{message}");
    let range = ["collect", "--from", "2025-10-01", "--to", "2025-10-05"];
    assert!(
        refused(&world, &range)
            .await
            .starts_with("Sun 5 Oct 2025 is in the future")
    );
}

#[tokio::test]
async fn today_is_told_by_the_zone() {
    // 22:30 UTC is half past midnight in Zurich.
    let world = World::new("2025-10-03T22:30:00Z", SETTINGS);
    assert_eq!(
        refused(&world, &["collect", "--date", "2025-10-05"]).await,
        "Sun 5 Oct 2025 is in the future: in Europe/Zurich it is Sat 4 Oct 2025 now"
    );
    let mut world = World::new("2025-10-03T22:30:00Z", SETTINGS);
    world.set("DAYBOOK_TIME_ZONE", "America/New_York");
    assert_eq!(
        refused(&world, &["collect", "--date", "2025-10-04"]).await,
        "Sat 4 Oct 2025 is in the future: in America/New_York it is Fri 3 Oct 2025 now"
    );
}

#[tokio::test]
async fn a_day_that_never_was_is_refused_and_skipped_in_a_range() {
    let mut world = World::new("2012-01-05T00:00:00Z", SETTINGS);
    world.set("DAYBOOK_TIME_ZONE", "Pacific/Apia");
    assert_eq!(
        refused(&world, &["collect", "--date", "2011-12-30"]).await,
        "2011-12-30 does not exist in Pacific/Apia: its clocks jumped over that whole day"
    );
    let app = super::shop(&world).await;
    app.execute("INSERT INTO users VALUES ('2011-12-01 12:00:00')")
        .await;
    let range = daybook::nightly::Which::Range(
        crate::world::date("2011-12-29"),
        crate::world::date("2011-12-31"),
    );
    let night = world.night(range).await;
    assert_eq!(night.days.len(), 2);
    assert_eq!(night.skipped[0].0, crate::world::date("2011-12-30"));
}

#[tokio::test]
async fn a_range_the_wrong_way_round_and_unknown_metrics_are_refused() {
    let world = World::new(NOW, SETTINGS);
    assert_eq!(
        refused(
            &world,
            &["collect", "--from", "2025-10-03", "--to", "2025-10-01"]
        )
        .await,
        "--from 2025-10-03 is after --to 2025-10-01"
    );
    assert_eq!(
        refused(&world, &["collect", "--metric", "usres"]).await,
        "no metric or family `usres`; did you mean `users`?"
    );
    assert_eq!(
        refused(&world, &["collect", "--metric", "revenue"]).await,
        "no metric or family `revenue`; `daybook config metrics` lists them"
    );
}
