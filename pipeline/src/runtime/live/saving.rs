//! The snapshot thread: forks of engines to the store of state, while the flow goes on.
//!
//! A fork is handed over only after its cut was committed, so whatever is kept may be gone on from.

use std::cell::Cell;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::engine::Engine;
use crate::kafka::crash_point;
use crate::state::{Manifest, SnapshotStore};

/// Shards that may wait to be saved.
const WAITING_MAX: usize = 64;

/// An engine to keep.
pub(super) struct Save {
    pub(super) manifest: Manifest,
    pub(super) engine: Engine,
}

/// What became of it.
#[derive(Debug)]
pub(super) struct Saved {
    pub(super) shard: String,
    pub(super) took: Duration,
    /// Bytes, or why it failed.
    pub(super) result: Result<u64, String>,
}

/// The thread and the ways to it.
pub(super) struct Saver {
    saves: Option<Sender<Save>>,
    pub(super) saved: Receiver<Saved>,
    thread: Option<JoinHandle<()>>,
    /// Handed over, and nothing heard of yet.
    under_way: Cell<usize>,
}

impl Saver {
    pub(super) fn spawn(store: Arc<SnapshotStore>, keep: usize) -> Self {
        let (saves, jobs) = bounded::<Save>(WAITING_MAX);
        let (done, saved) = bounded(WAITING_MAX);
        let thread = std::thread::spawn(move || {
            for Save { manifest, engine } in jobs {
                let begun = Instant::now();
                crash_point("mid_snapshot");
                let result = store.put(&manifest.shard, &manifest, engine);
                if result.is_ok() {
                    store.prune(&manifest.shard, keep);
                }
                crash_point("after_snapshot");
                let result = result.map_err(|fault| fault.to_string());
                // Nobody listens any more only when the program ends.
                let _ = done.send(Saved { shard: manifest.shard, took: begun.elapsed(), result });
            }
        });
        Self { saves: Some(saves), saved, thread: Some(thread), under_way: Cell::new(0) }
    }

    /// Whether more can be handed over at once.
    pub(super) fn is_free(&self) -> bool {
        self.saves.as_ref().is_some_and(Sender::is_empty)
    }

    /// Hands one over; returns whether it was taken.
    pub(super) fn save(&self, save: Save) -> bool {
        let taken = self.saves.as_ref().is_some_and(|saves| saves.try_send(save).is_ok());
        self.under_way.set(self.under_way.get() + usize::from(taken));
        taken
    }

    /// To be told of each that [`Saver::saved`] tells of.
    pub(super) fn heard(&self) {
        self.under_way.set(self.under_way.get().saturating_sub(1));
    }

    /// Whether nothing is on its way.
    pub(super) fn is_idle(&self) -> bool {
        self.under_way.get() == 0
    }

    /// Waits until all is kept, for so long.
    pub(super) fn finish(mut self, patience: Duration) {
        self.saves = None;
        let begun = Instant::now();
        while begun.elapsed() < patience {
            if self.thread.as_ref().is_none_or(JoinHandle::is_finished) {
                return;
            }
            let _ = self.saved.recv_timeout(Duration::from_millis(20));
        }
    }
}
