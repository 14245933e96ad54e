//! What the moderation bot's dashboards ask, answered with the bot's field names: from Daybook's own store, or from the bot's hashes in
//! Redis, whoever wrote them. Days are days of UTC.

use std::collections::BTreeMap;
use std::ops::Range;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value as Json, json};

use crate::kinds::{Aggregate, Kind};
use crate::text::suggest::{did_you_mean, expected};

use super::super::event::AHEAD;
use super::super::grain::Every;
use super::super::point::instant;
use super::super::question::parameters::{Wrong, moment, whole, wrong};
use super::super::question::{Answer, AskError, Context, Filter, Gaps, Look, Wanted};
use super::super::redis::scans::{scan_rollups, scan_summary, scan_totals};
use super::super::redis::shared::Shared;
use super::super::source::Source;
use super::super::store::StoreError;
use super::latency::latency_breakdown;
use super::scan_hashes::{self, ScanRow, by_scans, sort_rows};
use super::scan_points::{DAY, FoundScans, scans};
use super::scan_rollups::{WantedScans, statuses};
use super::scan_sums::ScanSums;

/// Names of questions, with what each takes.
pub const QUESTIONS: [(&str, &[&str]); 5] = [
    ("rollups", &["guild", "content_type", "since", "limit"]),
    ("summary", &["guild", "since"]),
    ("totals", &[]),
    ("latency", &[]),
    ("rates", &["guild"]),
];
const LISTED: usize = 30;
const MOST_LISTED: usize = 1000;
/// Rates are those of so many minutes.
const MINUTES: i64 = 15;

/// A question that was understood.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanQuestion {
    name: &'static str,
    guild: Option<i64>,
    content_type: Option<String>,
    /// In microseconds.
    since: Option<i64>,
    limit: usize,
}

impl ScanQuestion {
    pub fn read(name: &str, pairs: &[(String, String)], context: Context) -> Result<Self, Wrong> {
        let known = QUESTIONS.iter().find(|(known, _)| *known == name);
        let Some((name, takes)) = known else {
            let hint = expected(name, QUESTIONS.map(|(name, _)| name));
            let error = format!("no question `{}`{hint}", name.escape_debug());
            return Err(wrong("question", error));
        };
        let mut question = Self {
            name,
            guild: None,
            content_type: None,
            since: None,
            limit: LISTED,
        };
        for (at, (parameter, text)) in pairs.iter().enumerate() {
            if !takes.contains(&parameter.as_str()) {
                let hint = did_you_mean(parameter, takes.iter().copied());
                let error = format!("`{name}` takes no such parameter{hint}");
                return Err(wrong(parameter, error));
            }
            if pairs[..at].iter().any(|(other, _)| other == parameter) {
                return Err(wrong(parameter, "given twice"));
            }
            let set = question.set(parameter, text, context);
            set.map_err(|error| wrong(parameter, error))?;
        }
        Ok(question)
    }

    fn set(&mut self, parameter: &str, text: &str, context: Context) -> Result<(), String> {
        match parameter {
            "guild" => {
                let guild = text.parse();
                let guild = guild
                    .map_err(|_| format!("`{}` is not a whole number", text.escape_debug()))?;
                self.guild = Some(guild);
            }
            "content_type" => self.content_type = Some(text.to_owned()),
            "since" => {
                // A day is one of UTC, as those of the rows.
                let zone = Tz::UTC;
                let since = moment(text, Context { zone, ..context })?;
                self.since = Some(since.timestamp_micros());
            }
            _ => self.limit = whole(text, MOST_LISTED)?,
        }
        Ok(())
    }

    fn filter(&self, labels: &[(String, String)]) -> Filter {
        let guild = self
            .guild
            .map(|guild| ("guild".to_owned(), guild.to_string()));
        let content_type = self.content_type.clone();
        let content_type = content_type.map(|text| ("content_type".to_owned(), text));
        let mut labels: Vec<_> = labels
            .iter()
            .cloned()
            .chain(guild)
            .chain(content_type)
            .collect();
        labels.sort();
        Filter { labels, ok: None }
    }
}

/// Answers it of the scans that have these labels.
pub async fn answer(
    source: impl Into<Source<'_>>,
    kind: &Kind,
    question: &ScanQuestion,
    labels: &[(String, String)],
    context: Context,
) -> Result<Answer, AskError> {
    let filter = question.filter(labels);
    let end = context.now.checked_add_signed(AHEAD);
    let end = end.map_or(i64::MAX, |end| end.timestamp_micros());
    let start = question.since.unwrap_or(i64::MIN).min(end);
    let mut source = source.into();
    // The hashes tell neither what a minute had nor whose the scans are.
    if let Source::Shared(shared) = &mut source
        && labels.is_empty()
        && question.name != "rates"
    {
        return Ok(answer_from_hashes(shared, kind, question).await?);
    }
    let mut asking = Asking {
        source,
        kind,
        filter: &filter,
        context,
    };
    match question.name {
        "rollups" => asking.rollups(question, start..end).await,
        "summary" => asking.summary(start..end).await,
        "totals" => asking.totals(start..end).await,
        "latency" => asking.latency(start..end).await,
        _ => asking.rates().await,
    }
}

/// What all have counted, from the beginning of the day on that is asked for.
async fn answer_from_hashes(
    shared: &mut Shared,
    kind: &Kind,
    question: &ScanQuestion,
) -> Result<Answer, StoreError> {
    let since = question.since.and_then(DateTime::from_timestamp_micros);
    let wanted = scan_hashes::Wanted {
        guild: question.guild,
        content_type: question.content_type.clone(),
        since: since.map(|since| since.date_naive()),
    };
    let has_frames = shared.has_later_scans();
    let told = |mut json: Json| {
        if !has_frames {
            without_frames(&mut json);
        }
        json
    };
    let mut found = FoundScans::default();
    if question.name != "totals" {
        let gone = gone_from_hashes(shared, kind, question.since).await?;
        found.gaps.missing.extend(gone);
    }
    let Answer { mut facts, .. } = found.answer(None, Map::new());
    let mut rows = None;
    if question.name == "rollups" {
        let found = scan_rollups(shared, &wanted, question.limit).await?;
        let found = found.into_iter().map(|row| told(rollup(row)));
        rows = Some(("rollups", found.collect()));
        return Ok(Answer { facts, rows });
    }
    let mut summary = Vec::new();
    if question.name != "totals" {
        let found = summary_rows(&by_scans(scan_summary(shared, &wanted).await?));
        summary = found.into_iter().map(told).collect();
    }
    if question.name == "summary" {
        rows = Some(("summary", summary));
        return Ok(Answer { facts, rows });
    }
    let totals = told(Json::Object(scan_totals(shared).await?.totals()));
    match question.name {
        "totals" => facts.insert("totals".to_owned(), totals),
        _ => facts.insert("latency".to_owned(), latency_breakdown(&totals, &summary)),
    };
    Ok(Answer { facts, rows })
}

/// Of this time no rollups are kept any more.
async fn gone_from_hashes(
    shared: &mut Shared,
    kind: &Kind,
    since: Option<i64>,
) -> Result<Option<Range<i64>>, StoreError> {
    let Some(kept) = shared.scans_kept_from().map(first_instant) else {
        return Ok(None);
    };
    let past = shared.past(kind).await?;
    let first = past.and_then(|(_, past)| past.first).unwrap_or(kept);
    let gone = first.max(since.unwrap_or(first))..kept;
    Ok(Some(gone).filter(|gone| !gone.is_empty()))
}

/// The documented form tells none.
fn without_frames(row: &mut Json) {
    let Json::Object(row) = row else { return };
    for (name, json) in row {
        if name.contains("frame") {
            *json = Json::Null;
        }
    }
}

struct Asking<'a> {
    source: Source<'a>,
    kind: &'a Kind,
    filter: &'a Filter,
    context: Context,
}

impl Asking<'_> {
    async fn rollups(
        &mut self,
        question: &ScanQuestion,
        window: Range<i64>,
    ) -> Result<Answer, AskError> {
        let (days, gaps) = self.newest_days(question, &window).await?;
        let is_cut = days.len() == question.limit;
        let oldest = days
            .last()
            .map_or(window.end, |(date, _)| first_instant(*date));
        let start = if is_cut {
            oldest.max(window.start)
        } else {
            window.start
        };
        let mut found = self.scans(start..window.end, true).await?;
        if !is_cut {
            found.gaps.add(gaps);
        }
        let sums = std::mem::take(&mut found.sums).into_iter();
        let rows =
            sums.map(|((day, content_type), sums)| row(day, question.guild, content_type, sums));
        let mut rows: Vec<ScanRow> = rows.collect();
        sort_rows(&mut rows);
        rows.truncate(question.limit);
        let rows = rows.into_iter().map(rollup).collect();
        Ok(found.answer(Some(("rollups", rows)), Map::new()))
    }

    /// The newest days with a content type, as many as are wanted: what they come to is counted of them only.
    async fn newest_days(
        &mut self,
        question: &ScanQuestion,
        window: &Range<i64>,
    ) -> Result<(Vec<(NaiveDate, String)>, Gaps), AskError> {
        let (counts, gaps) = self.counts(window.clone(), Some(Every::Day)).await?;
        let counts = counts.into_iter();
        let rows = counts.map(|(start, content_type, _)| {
            row(
                start.saturating_mul(1_000_000),
                question.guild,
                content_type,
                ScanSums::default(),
            )
        });
        let mut rows: Vec<ScanRow> = rows.collect();
        sort_rows(&mut rows);
        rows.truncate(question.limit);
        let days = rows.into_iter().map(|row| (row.date, row.content_type));
        Ok((days.collect(), gaps))
    }

    async fn summary(&mut self, window: Range<i64>) -> Result<Answer, AskError> {
        let mut found = self.scans(window, false).await?;
        let rows = summary_rows(&by_type(&mut found));
        Ok(found.answer(Some(("summary", rows)), Map::new()))
    }

    async fn totals(&mut self, window: Range<i64>) -> Result<Answer, AskError> {
        let mut found = self.scans(window, false).await?;
        let mut sums = together(&by_type(&mut found));
        if let Some(part) = &found.rolled_up {
            let older = self.statuses(part.end).await?;
            sums.status_counts = older.map(|mut counts| {
                for (status, count) in &found.statuses {
                    *counts.entry(status.clone()).or_default() += count;
                }
                counts
            });
        }
        let totals = Json::Object(sums.totals());
        Ok(found.answer(None, Map::from_iter([("totals".to_owned(), totals)])))
    }

    async fn latency(&mut self, window: Range<i64>) -> Result<Answer, AskError> {
        let mut found = self.scans(window, false).await?;
        let by_type = by_type(&mut found);
        let totals = Json::Object(together(&by_type).totals());
        let latency = latency_breakdown(&totals, &summary_rows(&by_type));
        Ok(found.answer(None, Map::from_iter([("latency".to_owned(), latency)])))
    }

    /// How many scans a minute there were in the last minutes, by content type: counted from points, not from the whole day.
    async fn rates(&mut self) -> Result<Answer, AskError> {
        let now = self.context.now.timestamp_micros();
        let start = now - MINUTES * 60_000_000;
        let (mut counts, gaps) = self.counts(start + 1..now + 1, None).await?;
        counts.sort_by(|(_, one, most), (_, other, more)| {
            more.total_cmp(most).then_with(|| one.cmp(other))
        });
        let rate = |(_, content_type, count): (i64, String, f64)| json!({ "content_type": content_type, "scans": count as u64, "per_minute": count / MINUTES as f64 });
        let rows = counts.into_iter().map(rate).collect();
        let facts = [
            ("minutes".to_owned(), json!(MINUTES)),
            ("from".to_owned(), json!(instant(start))),
            ("to".to_owned(), json!(instant(now))),
        ];
        let found = FoundScans {
            gaps,
            ..FoundScans::default()
        };
        Ok(found.answer(Some(("rates", rows)), Map::from_iter(facts)))
    }

    /// Scans by piece of time and content type.
    async fn counts(
        &mut self,
        window: Range<i64>,
        every: Option<Every>,
    ) -> Result<(Vec<(i64, String, f64)>, Gaps), AskError> {
        let context = Context {
            zone: Tz::UTC,
            ..self.context
        };
        let mut look = Look::at(self.source.lend(), self.kind, context).await?;
        let wanted = Wanted {
            window,
            filter: self.filter,
            figures: &[Aggregate::Count],
            every,
            by: &["content_type".to_owned()],
            estimate: false,
        };
        let (rows, gaps) = look.figures(&wanted).await?;
        let counts = rows.into_iter().filter_map(|row| {
            let count = row.numbers.first().copied().flatten()?;
            Some((row.start, row.words.into_iter().next()?, count))
        });
        Ok((counts.collect(), gaps))
    }

    async fn scans(&mut self, window: Range<i64>, by_day: bool) -> Result<FoundScans, AskError> {
        let filter = self.filter;
        let wanted = WantedScans {
            window,
            filter,
            by_day,
        };
        scans(self.source.lend(), self.kind, &wanted, self.context).await
    }

    /// How many scans before this instant had which status.
    async fn statuses(&mut self, end: i64) -> Result<Option<BTreeMap<String, i128>>, AskError> {
        let wanted = WantedScans {
            window: i64::MIN..end,
            filter: self.filter,
            by_day: false,
        };
        statuses(self.source.lend(), self.kind, &wanted, self.context).await
    }
}

fn row(day: i64, guild: Option<i64>, content_type: String, sums: ScanSums) -> ScanRow {
    let date = DateTime::from_timestamp_micros(day)
        .unwrap_or_default()
        .date_naive();
    let guild = guild.filter(|guild| *guild != 0);
    ScanRow {
        date,
        guild,
        content_type,
        sums,
    }
}

fn first_instant(date: NaiveDate) -> i64 {
    let since = date.signed_duration_since(DateTime::<Utc>::UNIX_EPOCH.date_naive());
    since.num_days().saturating_mul(DAY)
}

fn by_type(found: &mut FoundScans) -> Vec<(String, ScanSums)> {
    let sums = std::mem::take(&mut found.sums).into_iter();
    by_scans(
        sums.map(|((_, content_type), sums)| (content_type, sums))
            .collect(),
    )
}

fn together(by_type: &[(String, ScanSums)]) -> ScanSums {
    let mut all = ScanSums::default();
    by_type.iter().for_each(|(_, sums)| all.add(sums));
    all
}

/// The rows of `get_media_metrics_summary`.
pub fn summary_rows(by_type: &[(String, ScanSums)]) -> Vec<Json> {
    let rows = by_type.iter();
    rows.map(|(content_type, sums)| Json::Object(sums.summary(content_type)))
        .collect()
}

/// A row of `get_media_metric_rollups`.
pub fn rollup(row: ScanRow) -> Json {
    let key = [
        ("metric_date", json!(row.date.to_string())),
        ("guild_id", json!(row.guild)),
        ("content_type", json!(row.content_type)),
    ];
    let mut json: Map<String, Json> = key
        .map(|(name, json)| (name.to_owned(), json))
        .into_iter()
        .collect();
    json.extend(row.sums.totals());
    Json::Object(json)
}

impl FoundScans {
    /// With what it lacks, and of which time points are gone: nobody knows what was last there.
    fn answer(
        self,
        rows: Option<(&'static str, Vec<Json>)>,
        mut facts: Map<String, Json>,
    ) -> Answer {
        let part =
            |part: &Range<i64>| json!({ "from": instant(part.start), "to": instant(part.end) });
        let Gaps { missing, broken } = &self.gaps;
        facts.insert(
            "complete".to_owned(),
            json!(missing.is_empty() && broken.is_empty()),
        );
        if !missing.is_empty() {
            let missing: Vec<Json> = missing.iter().map(part).collect();
            facts.insert("missing".to_owned(), json!(missing));
        }
        if !broken.is_empty() {
            facts.insert("broken".to_owned(), json!(broken));
        }
        if let Some(rolled_up) = &self.rolled_up {
            facts.insert("rolled_up".to_owned(), part(rolled_up));
        }
        Answer { facts, rows }
    }
}
