//! Snapshots: the engine's whole state as bytes, and back. A snapshot that was cut, changed or made
//! under other settings is refused.
//!
//! A snapshot is a stream: what is written is let go of, and what is read is built as it comes, so neither
//! needs memory for the whole.

use std::io::{self, Read, Write};
use std::sync::Arc;

use crate::engine::count::pane::Pane;
use crate::engine::machine::Engine;
use crate::engine::state::frames::{FrameReader, FrameWriter};
use crate::model::Settings;

/// First bytes of a snapshot: what it is, and the version of its shape.
const MAGIC: &[u8; 8] = b"drift\x00\x00\x09";
/// The version before: all of it is in the new one's shape, but for findings that are on
/// (`series/stored.rs`).
const MAGIC_BEFORE: &[u8; 8] = b"drift\x00\x00\x08";

/// Why a snapshot was refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotError {
    /// Not a snapshot of this version.
    #[error(
        "this is not a snapshot of this version of Driftline; replay from the start, or use the version that wrote it"
    )]
    Unknown,
    /// Cut or changed.
    #[error("the snapshot is damaged (its checksum does not match); use the one before it")]
    Damaged,
    /// Made under other settings.
    #[error(
        "the snapshot was made with config {found}, but this is config {wanted}; replay from the start, or use the config of the snapshot"
    )]
    OtherConfig {
        /// Config hash in the snapshot.
        found: String,
        /// Hash of the settings given.
        wanted: String,
    },
}

impl Engine {
    /// The whole state in memory.
    pub fn snapshot(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.snapshot_to(&mut bytes).unwrap_or_else(|e| unreachable!("memory takes all: {e}"));
        bytes
    }

    /// Writes the whole state.
    ///
    /// # Errors
    /// Those of `out`; what was written until then is refused by [`Engine::restore`].
    pub fn snapshot_to(&self, out: impl Write) -> io::Result<()> {
        self.fork().into_snapshot(out)
    }

    /// Writes the whole state and lets go of each piece as soon as it is written: where this is a fork, the
    /// engine that goes on need not copy it any more. What changes first is written first.
    ///
    /// # Errors
    /// Those of `out`; what was written until then is refused by [`Engine::restore`].
    pub fn into_snapshot(self, out: impl Write) -> io::Result<()> {
        let mut frames = FrameWriter::new(out, MAGIC)?;
        frames.put(&self.config)?;
        frames.put(&self.panes.len())?;
        for (start_us, pane) in self.panes {
            let Pane { groups, candidates, refused_events, refused_groups } = pane;
            frames.put(&(
                start_us,
                candidates,
                refused_events,
                refused_groups,
                groups.len() as u64,
            ))?;
            groups.into_iter().try_for_each(|counts| frames.put(&counts))?;
        }
        frames.put(&self.charts)?;
        frames.put(&self.charts.models.len())?;
        self.charts.models.into_iter().try_for_each(|charts| frames.put(&charts))?;
        frames.put(&self.groups.len())?;
        self.groups.into_iter().try_for_each(|group| frames.put(&group))?;
        frames.put(&self.library.len())?;
        (0..self.library.len()).try_for_each(|id| frames.put(self.library.entry(id)))?;
        frames.put(&(self.order, self.loaded, self.clocks, self.strays, self.labels))?;
        frames.put(&(self.closed_us, self.alerts, self.watched, self.sharing))?;
        frames.put(&(self.counters, self.refused, self.siblings))?;
        frames.finish()?.flush()
    }

    /// An engine that goes on where the one of the snapshot stopped.
    ///
    /// # Errors
    /// Where the bytes are no whole snapshot, or one of other settings.
    pub fn restore(settings: Settings, bytes: &[u8]) -> Result<Self, SnapshotError> {
        Self::restore_from(settings, bytes)
    }

    /// As [`Engine::restore`], from a stream, which is read to its end.
    ///
    /// # Errors
    /// As [`Engine::restore`]; a stream that cannot be read is a damaged snapshot.
    pub fn restore_from(settings: Settings, input: impl Read) -> Result<Self, SnapshotError> {
        let frames =
            FrameReader::new(input, &[MAGIC, MAGIC_BEFORE]).map_err(|_| SnapshotError::Damaged)?;
        let mut frames = frames.ok_or(SnapshotError::Unknown)?;
        let mut engine = Self::new(settings);
        let found: String = frames.get().map_err(|_| SnapshotError::Damaged)?;
        if engine.config != found {
            return Err(SnapshotError::OtherConfig { found, wanted: engine.config });
        }
        engine.read(frames).map_err(|_| SnapshotError::Damaged)?;
        engine.derive();
        Ok(engine)
    }

    /// Reads what [`Engine::into_snapshot`] wrote behind the config.
    fn read(&mut self, mut frames: FrameReader<impl Read>) -> io::Result<()> {
        for _ in 0..frames.get::<usize>()? {
            let (start_us, candidates, refused_events, refused_groups, groups): (_, _, _, _, u64) =
                frames.get()?;
            let mut pane = Pane { groups: Vec::new(), candidates, refused_events, refused_groups };
            for _ in 0..groups {
                pane.groups.push(frames.get()?);
            }
            self.panes.insert(start_us, pane);
        }
        self.charts = frames.get()?;
        for _ in 0..frames.get::<usize>()? {
            self.charts.models.push(frames.get()?);
        }
        for _ in 0..frames.get::<usize>()? {
            self.groups.push(Arc::new(frames.get()?));
        }
        for _ in 0..frames.get::<u32>()? {
            let (baseline, zone) = frames.get()?;
            self.library.add(baseline, zone);
        }
        (self.order, self.loaded, self.clocks, self.strays, self.labels) = frames.get()?;
        (self.closed_us, self.alerts, self.watched, self.sharing) = frames.get()?;
        (self.counters, self.refused, self.siblings) = frames.get()?;
        frames.finish()
    }
}
