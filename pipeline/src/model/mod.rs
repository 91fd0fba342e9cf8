//! Plain data that travels between stages. No behaviour beyond invariants, no I/O.

pub mod batch;
pub mod layout;
pub mod limits;
pub mod reject;
pub mod settings;

pub use batch::{Batch, Column, INVALID_LABEL, Labels, NULL_LABEL, RawBatch};
pub use layout::{FieldPath, Kind, Layout, MetricField, TimeField, TimeFormat};
pub use limits::Limits;
pub use reject::{Reason, Reject};
