//! Questions about live events: what is there, and what it comes to.

use std::ops::ControlFlow;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{Response, StatusCode};
use axum::routing::get;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value as Json, json};
use tokio::sync::{Mutex, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::config::LiveSettings;
use crate::config::live::May;
use crate::kinds::{Accepts, Kind};
use crate::live::compat::bot_dashboard::dashboard;
use crate::live::now::{Now, kinds_now};
use crate::live::point::points;
use crate::live::question::parameters::{self, QUESTIONS, Wrong};
use crate::live::question::{
    Answer, AskError, Asked, Context, Filter, Order, Points, ask, points as page,
};
use crate::live::reader::Reader;
use crate::live::source::Source;
use crate::live::store::StoreError;
use crate::text::suggest::did_you_mean;
use crate::web::access::{Access, Grant, Refused};

use super::admit;
use super::answer::{Problem, answer};
use super::body::{HOURS, Parameters, numbers, parameters as read_parameters};
use super::events::ORGANISATION;
use super::places::Places;

/// At once, each with a connection and some tens of megabytes of its own.
const EXPORTS: usize = 2;
const SESSION: &str = "session_id";
/// Points of a session that are answered.
const MOST_OF_A_SESSION: usize = 1000;
const STREAMS: usize = 16;

/// What was looked at is shown for so long.
const FRESH: TimeDelta = TimeDelta::seconds(2);

/// What all who ask share.
pub struct Questions {
    pub(super) live: LiveSettings,
    zone: Tz,
    clock: fn() -> DateTime<Utc>,
    pub(super) reader: Reader,
    /// Of those who only look: a long question must not keep a page waiting.
    watcher: Reader,
    /// Of those who follow events: a long question must not hold them up.
    pub(super) followed: Reader,
    pub(super) streams: Places,
    pub(super) access: Arc<Access>,
    pub(super) stop: CancellationToken,
    /// Questions are answered by one processor less than there are: a page must not wait for them.
    pub(super) hands: Semaphore,
    pub(super) exports: Places,
    known: Mutex<Option<(DateTime<Utc>, Arc<Now>)>>,
}

pub(super) fn routes(questions: Arc<Questions>) -> Router {
    Router::new()
        .route("/api/live", get(kinds))
        .route("/api/live/{kind}/{question}", get(about_kind))
        .route("/api/sessions/{id}", get(session))
        .route("/api/bot/dashboard", get(bot_dashboard))
        .with_state(questions)
}

impl Questions {
    pub fn new(
        live: &LiveSettings,
        zone: Tz,
        clock: fn() -> DateTime<Utc>,
        access: Arc<Access>,
        stop: CancellationToken,
    ) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            live: live.clone(),
            zone,
            clock,
            reader: Reader::of_all(live),
            watcher: Reader::of_all(live),
            followed: Reader::of(live.database.clone()),
            streams: Places::new("streams", STREAMS),
            access,
            stop,
            hands: Semaphore::new(processors.saturating_sub(1).max(1)),
            exports: Places::new("exports", EXPORTS),
            known: Mutex::default(),
        }
    }

    /// What happens now, at most two seconds old: whoever looks at the page shares it with all others.
    pub async fn now(&self) -> Result<Arc<Now>, AskError> {
        let mut known = self.known.lock().await;
        let context = self.context();
        if let Some((at, now)) = &*known
            && context.now - at < FRESH
        {
            return Ok(Arc::clone(now));
        }
        let looked = Arc::new(self.look(context).await?);
        *known = Some((context.now, Arc::clone(&looked)));
        Ok(looked)
    }

    async fn look(&self, context: Context) -> Result<Now, AskError> {
        let mut lent = self.watcher.lend(context.now).await?;
        if lent.is_nothing() {
            return Ok(Now::default());
        }
        let mut looked = loop {
            let looked = kinds_now(lent.source(), &self.live, |_| true, context).await;
            match lent.settle(looked).await? {
                ControlFlow::Break((looked, _)) => break looked,
                ControlFlow::Continue(other) => lent = other,
            }
        };
        if let Some(mut store) = self.watcher.store().await? {
            looked.add_alerts(&mut store, context).await?;
        }
        Ok(looked)
    }

    /// Lets go of the file, once nobody asks any more.
    pub async fn close(&self) {
        self.reader.close().await;
        self.watcher.close().await;
        self.followed.close().await;
    }

    pub(super) fn context(&self) -> Context {
        Context {
            zone: self.zone,
            now: (self.clock)(),
        }
    }

    pub(super) fn kind(&self, name: &str) -> Result<&Kind, Problem> {
        self.live.kinds.get(name).ok_or_else(|| {
            let hint = did_you_mean(name, self.live.kinds.keys().map(String::as_str));
            Problem::missing(format!("no kind `{}`{hint}", name.escape_debug()))
        })
    }

    pub(super) async fn answer(&self, kind: &Kind, asked: &Asked) -> Result<Answer, Problem> {
        let _hand = self
            .hands
            .acquire()
            .await
            .map_err(|_| Problem::stopping())?;
        let context = self.context();
        let mut lent = self.reader.lend(context.now).await?;
        loop {
            let answered = ask(lent.source(), kind, asked, context).await;
            match lent.settle(answered).await? {
                ControlFlow::Break((mut answer, facts)) => {
                    answer.facts.extend(facts);
                    return Ok(answer);
                }
                ControlFlow::Continue(other) => lent = other,
            }
        }
    }
}

/// Which kinds there are, and what can be asked of them.
async fn kinds(
    State(questions): State<Arc<Questions>>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let (access, stop) = (&questions.access, &questions.stop);
    let grant = admit(access, stop, &request, May::Read)?;
    let visible = questions
        .live
        .kinds
        .values()
        .filter(|kind| own(kind, &grant).is_ok());
    let kinds: Vec<Json> = visible.map(described).collect();
    let names = QUESTIONS.map(|(name, _)| name);
    Ok(answer(
        StatusCode::OK,
        &json!({ "kinds": kinds, "questions": names }),
    ))
}

async fn about_kind(
    State(questions): State<Arc<Questions>>,
    path: Result<Path<(String, String)>, PathRejection>,
    pairs: Parameters<Vec<(String, String)>>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let (access, stop) = (&questions.access, &questions.stop);
    let grant = admit(access, stop, &request, May::Read)?;
    let Path((kind, question)) = path.map_err(|rejection| Problem::wrong(rejection.body_text()))?;
    let pairs = read_parameters(pairs)?;
    let kind = questions.kind(&kind)?.clone();
    let mut asked = parameters::read(&question, &pairs, &kind, questions.context())?;
    restrict(&mut asked.filter, &kind, &grant)?;
    let body = questions.answer(&kind, &asked).await?.into_json();
    Ok(answer(StatusCode::OK, &body))
}

async fn bot_dashboard(
    State(questions): State<Arc<Questions>>,
    hours: Parameters<Vec<(String, String)>>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let (access, stop) = (&questions.access, &questions.stop);
    let grant = admit(access, stop, &request, May::Read)?;
    let [hours] = numbers(hours, [HOURS])?;
    let mut labels = Vec::new();
    for kind in ["stage", "correction", "filter"] {
        labels = own(questions.kind(kind)?, &grant)?;
    }
    let body = questions.bot_dashboard(&labels, hours).await?;
    Ok(answer(StatusCode::OK, &body))
}

/// All events of a session, whatever their kind, the oldest first.
async fn session(
    State(questions): State<Arc<Questions>>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let (access, stop) = (&questions.access, &questions.stop);
    let grant = admit(access, stop, &request, May::Read)?;
    let Path(id) = id.map_err(|rejection| Problem::wrong(rejection.body_text()))?;
    let body = questions.session(&id, &grant).await?;
    Ok(answer(StatusCode::OK, &body))
}

impl Questions {
    async fn bot_dashboard(
        &self,
        labels: &[(String, String)],
        hours: u32,
    ) -> Result<Json, Problem> {
        let _hand = self
            .hands
            .acquire()
            .await
            .map_err(|_| Problem::stopping())?;
        let (kinds, context) = (&self.live.kinds, self.context());
        let mut lent = self.reader.lend(context.now).await?;
        loop {
            let counted = dashboard(lent.source(), kinds, labels, hours, context).await;
            match lent.settle(counted).await? {
                ControlFlow::Break((mut counted, facts)) => {
                    add(&mut counted, facts);
                    return Ok(counted);
                }
                ControlFlow::Continue(other) => lent = other,
            }
        }
    }

    async fn session(&self, id: &str, grant: &Grant) -> Result<Json, Problem> {
        let mut lent = self.reader.lend((self.clock)()).await?;
        let (mut all, facts) = loop {
            let found = self.session_points(lent.source(), id, grant).await;
            match lent.settle(found).await? {
                ControlFlow::Break(found) => break found,
                ControlFlow::Continue(other) => lent = other,
            }
        };
        if all.is_empty() {
            let id = id.escape_debug();
            return Err(Problem::missing(format!(
                "nothing is kept of a session `{id}`"
            )));
        }
        all.sort_by_key(|(at, _)| *at);
        let all: Vec<Json> = all.into_iter().map(|(_, json)| json).collect();
        let mut session = json!({ "session_id": id, "points": all });
        add(&mut session, facts);
        Ok(session)
    }

    async fn session_points(
        &self,
        mut source: Source<'_>,
        id: &str,
        grant: &Grant,
    ) -> Result<Vec<(i64, Json)>, StoreError> {
        let mut all = Vec::new();
        let kinds = self.live.kinds.values();
        for kind in kinds.filter(|kind| kind.label(SESSION).is_some()) {
            let Ok(mut labels) = own(kind, grant) else {
                continue;
            };
            labels.push((SESSION.to_owned(), id.to_owned()));
            let question = Points {
                window: i64::MIN..i64::MAX,
                filter: Filter { labels, ok: None },
                order: Order::OldestFirst,
                most: MOST_OF_A_SESSION,
                after: None,
            };
            let found = page(source.lend(), kind, &question).await?.points;
            let json = points(&found, &kind.name)
                .map(|point| serde_json::to_value(point).unwrap_or_default());
            all.extend(found.at.iter().copied().zip(json));
        }
        Ok(all)
    }
}

/// Adds to a document.
pub(super) fn add(document: &mut Json, facts: Map<String, Json>) {
    if let Json::Object(document) = document {
        document.extend(facts);
    }
}

/// A token that speaks for one organisation sees no other's.
pub(super) fn own(kind: &Kind, grant: &Grant) -> Result<Vec<(String, String)>, Problem> {
    let Some(own) = &grant.organisation else {
        return Ok(Vec::new());
    };
    match kind.label(ORGANISATION) {
        Some(_) => Ok(vec![(ORGANISATION.to_owned(), own.clone())]),
        None => Err(Problem::refused(Refused::OutOfScope)),
    }
}

pub(super) fn restrict(filter: &mut Filter, kind: &Kind, grant: &Grant) -> Result<(), Problem> {
    for (label, own) in own(kind, grant)? {
        match filter.labels.iter().find(|(name, _)| *name == label) {
            Some((_, asked)) if *asked != own => return Err(Problem::refused(Refused::OutOfScope)),
            Some(_) => {}
            None => filter.labels.push((label, own)),
        }
    }
    Ok(())
}

fn described(kind: &Kind) -> Json {
    let labels = kind.labels.iter().map(|label| {
        let accepts = match &label.accepts {
            Accepts::OneOf(values) => json!({ "values": values }),
            Accepts::Most(most) => json!({ "most": most }),
            Accepts::Find => json!({ "find": true }),
        };
        (label.name.clone(), accepts)
    });
    let values = kind
        .values
        .iter()
        .map(|value| (value.name.clone(), json!({ "unit": value.unit })));
    let group = |group: &Vec<usize>| {
        let names = group.iter().map(|label| kind.labels[*label].name.as_str());
        names.collect::<Vec<&str>>()
    };
    let by: Vec<Vec<&str>> = kind
        .groups
        .iter()
        .filter(|group| !group.is_empty())
        .map(group)
        .collect();
    json!({
        "kind": kind.name,
        "shape": kind.shape,
        "labels": labels.collect::<Map<String, Json>>(),
        "values": values.collect::<Map<String, Json>>(),
        "by": by,
    })
}

impl From<Wrong> for Problem {
    fn from(wrong: Wrong) -> Self {
        match wrong.parameter.as_str() {
            "question" => Self::missing(wrong.error),
            _ => Self::at(&wrong.parameter, wrong.error),
        }
    }
}

impl From<AskError> for Problem {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Store(error) => error.into(),
            AskError::TooMuch(message) => Self::wrong(message),
            AskError::Moved => Self::busy(error.to_string()),
        }
    }
}
