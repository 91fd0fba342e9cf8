//! Events of the main queue, handed to the client's context as `BaseConsumer::poll` would.
//!
//! [`serve`] does that for clients whose main queue nobody else reads: those of rdkafka's `AdminClient`,
//! which could not log in with OAUTHBEARER without, for the request for a token waits there.

use std::ffi::{CStr, CString, c_char};
use std::ptr;

use rdkafka::bindings as sys;
use rdkafka::client::{Client, ClientContext};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;

use crate::code;
use crate::queue::Queue;

/// Room for librdkafka's words about a token that it refuses.
const REFUSAL_BYTES: usize = 512;

/// An event, destroyed on drop.
struct Event(*mut sys::rd_kafka_event_t);

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: the event came from `rd_kafka_queue_poll`, which gives it to us, and is given back once.
        unsafe { sys::rd_kafka_event_destroy(self.0) }
    }
}

/// Events that one call of [`serve`] takes at most.
const EVENTS_MAX: usize = 256;

/// Serves what waits in the main queue of a client that nobody polls: logs, and requests for tokens.
pub fn serve<C: ClientContext>(client: &Client<C>) {
    // SAFETY: the client lives longer than the queue, which is gone at the end of this function.
    let queue = unsafe { Queue::main(client.native_ptr()) };
    for _ in 0..EVENTS_MAX {
        if !serve_one(&queue, client) {
            return;
        }
    }
}

/// Serves one event, if there is one.
pub(crate) fn serve_one<C: ClientContext>(queue: &Queue, client: &Client<C>) -> bool {
    // SAFETY: the queue is live, and a timeout of 0 does not wait.
    let event = unsafe { sys::rd_kafka_queue_poll(queue.as_ptr(), 0) };
    if event.is_null() {
        return false;
    }
    let event = Event(event);
    let context = client.context();
    // SAFETY: the event is live until the end of this function.
    match unsafe { sys::rd_kafka_event_type(event.0) } {
        sys::RD_KAFKA_EVENT_LOG => log(&event, context.as_ref()),
        sys::RD_KAFKA_EVENT_ERROR => {
            // SAFETY: the event is live; its text lives as long as it does.
            let (number, words) = unsafe {
                (code::event_error(event.0), text(sys::rd_kafka_event_error_string(event.0)))
            };
            let error = KafkaError::Global(code::error_of(number).into());
            context.error(error, words.trim());
        }
        sys::RD_KAFKA_EVENT_STATS => {
            // SAFETY: the event is live; its text lives as long as it does.
            let statistics = unsafe { text(sys::rd_kafka_event_stats(event.0)) };
            context.stats_raw(statistics.as_bytes());
        }
        sys::RD_KAFKA_EVENT_OAUTHBEARER_TOKEN_REFRESH if C::ENABLE_REFRESH_OAUTH_TOKEN => {
            // SAFETY: the event is live; its text, if any, lives as long as it does.
            let config = unsafe {
                let config = sys::rd_kafka_event_config_string(event.0);
                (!config.is_null()).then(|| text(config))
            };
            refresh_token(client, config.as_deref());
        }
        _ => {}
    }
    true
}

fn log(event: &Event, context: &impl ClientContext) {
    let (mut facility, mut words, mut level) = (ptr::null(), ptr::null(), 0);
    // SAFETY: the event is live; the three places are written before a return of 0.
    let result = unsafe { sys::rd_kafka_event_log(event.0, &mut facility, &mut words, &mut level) };
    if result == 0 {
        // SAFETY: both texts live as long as the event.
        let (facility, words) = unsafe { (text(facility), text(words)) };
        context.log(log_level(level), facility.trim(), words.trim());
    }
}

/// The level of this number of syslog.
fn log_level(level: i32) -> RDKafkaLogLevel {
    match level {
        ..=0 => RDKafkaLogLevel::Emerg,
        1 => RDKafkaLogLevel::Alert,
        2 => RDKafkaLogLevel::Critical,
        3 => RDKafkaLogLevel::Error,
        4 => RDKafkaLogLevel::Warning,
        5 => RDKafkaLogLevel::Notice,
        6 => RDKafkaLogLevel::Info,
        _ => RDKafkaLogLevel::Debug,
    }
}

/// Asks the context for a token and hands it on, or says why there is none: librdkafka asks again then.
fn refresh_token<C: ClientContext>(client: &Client<C>, config: Option<&str>) {
    let native = client.native_ptr();
    let mut refusal = [0 as c_char; REFUSAL_BYTES];
    let token = client.context().generate_oauth_token(config).and_then(|token| {
        let texts = (CString::new(token.token)?, CString::new(token.principal_name)?);
        Ok((texts, token.lifetime_ms))
    });
    let failure = match token {
        Ok(((token, principal), lifetime_ms)) => {
            // SAFETY: the client is live while `client` is; the texts end with a zero and live until
            // the call has returned; there are no extensions; the room for words is as long as we say.
            let number = unsafe {
                code::oauthbearer_set_token(
                    native,
                    token.as_ptr(),
                    lifetime_ms,
                    principal.as_ptr(),
                    ptr::null_mut(),
                    0,
                    refusal.as_mut_ptr(),
                    refusal.len(),
                )
            };
            if number == code::NO_ERROR {
                return;
            }
            // SAFETY: librdkafka ends what it writes there with a zero; at first it is all zeros.
            unsafe { text(refusal.as_ptr()) }
        }
        Err(error) => error.to_string(),
    };
    let words = CString::new(failure.replace('\0', " ")).unwrap_or_default();
    // SAFETY: the client is live while `client` is; the text lives until the call has returned.
    unsafe { sys::rd_kafka_oauthbearer_set_token_failure(native, words.as_ptr()) };
}

/// A text of C, owned; empty where it is null.
///
/// # Safety
/// `start` is null or begins a text that ends with a zero and is not changed meanwhile.
unsafe fn text(start: *const c_char) -> String {
    if start.is_null() {
        return String::new();
    }
    // SAFETY: not null (above) and a text (the caller's promise).
    unsafe { CStr::from_ptr(start) }.to_string_lossy().into_owned()
}
