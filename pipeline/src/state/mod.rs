//! Homes of snapshots: a folder, or a bucket of an object store.
//!
//! A snapshot is one object: a manifest that says of what it is the state, and the engine's snapshot in
//! zstd. It is written as a stream, becomes visible whole or not at all, and is never changed. Not here:
//! when one is taken, and which offsets are committed. The invariant: what is given back is whole, and
//! lies at or before the committed offsets; a damaged one is passed over for the one before.

mod fault;
mod manifest;
mod name;
mod snapshot_store;
mod store;
mod transfer;

pub use fault::StateFault;
pub use manifest::{FORMAT, Manifest};
pub use snapshot_store::SnapshotStore;
