//! A reference to one of librdkafka's queues, given back on drop.

use rdkafka::bindings as sys;

/// A counted reference to a queue of a client that is alive.
#[derive(Debug)]
pub(crate) struct Queue(*mut sys::rd_kafka_queue_t);

// SAFETY: librdkafka's queues are locked inside and may be used from any thread; the reference is
// counted, and nothing in it is tied to the thread that made it.
unsafe impl Send for Queue {}

impl Queue {
    /// The queue that logs, statistics, errors and requests for tokens go to.
    ///
    /// # Safety
    /// `client` is a live librdkafka client, and outlives the result.
    pub(crate) unsafe fn main(client: *mut sys::rd_kafka_t) -> Self {
        // SAFETY: `client` is live (the caller's promise); every client has a main queue.
        Self(unsafe { sys::rd_kafka_queue_get_main(client) })
    }

    /// The queue that messages go to; none if the client has no `group.id`.
    ///
    /// # Safety
    /// `client` is a live librdkafka client, and outlives the result.
    pub(crate) unsafe fn consumer(client: *mut sys::rd_kafka_t) -> Option<Self> {
        // SAFETY: `client` is live (the caller's promise).
        let queue = unsafe { sys::rd_kafka_queue_get_consumer(client) };
        (!queue.is_null()).then_some(Self(queue))
    }

    /// The queue, for calls that do not keep it.
    pub(crate) fn as_ptr(&self) -> *mut sys::rd_kafka_queue_t {
        self.0
    }

    /// What comes from now on stays in this queue.
    pub(crate) fn forward_nowhere(&self) {
        // SAFETY: the queue is live while `self` is; a null target ends forwarding (rdkafka.h).
        unsafe { sys::rd_kafka_queue_forward(self.0, std::ptr::null_mut()) }
    }

    /// Entries that wait: messages, or events.
    pub(crate) fn len(&self) -> usize {
        // SAFETY: the queue is live while `self` is.
        unsafe { sys::rd_kafka_queue_length(self.0) }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: the reference was ours and is given back once.
        unsafe { sys::rd_kafka_queue_destroy(self.0) }
    }
}
