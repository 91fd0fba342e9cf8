//! The mark of an epoch: committed as metadata beside each offset, so that it can be told later whether
//! that very epoch was committed, even where no offset moved.
//!
//! Not here: reading it. A mark is a small JSON object, `{"epoch":n,"run":"hex"}`.

use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use xxhash_rust::xxh3::xxh3_64;

use super::status::now_us;

/// Marks of one committer: no other committer, of any process, makes the same.
pub(super) struct Marks {
    run: String,
}

impl Marks {
    pub(super) fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let unique = format!("{} {} {number}", process::id(), now_us());
        Self { run: format!("{:016x}", xxh3_64(unique.as_bytes())) }
    }

    /// The mark of an epoch.
    pub(super) fn of(&self, number: u64) -> String {
        format!(r#"{{"epoch":{number},"run":"{}"}}"#, self.run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_json_and_one_epochs_alone() {
        let (first, second) = (Marks::new(), Marks::new());
        assert_ne!(first.of(3), second.of(3));
        assert_ne!(first.of(3), first.of(4));
        let mark: serde_json::Value = serde_json::from_str(&first.of(3)).expect("JSON");
        assert_eq!(mark["epoch"], 3);
    }
}
