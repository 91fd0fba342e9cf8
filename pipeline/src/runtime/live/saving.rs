//! The snapshot thread: forks of engines to the store of state, while the flow goes on.
//!
//! A fork is handed over only after its cut was committed, so whatever is kept may be gone on from. Each
//! shard waits with one fork at most, the newest; the one whose last snapshot is the oldest is next.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::engine::Engine;
use crate::kafka::{crash_point, panic_point};
use crate::state::{Manifest, SnapshotStore};

/// Shards whose turns are remembered.
const TURNS_MAX: usize = 65_536;

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
    /// By shard: a fork is replaced by a newer one, so there are no more than shards.
    waiting: BTreeMap<String, Save>,
    /// Whether the thread has one.
    is_busy: bool,
    /// When each shard was last handed to the thread, as a running number.
    turns: BTreeMap<String, u64>,
    turn: u64,
}

impl Saver {
    pub(super) fn spawn(store: Arc<SnapshotStore>, keep: usize) -> Self {
        let (saves, jobs) = bounded::<Save>(1);
        let (done, saved) = bounded(1);
        let thread = std::thread::spawn(move || {
            for Save { manifest, engine } in jobs {
                panic_point("snapshot_thread");
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
        Self {
            saves: Some(saves),
            saved,
            thread: Some(thread),
            waiting: BTreeMap::new(),
            is_busy: false,
            turns: BTreeMap::new(),
            turn: 0,
        }
    }

    /// Hands one over; it takes the place of one of the same shard that waits.
    pub(super) fn save(&mut self, save: Save) {
        self.waiting.insert(save.manifest.shard.clone(), save);
        self.next();
    }

    /// To be told of each that [`Saver::saved`] tells of.
    pub(super) fn heard(&mut self) {
        self.is_busy = false;
        self.next();
    }

    /// Whether nothing is on its way.
    pub(super) fn is_idle(&self) -> bool {
        !self.is_busy && self.waiting.is_empty()
    }

    /// Whether its thread has ended, which only a bug does.
    pub(super) fn is_dead(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Gives the thread its next one, where it has none.
    fn next(&mut self) {
        let turn = |shard: &&String| self.turns.get(*shard).copied().unwrap_or(0);
        let Some(shard) = self.waiting.keys().min_by_key(turn).filter(|_| !self.is_busy) else {
            return;
        };
        let shard = shard.clone();
        let Some(save) = self.waiting.remove(&shard) else { return };
        self.is_busy = self.saves.as_ref().is_some_and(|saves| saves.try_send(save).is_ok());
        self.turn += 1;
        self.turns.insert(shard, self.turn);
        // Of shards that have left, the oldest are forgotten: at worst one that comes back is early.
        if self.turns.len() > TURNS_MAX {
            let oldest =
                self.turns.iter().min_by_key(|(_, turn)| **turn).map(|(shard, _)| shard.clone());
            oldest.map(|shard| self.turns.remove(&shard));
        }
    }

    /// Waits until all is kept, for so long.
    pub(super) fn finish(mut self, patience: Duration) {
        let until = Instant::now() + patience;
        while !self.is_idle() {
            match self.saved.recv_deadline(until) {
                Ok(Saved { result, shard, .. }) => {
                    if let Err(why) = result {
                        tracing::error!(shard, "cannot write a snapshot: {why}");
                    }
                    self.heard();
                }
                Err(_) => {
                    tracing::warn!(
                        shards = self.waiting.len() + usize::from(self.is_busy),
                        "the last snapshots of these shards were not written in time: the next start \
                         goes on from the ones before"
                    );
                    return;
                }
            }
        }
        self.saves = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Settings;
    use crate::model::live::StateSettings;
    use crate::model::stream::TopicPartition;

    const SHARDS: usize = 200;

    #[test]
    fn every_shard_of_many_is_kept_and_the_last_are_not_always_last() {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let settings = StateSettings {
            home: "memory://".into(),
            options: BTreeMap::new(),
            every_us: 1,
            keep: 2,
        };
        let store = SnapshotStore::open(&settings, "p", "g", runtime.handle().clone());
        let store = Arc::new(store.expect("memory"));
        let mut saver = Saver::spawn(Arc::clone(&store), 2);
        let of = |shard: usize| TopicPartition { topic: "t".into(), partition: shard as i32 };
        let save = |shard: usize, offset: i64| Save {
            manifest: Manifest {
                format: crate::state::FORMAT,
                pipeline: "p".into(),
                group: "g".into(),
                shard: format!("t-{shard:03}"),
                config: "00ff".into(),
                settings: Settings::default(),
                partitions: vec![(of(shard), offset)],
                created_us: offset,
            },
            engine: Engine::new(Settings::default()),
        };
        for shard in 0..SHARDS {
            saver.save(save(shard, 1));
        }
        // All of them again, while most of the first are waiting still.
        for shard in 0..SHARDS {
            saver.save(save(shard, 2));
        }
        let mut kept = Vec::new();
        while !saver.is_idle() {
            let saved = saver.saved.recv_timeout(Duration::from_secs(60)).expect("one is written");
            assert!(saved.result.is_ok(), "{saved:?}");
            kept.push(saved.shard);
            saver.heard();
        }
        assert_eq!(kept.iter().collect::<std::collections::BTreeSet<_>>().len(), SHARDS);
        // The one that was served twice had its second turn after all others.
        assert_eq!((kept.len(), kept[SHARDS].as_str()), (SHARDS + 1, "t-000"));
        for shard in 0..SHARDS {
            let found = store.resume(&format!("t-{shard:03}"), &[(of(shard), 9)]);
            let (manifest, _) = found.expect("an answer").expect("a snapshot");
            assert_eq!(manifest.created_us, 2, "the newest of shard {shard}");
        }
        saver.finish(Duration::from_secs(60));
    }
}
