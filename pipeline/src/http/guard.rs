//! Refuses what a web page of a stranger could make a browser ask of a loopback port.
//!
//! Where only loopback is bound, the request must name it (else a name that was rebound to 127.0.0.1 could
//! read `/tap`); and no request that changes something may come from a page.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::shared::Shared;

/// Lets the request pass, or answers 403 with the reason.
pub(super) async fn guard(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    if shared.loopback && !names_loopback(headers) {
        let words = "this port is for this machine only: ask for localhost or 127.0.0.1\n";
        return (StatusCode::FORBIDDEN, words).into_response();
    }
    let safe = matches!(*request.method(), Method::GET | Method::HEAD);
    if !safe && headers.contains_key(header::ORIGIN) {
        let words = "requests from web pages cannot change anything here\n";
        return (StatusCode::FORBIDDEN, words).into_response();
    }
    next.run(request).await
}

/// Whether `Host` is `localhost` or an address of loopback. HTTP/1.0 has none.
fn names_loopback(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST) else { return true };
    let Ok(host) = host.to_str() else { return false };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_has_some_names() {
        for (host, right) in [
            ("localhost", true),
            ("LocalHost:9464", true),
            ("127.0.0.1:9464", true),
            ("127.9.9.9", true),
            ("[::1]:9464", true),
            ("[::1]", true),
            ("localhost.evil.example", false),
            ("evil.example:9464", false),
            ("10.0.0.1:9464", false),
            ("", false),
        ] {
            let host = host.parse().expect("a header");
            let headers = HeaderMap::from_iter([(header::HOST, host)]);
            assert_eq!(names_loopback(&headers), right, "{headers:?}");
        }
        assert!(names_loopback(&HeaderMap::new()));
    }
}
