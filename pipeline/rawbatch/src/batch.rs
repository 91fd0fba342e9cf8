//! Messages as librdkafka holds them: borrowed, and destroyed with their batch.

use std::ffi::{CStr, c_void};
use std::fmt;

use rdkafka::bindings as sys;
use rdkafka::types::RDKafkaRespErr;

/// Messages of one fetch, in the order of the queue; all of a partition in the order of its log.
#[derive(Debug)]
pub struct Batch<'c> {
    messages: &'c [Message],
}

impl<'c> Batch<'c> {
    /// Takes over the messages.
    ///
    /// # Safety
    /// Each pointer is a message that librdkafka gave to this application and that nobody else will
    /// destroy; its client lives as long as `'c`.
    pub(crate) unsafe fn new(pointers: &'c [*mut sys::rd_kafka_message_t]) -> Self {
        // SAFETY: `Message` is a transparent wrapper of the pointer, so the slices have one layout.
        let messages = unsafe {
            std::slice::from_raw_parts(pointers.as_ptr().cast::<Message>(), pointers.len())
        };
        Self { messages }
    }

    /// The messages, and what was told of partitions in their midst.
    pub fn messages(&self) -> &[Message] {
        self.messages
    }

    /// Slices of neighbours of one partition.
    pub fn runs(&self) -> impl Iterator<Item = &[Message]> {
        self.messages.chunk_by(Message::is_of_same_partition)
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        for message in self.messages {
            // SAFETY: the message is ours (see `new`), and this is the only place that destroys it: the
            // slots are read again only after the next fetch has overwritten them.
            unsafe { sys::rd_kafka_message_destroy(message.0) }
        }
    }
}

/// One message, or a word about a partition: then it has a fault.
#[repr(transparent)]
pub struct Message(*mut sys::rd_kafka_message_t);

/// What a message that is none says about its partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageFault {
    /// All there was has been read; `offset` is the end.
    EndOfPartition,
    /// `offset` is not kept any more, or not yet: reading has stopped there.
    OutOfRange,
    /// The topic may not be read.
    Forbidden,
    /// Messages from `offset` on cannot be unpacked; reading goes on behind them.
    Unreadable,
    /// Any other, by librdkafka's number; reading goes on by itself where it can.
    Other(i32),
}

impl Message {
    /// What is wrong; none for a message.
    pub fn fault(&self) -> Option<MessageFault> {
        // SAFETY: the message is live while its batch is. The code is read as a number, since a broker
        // may send one that the enum does not have.
        let code = unsafe { (&raw const (*self.0).err).cast::<i32>().read() };
        const NONE: i32 = RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR as i32;
        const END: i32 = RDKafkaRespErr::RD_KAFKA_RESP_ERR__PARTITION_EOF as i32;
        const RESET: i32 = RDKafkaRespErr::RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET as i32;
        const RANGE: i32 = RDKafkaRespErr::RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE as i32;
        const TOPIC: i32 = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED as i32;
        const MESSAGE: i32 = RDKafkaRespErr::RD_KAFKA_RESP_ERR__BAD_MSG as i32;
        const CODEC: i32 = RDKafkaRespErr::RD_KAFKA_RESP_ERR__BAD_COMPRESSION as i32;
        const FORMAT: i32 = RDKafkaRespErr::RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED as i32;
        match code {
            NONE => None,
            END => Some(MessageFault::EndOfPartition),
            RESET | RANGE => Some(MessageFault::OutOfRange),
            TOPIC => Some(MessageFault::Forbidden),
            MESSAGE | CODEC | FORMAT => Some(MessageFault::Unreadable),
            code => Some(MessageFault::Other(code)),
        }
    }

    /// The topic; empty for a fault of no partition.
    pub fn topic(&self) -> &str {
        // SAFETY: the message is live while its batch is, and holds a reference to its topic, if any.
        let topic = unsafe { (*self.0).rkt };
        if topic.is_null() {
            return "";
        }
        // SAFETY: the topic is live (above); its name is a string that lives as long as it does.
        let name = unsafe { CStr::from_ptr(sys::rd_kafka_topic_name(topic)) };
        name.to_str().unwrap_or("")
    }

    /// Number of the partition.
    pub fn partition(&self) -> i32 {
        // SAFETY: the message is live while its batch is.
        unsafe { (*self.0).partition }
    }

    /// Offset; of an end, the offset that the next message will have at least.
    pub fn offset(&self) -> i64 {
        // SAFETY: the message is live while its batch is.
        unsafe { (*self.0).offset }
    }

    /// Broker time in milliseconds since 1970, where known.
    pub fn timestamp_ms(&self) -> Option<i64> {
        // SAFETY: the message is live while its batch is; the kind of the time may be null (rdkafka.h).
        let time = unsafe { sys::rd_kafka_message_timestamp(self.0, std::ptr::null_mut()) };
        (time >= 0).then_some(time)
    }

    /// Key; none where it is null.
    pub fn key(&self) -> Option<&[u8]> {
        // SAFETY: the message is live while its batch is, and so are the bytes of its key.
        unsafe { bytes((*self.0).key, (*self.0).key_len) }
    }

    /// Value; none where it is null. Of a fault, its text.
    pub fn payload(&self) -> Option<&[u8]> {
        // SAFETY: the message is live while its batch is, and so are the bytes of its value.
        unsafe { bytes((*self.0).payload, (*self.0).len) }
    }

    /// Whether both are of one partition of one topic.
    pub fn is_of_same_partition(&self, other: &Self) -> bool {
        // SAFETY: both messages are live while their batches are. Topics are compared by their place in
        // memory: they are live, so no other topic is there.
        unsafe { (*self.0).rkt == (*other.0).rkt && (*self.0).partition == (*other.0).partition }
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (topic, partition, offset) = (self.topic(), self.partition(), self.offset());
        write!(f, "{topic}[{partition}]@{offset}")?;
        self.fault().map_or(Ok(()), |fault| write!(f, " {fault:?}"))
    }
}

/// The bytes at `start`; none where it is null.
///
/// # Safety
/// `start` is null or begins `length` readable bytes that live and stay the same for `'a`.
unsafe fn bytes<'a>(start: *const c_void, length: usize) -> Option<&'a [u8]> {
    if start.is_null() {
        return None;
    }
    // SAFETY: not null (above) and readable (the caller's promise).
    Some(unsafe { std::slice::from_raw_parts(start.cast::<u8>(), length) })
}
