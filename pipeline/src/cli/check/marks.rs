//! What stands before a line of a check, and how things are counted in it.

/// What stands before a line.
pub(super) struct Marks {
    pub(super) right: &'static str,
    pub(super) doubt: &'static str,
    pub(super) wrong: &'static str,
}

impl Marks {
    pub(super) fn new(color: bool) -> Self {
        match color {
            false => Self { right: "✓", doubt: "!", wrong: "✗" },
            true => Self {
                right: "\u{1b}[32m✓\u{1b}[0m",
                doubt: "\u{1b}[1;33m!\u{1b}[0m",
                wrong: "\u{1b}[1;31m✗\u{1b}[0m",
            },
        }
    }
}

/// `1 error`, `2 errors`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
