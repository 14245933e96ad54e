//! `daybook alerts backtest`: replays the alert rules, and others to compare, over the stored days.

use serde_json::{Map, Value, json};

use crate::book;
use crate::catalog::{Catalog, Judge, Metric, Thresholds};
use crate::cli;
use crate::commands::{CommandError, Ended, World, dates, open_book, output};
use crate::compare::History;
use crate::config::Config;
use crate::render;
use crate::report::backtest::{Backtest, backtest, needed};

use super::known;

pub(super) async fn run(
    config: &Config,
    args: &cli::Backtest,
    world: &World,
) -> Result<Ended, CommandError> {
    let catalog = &config.catalog;
    if let Some(key) = &args.metric {
        known(key, catalog)?;
    }
    let others = options(args);
    let tried = (!others.is_empty()).then(|| with(args, catalog));
    if let Some(tried) = &tried {
        check(tried.thresholds)?;
    }
    let book = open_book(config).await?;
    let Some(newest) = book::newest_complete(&book, dates::today(config, world)).await? else {
        return Err(CommandError::Usage(
            "the book holds no complete day yet: run `daybook collect --date yesterday`".to_owned(),
        ));
    };
    let mutes = book::mutes(&book, config.time_zone).await?;
    let mut history = History::new(catalog).muted(mutes);
    let days = needed(newest.date, args.days);
    book::scan(&book, days, |entry| history.add(&entry, catalog)).await?;
    let asked = |metric: &Metric| is_asked(args, metric);
    let replayed = |catalog: &Catalog| backtest(&history, newest.date, args.days, &asked, catalog);
    let present = replayed(catalog).trying_reaches(&history, catalog);
    let tried: Option<Backtest> = tried.as_ref().map(replayed);
    if args.json {
        let tried = tried.as_ref().map(|tried| (Value::Object(others), tried));
        output::json(&render::backtest::json(&present, tried))?;
    } else {
        let tried = tried.as_ref().map(|tried| ("tried", tried));
        output::data(&render::backtest::text(&present, tried))?;
    }
    Ok(Ended::Done)
}

fn is_asked(args: &cli::Backtest, metric: &Metric) -> bool {
    let asked = args.metric.as_ref();
    asked.is_none_or(|key| *key == metric.key || *key == metric.family)
}

fn options(args: &cli::Backtest) -> Map<String, Value> {
    let numbers = [
        ("warning", args.warning),
        ("critical", args.critical),
        ("min_base", args.min_base),
        ("min_change", args.min_change),
        ("reach", args.reach),
    ];
    let numbers = numbers
        .into_iter()
        .filter_map(|(name, value)| Some((name, json!(value?))));
    let judge = judge(args).map(|judge| ("judge", json!(judge)));
    let all = numbers.chain(judge);
    all.map(|(name, value)| (name.to_owned(), value)).collect()
}

fn judge(args: &cli::Backtest) -> Option<Judge> {
    args.judge.map(|judge| match judge {
        cli::Judge::Usual => Judge::Usual,
        cli::Judge::Thresholds => Judge::Thresholds,
    })
}

/// The catalog with the given thresholds in place of the general ones and of those of `--metric`.
fn with(args: &cli::Backtest, catalog: &Catalog) -> Catalog {
    let mut tried = catalog.clone();
    let general = catalog.thresholds;
    tried.thresholds = Thresholds {
        warning: args.warning.unwrap_or(general.warning),
        critical: args.critical.unwrap_or(general.critical),
        min_base: args.min_base.unwrap_or(general.min_base),
        min_change: args.min_change.unwrap_or(general.min_change),
        judge: judge(args).unwrap_or(general.judge),
    };
    let asked = tried.metrics.iter_mut();
    for metric in asked.filter(|metric| is_asked(args, metric)) {
        metric.alert.reach = args.reach.or(metric.alert.reach);
        if args.metric.is_none() {
            continue;
        }
        let own = &mut metric.alert.percent;
        own.warning = args.warning.or(own.warning);
        own.critical = args.critical.or(own.critical);
        own.min_base = args.min_base.or(own.min_base);
        own.min_change = args.min_change.or(own.min_change);
    }
    tried
}

/// Applies the check of the settings.
fn check(thresholds: Thresholds) -> Result<(), CommandError> {
    let (warning, critical) = (thresholds.warning, thresholds.critical);
    if critical > 0.0 && critical < warning {
        return Err(CommandError::Usage(format!(
            "critical alerts from {critical} % on would hide the warnings from {warning} % on: give --critical a number of at least {warning}"
        )));
    }
    Ok(())
}
