//! Functions of librdkafka that return an error code, declared to return a number: a broker may send a code
//! that the enum of the bindings does not have, and such an enum is undefined behaviour as soon as it
//! exists.
//!
//! The enum is `repr(i32)`, so both declarations have one ABI. Not here: functions of rust-rdkafka that
//! return it.

use std::ffi::{c_char, c_int};

use rdkafka::bindings as sys;
use rdkafka::types::RDKafkaRespErr;

/// What success is.
pub(crate) const NO_ERROR: c_int = RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR as c_int;

unsafe extern "C" {
    #[link_name = "rd_kafka_event_error"]
    pub(crate) fn event_error(event: *mut sys::rd_kafka_event_t) -> c_int;

    #[link_name = "rd_kafka_get_watermark_offsets"]
    pub(crate) fn get_watermark_offsets(
        client: *mut sys::rd_kafka_t,
        topic: *const c_char,
        partition: i32,
        low: *mut i64,
        high: *mut i64,
    ) -> c_int;

    #[link_name = "rd_kafka_oauthbearer_set_token"]
    pub(crate) fn oauthbearer_set_token(
        client: *mut sys::rd_kafka_t,
        token: *const c_char,
        lifetime_ms: i64,
        principal: *const c_char,
        extensions: *mut *const c_char,
        extension_count: usize,
        words: *mut c_char,
        words_size: usize,
    ) -> c_int;
}

/// The error of this number; `UNKNOWN` for one that the bindings do not have.
pub(crate) fn error_of(number: c_int) -> RDKafkaRespErr {
    RDKafkaRespErr::try_from(number).unwrap_or(RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_is_new_is_unknown_and_not_undefined() {
        use RDKafkaRespErr::*;
        assert_eq!(error_of(0), RD_KAFKA_RESP_ERR_NO_ERROR);
        assert_eq!(error_of(-191), RD_KAFKA_RESP_ERR__PARTITION_EOF);
        assert_eq!(error_of(3), RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
        for number in [i32::MIN, -1000, 999, i32::MAX] {
            assert_eq!(error_of(number), RD_KAFKA_RESP_ERR_UNKNOWN);
        }
    }
}
