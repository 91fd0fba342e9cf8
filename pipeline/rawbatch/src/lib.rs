//! Batches of messages from librdkafka without an event object each: the only unsafe code of Driftline.
//!
//! [`RawConsumer`] wraps a `BaseConsumer` that reads partitions by `assign`, and gives its messages as a
//! borrowed [`Batch`]. [`Identity`] is who a consumer is in its group. Not here: what messages mean, which
//! partitions are read, group membership.
//!
//! What librdkafka's queues do, and why a `BaseConsumer` alone will not do:
//!
//! - Messages of all assigned partitions, and errors of partitions (their end included), are forwarded to
//!   the **consumer queue**. Everything else that an application is told (logs, statistics, errors of
//!   brokers, requests for an OAUTHBEARER token) goes to the **main queue**.
//! - `BaseConsumer::new` forwards the main queue to the consumer queue (`rd_kafka_poll_set_consumer`) and
//!   asks for *events* instead of callbacks. `rd_kafka_consume_batch_queue` knows no events: whatever is
//!   no message is served by its callback, and there is none. So logs go straight to stderr, statistics
//!   and errors are dropped, and a request for a token is lost, after which the connection dies.
//! - Hence [`RawConsumer::new`] takes the forwarding back, serves what had been moved by then (moving is
//!   irreversible), and from then on [`RawConsumer::serve`] reads the main queue alone, event by event.
//!   `BaseConsumer::poll` would read the consumer queue and steal messages: do not call it.
//! - Closing needs the consumer queue only, so dropping the `BaseConsumer` works as ever.
//!
//! Invariant: a message is destroyed exactly once, when its batch is dropped, and no batch outlives its
//! consumer or a later `fetch`: both are lifetimes.

mod batch;
mod code;
mod consumer;
mod event;
mod identity;
mod queue;

pub use self::batch::{Batch, Message, MessageFault};
pub use self::consumer::RawConsumer;
pub use self::event::serve;
pub use self::identity::Identity;
