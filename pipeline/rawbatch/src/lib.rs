//! Batches of messages from librdkafka without an event object each.
