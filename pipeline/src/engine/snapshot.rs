//! Snapshots: the engine's whole state as bytes, and back. A snapshot that was cut, changed or made
//! under other settings is refused.

use super::Engine;
use crate::model::Settings;

/// First bytes of a snapshot: what it is, and the version of its shape.
const MAGIC: &[u8; 8] = b"drift\x00\x00\x02";

/// Why a snapshot was refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotError {
    /// Not a snapshot of this version.
    #[error(
        "this is no snapshot of this version of Driftline; replay from the start, or use the version that wrote it"
    )]
    Unknown,
    /// Cut or changed.
    #[error("the snapshot is damaged (its checksum does not fit); use the one before it")]
    Damaged,
    /// Made under other settings.
    #[error(
        "the snapshot was made with config {found}, this is config {wanted}; replay from the start, or use the config of the snapshot"
    )]
    OtherConfig {
        /// Config hash in the snapshot.
        found: String,
        /// Hash of the settings given.
        wanted: String,
    },
}

impl Engine {
    /// The whole state: magic, CRC-32 of the rest, postcard.
    pub fn snapshot(&self) -> Vec<u8> {
        let body = postcard::to_stdvec(self).unwrap_or_default();
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&crc32fast::hash(&body).to_le_bytes());
        bytes.extend_from_slice(&body);
        bytes
    }

    /// An engine that goes on where the one of the snapshot stopped.
    ///
    /// # Errors
    /// Where the bytes are no whole snapshot, or one of other settings.
    pub fn restore(settings: Settings, bytes: &[u8]) -> Result<Self, SnapshotError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(SnapshotError::Unknown)?;
        let (sum, body) = rest.split_first_chunk::<4>().ok_or(SnapshotError::Damaged)?;
        if crc32fast::hash(body) != u32::from_le_bytes(*sum) {
            return Err(SnapshotError::Damaged);
        }
        let mut engine: Engine = postcard::from_bytes(body).map_err(|_| SnapshotError::Damaged)?;
        let wanted = super::config_hash(&settings);
        if engine.config != wanted {
            return Err(SnapshotError::OtherConfig { found: engine.config, wanted });
        }
        engine.settings = settings;
        engine.derive();
        Ok(engine)
    }
}
