//! `GET /tap`: samples of the flow as lines of JSON, until the client leaves.
//!
//! A line is a sample, or (each few seconds, so that a quiet tap is seen to live) what passed the filter and
//! what was dropped. Samples are taken in bursts with a pause between, which bounds what a tap may cost.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use serde_json::json;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::shared::Shared;
use crate::telemetry::taps::{Filter, Sample, TAPS_MAX, Tap};
use crate::telemetry::{At, taps::TAP_QUEUE};

/// Between two bursts: at most 2,560 samples a second.
const PAUSE: Duration = Duration::from_millis(100);
/// Between two notes.
const NOTE_EVERY: Duration = Duration::from_secs(3);

/// What a client may ask.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    at: Option<String>,
    model: Option<String>,
    metric: Option<String>,
    every: Option<u64>,
}

impl Wish {
    fn filter(self) -> Result<Filter, String> {
        let name = self.at.as_deref().unwrap_or(At::Scores.name());
        let names = At::ALL.map(At::name).join(", ");
        let at = At::named(name).ok_or_else(|| format!("at={name:?} is not one of {names}\n"))?;
        let every = self.every.unwrap_or(1);
        if every == 0 {
            return Err("every=0 would show nothing: 1 is every sample, 10 every tenth\n".into());
        }
        // An empty text is no wish, as forms send it.
        let set = |text: Option<String>| text.filter(|text| !text.is_empty());
        Ok(Filter { at, model: set(self.model), metric: set(self.metric), every })
    }
}

pub(super) async fn tap(
    State(shared): State<Shared>,
    wish: Result<Query<Wish>, QueryRejection>,
) -> Response {
    let bad = |words: String| (StatusCode::BAD_REQUEST, words).into_response();
    let filter = match wish {
        Ok(Query(wish)) => match wish.filter() {
            Ok(filter) => filter,
            Err(words) => return bad(words),
        },
        Err(rejection) => return bad(format!("{}\n", rejection.body_text())),
    };
    let at = filter.at;
    let Some(tap) = shared.taps.subscribe(filter) else {
        let words = format!("{TAPS_MAX} taps are already open, which is the limit: close one\n");
        return (StatusCode::SERVICE_UNAVAILABLE, words).into_response();
    };
    let now = Instant::now();
    let bursts = stream::unfold(Look { tap, at, begin: now, note: now }, Look::burst);
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(bursts)).into_response()
}

/// A tap that is being read.
struct Look {
    tap: Tap,
    at: At,
    /// When the next burst may begin.
    begin: Instant,
    /// When the next note is due.
    note: Instant,
}

impl Look {
    async fn burst(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        sleep_until(self.begin).await;
        let mut lines = Vec::new();
        if let Ok(sample) = timeout_at(self.note, self.tap.next()).await {
            self.write(&mut lines, &sample?);
            for sample in
                std::iter::from_fn(|| self.tap.take()).take(TAP_QUEUE - 1).collect::<Vec<_>>()
            {
                self.write(&mut lines, &sample);
            }
        }
        let now = Instant::now();
        if now >= self.note {
            let note = json!({ "passed": self.tap.passed(), "dropped": self.tap.dropped() });
            lines.extend(format!("{}\n", json!({ "tap": note })).into_bytes());
            self.note = now + NOTE_EVERY;
        }
        self.begin = now + PAUSE;
        Some((Ok(lines.into()), self))
    }

    fn write(&self, lines: &mut Vec<u8>, sample: &Sample) {
        let Sample { model, metric, value } = sample;
        let mut line = json!({ "at": self.at.name(), "model": model });
        if !metric.is_empty() {
            line["metric"] = json!(metric);
        }
        line["sample"] = (**value).clone();
        lines.extend(format!("{line}\n").into_bytes());
    }
}
