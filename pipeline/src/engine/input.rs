//! What the engine takes: events, and what is known of their partitions.

use crate::model::Batch;

/// What the engine takes.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// A partition begins. It holds all panes open until its clock has passed them; where it is known to
    /// begin at an instant, only those from there on.
    Opened {
        /// Number of the partition.
        partition: u32,
        /// The earliest of its first events, where known.
        begin_us: Option<i64>,
    },
    /// Events of a partition, in their order.
    Batch(&'a Batch),
    /// A decision that is no function of the events: at this point of its events, the partition is taken
    /// to have passed an instant. It holds no pane that ends at or before it, its later events behind it
    /// are late, and its next jump is measured from there. One that is not open is opened by it, for which
    /// the instant is at least [`Engine::closed_us`](super::Engine::closed_us): what is closed is not
    /// opened again. What says nothing new changes nothing.
    Passed {
        /// Number of the partition.
        partition: u32,
        /// The instant, microseconds of event time.
        watermark_us: i64,
    },
    /// The end of a partition: it holds nothing any more.
    Closed {
        /// Number of the partition.
        partition: u32,
    },
}
