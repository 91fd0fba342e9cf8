//! OAUTHBEARER tokens: read anew from their source for each refresh.
//!
//! Not here: getting a token from an identity provider; whatever does that (a sidecar, a projected
//! service account) leaves it in a file or a variable. No message of this module shows a token.

use std::fs::File;
use std::io::Read;
use std::time::{SystemTime, UNIX_EPOCH};

use rdkafka::client::OAuthToken;

use crate::model::live::TokenSource;
use crate::model::time::{rfc3339, span};

/// Longest token in bytes.
const TOKEN_BYTES_MAX: u64 = 64 << 10;
/// A token that does not say when it ends is read again after this long.
const LIFETIME_MS: i64 = 5 * 60 * 1000;

/// Reads the token of a source; the error is for people.
pub(super) fn read(source: Option<&TokenSource>) -> Result<OAuthToken, String> {
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let now_ms = i64::try_from(now_ms).unwrap_or(i64::MAX);
    let (place, text) = match source {
        None => {
            return Err("OAUTHBEARER needs a token: set [kafka.sasl] token = { file = .. } or \
                        { env = .. }"
                .to_owned());
        }
        Some(TokenSource::Env(name)) => {
            let text = std::env::var(name);
            let text = text.map_err(|_| format!("there is no OAuth token in ${name}: set it"))?;
            (format!("${name}"), text)
        }
        Some(TokenSource::File(path)) => {
            let mut text = String::new();
            let read = File::open(path)
                .and_then(|file| file.take(TOKEN_BYTES_MAX).read_to_string(&mut text));
            read.map_err(|error| {
                format!("cannot read the OAuth token in {}: {error}", path.display())
            })?;
            (path.display().to_string(), text)
        }
    };
    of(text.trim(), now_ms).map_err(|why| format!("the OAuth token in {place} {why}"))
}

/// What librdkafka wants to know of a token.
fn of(token: &str, now_ms: i64) -> Result<OAuthToken, String> {
    if token.is_empty() {
        return Err("is empty: write the token there".to_owned());
    }
    if token.contains(char::is_whitespace) || token.contains('\0') {
        return Err("has white space in it: write the bare token".to_owned());
    }
    let claims = claims(token);
    let claim = |name| claims.as_ref().and_then(|claims| claims.get(name));
    let ends_ms = claim("exp").and_then(serde_json::Value::as_f64).map(|s| (s * 1000.0) as i64);
    let lifetime_ms = ends_ms.unwrap_or(now_ms + LIFETIME_MS);
    if lifetime_ms <= now_ms {
        let (ended_us, since_us) =
            (lifetime_ms.saturating_mul(1000), (now_ms - lifetime_ms).saturating_mul(1000));
        return Err(format!(
            "ended at {} ({} ago): see that it is renewed in time",
            rfc3339(ended_us),
            span(since_us)
        ));
    }
    let subject = claim("sub").and_then(|subject| subject.as_str()).unwrap_or("driftline");
    let principal_name = subject.replace('\0', "");
    Ok(OAuthToken { token: token.to_owned(), principal_name, lifetime_ms })
}

/// The claims, where the token is a JWT. Its signature is the broker's business.
fn claims(token: &str) -> Option<serde_json::Map<String, serde_json::Value>> {
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    serde_json::from_slice(&base64url(payload)?).ok()
}

/// Base64 of RFC 4648 section 5, with or without padding.
fn base64url(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut held, mut bits) = (Vec::with_capacity(text.len()), 0u32, 0);
    for digit in text.trim_end_matches('=').bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'-' | b'+' => 62,
            b'_' | b'/' => 63,
            _ => return None,
        };
        held = held << 6 | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `{"alg":"none"}` . `{"sub":"ada","exp":2000000000}` . no signature.
    const UNSECURED: &str = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEiLCJleHAiOjIwMDAwMDAwMDB9.";

    #[test]
    fn a_jwt_says_who_and_until_when() {
        let token = of(UNSECURED, 1_900_000_000_000).expect("it is valid");
        assert_eq!((token.principal_name.as_str(), token.lifetime_ms), ("ada", 2_000_000_000_000));
        let ended = of(UNSECURED, 2_000_000_060_000).err().expect("it has ended");
        assert_eq!(
            ended,
            "ended at 2033-05-18T03:33:20Z (60 s ago): see that it is renewed in time"
        );
    }

    #[test]
    fn another_token_lives_for_five_minutes_and_a_broken_one_is_refused() {
        let token = of("opaque", 1000).expect("it is valid");
        assert_eq!((token.principal_name.as_str(), token.lifetime_ms), ("driftline", 301_000));
        assert!(of("", 0).is_err() && of("two words", 0).is_err());
    }

    #[test]
    fn a_token_is_read_anew_from_its_file() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let source = TokenSource::File(file.path().to_owned());
        std::fs::write(file.path(), "first\n").expect("written");
        assert_eq!(read(Some(&source)).expect("a token").token, "first");
        std::fs::write(file.path(), "second").expect("written");
        assert_eq!(read(Some(&source)).expect("a token").token, "second");
        let absent = TokenSource::File(file.path().with_extension("absent"));
        assert!(read(Some(&absent)).err().is_some_and(|why| why.contains("cannot read")));
        assert!(read(None).err().is_some_and(|why| why.contains("token =")));
    }
}
