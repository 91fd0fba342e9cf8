//! `POST /-/reload`: asks the runtime to read the config again, and tells what came of it.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::shared::{Control, Shared};

/// Longer, and the answer is to be looked for in the log.
const ANSWER_MAX: Duration = Duration::from_secs(20);

/// 200 with what changed, 422 with why the old config stays, 503 or 504 where there was no answer.
pub(super) async fn reload(State(shared): State<Shared>) -> (StatusCode, String) {
    let (ask, answer) = oneshot::channel();
    if shared.control.try_send(Control::Reload(ask)).is_err() {
        let words =
            "not accepting reloads right now: another one is running, or the process is stopping\n";
        return (StatusCode::SERVICE_UNAVAILABLE, words.into());
    }
    match timeout(ANSWER_MAX, answer).await {
        Ok(Ok(Ok(words))) => (StatusCode::OK, format!("{}\n", words.trim_end())),
        Ok(Ok(Err(words))) => (StatusCode::UNPROCESSABLE_ENTITY, format!("{}\n", words.trim_end())),
        Ok(Err(_)) => (StatusCode::SERVICE_UNAVAILABLE, "the process is stopping\n".into()),
        Err(_) => {
            let words = format!(
                "no answer within {} s; see the log and driftline_config_reloads_total for the outcome\n",
                ANSWER_MAX.as_secs()
            );
            (StatusCode::GATEWAY_TIMEOUT, words)
        }
    }
}
