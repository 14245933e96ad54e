//! Sessions of the bot service: an id for what belongs together.

use std::ops::ControlFlow;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value as Json, json};

use crate::config::live::May;
use crate::kinds::Kind;
use crate::live::batch::Batch;
use crate::live::event::{Event, hash};
use crate::live::point::{Point, points};
use crate::live::question::{self, AskError, Filter, Order, Points};
use crate::live::reader::Reader;
use crate::live::source::Source;
use crate::live::store::StoreError;

use super::Api;
use super::answer::{Problem, answer};
use super::body::{HOURS, LIMIT, Parameters, numbers};
use super::events::key;
use super::questions::{add, own};
use super::{as_hex, random};

const KIND: &str = "session";
/// Characters of an id, with a hyphen after the eighth.
const ID: usize = 12;

pub(super) async fn open(
    State(api): State<Arc<Api>>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let grant = api.admit(&request, May::Write)?;
    api.session_kind()?;
    let repeated = key(&request, &grant)?.map(|key| session_id(&hash("session", &key)));
    let fields = api.read_object(request).await?;
    let given = match fields.get("session_id") {
        None | Some(Json::Null) => None,
        Some(Json::String(id)) => Some(id.clone()),
        Some(_) => return Err(Problem::wrong("`session_id` is not text")),
    };
    let own = given.or(repeated);
    loop {
        let id = match &own {
            Some(id) => id.clone(),
            None => session_id(&random::<16>()?),
        };
        let event = Event::from_fields(session(&fields, &id))?;
        let event = api.owned(event, &grant)?;
        let batch = Batch::of(&event, api.recorder.kinds(), api.recorder.now())?;
        let duplicate = api.recorder.send(batch).await?.known > 0;
        if duplicate && own.is_none() {
            // Twelve characters meet now and then.
            continue;
        }
        let code = match duplicate {
            true => StatusCode::OK,
            false => StatusCode::CREATED,
        };
        api.counters.accepted.add(1);
        let body = json!({ "session_id": id, "duplicate": duplicate });
        return Ok(answer(code, &body));
    }
}

pub(super) async fn list(
    State(api): State<Arc<Api>>,
    pairs: Parameters<Vec<(String, String)>>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let grant = api.admit(&request, May::Read)?;
    let [most, hours] = numbers(pairs, [LIMIT, HOURS])?;
    let kind = api.session_kind()?.clone();
    let hours = TimeDelta::hours(hours.into());
    let now = api.recorder.now();
    let from = now.checked_sub_signed(hours);
    let question = Points {
        window: from.map_or(i64::MIN, |from| from.timestamp_micros())..i64::MAX,
        filter: Filter {
            labels: own(&kind, &grant)?,
            ok: None,
        },
        order: Order::NewestFirst,
        most: most as usize,
        after: None,
    };
    let body = listed_sessions(&api.reader, &kind, &question, now).await?;
    Ok(answer(StatusCode::OK, &body))
}

impl Api {
    fn session_kind(&self) -> Result<&Kind, Problem> {
        let missing =
            || Problem::missing("there is no kind `session`: add the preset `bot` under [live]");
        self.recorder.kinds().get(KIND).ok_or_else(missing)
    }
}

async fn listed_sessions(
    reader: &Reader,
    kind: &Kind,
    question: &Points,
    now: DateTime<Utc>,
) -> Result<Json, AskError> {
    let mut lent = reader.lend(now).await?;
    loop {
        let asked = ask(lent.source(), kind, question).await;
        match lent.settle(asked).await? {
            ControlFlow::Break((mut sessions, facts)) => {
                add(&mut sessions, facts);
                return Ok(sessions);
            }
            ControlFlow::Continue(other) => lent = other,
        }
    }
}

async fn ask(mut source: Source<'_>, kind: &Kind, question: &Points) -> Result<Json, StoreError> {
    let (window, filter) = (question.window.clone(), &question.filter);
    let count = question::count(source.lend(), kind, window, filter).await?;
    let found = question::points(source, kind, question).await?;
    let sessions: Vec<Json> = points(&found.points, KIND).map(listed).collect();
    Ok(json!({ "count": count, "sessions": sessions }))
}

/// The event that a session is.
fn session(fields: &Map<String, Json>, id: &str) -> Map<String, Json> {
    let mut labels = fields.clone();
    let at = labels.remove("at");
    labels.insert("session_id".to_owned(), json!(id));
    let mut event = Map::new();
    event.insert("kind".to_owned(), json!(KIND));
    event.insert("id".to_owned(), json!(id));
    event.insert("labels".to_owned(), Json::Object(labels));
    event.extend(at.map(|at| ("at".to_owned(), at)));
    event
}

fn session_id(bytes: &[u8; 16]) -> String {
    let mut id = as_hex(bytes);
    id.insert(8, '-');
    id.truncate(ID);
    id
}

fn listed(point: Point<'_>) -> Json {
    let at = point.points.at[point.place];
    let at = DateTime::<Utc>::from_timestamp_micros(at).unwrap_or_default();
    json!({
        "session_id": point.label("session_id"),
        "user_id": point.label("user_id"),
        "chat_id": point.label("chat_id"),
        "created_at": at,
    })
}
