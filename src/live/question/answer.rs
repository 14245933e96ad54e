//! Questions and their answers.

use std::collections::BTreeSet;
use std::ops::Range;

use chrono::{DateTime, Datelike, SecondsFormat, TimeDelta, Timelike, Utc, Weekday};
use chrono_tz::Tz;
use rust_decimal::RoundingStrategy;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Map, Value as Json, json};

use crate::calendar::{Day, first_instant};
use crate::kinds::{Accepts, Aggregate, Kind, Percentile, Shape, Summary};

use super::super::columns::Columns;
use super::super::grain::Every;
use super::super::number::Number;
use super::super::point;
use super::super::source::Source;
use super::page::{self, Cursor, Found, Order, Points};
use super::single::Search;
use super::table::{Gaps, Look, Read, Row, Table, Wanted, as_float};
use super::{AskError, Asked, Context, MOST_GROUPS, Question};

/// An answer as JSON, its parts in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// What is said once.
    pub facts: Map<String, Json>,
    /// What it has rows for, if it has any.
    pub rows: Option<(&'static str, Vec<Json>)>,
}

/// How far estimates may be off, in percent.
const ERROR_PCT: f64 = 0.8;
const SUMMARIES: [Percentile; 3] = [Percentile::P50, Percentile::P95, Percentile::P99];

impl Answer {
    pub fn into_json(self) -> Json {
        let mut json = self.facts;
        json.extend(
            self.rows
                .map(|(name, rows)| (name.to_owned(), Json::Array(rows))),
        );
        Json::Object(json)
    }
}

/// Answers a question about a kind.
pub async fn ask(
    source: impl Into<Source<'_>>,
    kind: &Kind,
    asked: &Asked,
    context: Context,
) -> Result<Answer, AskError> {
    let source: Source<'_> = source.into();
    let look = Look::at(source, kind, context).await?;
    let mut asking = Asking { look, asked };
    match &asked.question {
        Question::Points { order, most, after } => asking.points(*order, *most, *after).await,
        Question::Latest { by, most } => asking.latest(by, *most).await,
        Question::Slowest { value, most } => asking.slowest(value, *most).await,
        Question::Aggregate { figures, every, by } => asking.aggregate(figures, *every, by).await,
        Question::Single(figure) => asking.single(figure).await,
        Question::Top {
            by,
            figure,
            ascending,
            most,
        } => asking.top(by, figure, *ascending, *most).await,
        Question::Summary => asking.summary().await,
        Question::Compare => asking.compare().await,
        Question::Peaks => asking.peaks().await,
    }
}

struct Asking<'a> {
    look: Look<'a>,
    asked: &'a Asked,
}

impl Row {
    fn json(&self, figure: &Aggregate, kind: &Kind) -> Json {
        let number = match (figure, self.number(figure)) {
            (Aggregate::Of(Summary::Sum, _), Some(Number::Binary(sum))) => {
                Some(Number::Binary(without_noise(sum)))
            }
            (_, number) => number,
        };
        as_json(number, figure.decimals(kind))
    }
}

impl Asking<'_> {
    fn window(&self) -> Range<i64> {
        self.look.within_events(&self.asked.window)
    }

    fn head(&self, window: &Range<i64>) -> Map<String, Json> {
        let mut head = Map::new();
        let mut say = |name: &str, json: Json| drop(head.insert(name.to_owned(), json));
        say("schema", json!(1));
        say("kind", json!(self.look.kind.name));
        say("question", json!(self.asked.name));
        say("from", instant(window.start, self.look.context.zone));
        say("to", instant(window.end, self.look.context.zone));
        say("time_zone", json!(self.look.context.zone.name()));
        head
    }

    fn answer(
        &self,
        read: &Read,
        facts: Vec<(&str, Json)>,
        rows: Option<(&'static str, Vec<Json>)>,
    ) -> Answer {
        let mut head = self.head(&self.window());
        let mut say = |name: &str, json: Json| drop(head.insert(name.to_owned(), json));
        say("complete", json!(read.gaps == Gaps::default()));
        if !read.gaps.missing.is_empty() {
            let zone = self.look.context.zone;
            let part = |part: &Range<i64>| json!({ "from": instant(part.start, zone), "to": instant(part.end, zone) });
            say("missing", read.gaps.missing.iter().map(part).collect());
        }
        if !read.gaps.broken.is_empty() {
            say("broken", json!(read.gaps.broken));
        }
        match (read.from_rollups, read.from_points) {
            (true, true) => say("read", json!("rollups and points")),
            (true, false) => say("read", json!("rollups")),
            _ => say("read", json!("points")),
        }
        if read.is_estimate {
            say("error_pct", json!(ERROR_PCT));
        }
        if !read.too_large.is_empty() {
            say("too_large", json!(read.too_large));
        }
        facts.into_iter().for_each(|(name, json)| say(name, json));
        Answer { facts: head, rows }
    }

    async fn points(
        &mut self,
        order: Order,
        most: usize,
        after: Option<Cursor>,
    ) -> Result<Answer, AskError> {
        let question = Points {
            window: self.asked.window.clone(),
            filter: self.asked.filter.clone(),
            order,
            most,
            after,
        };
        let found = match self.look.id {
            Some(id) => {
                let (source, kind) = (&mut self.look.source, self.look.kind);
                page::points_of(source, id, kind, &question).await?
            }
            None => Found::default(),
        };
        let broken = found.broken.iter();
        let broken = broken.map(|(id, why)| format!("chunk {id} is {why}; its events are missing"));
        let read = self.read_of_points(broken.collect());
        let next = found.next.map(|next| json!(next.to_string()));
        let facts = next.map(|next| ("next", next)).into_iter().collect();
        Ok(self.answer(
            &read,
            facts,
            Some(("points", self.as_points(&found.points))),
        ))
    }

    async fn latest(&mut self, by: &str, most: usize) -> Result<Answer, AskError> {
        // The latest of one is the newest of all that are asked for.
        if self.asked.filter.labels.iter().any(|(name, _)| name == by) {
            let mut answer = self.points(Order::NewestFirst, 1, None).await?;
            answer.facts.shift_remove("next");
            return Ok(answer);
        }
        let Some(mut search) = self.search() else {
            return Ok(self.answer(&Read::default(), Vec::new(), Some(("points", Vec::new()))));
        };
        let listed = search.latest(by, most).await?;
        let read = self.read_of_points(listed.broken.into_iter().collect());
        Ok(self.answer(
            &read,
            Vec::new(),
            Some(("points", self.as_points(&listed.points))),
        ))
    }

    async fn slowest(&mut self, value: &str, most: usize) -> Result<Answer, AskError> {
        let facts = vec![("value", json!(value))];
        let Some(mut search) = self.search() else {
            return Ok(self.answer(&Read::default(), facts, Some(("points", Vec::new()))));
        };
        let listed = search.largest(value, most).await?;
        let read = self.read_of_points(listed.broken.into_iter().collect());
        Ok(self.answer(
            &read,
            facts,
            Some(("points", self.as_points(&listed.points))),
        ))
    }

    fn search(&mut self) -> Option<Search<'_>> {
        Some(Search {
            id: self.look.id?,
            window: self.asked.window.clone(),
            source: self.look.source.lend(),
            kind: self.look.kind,
            filter: &self.asked.filter,
        })
    }

    /// Points that are not kept any more are missing.
    fn read_of_points(&self, broken: BTreeSet<String>) -> Read {
        let gone = self.look.past.without_points(&self.window());
        let gaps = Gaps {
            missing: gone.into_iter().collect(),
            broken,
        };
        Read {
            from_points: true,
            gaps,
            ..Read::default()
        }
    }

    fn as_points(&self, points: &Columns) -> Vec<Json> {
        let points = point::points(points, &self.look.kind.name);
        // What was checked when it came is JSON.
        points
            .map(|point| serde_json::to_value(point).unwrap_or_default())
            .collect()
    }

    async fn table(
        &mut self,
        window: Range<i64>,
        figures: &[Aggregate],
        every: Option<Every>,
        by: &[String],
    ) -> Result<Table, AskError> {
        let wanted = Wanted {
            window,
            filter: &self.asked.filter,
            figures,
            every,
            by,
            estimate: self.asked.estimate,
        };
        self.look.table(&wanted).await
    }

    async fn aggregate(
        &mut self,
        figures: &[Aggregate],
        every: Option<Every>,
        by: &[String],
    ) -> Result<Answer, AskError> {
        if let Some(every) = every {
            let window = self.window();
            let pieces = (window.end - window.start) / (every.shortest() * 1_000_000);
            if pieces > MOST_GROUPS as i64 {
                return Err(AskError::too_much("pieces of time"));
            }
        }
        let mut table = self
            .table(self.asked.window.clone(), figures, every, by)
            .await?;
        if table.rows.is_empty() && by.is_empty() && every.is_none() {
            table.rows.insert((0, Vec::new()), Row::default());
        }
        if table.rows.len() > MOST_GROUPS {
            return Err(AskError::too_much("rows"));
        }
        let zone = self.look.context.zone;
        let rows = table.rows.iter().map(|((start, words), row)| {
            let mut json = Map::new();
            if every.is_some() {
                json.insert(
                    "start".to_owned(),
                    instant(start.saturating_mul(1_000_000), zone),
                );
            }
            if !by.is_empty() {
                json.insert("labels".to_owned(), labels(by, words));
            }
            for figure in figures {
                json.insert(figure.to_string(), row.json(figure, self.look.kind));
            }
            Json::Object(json)
        });
        let rows = rows.collect();
        let facts = every.map(|every| ("every", json!(every.name())));
        Ok(self.answer(
            &table.read,
            facts.into_iter().collect(),
            Some(("rows", rows)),
        ))
    }

    async fn single(&mut self, figure: &Aggregate) -> Result<Answer, AskError> {
        let value = figure.value().unwrap_or_default().to_owned();
        // With any figure but a percentile it is known how many numbers there are.
        let figures = [Aggregate::Of(Summary::Min, value.clone()), figure.clone()];
        let table = self
            .table(self.asked.window.clone(), &figures, None, &[])
            .await?;
        let row = table.rows.into_values().next().unwrap_or_default();
        let facts = vec![
            ("figure", json!(figure.to_string())),
            ("unit", json!(figure.unit(self.look.kind))),
            ("value", row.json(figure, self.look.kind)),
            ("count", json!(row.numbers(&value))),
        ];
        Ok(self.answer(&table.read, facts, None))
    }

    async fn top(
        &mut self,
        by: &[String],
        figure: &Aggregate,
        ascending: bool,
        most: usize,
    ) -> Result<Answer, AskError> {
        let mut figures = self.all_sums();
        figures.push(figure.clone());
        let table = self
            .table(self.asked.window.clone(), &figures, None, by)
            .await?;
        let float = |row: &Row| row.number(figure).and_then(as_float);
        let rows = table
            .rows
            .iter()
            .filter_map(|((_, words), row)| Some((float(row)?, words, row)));
        let mut rows: Vec<_> = rows.collect();
        rows.sort_by(|(one, one_words, _), (other, other_words, _)| {
            let by_number = match ascending {
                true => one.total_cmp(other),
                false => other.total_cmp(one),
            };
            by_number.then(one_words.cmp(other_words))
        });
        let groups = rows.len();
        let rows = rows.into_iter().take(most).map(|(_, words, row)| {
            let mut json = Map::from_iter([("labels".to_owned(), labels(by, words))]);
            json.insert(figure.to_string(), row.json(figure, self.look.kind));
            json.extend(self.summed(row, &[]));
            Json::Object(json)
        });
        let rows = rows.collect();
        let facts = vec![
            ("figure", json!(figure.to_string())),
            ("order", json!(if ascending { "asc" } else { "desc" })),
            ("groups", json!(groups)),
        ];
        Ok(self.answer(&table.read, facts, Some(("rows", rows))))
    }

    async fn summary(&mut self) -> Result<Answer, AskError> {
        let (mut read, summary) = self.summary_of(self.window()).await?;
        let distinct = self.distinct(&mut read).await?;
        let mut facts: Vec<(&str, Json)> = Vec::new();
        let summary: Vec<(String, Json)> = summary.into_iter().collect();
        facts.extend(
            summary
                .iter()
                .map(|(name, json)| (name.as_str(), json.clone())),
        );
        facts.push(("distinct", distinct));
        Ok(self.answer(&read, facts, None))
    }

    async fn compare(&mut self) -> Result<Answer, AskError> {
        let window = self.asked.window.clone();
        let window = match window.start {
            i64::MIN => {
                return Err(AskError::TooMuch(
                    "say from when on: `last=24h`, or `from`".to_owned(),
                ));
            }
            start => start..window.end.min(self.look.context.now.timestamp_micros()),
        };
        let before = before(&window, self.look.context.zone);
        let (mut read, now) = self.summary_of(window.clone()).await?;
        let (other, then) = self.summary_of(before.clone()).await?;
        read.add(other);
        let zone = self.look.context.zone;
        let part = |window: &Range<i64>, summary: &Map<String, Json>| {
            let mut json = Map::new();
            json.insert("from".to_owned(), instant(window.start, zone));
            json.insert("to".to_owned(), instant(window.end, zone));
            json.extend(summary.clone());
            Json::Object(json)
        };
        let changes = changes(&now, &then);
        let facts = vec![
            ("current", part(&window, &now)),
            ("before", part(&before, &then)),
            ("changes", changes),
        ];
        let mut answer = self.answer(&read, facts, None);
        answer.facts["from"] = instant(window.start, zone);
        answer.facts["to"] = instant(window.end, zone);
        Ok(answer)
    }

    async fn peaks(&mut self) -> Result<Answer, AskError> {
        let every = Some(Every::Hour);
        let table = self
            .table(self.asked.window.clone(), &[Aggregate::Count], every, &[])
            .await?;
        let mut hours = [0_u64; 24];
        let mut weekdays = [0_u64; 7];
        let mut busiest = (0, 0);
        for ((start, _), row) in &table.rows {
            let local = DateTime::from_timestamp(*start, 0).unwrap_or_default();
            let local = local.with_timezone(&self.look.context.zone);
            let count = row.sums.points;
            hours[local.hour() as usize] += count;
            weekdays[local.weekday().num_days_from_monday() as usize] += count;
            busiest = busiest.max((count, -start));
        }
        let all = hours.iter().sum::<u64>().max(1) as f64;
        let share = |count: u64| rounded(count as f64 / all * 100.0, 2);
        let row = |(name, count): (String, &u64)| json!({ "time": name, "count": count, "share_pct": share(*count) });
        let hours = hours
            .iter()
            .enumerate()
            .map(|(hour, count)| (format!("{hour:02}:00"), count));
        let days = [
            Weekday::Mon,
            Weekday::Tue,
            Weekday::Wed,
            Weekday::Thu,
            Weekday::Fri,
            Weekday::Sat,
            Weekday::Sun,
        ];
        let weekdays = days.iter().map(ToString::to_string).zip(&weekdays);
        let rows = hours.chain(weekdays).map(row).collect();
        let busiest = (busiest.0 > 0).then(|| {
            json!({ "start": instant(-busiest.1 * 1_000_000, self.look.context.zone), "count": busiest.0 })
        });
        let facts = vec![("busiest", json!(busiest))];
        Ok(self.answer(&table.read, facts, Some(("rows", rows))))
    }

    async fn summary_of(
        &mut self,
        window: Range<i64>,
    ) -> Result<(Read, Map<String, Json>), AskError> {
        let mut figures = self.all_sums();
        for value in &self.look.kind.values {
            let percentile =
                |percentile| Aggregate::Of(Summary::Percentile(percentile), value.name.clone());
            figures.extend(SUMMARIES.map(percentile));
        }
        let table = self.table(window, &figures, None, &[]).await?;
        let row = table.rows.into_values().next().unwrap_or_default();
        let summary = self.summed(&row, &SUMMARIES);
        Ok((table.read, summary))
    }

    /// Count, outcomes and what values come to.
    fn all_sums(&self) -> Vec<Aggregate> {
        let values = self.look.kind.values.iter();
        let sums = values.map(|value| Aggregate::Of(Summary::Sum, value.name.clone()));
        std::iter::once(Aggregate::Count).chain(sums).collect()
    }

    fn summed(&self, row: &Row, percentiles: &[Percentile]) -> Map<String, Json> {
        let mut json = Map::new();
        let mut outcomes = vec![Aggregate::Count];
        if self.look.kind.shape == Shape::Span {
            outcomes.extend([
                Aggregate::Succeeded,
                Aggregate::Failed,
                Aggregate::SuccessPct,
            ]);
        }
        for outcome in outcomes {
            json.insert(outcome.to_string(), row.json(&outcome, self.look.kind));
        }
        let percentiles = percentiles.iter().copied().map(Summary::Percentile);
        let summaries = [Summary::Sum, Summary::Avg, Summary::Min, Summary::Max];
        let summaries: Vec<Summary> = summaries.into_iter().chain(percentiles).collect();
        let values = self.look.kind.values.iter().map(|value| {
            let count = json!(row.numbers(&value.name));
            let mut json = Map::from_iter([("count".to_owned(), count)]);
            for summary in &summaries {
                let figure = Aggregate::Of(*summary, value.name.clone());
                json.insert(summary.to_string(), row.json(&figure, self.look.kind));
            }
            (value.name.clone(), Json::Object(json))
        });
        json.insert("values".to_owned(), Json::Object(values.collect()));
        json
    }

    /// How many different values the labels have that are rolled up.
    async fn distinct(&mut self, read: &mut Read) -> Result<Json, AskError> {
        let labels = self
            .look
            .kind
            .labels
            .iter()
            .filter(|label| label.accepts != Accepts::Find);
        let mut distinct = Map::new();
        for label in labels {
            let by = [label.name.clone()];
            let table = self
                .table(self.asked.window.clone(), &[Aggregate::Count], None, &by)
                .await?;
            let words = table.rows.keys().filter(|(_, words)| !words[0].is_empty());
            distinct.insert(label.name.clone(), json!(words.count()));
            read.add(table.read);
        }
        Ok(Json::Object(distinct))
    }
}

/// Days before days, otherwise as much time before it.
fn before(window: &Range<i64>, zone: Tz) -> Range<i64> {
    let local = |micros: i64| {
        let at = DateTime::<Utc>::from_timestamp_micros(micros)?;
        let day = Day::containing(at, zone);
        (day.start == at).then_some(day.date)
    };
    if let Some((first, last)) = local(window.start).zip(local(window.end)) {
        let earlier = first - (last - first);
        let midnight = earlier.and_time(chrono::NaiveTime::MIN);
        return first_instant(midnight, zone).timestamp_micros()..window.start;
    }
    window.start.saturating_sub(window.end - window.start)..window.start
}

/// How each number of a summary changed, by its path.
fn changes(now: &Map<String, Json>, then: &Map<String, Json>) -> Json {
    let change = |(name, now): (&String, &Json)| {
        let then = then.get(name)?;
        if let (Json::Object(now), Json::Object(then)) = (now, then) {
            return Some((name.clone(), changes(now, then)));
        }
        let (now, then) = (now.as_f64()?, then.as_f64()?);
        let change = now - then;
        let percent = (then != 0.0).then(|| rounded(change / then.abs() * 100.0, 2));
        Some((
            name.clone(),
            json!({ "change": rounded(change, 6), "percent": percent }),
        ))
    };
    Json::Object(now.iter().filter_map(change).collect())
}

fn labels(by: &[String], words: &[String]) -> Json {
    let text = |word: &String| Some(word.clone()).filter(|word| !word.is_empty());
    let labels = by
        .iter()
        .zip(words)
        .map(|(name, word)| (name.clone(), json!(text(word))));
    Json::Object(labels.collect())
}

pub(in crate::live) fn instant(micros: i64, zone: Tz) -> Json {
    let at = DateTime::<Utc>::from_timestamp_micros(micros);
    let at = at.filter(|at| at.timestamp().abs() < TimeDelta::days(3_000_000).num_seconds());
    json!(at.map(|at| {
        at.with_timezone(&zone)
            .to_rfc3339_opts(SecondsFormat::AutoSi, false)
    }))
}

/// Whole numbers stay whole.
fn as_json(number: Option<Number>, decimals: Option<u32>) -> Json {
    match number {
        None => Json::Null,
        Some(Number::Exact(decimal)) => {
            let decimal = decimals.map_or(decimal, |decimals| {
                decimal.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero)
            });
            let whole = decimal.is_integer().then(|| decimal.to_i64()).flatten();
            whole.map_or_else(|| json!(decimal.to_f64()), |whole| json!(whole))
        }
        Some(Number::Binary(float)) => {
            let float = decimals.map_or(float, |decimals| rounded(float, decimals));
            match float.fract() == 0.0 && float.abs() < 9e15 {
                true => json!(float as i64),
                false => json!(float),
            }
        }
    }
}

/// Adding floats leaves noise in the last digits, 0.1 + 0.2 for example: 15 digits are known. Whole numbers are exact.
fn without_noise(sum: f64) -> f64 {
    match sum.fract() == 0.0 {
        true => sum,
        false => format!("{sum:.14e}").parse().unwrap_or(sum),
    }
}

fn rounded(number: f64, decimals: u32) -> f64 {
    let scale = 10_f64.powi(decimals as i32);
    let scaled = (number * scale).round() / scale;
    if scaled.is_finite() { scaled } else { number }
}
