//! `daybook live tail`: the newest events, and then whatever is recorded.

use std::time::Duration;

use tokio::time::sleep;

use crate::cli::Tail;
use crate::config::{Config, LiveSettings};
use crate::kinds::Kind;
use crate::live::columns::Columns;
use crate::live::follow::{Followed, Position, Step, end, followed, next};
use crate::live::point::points;
use crate::live::question::{Order, Points, points_as_of};
use crate::live::store::{Store, StoreError};

use super::super::{CommandError, Ended, World, output};
use super::query::{label_pairs, usage};
use super::{kind, settings, unavailable};

const EVERY: Duration = Duration::from_millis(500);

pub(super) async fn run(
    config: &Config,
    args: &Tail,
    world: &World,
) -> Result<Ended, CommandError> {
    let live = settings(config)?;
    let followed = asked(live, args)?;
    let tail = async {
        let (mut store, position) = begin(live, &followed, args.limit as usize).await?;
        match args.follow {
            true => follow(live, &followed, &mut store, position).await,
            false => Ok(()),
        }
    };
    tokio::select! {
        told = tail => told?,
        () = world.stop.cancelled() => {}
    }
    Ok(Ended::Done)
}

fn asked(live: &LiveSettings, args: &Tail) -> Result<Followed, CommandError> {
    let mut pairs = label_pairs(&args.labels)?;
    pairs.extend(args.ok.clone().map(|ok| ("ok".to_owned(), ok)));
    let named = args.kinds.iter().map(|name| kind(live, name));
    let named: Vec<&Kind> = named.collect::<Result<_, _>>()?;
    let followed = match named.is_empty() {
        true => followed(live.kinds.values(), false, &pairs),
        false => followed(named, true, &pairs),
    };
    followed.map_err(usage)
}

/// Prints the newest events, and says how far that leads. Both are of one instant: nothing comes twice, and nothing is left out.
async fn begin(
    live: &LiveSettings,
    followed: &Followed,
    most: usize,
) -> Result<(Option<Store>, Position), CommandError> {
    let opened = Store::open_reading(&live.database).await;
    let Some(mut store) = opened.map_err(unavailable)? else {
        return Ok((None, Position::FIRST));
    };
    let mut reading = store.begin_reading().await.map_err(unavailable)?;
    let newest = newest(&mut reading, live, followed, most).await;
    let newest = newest.map_err(unavailable)?;
    let position = end(&mut reading).await.map_err(unavailable)?;
    drop(reading);
    for line in newest {
        output::data(&line)?;
    }
    Ok((Some(store), position))
}

/// Of all kinds together, the oldest of them first.
async fn newest(
    store: &mut Store,
    live: &LiveSettings,
    followed: &Followed,
    most: usize,
) -> Result<Vec<String>, StoreError> {
    let mut newest: Vec<(i64, String)> = Vec::new();
    for (name, filter) in followed.iter().filter(|_| most > 0) {
        let question = Points {
            window: i64::MIN..i64::MAX,
            filter: filter.clone(),
            order: Order::NewestFirst,
            most,
            after: None,
        };
        let found = points_as_of(store, &live.kinds[name], &question).await?;
        for (chunk, why) in &found.broken {
            let file = live.database.display();
            output::say(&format!(
                "{file}: chunk {chunk} is {why}; its events are missing"
            ));
        }
        newest.extend(
            found
                .points
                .at
                .iter()
                .copied()
                .zip(lines(&found.points, name)),
        );
    }
    newest.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    newest.truncate(most);
    Ok(newest.into_iter().rev().map(|(_, line)| line).collect())
}

/// Until nobody reads any more.
async fn follow(
    live: &LiveSettings,
    followed: &Followed,
    store: &mut Option<Store>,
    mut position: Position,
) -> Result<(), CommandError> {
    loop {
        if store.is_none() {
            let opened = Store::open_reading(&live.database).await;
            *store = opened.map_err(unavailable)?;
        }
        let Some(open) = store else {
            sleep(EVERY).await;
            continue;
        };
        match next(open, followed, position).await.map_err(unavailable)? {
            Step::Points {
                kind,
                points,
                positions,
            } => {
                let lines: Vec<String> = lines(&points, &kind).collect();
                if !output::data_while_read(&lines.join("\n"))? {
                    return Ok(());
                }
                position = positions.last().copied().unwrap_or(position);
            }
            Step::End(end) => {
                position = end;
                sleep(EVERY).await;
            }
            Step::Gap(end) => {
                position = end;
                output::say(
                    "events in between are no longer kept in their order: ask for them with `daybook live query points`",
                );
            }
        }
    }
}

fn lines<'p>(all: &'p Columns, kind: &'p str) -> impl Iterator<Item = String> + 'p {
    points(all, kind).map(|point| serde_json::json!(point).to_string())
}
