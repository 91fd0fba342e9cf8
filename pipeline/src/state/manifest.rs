//! A manifest: of what a snapshot is the state. It stands before the snapshot, in JSON that a person can
//! read with `head -c`.
//!
//! ```text
//! magic (8) | length u32 | manifest | CRC-32 of it u32 | the engine's snapshot in zstd
//! ```

use std::io::Read;

use serde::{Deserialize, Serialize};

use crate::model::Settings;
use crate::model::stream::TopicPartition;

/// Version of the layout of a manifest.
pub const FORMAT: u32 = 1;
/// First bytes of an object.
const MAGIC: &[u8; 8] = b"drftstat";
/// Bytes before the manifest.
const FIXED: usize = 12;
/// Longest manifest, in bytes: that of some 100,000 partitions.
const LENGTH_MAX: u64 = 16 << 20;

/// Of what a snapshot is the state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// Name of the pipeline.
    pub pipeline: String,
    /// Consumer group.
    pub group: String,
    /// Which part of the work: `all`, or the name of a partition.
    pub shard: String,
    /// Hash of the settings.
    pub config: String,
    /// The settings, so that a later config can go on from this state.
    pub settings: Settings,
    /// Partitions by the engine's numbers, and where reading goes on in each.
    pub partitions: Vec<(TopicPartition, i64)>,
    /// Wall clock, microseconds since 1970.
    pub created_us: i64,
}

impl Manifest {
    /// Whether its state lies at or before the committed offsets, in every partition that it knows.
    /// Partitions that it does not know began later.
    pub fn fits(&self, committed: &[(TopicPartition, i64)]) -> bool {
        self.partitions.iter().all(|(partition, next)| {
            committed.iter().any(|(other, offset)| other == partition && next <= offset)
        })
    }

    /// Sum of the offsets: the later of two states of a shard has the larger one.
    pub(super) fn sum(&self) -> u64 {
        let offset = |(_, next): &(_, i64)| u64::try_from(*next).unwrap_or(0);
        self.partitions.iter().map(offset).fold(0, u64::saturating_add)
    }

    /// All that stands before the snapshot.
    pub(super) fn head(&self) -> Vec<u8> {
        let json = serde_json::to_vec(self).unwrap_or_default();
        let mut head = MAGIC.to_vec();
        head.extend_from_slice(&(json.len() as u32).to_le_bytes());
        head.extend_from_slice(&json);
        head.extend_from_slice(&crc32fast::hash(&json).to_le_bytes());
        head
    }

    /// Reads the head of an object; none where it is damaged, or of another format.
    pub(super) fn take(object: &mut impl Read) -> Option<Self> {
        let mut fixed = [0; FIXED];
        object.read_exact(&mut fixed).ok()?;
        let (magic, length) = fixed.split_first_chunk::<8>()?;
        let length = u64::from(u32::from_le_bytes(*length.first_chunk::<4>()?));
        if magic != MAGIC || length > LENGTH_MAX {
            return None;
        }
        let (mut json, mut crc) = (Vec::new(), [0; 4]);
        object.by_ref().take(length).read_to_end(&mut json).ok()?;
        object.read_exact(&mut crc).ok()?;
        let whole = crc32fast::hash(&json) == u32::from_le_bytes(crc);
        let manifest: Self = serde_json::from_slice(&json).ok().filter(|_| whole)?;
        (manifest.format == FORMAT).then_some(manifest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(topic: &str, partition: i32) -> TopicPartition {
        TopicPartition { topic: topic.into(), partition }
    }

    fn manifest() -> Manifest {
        Manifest {
            format: FORMAT,
            pipeline: "p".into(),
            group: "g".into(),
            shard: "all".into(),
            config: "00ff".into(),
            settings: Settings::default(),
            partitions: vec![(partition("a", 0), 10), (partition("a", 1), 20)],
            created_us: 7,
        }
    }

    #[test]
    fn a_head_reads_as_it_was_written_and_damage_is_noticed() {
        let mut head = manifest().head();
        let take = |head: &[u8]| Manifest::take(&mut &*head);
        head.extend_from_slice(b"what follows");
        assert_eq!(take(&head), Some(manifest()));
        let length = head.len() - b"what follows".len();
        for at in 0..length {
            head[at] ^= 1;
            assert_eq!(take(&head), None, "byte {at}");
            head[at] ^= 1;
            assert_eq!(take(&head[..at]), None, "cut at {at}");
        }
        let other = Manifest { format: FORMAT + 1, ..manifest() };
        assert_eq!(take(&other.head()), None);
    }

    #[test]
    fn only_a_state_at_or_before_every_committed_offset_fits() {
        let committed = |a: i64, b: i64| vec![(partition("a", 0), a), (partition("a", 1), b)];
        let manifest = manifest();
        assert_eq!(manifest.sum(), 30);
        assert!(manifest.fits(&committed(10, 20)));
        assert!(!manifest.fits(&committed(9, 200)));
        // A partition that began later is no obstacle; one without a committed offset is.
        let mut later = committed(10, 20);
        later.push((partition("a", 2), 5));
        assert!(manifest.fits(&later));
        assert!(!manifest.fits(&committed(10, 20)[..1]));
        assert!(!manifest.fits(&[(partition("b", 0), 10), (partition("a", 1), 20)]));
    }
}
