//! Sampled looks into the flow. The flow offers, who looks takes; who does not take loses samples.
//!
//! Nothing here makes the flow wait: without a subscriber an offer is one relaxed load; with one it is a
//! lock that is tried, a filter, and a queue of fixed length that drops when full.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Subscribers at once.
pub const TAPS_MAX: usize = 8;
/// Samples that may wait for one subscriber.
pub const TAP_QUEUE: usize = 256;

/// Where in the flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// Events as they were decoded.
    Decode,
    /// Counts of closed panes.
    Panes,
    /// Evidence of closed panes.
    Scores,
}

impl At {
    /// All places.
    pub const ALL: [At; 3] = [At::Decode, At::Panes, At::Scores];

    /// The name in `--at`.
    pub fn name(self) -> &'static str {
        match self {
            At::Decode => "decode",
            At::Panes => "panes",
            At::Scores => "scores",
        }
    }

    /// The place of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|at| at.name() == name)
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// What one subscriber wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Where.
    pub at: At,
    /// Only this model.
    pub model: Option<String>,
    /// Only this metric.
    pub metric: Option<String>,
    /// Every n-th of what passes; at least 1.
    pub every: u64,
}

impl Filter {
    fn passes(&self, at: At, model: &str, metric: &str) -> bool {
        let is = |wanted: &Option<String>, own| wanted.as_deref().is_none_or(|w| w == own);
        // Events as decoded hold all metrics, and are offered with an empty one.
        at == self.at && is(&self.model, model) && (metric.is_empty() || is(&self.metric, metric))
    }
}

/// A sample of the flow.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Model.
    pub model: String,
    /// Metric; empty for whole events.
    pub metric: String,
    /// What was seen.
    pub value: Arc<Value>,
}

/// All taps of this process. A clone is a handle to the same.
#[derive(Debug, Clone, Default)]
pub struct Taps(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// One bit a place that somebody looks at.
    wanted: AtomicU8,
    subscribers: RwLock<Vec<Arc<Subscriber>>>,
    dropped: AtomicU64,
}

#[derive(Debug)]
struct Subscriber {
    filter: Filter,
    queue: Sender<Sample>,
    /// Offers that passed the filter.
    passed: AtomicU64,
    dropped: AtomicU64,
}

impl Taps {
    /// Nobody looks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether anybody looks there: one relaxed load.
    pub fn wanted(&self, at: At) -> bool {
        self.0.wanted.load(Ordering::Relaxed) & at.bit() != 0
    }

    /// Offers a sample; `make` is called only if somebody takes it. Never waits.
    pub fn offer(&self, at: At, model: &str, metric: &str, make: impl FnOnce() -> Value) {
        if !self.wanted(at) {
            return;
        }
        let Ok(subscribers) = self.0.subscribers.try_read() else {
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let mut make = Some(make);
        let mut made: Option<Arc<Value>> = None;
        for subscriber in subscribers.iter().filter(|s| s.filter.passes(at, model, metric)) {
            let number = subscriber.passed.fetch_add(1, Ordering::Relaxed);
            if !number.is_multiple_of(subscriber.filter.every.max(1)) {
                continue;
            }
            let Ok(room) = subscriber.queue.try_reserve() else {
                subscriber.dropped.fetch_add(1, Ordering::Relaxed);
                self.0.dropped.fetch_add(1, Ordering::Relaxed);
                continue;
            };
            if let Some(make) = make.take() {
                made = Some(Arc::new(make()));
            }
            if let Some(value) = &made {
                let (model, metric) = (model.to_owned(), metric.to_owned());
                room.send(Sample { model, metric, value: Arc::clone(value) });
            }
        }
    }

    /// Begins to look; none where [`TAPS_MAX`] look already.
    pub fn subscribe(&self, filter: Filter) -> Option<Tap> {
        let (queue, samples) = channel(TAP_QUEUE);
        let (passed, dropped) = (AtomicU64::new(0), AtomicU64::new(0));
        let subscriber = Arc::new(Subscriber { filter, queue, passed, dropped });
        let joined = self.0.change(|subscribers| {
            let room = subscribers.len() < TAPS_MAX;
            if room {
                subscribers.push(Arc::clone(&subscriber));
            }
            room
        });
        joined.then(|| Tap { shared: Arc::clone(&self.0), subscriber, samples })
    }

    /// Samples that no subscriber had room for, ever.
    pub fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    /// Subscribers now.
    pub fn subscribers(&self) -> usize {
        self.0.change(|subscribers| subscribers.len())
    }
}

impl Shared {
    /// Changes the list of subscribers, and what follows from it.
    fn change<T>(&self, change: impl FnOnce(&mut Vec<Arc<Subscriber>>) -> T) -> T {
        // A panic elsewhere cannot leave the list half changed.
        let mut subscribers = self.subscribers.write().unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut subscribers);
        let wanted = subscribers.iter().fold(0, |bits, one| bits | one.filter.at.bit());
        self.wanted.store(wanted, Ordering::Relaxed);
        result
    }
}

/// A subscription; it ends when dropped.
#[derive(Debug)]
pub struct Tap {
    shared: Arc<Shared>,
    subscriber: Arc<Subscriber>,
    samples: Receiver<Sample>,
}

impl Tap {
    /// The next sample; waits.
    pub async fn next(&mut self) -> Option<Sample> {
        self.samples.recv().await
    }

    /// A sample that is there already.
    pub fn take(&mut self) -> Option<Sample> {
        self.samples.try_recv().ok()
    }

    /// Offers that passed the filter, before sampling.
    pub fn passed(&self) -> u64 {
        self.subscriber.passed.load(Ordering::Relaxed)
    }

    /// Samples that there was no room for.
    pub fn dropped(&self) -> u64 {
        self.subscriber.dropped.load(Ordering::Relaxed)
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.shared.change(|subscribers| {
            subscribers.retain(|other| !Arc::ptr_eq(other, &self.subscriber));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::time::{Duration, Instant};

    fn filter(at: At) -> Filter {
        Filter { at, model: None, metric: None, every: 1 }
    }

    fn values(tap: &mut Tap) -> Vec<Value> {
        std::iter::from_fn(|| tap.take()).map(|sample| (*sample.value).clone()).collect()
    }

    #[test]
    fn who_looks_gets_what_passes_the_filter() {
        let taps = Taps::new();
        assert!(At::ALL.iter().all(|at| !taps.wanted(*at)));
        taps.offer(At::Panes, "m", "x", || unreachable!("nobody looks"));
        let mut all = taps.subscribe(filter(At::Panes)).expect("there is room");
        let own = Filter {
            model: Some("m".into()),
            metric: Some("x".into()),
            every: 2,
            ..filter(At::Panes)
        };
        let mut own = taps.subscribe(own).expect("there is room");
        assert!(taps.wanted(At::Panes) && !taps.wanted(At::Decode) && !taps.wanted(At::Scores));
        for (number, (model, metric)) in
            [("m", "x"), ("n", "x"), ("m", "y"), ("m", "x"), ("m", "x")].into_iter().enumerate()
        {
            taps.offer(At::Panes, model, metric, || json!(number));
            taps.offer(At::Scores, model, metric, || unreachable!("nobody looks there"));
        }
        assert_eq!(values(&mut all), [0, 1, 2, 3, 4].map(|n| json!(n)));
        assert_eq!(values(&mut own), [0, 4].map(|n| json!(n)));
        assert_eq!((own.passed(), own.dropped(), taps.dropped()), (3, 0, 0));
        drop((all, own));
        assert!(!taps.wanted(At::Panes));
        assert_eq!(taps.subscribers(), 0);
    }

    #[test]
    fn subscribers_are_bounded() {
        let taps = Taps::new();
        let held: Vec<_> = (0..TAPS_MAX).map(|_| taps.subscribe(filter(At::Decode))).collect();
        assert!(held.iter().all(Option::is_some));
        assert!(taps.subscribe(filter(At::Decode)).is_none());
        drop(held);
        assert!(taps.subscribe(filter(At::Decode)).is_some());
    }

    #[test]
    fn a_tap_that_never_reads_loses_samples_and_slows_nobody() {
        const OFFERS: u64 = 1_000_000;
        let taps = Taps::new();
        let tap = taps.subscribe(filter(At::Decode)).expect("there is room");
        let mut made = 0;
        let begun = Instant::now();
        for _ in 0..OFFERS {
            taps.offer(At::Decode, "m", "", || {
                made += 1;
                json!(null)
            });
        }
        // A hundred times what it takes, and far from what one wait for a reader would.
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        assert_eq!(made, TAP_QUEUE, "nothing is made for a full queue");
        assert_eq!(tap.dropped(), OFFERS - TAP_QUEUE as u64);
        assert_eq!(taps.dropped(), tap.dropped());
    }
}
