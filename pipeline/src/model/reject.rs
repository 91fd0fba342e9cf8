//! A record that could not be read: its reason, its place, and the beginning of its bytes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($variant:ident $name:literal $doc:literal;)*) => {
        /// Why a record was rejected. The list is closed: each has a documented remedy.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Reason { $(#[doc = $doc] $variant,)* }

        impl Reason {
            /// All reasons, in their order.
            pub const ALL: &'static [Reason] = &[$(Reason::$variant,)*];
            /// The name in outputs and counters.
            pub fn name(self) -> &'static str { match self { $(Reason::$variant => $name,)* } }
            /// What it means and what to do.
            pub fn help(self) -> &'static str { match self { $(Reason::$variant => $doc,)* } }
        }
    };
}

reasons! {
    InvalidJson "invalid_json" "The line is not one JSON value. A cut line is the usual cause: see that the writer ends each record with a newline.";
    NotAnObject "not_an_object" "The record is a JSON value but no object. Write one object a line.";
    InvalidUtf8 "invalid_utf8" "The record is not UTF-8. Re-encode it.";
    DuplicateField "duplicate_field" "A configured field stands twice in the record, so its value is ambiguous. Mend the writer.";
    TooLong "too_long" "The record is longer than limits.record_bytes_max.";
    TooDeep "too_deep" "The record nests deeper than limits.depth_max.";
    MissingTime "missing_time" "The record has no event time at the configured path. Check [time].path.";
    BadTime "bad_time" "The event time cannot be read in the configured format. Check [time].format.";
    TimeTooEarly "time_too_early" "The event time is before [time].not_before (default 2000-01-01): most likely a zero or a wrong unit.";
    TimeTooLate "time_too_late" "The event time lies in the future, past [time].max_future.";
    MissingModel "missing_model" "The record has no model at the configured path. Check [keys].model.";
    BadKey "bad_key" "A key (model, version, segment) is no string, or longer than limits.label_bytes_max.";
    WrongColumns "wrong_columns" "The CSV row has another number of columns than its header.";
    BadFile "bad_file" "The file, or its rest, cannot be read: corrupt, cut short, or of another format. Everything before that place was used.";
    Malformed "malformed" "The record is not of its format. See that the writer ends each record, and that [input].format or [source].format is right.";
}

/// One record (or one file) that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reject {
    /// Why.
    pub reason: Reason,
    /// Input partition.
    pub partition: u32,
    /// Number of the record in its partition, from 0.
    pub offset: u64,
    /// What exactly is wrong, in a few words; at most 200 bytes.
    pub detail: String,
    /// The beginning of the record, lossy UTF-8, at most 120 characters.
    pub excerpt: String,
}
