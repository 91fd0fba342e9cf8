//! Whether this process lives, and whether it does its work, each with the reason in words.
//!
//! Alive: every part that beats has done so in the last 30 s. Ready: whoever knows has said so; a process
//! that stands by for another is ready, since nothing is wrong with it. Not here: any decision to end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// A part that is silent for longer is taken for hung.
pub const BEAT_MAX: Duration = Duration::from_secs(30);

/// Liveness and readiness. A clone is a handle to the same.
#[derive(Debug, Clone)]
pub struct Health(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// Last beat of each part.
    beats: BTreeMap<&'static str, Instant>,
    ready: Verdict,
}

/// Yes or no, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Yes.
    pub yes: bool,
    /// Why, for people.
    pub why: String,
}

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

impl Health {
    /// Alive, not ready: starting.
    pub fn new() -> Self {
        let ready = Verdict { yes: false, why: "starting".into() };
        Self(Arc::new(Mutex::new(State { beats: BTreeMap::new(), ready })))
    }

    /// The part is alive. Its first beat is a promise to beat on, until [`Health::rest`].
    pub fn beat(&self, part: &'static str) {
        self.beat_at(part, Instant::now());
    }

    /// The part has come to its end as it should: nobody waits for its beat.
    pub fn rest(&self, part: &'static str) {
        self.with(|state| state.beats.remove(part));
    }

    /// Whether the work is done, and why; for example `recovering: 12,000 messages left`.
    pub fn ready(&self, yes: bool, why: impl Into<String>) {
        let why = why.into();
        self.with(|state| state.ready = Verdict { yes, why });
    }

    /// Liveness.
    pub fn livez(&self) -> Verdict {
        self.livez_at(Instant::now())
    }

    /// Readiness. A process that is not alive is not ready.
    pub fn readyz(&self) -> Verdict {
        self.readyz_at(Instant::now())
    }

    fn readyz_at(&self, now: Instant) -> Verdict {
        let alive = self.livez_at(now);
        if alive.yes { self.with(|state| state.ready.clone()) } else { alive }
    }

    fn beat_at(&self, part: &'static str, now: Instant) {
        self.with(|state| state.beats.insert(part, now));
    }

    fn livez_at(&self, now: Instant) -> Verdict {
        let silent: Vec<String> = self.with(|state| {
            let silence = |(part, beat): (&&str, &Instant)| {
                let silence = now.saturating_duration_since(*beat);
                (silence > BEAT_MAX)
                    .then(|| format!("{part} has not moved for {} s", silence.as_secs()))
            };
            state.beats.iter().filter_map(silence).collect()
        });
        let yes = silent.is_empty();
        Verdict { yes, why: if yes { "alive".into() } else { silent.join("; ") } }
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        // A panic elsewhere cannot leave a verdict half written.
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_death_and_rest_is_not() {
        let health = Health::new();
        assert!(health.livez().yes);
        assert_eq!(health.readyz(), Verdict { yes: false, why: "starting".into() });
        health.ready(true, "standing by");
        let begun = Instant::now();
        health.beat_at("flow", begun);
        health.beat_at("commit", begun + BEAT_MAX);
        assert!(health.livez_at(begun + BEAT_MAX).yes);
        let late = begun + BEAT_MAX + Duration::from_secs(2);
        let verdict = health.livez_at(late);
        assert_eq!(verdict, Verdict { yes: false, why: "flow has not moved for 32 s".into() });
        health.rest("flow");
        assert!(health.livez_at(late).yes);
        assert_eq!(health.readyz(), Verdict { yes: true, why: "standing by".into() });
    }

    #[test]
    fn what_is_dead_is_not_ready() {
        let health = Health::new();
        health.ready(true, "reading");
        let begun = Instant::now();
        health.beat_at("flow", begun);
        assert!(health.readyz_at(begun).yes);
        let verdict = health.readyz_at(begun + BEAT_MAX * 2);
        assert_eq!(verdict, Verdict { yes: false, why: "flow has not moved for 60 s".into() });
    }
}
