//! A running Driftline, asked over HTTP: for `tap` and `top`.
//!
//! Every call is bounded in time and in bytes, and an error says what to look at.

use std::io::{self, BufRead, BufReader};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};

/// Where `driftline run` listens unless its config says otherwise.
pub(super) const DEFAULT_URL: &str = "http://127.0.0.1:9187";

/// To connect, and to begin an answer.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// Between two reads of a stream: some notes of `/tap` must come in between.
const SILENCE_MAX: Duration = Duration::from_secs(15);
/// Longest answer.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// A running instance.
pub(super) struct Instance {
    url: String,
    agent: ureq::Agent,
}

impl Instance {
    /// The instance at this address; it is not asked yet.
    pub(super) fn at(url: &str) -> anyhow::Result<Self> {
        let url = url.trim_end_matches('/');
        let url = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        if !url.starts_with("http://") {
            bail!(
                "{url}: only http:// is supported; reach a remote instance through a tunnel, \
                 such as ssh -L or kubectl port-forward"
            );
        }
        let agent = ureq::Agent::config_builder()
            // The place is near; a proxy of the environment is not meant for it.
            .proxy(None)
            .http_status_as_error(false)
            .timeout_connect(Some(ANSWER_MAX))
            .timeout_recv_response(Some(ANSWER_MAX))
            .timeout_per_read(Some(SILENCE_MAX))
            .max_redirects(0)
            .build()
            .into();
        Ok(Self { url, agent })
    }

    /// The whole answer to a path.
    pub(super) fn get(&self, path: &str) -> anyhow::Result<String> {
        let body = self.ask(path, &[])?;
        let text = body.into_with_config().limit(ANSWER_BYTES_MAX).read_to_string();
        text.map_err(|error| self.silent(error))
    }

    /// Lines of the answer to a path, as they come.
    pub(super) fn lines(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> anyhow::Result<impl Iterator<Item = io::Result<String>> + use<>> {
        let body = self.ask(path, query)?;
        let reader = BufReader::new(body.into_with_config().limit(u64::MAX).reader());
        Ok(Lines(reader))
    }

    fn ask(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<ureq::Body> {
        let request = self.agent.get(format!("{}{path}", self.url));
        let request =
            query.iter().fold(request, |request, (name, value)| request.query(name, value));
        let response = request.call().map_err(|error| self.silent(error))?;
        let status = response.status();
        let body = response.into_body();
        if status.is_success() {
            return Ok(body);
        }
        let words = body.into_with_config().limit(4096).read_to_string().unwrap_or_default();
        bail!("{}{path} answers {status}: {}", self.url, words.trim())
    }

    /// An error whose type tells that the environment is at fault, and whose text tells the remedy.
    fn silent(&self, error: ureq::Error) -> anyhow::Error {
        anyhow!(error.into_io()).context(format!(
            "no instance answers at {}; is `driftline run` running? It listens on [http].listen; \
             use --url for another address",
            self.url
        ))
    }
}

/// Lines of bounded length.
struct Lines<R>(BufReader<R>);

/// Longest line of a stream.
const LINE_BYTES_MAX: u64 = 16 << 20;

impl<R: io::Read> Iterator for Lines<R> {
    type Item = io::Result<String>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut line = String::new();
        let limited = &mut io::Read::take(&mut self.0, LINE_BYTES_MAX);
        match limited.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(Ok(line.trim_end_matches('\n').to_owned())),
            Err(error) => Some(Err(error)),
        }
    }
}

/// Parses an answer, or says that it is of another program or version.
pub(super) fn parse<T: serde::de::DeserializeOwned>(text: &str) -> anyhow::Result<T> {
    serde_json::from_str(text)
        .context("the answer cannot be read: is that a Driftline of this version?")
}

/// Text of others for a terminal: control characters could do more than be read, and marks of direction
/// (Unicode, annex 9) make it read as something else.
pub(super) fn readable(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if c.is_control() || turns(c) { '\u{fffd}' } else { c }).collect()
}

/// A record of others' texts, each of them readable.
pub(super) fn readable_record<T>(record: &T) -> anyhow::Result<T>
where
    T: serde::Serialize + serde::de::DeserializeOwned,
{
    fn all(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::String(text) => *text = readable(text),
            serde_json::Value::Array(items) => items.iter_mut().for_each(all),
            serde_json::Value::Object(fields) => fields.values_mut().for_each(all),
            _ => {}
        }
    }
    let mut value = serde_json::to_value(record)?;
    all(&mut value);
    Ok(serde_json::from_value(value)?)
}
