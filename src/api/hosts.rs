//! The routes of a host monitor: its agents send heartbeats, its dashboards read samples.

mod known;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{Response, StatusCode};
use axum::middleware::from_fn;
use axum::routing::{delete, get, post};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use crate::config::live::May;
use crate::kinds::{Kind, OTHER};
use crate::live::batch::Batch;
use crate::live::columns::Columns;
use crate::live::compat::hosts::{HOST, Heartbeat, ORGANISATION, Sample, sample, text};
use crate::live::keep::{Forgotten, forget};
use crate::live::point::instant;
use crate::live::question::{Found, Order};
use crate::live::store::{Store, StoreError};
use crate::web::access::Grant;
use crate::web::answer::{JSON, text as answer_text};

use super::answer::{Problem, answer};
use super::body::{Parameters, parameters};
use super::questions::add;
use super::{Api, while_heard};
pub(super) use known::Hosts;
use known::{Facts, Host, Whose, about, points};

const HEADER: &str = "X-Organization-Id";
const SLUG: &str = "organizationSlug";
const ORG_ID: &str = "orgId";
/// Samples that are shown of one host.
const SHOWN: usize = 60;
const RANGE: Limit = Limit {
    name: "limit",
    most: 10_000,
    left_out: 1000,
};
const RECENT: Limit = Limit {
    name: "count",
    most: 1000,
    left_out: 100,
};
/// In milliseconds: 90 days.
const LONGEST_RANGE: i64 = 7_776_000_000;

pub(super) fn routes() -> Router<Arc<Api>> {
    let reading = Router::new()
        .route("/api/hosts", get(list))
        .route("/api/hosts/{id}", get(show))
        .route("/api/hosts/{id}/metrics/range", get(range))
        .route("/api/hosts/{id}/metrics/recent", get(recent))
        .route("/api/hosts/{id}/metrics/count", get(count))
        .route("/api/dashboard", get(dashboard))
        .layer(from_fn(while_heard));
    reading
        .route("/api/agent/heartbeat", post(heartbeat))
        .route("/api/v2/heartbeat", post(heartbeat_of_go_agent))
        .route("/api/hosts/{id}/metrics", delete(delete_samples))
}

async fn heartbeat(
    State(api): State<Arc<Api>>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let grant = api.admit(&request, May::Write)?;
    let kind = api.host_kind()?;
    let organisation = organisation(&grant, HEADER, header(&request))?;
    let body = api.read_object(request).await?;
    let heartbeat = Heartbeat::of_agent(body)?;
    api.take(kind, &heartbeat, &grant, organisation).await
}

async fn heartbeat_of_go_agent(
    State(api): State<Arc<Api>>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let grant = api.admit(&request, May::Write)?;
    let kind = api.host_kind()?;
    refuse_another(&grant, header(&request).as_deref())?;
    let body = api.read_object(request).await?;
    let organisation = organisation(&grant, SLUG, text(&body, SLUG)?)?;
    let heartbeat = Heartbeat::of_go_agent(body)?;
    api.take(kind, &heartbeat, &grant, organisation).await
}

impl Api {
    async fn take(
        &self,
        kind: &Kind,
        heartbeat: &Heartbeat,
        grant: &Grant,
        organisation: String,
    ) -> Result<Response<Body>, Problem> {
        let host = &heartbeat.host;
        if host == OTHER {
            return Err(stands_for_too_many("hostId"));
        }
        let known = match self.whose(kind, host).await? {
            Whose::Of(known) if known.organisation != organisation => {
                return Err(Problem::denied());
            }
            Whose::Of(known) => known.about,
            Whose::NotKnown if grant.organisation.is_some() => return Err(not_known(host)),
            Whose::Nobodys if !heartbeat.introduces => {
                let error = "Host not found and no hostInfo provided";
                return Err(Problem::at("hostInfo", error));
            }
            // Who may send for all organisations is believed.
            Whose::Nobodys | Whose::NotKnown => {
                self.refuse_one_too_many(kind, host).await?;
                if !self.claim(host, &organisation).await? {
                    return Err(Problem::denied());
                }
                Map::new()
            }
        };
        let about = heartbeat.about(known, kind.details);
        let event = heartbeat.event(&organisation, &about)?;
        let (kinds, now) = (self.recorder.kinds(), self.recorder.now());
        let batch = Batch::of(&event, kinds, now).map_err(|refused| heartbeat.named(refused))?;
        let claimed = Host {
            organisation,
            about,
        };
        if !self.hosts.claim(host, claimed) {
            return Err(Problem::denied());
        }
        self.recorder.send(batch).await?;
        self.counters.accepted.add(1);
        let body = json!({ "success": true, "hostId": host });
        Ok(answer(StatusCode::OK, &body))
    }
}

/// `{hosts, count}`: all hosts with the latest sample of each.
async fn list(
    State(api): State<Arc<Api>>,
    pairs: Parameters<Vec<(String, String)>>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let ([], asker) = asked(&api, &request, May::Read, pairs, [])?;
    let (latest, facts) = api.latest_samples(asker.kind, &asker.organisation).await?;
    let ids = latest.label(HOST);
    let host = |place| {
        let id = ids.map_or("", |ids| ids.text(place));
        let told = about(&latest, place);
        let mut host = described(id, &asker.organisation, told, latest.at.get(place));
        host.insert("currentMetrics".to_owned(), json!(sample(&latest, place)));
        Json::Object(host)
    };
    let hosts: Vec<Json> = (0..latest.len()).map(host).collect();
    let mut body = json!({ "hosts": hosts, "count": latest.len() });
    add(&mut body, facts);
    Ok(answer(StatusCode::OK, &body))
}

/// `{metrics, count}`: the latest sample of each host.
async fn dashboard(
    State(api): State<Arc<Api>>,
    pairs: Parameters<Vec<(String, String)>>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let ([], asker) = asked(&api, &request, May::Read, pairs, [])?;
    let (latest, facts) = api.latest_samples(asker.kind, &asker.organisation).await?;
    Ok(samples(&latest, &[], facts))
}

/// `{host, metrics, currentMetrics}`: the newest 60 samples, the oldest of them first.
async fn show(
    State(api): State<Arc<Api>>,
    id: Result<Path<String>, PathRejection>,
    pairs: Parameters<Vec<(String, String)>>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let ([], asker) = asked(&api, &request, May::Read, pairs, [])?;
    let (id, host) = asker.host(id).await?;
    let (found, facts) = asker.newest(&id, SHOWN).await?;
    let found = found.points;
    let described = described(&id, &asker.organisation, host.about, found.at.first());
    let all = (0..found.len()).rev().map(|place| sample(&found, place));
    let mut body = json!({
        "host": described,
        "metrics": all.collect::<Vec<Sample<'_>>>(),
        "currentMetrics": (!found.is_empty()).then(|| sample(&found, 0)),
    });
    add(&mut body, facts);
    Ok(answer(StatusCode::OK, &body))
}

async fn range(
    State(api): State<Arc<Api>>,
    id: Result<Path<String>, PathRejection>,
    pairs: Parameters<Vec<(String, String)>>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let names = ["startTime", "endTime", RANGE.name];
    let ([start, end, limit], asker) = asked(&api, &request, May::Read, pairs, names)?;
    let start = start.as_deref().and_then(parse_int);
    let start =
        start.ok_or_else(|| Problem::at("startTime", "Valid startTime required (milliseconds)"))?;
    let (id, _) = asker.host(id).await?;
    let now = api.recorder.now().timestamp_millis();
    let end = end.as_deref().and_then(parse_int).filter(|end| *end != 0);
    let end = end.unwrap_or(now);
    if end.saturating_sub(start) > LONGEST_RANGE {
        return Err(Problem::at(
            "startTime",
            "Time range too large (max 90 days)",
        ));
    }
    let limit = RANGE.read(limit.as_deref())?;
    // Both ends are milliseconds that belong to it.
    let window = micros(start)..micros(end.saturating_add(1));
    let _hand = api.hands.acquire().await.map_err(|_| Problem::stopping())?;
    let question = points(asker.own(&id), window, Order::OldestFirst, limit);
    let (found, facts) = api.samples(asker.kind, &id, &question).await?;
    Ok(samples(&found.points, &found.broken, facts))
}

/// The newest first.
async fn recent(
    State(api): State<Arc<Api>>,
    id: Result<Path<String>, PathRejection>,
    pairs: Parameters<Vec<(String, String)>>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let ([count], asker) = asked(&api, &request, May::Read, pairs, [RECENT.name])?;
    let (id, _) = asker.host(id).await?;
    let count = RECENT.read(count.as_deref())?;
    let (found, facts) = asker.newest(&id, count).await?;
    Ok(samples(&found.points, &found.broken, facts))
}

/// How many samples of a host are kept.
async fn count(
    State(api): State<Arc<Api>>,
    id: Result<Path<String>, PathRejection>,
    pairs: Parameters<Vec<(String, String)>>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let ([], asker) = asked(&api, &request, May::Read, pairs, [])?;
    let (id, _) = asker.host(id).await?;
    let _hand = api.hands.acquire().await.map_err(|_| Problem::stopping())?;
    let (count, facts) = api.count(asker.kind, &id, asker.own(&id)).await?;
    let mut body = json!({ "count": count });
    add(&mut body, facts);
    Ok(answer(StatusCode::OK, &body))
}

async fn delete_samples(
    State(api): State<Arc<Api>>,
    id: Result<Path<String>, PathRejection>,
    pairs: Parameters<Vec<(String, String)>>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let ([], asker) = asked(&api, &request, May::Admin, pairs, [])?;
    let (id, _) = asker.host(id).await?;
    let _hand = api.hands.acquire().await.map_err(|_| Problem::stopping())?;
    let (labels, forgotten) = asker.forget(&id).await?;
    api.hosts.forget(&id).await;
    let gone = api.forget_on_redis(labels).await?;
    // What was recorded here is there, too, and some of it may be kept in one place only.
    let there = gone.points.max(gone.samples.unsigned_abs() as usize);
    let points = forgotten.points.max(there);
    let rollups = forgotten.rollups.max(gone.rollups.unsigned_abs() as usize);
    let broken: Vec<&i64> = forgotten.broken.iter().map(|(chunk, _)| chunk).collect();
    let body = json!({
        "success": true, "points": points, "rollups": rollups,
        "broken_chunks": broken,
    });
    Ok(answer(StatusCode::OK, &body))
}

/// Who asks, and for whom.
struct Asker<'a> {
    api: &'a Api,
    kind: &'a Kind,
    organisation: String,
}

fn asked<'a, const N: usize>(
    api: &'a Api,
    request: &Request,
    what: May,
    pairs: Parameters<Vec<(String, String)>>,
    names: [&str; N],
) -> Result<([Option<String>; N], Asker<'a>), Problem> {
    let grant = api.admit(request, what)?;
    let kind = api.host_kind()?;
    refuse_another(&grant, header(request).as_deref())?;
    let mut values = [const { None }; N];
    let mut named = None;
    for (name, text) in parameters(pairs)? {
        let value = match names.iter().position(|known| *known == name) {
            Some(at) => &mut values[at],
            None if name == ORG_ID => &mut named,
            None => {
                let known = names
                    .iter()
                    .chain([&ORG_ID])
                    .map(|name| format!("`{name}`"));
                let known = known.collect::<Vec<String>>().join(" or ");
                return Err(Problem::at(&name, format!("expected {known}")));
            }
        };
        if value.replace(text).is_some() {
            return Err(Problem::at(&name, "given twice"));
        }
    }
    let asker = Asker {
        api,
        kind,
        organisation: organisation(&grant, ORG_ID, named)?,
    };
    Ok((values, asker))
}

impl Asker<'_> {
    /// The host that the path names, if it is one of theirs.
    async fn host(
        &self,
        id: Result<Path<String>, PathRejection>,
    ) -> Result<(String, Host), Problem> {
        let Path(id) = id.map_err(|rejection| Problem::wrong(rejection.body_text()))?;
        match self.api.whose(self.kind, &id).await? {
            Whose::Of(host) if host.organisation == self.organisation => Ok((id, host)),
            Whose::Of(_) => Err(Problem::denied()),
            Whose::Nobodys => Err(Problem::missing("Host not found")),
            Whose::NotKnown => Err(not_known(&id)),
        }
    }

    /// What its samples have, so that whatever others call this host stays theirs.
    fn own(&self, id: &str) -> Vec<(String, String)> {
        vec![
            (HOST.to_owned(), id.to_owned()),
            (ORGANISATION.to_owned(), self.organisation.clone()),
        ]
    }

    async fn newest(&self, id: &str, most: usize) -> Result<(Found, Facts), Problem> {
        let hands = &self.api.hands;
        let _hand = hands.acquire().await.map_err(|_| Problem::stopping())?;
        let question = points(self.own(id), i64::MIN..i64::MAX, Order::NewestFirst, most);
        Ok(self.api.samples(self.kind, id, &question).await?)
    }

    /// The host goes altogether, with its rollups, unless others have sent samples by its name.
    async fn forget(&self, id: &str) -> Result<(Vec<(String, String)>, Forgotten), StoreError> {
        let hosts = &self.api.hosts;
        let mut store = Store::open(&hosts.database, hosts.durable).await?;
        let (own, mut labels) = (self.own(id), self.own(id));
        let count = known::count(&mut store, self.kind, own).await?;
        labels.truncate(1);
        if count != known::count(&mut store, self.kind, labels.clone()).await? {
            labels = self.own(id);
        }
        let forgotten = forget(&mut store, self.kind, &labels, false).await;
        store.close().await?;
        Ok((labels, forgotten?))
    }
}

fn not_known(host: &str) -> Problem {
    let host = host.escape_debug();
    Problem::away(format!(
        "Redis does not answer, and only there it says whose `{host}` is: try again"
    ))
}

/// Whose hosts are meant: those of the token's organisation, or for other tokens of the one that is named.
fn organisation(grant: &Grant, field: &str, named: Option<String>) -> Result<String, Problem> {
    refuse_another(grant, named.as_deref())?;
    match grant.organisation.clone().or(named) {
        Some(organisation) if organisation == OTHER => Err(stands_for_too_many(field)),
        Some(organisation) if !organisation.is_empty() => Ok(organisation),
        _ => Err(Problem::at(
            field,
            match field {
                HEADER => "X-Organization-Id header required",
                SLUG => "organizationSlug is required",
                _ => "Organization ID required",
            },
        )),
    }
}

fn refuse_another(grant: &Grant, named: Option<&str>) -> Result<(), Problem> {
    match (&grant.organisation, named) {
        (Some(own), Some(named)) if own != named => Err(Problem::denied()),
        _ => Ok(()),
    }
}

fn stands_for_too_many(field: &str) -> Problem {
    Problem::at(
        field,
        format!("`{OTHER}` stands for values that are too many"),
    )
}

fn header(request: &Request) -> Option<String> {
    let named = request.headers().get(HEADER)?;
    Some(String::from_utf8_lossy(named.as_bytes()).into_owned())
}

/// A parameter that says how many.
struct Limit {
    name: &'static str,
    most: i64,
    left_out: usize,
}

impl Limit {
    fn read(&self, text: Option<&str>) -> Result<usize, Problem> {
        let Some(text) = text else {
            return Ok(self.left_out);
        };
        match parse_int(text) {
            Some(number) => Ok(number.clamp(1, self.most) as usize),
            None => {
                let (text, most) = (text.escape_debug(), self.most);
                let error = format!("`{text}` is not a number from 1 to {most}");
                Err(Problem::at(self.name, error))
            }
        }
    }
}

/// As JavaScript's `parseInt`: the number at the beginning of a text.
fn parse_int(text: &str) -> Option<i64> {
    let text = text.trim_start();
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let end = digits.find(|letter: char| !letter.is_ascii_digit());
    let digits = &digits[..end.unwrap_or(digits.len())];
    if digits.is_empty() {
        return None;
    }
    let number = digits.parse().unwrap_or(i64::MAX);
    Some(if text.starts_with('-') {
        -number
    } else {
        number
    })
}

fn micros(millis: i64) -> i64 {
    millis.saturating_mul(1000)
}

/// A host with what is told of it.
fn described(
    id: &str,
    organisation: &str,
    told: Map<String, Json>,
    seen: Option<&i64>,
) -> Map<String, Json> {
    let mut host = Map::new();
    host.insert("id".to_owned(), json!(id));
    host.insert("organizationId".to_owned(), json!(organisation));
    host.extend(told);
    host.insert("lastSeen".to_owned(), json!(seen.map(|at| instant(*at))));
    host
}

#[derive(Serialize)]
struct Samples<'p> {
    metrics: Vec<Sample<'p>>,
    count: usize,
    /// Why samples may be missing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    broken: Vec<String>,
    #[serde(flatten)]
    facts: Facts,
}

fn samples(points: &Columns, broken: &[(i64, String)], facts: Facts) -> Response<Body> {
    let broken = broken.iter();
    let broken = broken.map(|(id, why)| format!("chunk {id} is {why}; its events are missing"));
    let metrics = (0..points.len()).map(|place| sample(points, place));
    let samples = Samples {
        metrics: metrics.collect(),
        count: points.len(),
        broken: broken.collect(),
        facts,
    };
    // Thousands of samples need no detour by way of a document.
    let body = serde_json::to_string(&samples).unwrap_or_default();
    answer_text(StatusCode::OK, JSON, body.into())
}
