//! What the moderation bot's dashboards read: rollups, summary, totals, latencies and rates of its scans.

use std::ops::ControlFlow;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{Response, StatusCode};
use axum::routing::get;

use crate::config::live::May;
use crate::kinds::Kind;
use crate::live::compat::moderation::KIND;
use crate::live::compat::scan_questions::{ScanQuestion, answer as answer_scans};
use crate::live::compat::scan_rollups::is_scan;
use crate::live::question::Answer;

use super::admit;
use super::answer::{Problem, answer};
use super::body::{Parameters, parameters};
use super::questions::{Questions, own};

pub(super) fn routes(questions: Arc<Questions>) -> Router {
    Router::new()
        .route("/api/moderation/{question}", get(about_scans))
        .with_state(questions)
}

async fn about_scans(
    State(questions): State<Arc<Questions>>,
    question: Result<Path<String>, PathRejection>,
    pairs: Parameters<Vec<(String, String)>>,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let (access, stop) = (&questions.access, &questions.stop);
    let grant = admit(access, stop, &request, May::Read)?;
    let Path(question) = question.map_err(|rejection| Problem::wrong(rejection.body_text()))?;
    let pairs = parameters(pairs)?;
    let question = ScanQuestion::read(&question, &pairs, questions.context())?;
    let kind = questions.kind(KIND)?;
    if !is_scan(kind) {
        let error = format!("`{KIND}` is declared without the labels and values of scans");
        return Err(Problem::missing(error));
    }
    let labels = own(kind, &grant)?;
    let found = questions.about_scans(kind, &question, &labels).await?;
    Ok(answer(StatusCode::OK, &found.into_json()))
}

impl Questions {
    async fn about_scans(
        &self,
        kind: &Kind,
        question: &ScanQuestion,
        labels: &[(String, String)],
    ) -> Result<Answer, Problem> {
        let _hand = self
            .hands
            .acquire()
            .await
            .map_err(|_| Problem::stopping())?;
        let context = self.context();
        let mut lent = self.reader.lend(context.now).await?;
        loop {
            let answered = answer_scans(lent.source(), kind, question, labels, context).await;
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
