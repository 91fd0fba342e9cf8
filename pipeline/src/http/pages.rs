//! Answers that are a look at what is known: no handler here waits or changes anything.

use std::fmt::Write;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{Html, IntoResponse};
use serde::{Deserialize, Serialize};

use super::shared::{PATHS, Shared};
use crate::telemetry::{Metric, Status, Verdict, unix_seconds};

/// The format of `/metrics`.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The answer of `/status`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StatusPage {
    /// Version of the program.
    pub version: String,
    /// Seconds since it was started.
    pub uptime_s: f64,
    /// Liveness.
    pub live: Verdict,
    /// Readiness.
    pub ready: Verdict,
    /// The flow.
    #[serde(flatten)]
    pub status: Status,
}

pub(super) async fn livez(State(shared): State<Shared>) -> impl IntoResponse {
    verdict(&shared.health.livez())
}

pub(super) async fn readyz(State(shared): State<Shared>) -> impl IntoResponse {
    verdict(&shared.health.readyz())
}

fn verdict(verdict: &Verdict) -> impl IntoResponse + use<> {
    let code = if verdict.yes { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, format!("{}\n", verdict.why))
}

pub(super) async fn metrics(State(shared): State<Shared>) -> impl IntoResponse {
    let Shared { telemetry, health, taps, counted_drops, .. } = &shared;
    telemetry.set(Metric::Ready, &[], f64::from(health.readyz().yes));
    let dropped = taps.dropped();
    let counted = counted_drops.fetch_max(dropped, Ordering::Relaxed);
    telemetry.add(Metric::TapDropped, &[], dropped.saturating_sub(counted));
    ([(header::CONTENT_TYPE, OPEN_METRICS)], telemetry.render())
}

pub(super) async fn status(State(shared): State<Shared>) -> Json<StatusPage> {
    let begun = shared.telemetry.value(Metric::StartTime, &[]).unwrap_or_default();
    Json(StatusPage {
        version: env!("CARGO_PKG_VERSION").into(),
        uptime_s: (unix_seconds() - begun).max(0.0),
        live: shared.health.livez(),
        ready: shared.health.readyz(),
        status: (*shared.telemetry.status()).clone(),
    })
}

pub(super) async fn index() -> Html<String> {
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Driftline</title>\n\
         <h1>Driftline</h1>\n<ul>\n",
    );
    for (path, method, what) in PATHS {
        let name = match *method {
            "GET" => format!("<a href=\"{path}\">{path}</a>"),
            method => format!("{method} {path}"),
        };
        // Writing into a String cannot fail.
        let _ = writeln!(page, "<li>{name}: {what}");
    }
    page.push_str("</ul>\n</html>\n");
    Html(page)
}

pub(super) async fn unknown(uri: Uri) -> impl IntoResponse {
    let path: String = uri.path().chars().take(80).collect();
    let mut words = format!("there is no {path:?} here; there are:\n");
    for (path, method, what) in PATHS {
        let _ = writeln!(words, "  {method:<5}{path:<11}{what}");
    }
    (StatusCode::NOT_FOUND, words)
}
