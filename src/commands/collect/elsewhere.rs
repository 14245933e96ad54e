//! What the loser of two collects says: what the other one does, and how to do the rest.

use crate::book::{self, Collecting, Outcome};
use crate::cli::Collect;
use crate::config::Config;

use super::open_book;

pub(super) async fn told(config: &Config, args: &Collect) -> String {
    let who = match book::collecting(&config.book.url).await {
        Ok(Collecting::Somebody(who)) => who,
        _ => None,
    };
    let facts: Vec<String> = who.into_iter().chain(since(config).await).collect();
    let facts = match facts.is_empty() {
        true => String::new(),
        false => format!(" ({})", facts.join(", ")),
    };
    format!(
        "another collect is running on this book{facts}; nothing was counted here, so run this again when it has ended: {}",
        same_command(args)
    )
}

/// `since 03:15`. Which days it counts is noted only when it has ended.
async fn since(config: &Config) -> Option<String> {
    let book = open_book(config).await.ok()?;
    let runs = book::runs(&book, 1).await;
    book.close().await;
    let run = runs.ok()?.into_iter().next()?;
    let began = run.started_at.with_timezone(&config.time_zone);
    (run.outcome == Outcome::Running).then(|| format!("since {}", began.format("%Y-%m-%d %H:%M")))
}

/// The command line, as far as it says what is collected.
fn same_command(args: &Collect) -> String {
    let mut words = vec!["daybook collect".to_owned()];
    let valued = [
        ("--date", args.date.clone()),
        ("--from", args.from.clone()),
        ("--to", args.to.clone()),
        ("--metric", args.metric.clone()),
        ("--refresh", args.refresh.map(|days| days.to_string())),
    ];
    let valued = valued.into_iter().filter_map(|(option, value)| {
        let value = value?;
        Some(format!("{option} {}", value.escape_debug()))
    });
    words.extend(valued);
    let flags = [
        ("--catch-up", args.catch_up),
        ("--force", args.force),
        ("--send-email", args.send_email),
    ];
    words.extend(
        flags
            .iter()
            .filter(|(_, is_set)| *is_set)
            .map(|(flag, _)| (*flag).to_owned()),
    );
    format!("`{}`", words.join(" "))
}
