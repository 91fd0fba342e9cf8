//! Driftline with one more sink: findings and alerts, as JSON, to an HTTP endpoint.
//!
//! This file is the whole sink, and the line in `main` puts it beside the table. From that line
//! `[sinks.http]` is a section of the config, `check` looks whether the endpoint answers, `/status` and
//! `top` show how it stands, and the metrics have the label `sink="http"`:
//!
//! ```text
//! [sinks.http]
//! url = "http://127.0.0.1:8080/findings"
//! ```
//!
//! `cargo run --release --example http_sink -- run -c driftline.toml`

use std::process::ExitCode;
use std::time::Duration;

use driftline::model::OutputRecord;
use driftline::model::live::FollowerSettings;
use driftline::sink::{Checked, FollowingSink, Refusal, Role, Sink, SinkOption, SinkSpec, Takes};

/// The line of the table.
pub(crate) const HTTP: SinkSpec = SinkSpec {
    name: "http",
    doc: "Findings and alerts to an HTTP endpoint, one `POST` of JSON each.",
    options: &[
        SinkOption {
            name: "url",
            takes: Takes::Text,
            default: "",
            is_required: true,
            doc: "Where to: `http://host:port/path`.",
        },
        SinkOption {
            name: "token",
            takes: Takes::Secret,
            default: "",
            is_required: false,
            doc: "Sent as `Authorization: Bearer`.",
        },
        SinkOption {
            name: "timeout",
            takes: Takes::Duration(1_000, 10_000_000),
            default: "\"5s\"",
            is_required: false,
            doc: "An attempt lasts no longer.",
        },
    ],
    role: Role::Follower { make, check },
};

/// Runs the command line of Driftline.
fn main() -> ExitCode {
    driftline::cli::main_with(&[HTTP])
}

struct HttpSink {
    agent: ureq::Agent,
    url: String,
    authorization: Option<String>,
}

impl HttpSink {
    fn new(settings: &FollowerSettings) -> Result<Self, String> {
        let url = settings.text("url").to_owned();
        if !url.starts_with("http://") {
            return Err("url must begin with http://; for TLS, put a proxy in between".into());
        }
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(settings.duration("timeout")))
            .build()
            .into();
        let token = settings.text("token");
        let authorization = (!token.is_empty()).then(|| format!("Bearer {token}"));
        Ok(Self { agent, url, authorization })
    }
}

fn make(settings: &FollowerSettings) -> Result<Box<FollowingSink>, String> {
    Ok(Box::new(HttpSink::new(settings)?))
}

/// Any answer will do: a `HEAD` leaves nothing behind.
fn check(settings: &FollowerSettings) -> Checked {
    let sink = match HttpSink::new(settings) {
        Ok(sink) => sink,
        Err(why) => return Checked::Wrong(why),
    };
    match sink.agent.head(&sink.url).call() {
        Ok(_) => Checked::Right("the endpoint answers".into()),
        Err(error) => Checked::Wrong(format!("the endpoint does not answer: {error}")),
    }
}

impl Sink for HttpSink {
    type Input = OutputRecord;
    type Fault = Refusal;

    fn write(&mut self, record: &OutputRecord) -> Result<(), Refusal> {
        let body = serde_json::to_vec(record)
            .map_err(|error| Refusal::Never { why: format!("it has no JSON: {error}") })?;
        let mut request = self
            .agent
            .post(&self.url)
            .header("Content-Type", "application/json")
            // A record that comes twice has the same.
            .header("Idempotency-Key", record.id());
        if let Some(authorization) = &self.authorization {
            request = request.header("Authorization", authorization);
        }
        let response = request.send(&body).map_err(|error| Refusal::Later {
            why: format!("the endpoint does not answer: {error}"),
            after: None,
        })?;
        let status = response.status();
        let why = format!("the endpoint answers {status}");
        match status.as_u16() {
            200..=299 => Ok(()),
            408 | 429 | 500..=599 => {
                let after = response.headers().get("Retry-After");
                let seconds = after.and_then(|after| after.to_str().ok()?.parse().ok());
                Err(Refusal::Later { why, after: seconds.map(Duration::from_secs) })
            }
            _ => Err(Refusal::Never { why }),
        }
    }
}
