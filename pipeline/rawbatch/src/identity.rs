//! Who a consumer is in its group at this moment.
//!
//! librdkafka forgets member and generation when it is thrown out, and goes on to answer for a group of
//! nobody: offsets and transactions under that name are checked by no broker. So whoever commits has to
//! look first, and rust-rdkafka does not let it.

use std::ffi::CStr;

use rdkafka::bindings as sys;
use rdkafka::client::{Client, ClientContext};

/// A member of a group, in one of its generations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Id that the coordinator knows it by; may be empty before it has joined.
    pub member: String,
    /// Generation, or epoch, that it was given; 0 or less while it is not a member.
    pub generation: i32,
}

impl Identity {
    /// The identity of a consumer now; none without a `group.id`. Waits for librdkafka's own thread, no
    /// broker.
    pub fn of<C: ClientContext>(client: &Client<C>) -> Option<Self> {
        // SAFETY: the client is live while it is borrowed.
        let metadata = unsafe { sys::rd_kafka_consumer_group_metadata(client.native_ptr()) };
        if metadata.is_null() {
            return None;
        }
        // SAFETY: the metadata is not null and ours until it is destroyed below; the text lives with it.
        let (member, generation) = unsafe {
            let member = sys::rd_kafka_consumer_group_metadata_member_id(metadata);
            let member = (!member.is_null()).then(|| CStr::from_ptr(member).to_string_lossy());
            let generation = sys::rd_kafka_consumer_group_metadata_generation_id(metadata);
            (member.unwrap_or_default().into_owned(), generation)
        };
        // SAFETY: it was given to us, and is destroyed once.
        unsafe { sys::rd_kafka_consumer_group_metadata_destroy(metadata) };
        Some(Self { member, generation })
    }

    /// Whether it is a member: what it commits is checked by the coordinator.
    pub fn is_member(&self) -> bool {
        self.generation > 0 && !self.member.is_empty()
    }
}
