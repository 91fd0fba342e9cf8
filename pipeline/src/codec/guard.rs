//! A wall around readers of other people's formats: what they make of corrupt bytes ends here.
//!
//! The Parquet and Arrow crates check most of what they read, not all; a panic in them is one broken
//! file, not the end of a replay. Not for our own code.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `work`; a panic becomes its message. Whatever `work` has borrowed must not be used again then.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| format!("corrupt: {}", message(&*panic)))
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("unreadable")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_message() {
        assert_eq!(guarded(|| 1), Ok(1));
        let none: Vec<u8> = Vec::new();
        let caught = guarded(|| none[std::hint::black_box(3)]).expect_err("out of range");
        assert!(caught.contains("index out of bounds"), "{caught}");
    }
}
