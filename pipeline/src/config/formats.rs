//! The formats that options can name: those of the table of codecs.

use std::sync::LazyLock;

use crate::codec::Codecs;

/// Words of `format` in `[input]`: `auto`, and the codecs that read files.
pub fn input_formats() -> &'static [&'static str] {
    static WORDS: LazyLock<Vec<&str>> = LazyLock::new(|| {
        let mut words = Codecs::built_in().names_for_files();
        words.insert(0, "auto");
        words
    });
    &WORDS
}

/// Words of `format` in `[source]`: the codecs that read messages.
pub fn message_formats() -> &'static [&'static str] {
    static WORDS: LazyLock<Vec<&str>> = LazyLock::new(|| Codecs::built_in().names_for_messages());
    &WORDS
}
