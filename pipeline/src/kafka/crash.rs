//! Named points at which a test has the process die, as a power cut would.
//!
//! A hook for tests, off unless `DRIFTLINE_CRASH_AT` is set: `NAME`, or `NAME:K` for the K-th passing. The
//! process aborts at once: nothing is flushed, dropped or told.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

struct Wish {
    name: String,
    passings: AtomicU64,
}

fn wish() -> Option<&'static Wish> {
    static WISH: OnceLock<Option<Wish>> = OnceLock::new();
    let read = || parse(&std::env::var("DRIFTLINE_CRASH_AT").ok()?);
    WISH.get_or_init(read).as_ref()
}

fn parse(text: &str) -> Option<Wish> {
    let (name, passings) = match text.split_once(':') {
        Some((name, passings)) => (name, passings.parse().ok()?),
        None => (text, 1),
    };
    Some(Wish { name: name.to_owned(), passings: AtomicU64::new(passings) })
}

impl Wish {
    /// Whether this passing is the one.
    fn is_due(&self, name: &str) -> bool {
        name == self.name && self.passings.fetch_sub(1, Ordering::Relaxed) == 1
    }
}

/// Dies here if that is wished.
pub fn crash_point(name: &str) {
    if wish().is_some_and(|wish| wish.is_due(name)) {
        std::process::abort();
    }
}

/// Panics here if that is wished: one thread dies, and the process has to notice.
pub fn panic_point(name: &str) {
    assert!(!wish().is_some_and(|wish| wish.is_due(name)), "a test wishes it at {name}");
}

/// Dies a little later, in the midst of what comes next, if that is wished.
pub fn crash_soon(name: &str, after: Duration) {
    if wish().is_some_and(|wish| wish.is_due(name)) {
        thread::spawn(move || {
            thread::sleep(after);
            std::process::abort();
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_k_th_passing_is_due_and_no_other() {
        let wish = parse("after_begin:3").expect("a wish");
        let due: Vec<bool> = (0..5).map(|_| wish.is_due("after_begin")).collect();
        assert_eq!(due, [false, false, true, false, false]);
        assert!(!wish.is_due("before_begin"));
        assert!(parse("after_begin").expect("a wish").is_due("after_begin"));
        assert!(parse("after_begin:x").is_none());
    }
}
