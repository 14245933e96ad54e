//! What Grafana's JSON data source asks: which kinds there are, and figures of them over time.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use axum::routing::{get, post};
use chrono::DateTime;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use crate::config::live::May;
use crate::kinds::{Accepts, Kind, Shape};
use crate::live::grain::Every;
use crate::live::json;
use crate::live::question::Answer;
use crate::live::question::parameters;
use crate::web::access::Grant;

use super::admit;
use super::answer::{Problem, answer};
use super::questions::{Questions, own, restrict};

/// Bytes of a question.
const MOST_SENT: usize = 256 << 10;
/// Numbers of a series, if a panel does not say.
const MOST_POINTS: i64 = 1000;

/// What a panel may ask at a time, and rows that it gets.
const MOST_TARGETS: usize = 100;
const MOST_ROWS: usize = 100_000;

pub(super) fn routes(questions: Arc<Questions>) -> Router {
    Router::new()
        .route("/api/grafana", get(health))
        .route("/api/grafana/", get(health))
        .route("/api/grafana/search", post(search))
        .route("/api/grafana/metrics", post(metrics))
        .route("/api/grafana/query", post(query))
        .with_state(questions)
}

/// What a panel asks; what else is sent does not matter. Objects with other fields are never read from arrays, by position.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Panel {
    range: Time,
    #[serde(default)]
    interval_ms: f64,
    max_data_points: Option<i64>,
    targets: Vec<Target>,
    #[serde(default)]
    adhoc_filters: Vec<AdHoc>,
    #[serde(flatten)]
    _others: Map<String, Json>,
}

#[derive(Debug, Deserialize)]
struct Time {
    from: String,
    to: String,
    #[serde(flatten)]
    _others: Map<String, Json>,
}

#[derive(Debug, Deserialize)]
struct Target {
    /// A kind; none in a panel that is being made.
    target: Option<String>,
    /// Parameters of the question `aggregate`.
    #[serde(default)]
    payload: Json,
    #[serde(default)]
    hide: bool,
    #[serde(flatten)]
    _others: Map<String, Json>,
}

#[derive(Debug, Deserialize)]
struct AdHoc {
    key: String,
    operator: String,
    value: String,
    #[serde(flatten)]
    _others: Map<String, Json>,
}

async fn health(
    State(questions): State<Arc<Questions>>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    admit(&questions.access, &questions.stop, &request, May::Read)?;
    Ok(answer(StatusCode::OK, &json!({ "status": "ok" })))
}

async fn search(
    State(questions): State<Arc<Questions>>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let grant = admit(&questions.access, &questions.stop, &request, May::Read)?;
    let names = visible(&questions, &grant).map(|kind| json!(kind.name));
    Ok(answer(StatusCode::OK, &names.collect::<Json>()))
}

/// The kinds with what a panel may say of each.
async fn metrics(
    State(questions): State<Arc<Questions>>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let grant = admit(&questions.access, &questions.stop, &request, May::Read)?;
    let metrics = visible(&questions, &grant).map(metric);
    Ok(answer(StatusCode::OK, &metrics.collect::<Json>()))
}

fn visible<'q>(questions: &'q Questions, grant: &'q Grant) -> impl Iterator<Item = &'q Kind> {
    let kinds = questions.live.kinds.values();
    kinds.filter(|kind| own(kind, grant).is_ok())
}

fn metric(kind: &Kind) -> Json {
    let input = |name: &str, example: &str| json!({ "name": name, "type": "input", "placeholder": example });
    let choice = |name: &str, values: Vec<&str>| {
        let option = |value: &&str| json!({ "label": value, "value": value });
        let options: Json = values.iter().map(option).collect();
        json!({ "name": name, "type": "select", "options": options })
    };
    let example = match kind.values.first() {
        Some(value) => format!("p95 of {}", value.name),
        None => "count".to_owned(),
    };
    let mut payloads = vec![input("figure", &example)];
    let labels = kind.labels.iter();
    let labels = labels.filter(|label| label.accepts != Accepts::Find);
    let labels: Vec<&str> = labels.map(|label| label.name.as_str()).collect();
    payloads.extend((!labels.is_empty()).then(|| choice("by", labels)));
    payloads.extend((kind.shape == Shape::Span).then(|| choice("ok", vec!["true", "false"])));
    json!({ "label": kind.name, "value": kind.name, "payloads": payloads })
}

async fn query(
    State(questions): State<Arc<Questions>>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let grant = admit(&questions.access, &questions.stop, &request, May::Read)?;
    let body = to_bytes(request.into_body(), MOST_SENT).await;
    let body = body.map_err(|_| Problem::wrong("the question is too long, or broke off"))?;
    let panel = json::read(&body).and_then(|panel| {
        serde_json::from_value::<Panel>(panel).map_err(|error| format!("not a panel: {error}"))
    });
    let panel = panel.map_err(Problem::wrong)?;
    let series = questions.panel(&panel, &grant).await?;
    Ok(answer(StatusCode::OK, &series))
}

impl Questions {
    async fn panel(&self, panel: &Panel, grant: &Grant) -> Result<Vec<Json>, Problem> {
        if panel.adhoc_filters.iter().any(|one| one.operator != "=") {
            return Err(Problem::at("adhocFilters", "only `=` is understood"));
        }
        let every = panel.every();
        let every = every.map_err(|error| Problem::at("range", error))?;
        if panel.targets.len() > MOST_TARGETS {
            let error = format!("more than {MOST_TARGETS}");
            return Err(Problem::at("targets", error));
        }
        let (mut all, mut rows) = (Vec::new(), 0);
        for target in panel.targets.iter().filter(|target| !target.hide) {
            let Some(name) = target.target.as_deref().filter(|name| !name.is_empty()) else {
                continue;
            };
            let kind = self.kind(name)?;
            let pairs = panel.pairs(target, every)?;
            let mut asked = parameters::read("aggregate", &pairs, kind, self.context())?;
            restrict(&mut asked.filter, kind, grant)?;
            let answer = self.answer(kind, &asked).await?;
            rows += answer.rows.as_ref().map_or(0, |(_, rows)| rows.len());
            if rows > MOST_ROWS {
                let error = format!("more than {MOST_ROWS} numbers: ask for fewer groups");
                return Err(Problem::at("targets", error));
            }
            all.extend(series(answer));
        }
        Ok(all)
    }
}

impl Panel {
    /// What a target says, as an address would say it.
    fn pairs(&self, target: &Target, every: Every) -> Result<Vec<(String, String)>, Problem> {
        let mut pairs = vec![
            ("from".to_owned(), self.range.from.clone()),
            ("to".to_owned(), self.range.to.clone()),
            ("every".to_owned(), every.name().to_owned()),
        ];
        let nothing = Map::new();
        let payload = match &target.payload {
            Json::Object(payload) => payload,
            Json::Null => &nothing,
            Json::String(text) if text.is_empty() => &nothing,
            _ => return Err(Problem::at("payload", "expected an object")),
        };
        for (name, value) in payload {
            match value {
                Json::Null => {}
                Json::String(text) if text.is_empty() => {}
                Json::String(text) => pairs.push((name.clone(), text.clone())),
                value => pairs.push((name.clone(), value.to_string())),
            }
        }
        for filter in &self.adhoc_filters {
            pairs.push((format!("label.{}", filter.key), filter.value.clone()));
        }
        Ok(pairs)
    }

    /// The shortest piece of time of which no more are needed than the panel has room for.
    fn every(&self) -> Result<Every, String> {
        let at = |text: &str| DateTime::parse_from_rfc3339(text).map_err(|error| error.to_string());
        let time = at(&self.range.to)? - at(&self.range.from)?;
        let most = self.max_data_points.unwrap_or(MOST_POINTS).max(1);
        let least = (self.interval_ms / 1000.0).max(time.num_seconds() as f64 / most as f64);
        let fits = |every: &Every| *every == Every::Month || every.shortest() as f64 >= least;
        Ok(Every::ALL.into_iter().find(fits).unwrap_or(Every::Month))
    }
}

/// Each group's figures over time, the oldest first.
fn series(answer: Answer) -> Vec<Json> {
    let mut all: BTreeMap<String, Vec<Json>> = BTreeMap::new();
    for row in answer.rows.into_iter().flat_map(|(_, rows)| rows) {
        let start = row["start"].as_str().unwrap_or_default();
        let start = DateTime::parse_from_rfc3339(start).map(|start| start.timestamp_millis());
        let words = row["labels"].as_object().into_iter().flatten();
        let words: Vec<&str> = words
            .map(|(_, word)| word.as_str().unwrap_or("-"))
            .collect();
        let figures = row.as_object().into_iter().flatten();
        let figures = figures.filter(|(name, _)| !["start", "labels"].contains(&name.as_str()));
        for (figure, number) in figures {
            let parts: Vec<&str> = words.iter().copied().chain([figure.as_str()]).collect();
            let point = json!([number, start.unwrap_or_default()]);
            all.entry(parts.join(".")).or_default().push(point);
        }
    }
    let series = all.into_iter();
    series
        .map(|(target, points)| json!({ "target": target, "datapoints": points }))
        .collect()
}
