//! HTTP of a running Driftline: health, metrics, status, reload, taps. For operators, on loopback unless
//! configured otherwise; without authentication, so that it does not belong on an open network.
//!
//! Not here: what the answers mean (`telemetry`), or how a reload works (`runtime`). No request makes the
//! flow wait, and none can hold more than one of a bounded number of connections.

mod connection;
mod guard;
mod pages;
mod reload;
mod shared;
mod tap;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use tokio::net::TcpListener;

use crate::telemetry::{Health, Taps, Telemetry};

pub use pages::StatusPage;
pub use shared::Control;
use shared::Shared;

/// Answers requests until the future is dropped.
pub async fn serve(
    listener: TcpListener,
    telemetry: Telemetry,
    health: Health,
    taps: Taps,
    control: crossbeam_channel::Sender<Control>,
) {
    let loopback = listener.local_addr().is_ok_and(|address| address.ip().is_loopback());
    let counted_drops = Arc::default();
    let shared = Shared { telemetry, health, taps, control, counted_drops, loopback };
    let router = Router::new()
        .route("/", get(pages::index))
        .route("/livez", get(pages::livez))
        .route("/readyz", get(pages::readyz))
        .route("/metrics", get(pages::metrics))
        .route("/status", get(pages::status))
        .route("/-/reload", post(reload::reload))
        .route("/tap", get(tap::tap))
        .fallback(pages::unknown)
        .layer(from_fn_with_state(shared.clone(), guard::guard))
        .with_state(shared);
    if let Err(error) = axum::serve(connection::Bounded::new(listener), router).await {
        tracing::error!(%error, "HTTP has ended");
    }
}
