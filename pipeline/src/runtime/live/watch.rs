//! Looks for new partitions and new topics of a pattern, on a thread of its own: asking may take long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};

use crate::kafka::cluster::Cluster;
use crate::model::live::Live;
use crate::model::stream::TopicPartition;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(10);
/// Between two looks at whether it is over.
const NAP: Duration = Duration::from_millis(100);

/// The thread; it ends when this is dropped.
pub(super) struct Watch {
    /// All partitions, each time that there are others than before.
    pub(super) found: Receiver<Vec<TopicPartition>>,
    over: Arc<AtomicBool>,
}

impl Watch {
    pub(super) fn spawn(live: &Live) -> Self {
        let (tell, found) = bounded(1);
        let over = Arc::new(AtomicBool::new(false));
        let (live, ended) = (live.clone(), Arc::clone(&over));
        std::thread::spawn(move || {
            let mut known = Vec::new();
            let mut cluster = None;
            while !ended.load(Ordering::Relaxed) {
                let begun = Instant::now();
                if cluster.is_none() {
                    cluster = Cluster::connect(&live.kafka, &live.source.group).ok();
                }
                let now = cluster.as_ref().and_then(|c| c.partitions(&live.source.topics).ok());
                if let Some(now) = now.filter(|now| *now != known)
                    && tell.try_send(now.clone()).is_ok()
                {
                    known = now;
                }
                while begun.elapsed() < EVERY && !ended.load(Ordering::Relaxed) {
                    std::thread::sleep(NAP);
                }
            }
            // Dropping a consumer may hang; the program is about to end.
            std::mem::forget(cluster);
        });
        Self { found, over }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}
