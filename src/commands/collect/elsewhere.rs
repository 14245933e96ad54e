//! The message of a collect that found another one running.

use std::borrow::Cow;
use std::path::Path;

use crate::book::Book;
use crate::cli::Collect;
use crate::config::Config;

pub(super) async fn message(config: &Config, file: Option<&Path>, args: &Collect) -> String {
    let holder = Book::collector(&config.book.url).await.ok().flatten();
    let since = holder.as_ref().and_then(|holder| holder.since);
    let since = since.map(|since| {
        let local = since.with_timezone(&config.time_zone);
        local.format("since %Y-%m-%d %H:%M").to_string()
    });
    let who = holder.and_then(|holder| holder.name);
    let facts: Vec<String> = who.into_iter().chain(since).collect();
    let facts = match facts.is_empty() {
        true => String::new(),
        false => format!(" ({})", facts.join(", ")),
    };
    format!(
        "another `daybook collect` is running on this book{facts}; nothing was counted. When it has ended, run {}",
        same_command(file, args)
    )
}

/// The options that say what to collect, and where.
fn same_command(file: Option<&Path>, args: &Collect) -> String {
    let mut words = vec!["daybook collect".to_owned()];
    let file = file.map(|path| path.to_string_lossy().into_owned());
    let valued = [
        ("--config", file),
        ("--date", args.date.clone()),
        ("--from", args.from.clone()),
        ("--to", args.to.clone()),
        ("--metric", args.metric.clone()),
        ("--refresh", args.refresh.map(|days| days.to_string())),
    ];
    let valued = valued.into_iter().filter_map(|(option, value)| {
        let value = value?;
        Some(format!("{option} {}", for_shell(&value)))
    });
    words.extend(valued);
    let flags = [
        ("--catch-up", args.catch_up),
        ("--force", args.force),
        ("--send-email", args.send_email),
    ];
    let flags = flags.into_iter().filter(|(_, is_set)| *is_set);
    words.extend(flags.map(|(flag, _)| flag.to_owned()));
    format!("`{}`", words.join(" "))
}

/// One word for a shell, quoted where it needs to be.
fn for_shell(value: &str) -> Cow<'_, str> {
    let is_plain = |letter: char| letter.is_alphanumeric() || "_-./,:=@%+".contains(letter);
    match !value.is_empty() && value.chars().all(is_plain) {
        true => value.into(),
        false => format!("'{}'", value.replace('\'', r"'\''")).into(),
    }
}
