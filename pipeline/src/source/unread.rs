//! Files of a folder that are not read, and why: a part of a log that is passed over must not look like a
//! quiet time.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::stream::open_stream;
use crate::codec::Codecs;

/// Files that are named; more are counted.
const NAMED_MAX: usize = 20;

/// Files that are not read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unread {
    /// Each with its reason, up to a bound.
    pub named: Vec<(PathBuf, String)>,
    /// All of them.
    pub count: u64,
}

impl Unread {
    pub(super) fn add(&mut self, path: PathBuf, reason: String) {
        self.count += 1;
        if self.named.len() < NAMED_MAX {
            self.named.push((path, reason));
        }
    }

    /// For people: a line each.
    pub fn lines(&self) -> Vec<String> {
        let name =
            |(path, reason): &(PathBuf, String)| format!("not read: {}: {reason}", path.display());
        let mut lines: Vec<String> = self.named.iter().map(name).collect();
        let more = self.count - self.named.len() as u64;
        if more > 0 {
            lines.push(format!("not read: {more} more"));
        }
        lines
    }
}

/// Whether a file of a folder holds events, as its name or its content tells; else why it is not read.
pub(super) fn is_read(path: &Path, codecs: &Codecs) -> Result<(), String> {
    if codecs.by_name_of(path).is_some() {
        return Ok(());
    }
    let opened = open_stream(path, &Arc::default()).map_err(|error| error.to_string())?;
    let text = opened.beginning.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&opened.beginning);
    let is_json =
        text.trim_ascii_start().starts_with(b"{") || text.trim_ascii_start().starts_with(b"[{");
    let is_known = codecs.by_magic(&opened.beginning).is_some();
    match is_json || is_known {
        true => Ok(()),
        false if text.is_empty() => Err("it is empty".into()),
        false => {
            Err("no JSON in it, and no extension that is known; name the file itself to read it"
                .into())
        }
    }
}
