//! A thread that watches the commit thread: calls into librdkafka may hang for ever (its issue 5456).
//!
//! Not here: mending. What hangs past its limit ends the process; the next start reads what was committed
//! and goes on from there. While a call lasts this thread serves the producer's events: a call that waits
//! for a login token or for reports of delivery would wait for ever without.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{io, thread};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::producer::{self, Producer};

/// Exit code of a process that a hanging call has ended.
pub(super) const EXIT_HUNG: i32 = 75;
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);

#[derive(Default)]
struct WatchedCall {
    call: Option<Call>,
    producer: Weak<Producer>,
}

#[derive(Clone, Copy)]
struct Call {
    name: &'static str,
    begun: Instant,
    limit: Duration,
}

/// The watch. It ends when this is dropped.
pub(super) struct CallWatchdog {
    seen: Arc<Mutex<WatchedCall>>,
    limit: Duration,
    _running: Sender<()>,
    _thread: JoinHandle<()>,
}

impl CallWatchdog {
    /// Begins the watch: `hung` is called with the name of a call that lasts longer than the limit.
    pub(super) fn begin(
        limit: Duration,
        hung: impl Fn(&'static str, Duration) + Send + 'static,
    ) -> io::Result<Self> {
        let seen = Arc::new(Mutex::new(WatchedCall::default()));
        let (running, ended) = bounded(0);
        let shared = Arc::clone(&seen);
        let thread = thread::Builder::new()
            .name("driftline-watch".to_owned())
            .spawn(move || look(&shared, &ended, &hung))?;
        Ok(Self { seen, limit, _running: running, _thread: thread })
    }

    /// Whose events are served while a call lasts.
    pub(super) fn serve(&self, producer: &Arc<Producer>) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).producer =
            Arc::downgrade(producer);
    }

    /// Makes a call under the watch.
    pub(super) fn call<T>(&self, name: &'static str, call: impl FnOnce() -> T) -> T {
        self.call_within(name, self.limit, call)
    }

    /// The same with another limit.
    pub(super) fn call_within<T>(
        &self,
        name: &'static str,
        limit: Duration,
        call: impl FnOnce() -> T,
    ) -> T {
        self.set(Some(Call { name, begun: Instant::now(), limit }));
        let result = call();
        self.set(None);
        result
    }

    fn set(&self, call: Option<Call>) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).call = call;
    }
}

fn look(seen: &Mutex<WatchedCall>, ended: &Receiver<()>, hung: &impl Fn(&'static str, Duration)) {
    while ended.recv_timeout(LOOK_EVERY).is_err_and(|error| error.is_timeout()) {
        let (call, served) = {
            let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            (seen.call, seen.producer.upgrade())
        };
        if let Some(call) = call {
            let lasts = call.begun.elapsed();
            if lasts > call.limit {
                hung(call.name, lasts);
            }
            if let Some(producer) = &served {
                producer::serve(producer);
            }
        }
        // This may be the last holder by now.
        if let Some(producer) = served {
            producer::retire(producer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_past_its_limit_is_told_and_a_short_one_is_not() {
        let (told, tell) = bounded(100);
        let watch = CallWatchdog::begin(Duration::from_millis(200), move |name, _| {
            // Told again at each look; one is enough.
            let _ = told.try_send(name);
        })
        .expect("a thread");
        watch.call("short", || thread::sleep(Duration::from_millis(20)));
        watch.call("long", || {
            assert_eq!(tell.recv_timeout(Duration::from_secs(20)), Ok("long"));
        });
        watch.call_within("patient", Duration::from_secs(60), || {
            while tell.recv_timeout(Duration::from_millis(300)).is_ok_and(|name| name == "long") {}
        });
        drop(watch);
        assert!(
            tell.recv_timeout(Duration::from_secs(20)).is_err(),
            "nothing more, and it has ended"
        );
    }
}
