//! Names of snapshots: readable, safe as a file and as an object, and sortable.
//!
//! `PIPELINE/GROUP/SHARD/OFFSETS-CONFIG-CREATED.snapshot`, where OFFSETS is the sum of the next offsets in
//! 20 digits. Names of pipelines, groups and topics may hold anything: what is not plain becomes `_`, and
//! then a hash keeps two of them apart.

use xxhash_rust::xxh3::xxh3_64;

use super::manifest::Manifest;

/// Longest part of a name, in characters, before its hash.
const PART_MAX: usize = 80;
const EXTENSION: &str = ".snapshot";

/// What the name of a snapshot says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) sum: u64,
    pub(super) created_us: i64,
    pub(super) config: String,
}

impl Name {
    pub(super) fn of(manifest: &Manifest) -> Self {
        let config = part(&manifest.config).replace('-', "_");
        Self { sum: manifest.sum(), created_us: manifest.created_us, config }
    }

    pub(super) fn text(&self) -> String {
        let Self { sum, created_us, config } = self;
        format!("{sum:020}-{config}-{created_us}{EXTENSION}")
    }

    /// Reads a name; none where something else stands there.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (sum, rest) = text.strip_suffix(EXTENSION)?.split_once('-')?;
        let (config, created_us) = rest.split_once('-')?;
        let (sum, created_us) = (sum.parse().ok()?, created_us.parse().ok()?);
        Some(Self { sum, created_us, config: config.to_owned() })
    }
}

/// One part of a name.
pub(super) fn part(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let cleaned: String =
        text.chars().take(PART_MAX).map(|c| if plain(c) { c } else { '_' }).collect();
    let dots = cleaned.chars().all(|c| c == '.');
    if cleaned == text && !dots {
        return cleaned;
    }
    let cleaned = if dots { "_".to_owned() } else { cleaned };
    format!("{cleaned}-{:016x}", xxh3_64(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use object_store::path::Path;

    use super::*;

    #[test]
    fn names_are_plain_and_differ_where_their_texts_do() {
        assert_eq!(part("events.v1-eu"), "events.v1-eu");
        let odd = ["a/b", "a\\b", "a b", "..", ".", "", "größe", "x#1", &"y".repeat(300)];
        let mut made: Vec<String> = odd.iter().map(|text| part(text)).collect();
        for name in &made {
            assert!(name.len() <= PART_MAX + 17, "{name}");
            assert_eq!(Path::from(name.as_str()).as_ref(), name, "taken as it is");
        }
        made.sort();
        made.dedup();
        assert_eq!(made.len(), odd.len());
    }

    #[test]
    fn a_name_reads_as_it_was_written_and_sorts_by_offsets() {
        let name = Name { sum: 1234, created_us: 1_767_571_200_000_000, config: "00ff".into() };
        assert_eq!(name.text(), "00000000000000001234-00ff-1767571200000000.snapshot");
        assert_eq!(Name::read(&name.text()), Some(name.clone()));
        assert_eq!(Name::read("00000000000000001234-00ff-1767571200000000.snapshot#1"), None);
        assert_eq!(Name::read("notes.txt"), None);
        let later = Name { sum: 1235, created_us: 0, ..name.clone() };
        assert!(later > name && later.text() > name.text());
    }
}
