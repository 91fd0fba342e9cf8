//! What can go wrong with a home of snapshots, in words that name the remedy.

use std::error::Error;
use std::io;

/// A home that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateFault {
    /// The settings say nothing that can be opened.
    #[error("[state] {what}: {why}; {remedy}")]
    Settings {
        /// Which setting.
        what: String,
        /// What is wrong with it.
        why: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The store refused.
    #[error("cannot {doing} {place}: {why}; {remedy}")]
    Store {
        /// What was being done.
        doing: &'static str,
        /// Where.
        place: String,
        /// What the store said, shortened.
        why: String,
        /// What to do.
        remedy: &'static str,
    },
    /// There is no such object, bucket or folder.
    #[error("cannot {doing} {place}: {why}; {remedy}")]
    Missing {
        /// What was being done.
        doing: &'static str,
        /// Where.
        place: String,
        /// What the store said, shortened.
        why: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The store did not answer.
    #[error(
        "cannot {doing} {place}: no answer in {seconds} s; check that it is reachable from here, and not overloaded"
    )]
    Timeout {
        /// What was being done.
        doing: &'static str,
        /// Where.
        place: String,
        /// For how long it was waited, retries included.
        seconds: u64,
    },
}

/// Longest text of a store that is told on, in characters.
const WHY_MAX: usize = 400;

const CREDENTIALS: &str = "check that the credentials (of the environment, or `[state.options]`) are \
     right and allow this user to list, read, write and delete there";
const BUCKET: &str =
    "check that the bucket or folder exists, and that `home` in [state] is spelled right";
const FOLDER: &str = "check that this user may write to that folder";
const DISK: &str = "make room there, or keep fewer snapshots (`keep` in [state])";
const READ_ONLY: &str = "that place is read-only: choose another `home` in [state]";
const REACH: &str = "check that the endpoint is right and can be reached from here (an http:// endpoint \
     needs `allow_http = \"true\"` in [state.options])";

/// Nobody is there, or nobody answers.
const UNREACHED: &[io::ErrorKind] = &[
    io::ErrorKind::ConnectionRefused,
    io::ErrorKind::ConnectionReset,
    io::ErrorKind::ConnectionAborted,
    io::ErrorKind::HostUnreachable,
    io::ErrorKind::NetworkUnreachable,
    io::ErrorKind::NetworkDown,
    io::ErrorKind::TimedOut,
];
/// Where the clients of clouds ask for credentials when they are given none.
const CREDENTIAL_HOSTS: &[&str] = &["169.254.169.254", "169.254.170.2", "metadata.google.internal"];
/// What a store, or a client of one, says of credentials that are wrong or missing.
const DENIED: &[&str] = &["credential", "credentials", "metadata", "token", "401", "403"];

impl StateFault {
    pub(super) fn of(doing: &'static str, place: &str, error: &object_store::Error) -> Self {
        let (place, why, remedy) = (place.to_owned(), words(error), remedy(error));
        match error {
            object_store::Error::NotFound { .. } => Self::Missing { doing, place, why, remedy },
            _ => Self::Store { doing, place, why, remedy },
        }
    }
}

fn remedy(error: &object_store::Error) -> &'static str {
    use object_store::Error::{NotFound, PermissionDenied, Unauthenticated};
    let text = words(error).to_lowercase();
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
        match kind {
            Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => return DISK,
            Some(io::ErrorKind::FileTooLarge | io::ErrorKind::WriteZero) => return DISK,
            Some(io::ErrorKind::ReadOnlyFilesystem) => return READ_ONLY,
            Some(io::ErrorKind::PermissionDenied) => return FOLDER,
            Some(io::ErrorKind::NotADirectory | io::ErrorKind::NotFound) => return BUCKET,
            Some(kind) if UNREACHED.contains(&kind) => return unreached(&text),
            _ => cause = error.source(),
        }
    }
    match error {
        PermissionDenied { .. } | Unauthenticated { .. } => CREDENTIALS,
        NotFound { .. } => BUCKET,
        // Whole words: an address may hold the same digits.
        _ if text.split(|c: char| !c.is_alphanumeric()).any(|word| DENIED.contains(&word)) => {
            CREDENTIALS
        }
        _ => REACH,
    }
}

/// Nobody answered: where credentials are asked for, it is these that are missing.
fn unreached(text: &str) -> &'static str {
    let asked = CREDENTIAL_HOSTS.iter().any(|host| text.contains(host));
    if asked { CREDENTIALS } else { REACH }
}

/// What an error and its causes say, without repeats, on one line.
fn words(error: &object_store::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    let line: Vec<&str> = text.split_whitespace().collect();
    let line = line.join(" ");
    match line.char_indices().nth(WHY_MAX) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_there_is_not_taken_for_wrong_credentials() {
        let of = |kind: io::ErrorKind, text: &str| {
            let source = Box::new(io::Error::new(kind, text.to_owned()));
            remedy(&object_store::Error::Generic { store: "S3", source })
        };
        let refused = io::ErrorKind::ConnectionRefused;
        for address in
            ["http://127.0.0.1:40115/b", "http://h:40300/b", "http://h:9000/token-metadata"]
        {
            assert_eq!(of(refused, address), REACH, "{address}");
        }
        assert_eq!(of(refused, "http://169.254.169.254/latest/api/token"), CREDENTIALS);
        let other = io::ErrorKind::Other;
        assert_eq!(of(other, "http://h:40115/b: status 500"), REACH);
        assert_eq!(of(other, "status: 403 Forbidden"), CREDENTIALS);
        assert_eq!(of(other, "no credentials in the chain"), CREDENTIALS);
    }
}
