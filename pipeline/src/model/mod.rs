//! Plain data that travels between stages. No behaviour beyond invariants, no I/O.

pub mod alert;
pub mod anomaly;
pub mod batch;
mod blank;
pub mod finding;
pub mod layout;
pub mod limits;
pub mod live;
pub mod output;
pub mod reject;
pub mod row;
pub mod secret;
pub mod settings;
pub mod stream;
pub mod time;

pub use alert::{Alert, Status};
pub use batch::{Batch, Column, INVALID_LABEL, Labels, NULL_LABEL, RawBatch};
pub use finding::Finding;
pub use layout::{FieldPath, Kind, Layout, MetricField, TimeField, TimeFormat};
pub use limits::Limits;
pub use output::{OutputRecord, RejectRecord};
pub use reject::{Reason, Reject};
pub use row::{Row, Value};
pub use secret::Secret;
pub use settings::Settings;
