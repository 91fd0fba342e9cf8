//! A home: putting snapshots there, finding the newest that may be gone on from, clearing old ones away.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use tokio::runtime::Handle;

use super::fault::StateFault;
use super::manifest::Manifest;
use super::name::{Name, part};
use super::store;
use super::transfer::{Calls, Download, Upload};
use crate::engine::Engine;
use crate::model::Settings;
use crate::model::live::StateSettings;
use crate::model::stream::TopicPartition;

/// zstd's level: the fastest; the next ones cost twice the time for a tenth of the bytes.
const LEVEL: i32 = 1;
/// Objects of a shard that are listed; there are about twice as many as are kept.
const LISTED_MAX: usize = 4096;
/// A file that an interrupted upload left in a folder is removed after this.
const LEFT_OVER: Duration = Duration::from_secs(3600);

/// Where a pipeline's group keeps the snapshots of its shards. Calls wait, so they are for plain threads,
/// not for those of the runtime; none waits without a bound.
pub struct SnapshotStore {
    store: Arc<dyn ObjectStore>,
    /// `PIPELINE/GROUP`, behind the prefix of the home.
    base: Path,
    /// The folder of the home, where it is one.
    folder: Option<PathBuf>,
    calls: Calls,
}

/// A snapshot in the list of a shard.
struct Listed {
    name: Name,
    at: ObjectMeta,
}

/// Why a snapshot gives nothing: it is damaged, or the store gives none at all.
enum Unread {
    Damaged,
    Fault(StateFault),
}

impl SnapshotStore {
    /// Opens a home; a folder is made where there is none. `handle`: the runtime that the store's calls run
    /// on, with time and I/O.
    ///
    /// # Errors
    /// Where the settings say no home, or the folder cannot be made. A bucket is not asked yet, for which
    /// there is [`SnapshotStore::probe`].
    pub fn open(
        settings: &StateSettings,
        pipeline: &str,
        group: &str,
        handle: Handle,
    ) -> Result<Self, StateFault> {
        let store::Opened { store, prefix, folder } = store::open(settings)?;
        let names = [pipeline, group].map(|text| part(text).into());
        let base = Path::from_iter(prefix.parts().chain(names));
        if let Some(folder) = &folder {
            // Whoever may look into the home itself, state is for this user alone.
            let own = folder.join(base.as_ref());
            let kept = store::make_private(&own)
                .and_then(|()| fs::set_permissions(&own, Permissions::from_mode(0o700)));
            kept.map_err(|source| {
                let error = object_store::Error::Generic { store: "folder", source: source.into() };
                StateFault::of("make the folder", &own.display().to_string(), &error)
            })?;
        }
        Ok(Self { store, base, folder, calls: Calls::new(handle, settings.home.clone()) })
    }

    /// Writes, reads, lists and removes a small object: whether all that will be needed is allowed.
    ///
    /// # Errors
    /// What is not.
    pub fn probe(&self) -> Result<(), StateFault> {
        let path = self.base.clone().join("probe");
        self.calls.wait("write to", self.store.put(&path, b"driftline".as_slice().into()))?;
        self.calls.wait("read from", self.store.get(&path))?;
        self.list(&self.base, 1)?;
        self.calls.wait("remove from", self.store.delete(&path))
    }

    /// Keeps a snapshot and returns its size in bytes. The engine is a fork: each piece of it is let go of as
    /// soon as it is written. Others see nothing of it before all of it is there.
    ///
    /// # Errors
    /// Where the store refuses, or does not answer.
    pub fn put(&self, shard: &str, manifest: &Manifest, engine: Engine) -> Result<u64, StateFault> {
        let path = self.shard(shard).join(Name::of(manifest).text());
        let mut upload = Upload::new(&self.calls, &*self.store, path.clone());
        let written = write(&mut upload, manifest, engine);
        let bytes = upload.finish(written)?;
        if let Some(folder) = &self.folder {
            let file = folder.join(path.as_ref());
            if let Err(error) = fs::set_permissions(&file, Permissions::from_mode(0o600)) {
                tracing::warn!(file = %file.display(), %error, "others may read this snapshot");
            }
        }
        Ok(bytes)
    }

    /// The newest snapshot that lies at or before the committed offsets, with the bytes for
    /// [`Engine::restore`]. `config`: only one that was made under the settings of this hash.
    ///
    /// # Errors
    /// Where the store refuses, or does not answer. A damaged snapshot is passed over with a warning.
    pub fn newest(
        &self,
        shard: &str,
        committed: &[(TopicPartition, i64)],
        config: Option<&str>,
    ) -> Result<Option<(Manifest, Vec<u8>)>, StateFault> {
        self.find(shard, committed, config, |_, bytes| {
            let mut whole = Vec::new();
            bytes.read_to_end(&mut whole).ok()?;
            Some(whole)
        })
    }

    /// As [`SnapshotStore::newest`], with the engine itself, built as the bytes come, under the settings
    /// that the snapshot was made with. What nobody can make an engine of is passed over likewise.
    ///
    /// # Errors
    /// As [`SnapshotStore::newest`].
    pub fn resume(
        &self,
        shard: &str,
        committed: &[(TopicPartition, i64)],
    ) -> Result<Option<(Manifest, Engine)>, StateFault> {
        self.find(shard, committed, None, |manifest, bytes| {
            Engine::restore_from(manifest.settings.clone(), bytes).ok()
        })
    }

    /// As [`SnapshotStore::resume`], and then under `settings`,
    /// where the snapshot was made under the same or others ([`Engine::carry_over`]).
    ///
    /// # Errors
    /// As [`SnapshotStore::newest`].
    pub fn recover(
        &self,
        shard: &str,
        committed: &[(TopicPartition, i64)],
        settings: &Settings,
    ) -> Result<Option<(Manifest, Engine)>, StateFault> {
        let fresh = Engine::new(settings.clone());
        let found = self.resume(shard, committed)?;
        Ok(found.map(|(manifest, engine)| {
            let is_same = engine.config() == fresh.config();
            let engine = if is_same { engine } else { engine.carry_over(settings.clone()) };
            (manifest, engine)
        }))
    }

    /// Removes all snapshots of a shard but the newest `keep`, by their offsets and by their age alike: so
    /// neither a wrong clock nor topics that begin anew cost the last good one. A failure is a warning, as
    /// the next time will do.
    pub fn prune(&self, shard: &str, keep: usize) {
        let keep = keep.max(1);
        let pruned = self.listed(shard).and_then(|listed| {
            let mut by_age: Vec<&Listed> = listed.iter().collect();
            by_age.sort_by_key(|listed| std::cmp::Reverse(listed.name.created_us));
            let newest = listed.iter().take(keep).chain(by_age.into_iter().take(keep));
            let kept: BTreeSet<&Path> = newest.map(|listed| &listed.at.location).collect();
            let old =
                listed.iter().map(|listed| &listed.at.location).filter(|at| !kept.contains(at));
            old.into_iter().try_for_each(|at| {
                match self.calls.wait("remove from", self.store.delete(at)) {
                    // Somebody else did the same.
                    Err(StateFault::Missing { .. }) => Ok(()),
                    removed => removed,
                }
            })
        });
        if let Err(fault) = pruned {
            tracing::warn!(shard, %fault, "old snapshots could not be removed");
        }
        self.clear(shard);
    }

    /// Removes files that uploads which were killed have left in a folder; a store has its own rules.
    fn clear(&self, shard: &str) {
        let Some(folder) = &self.folder else { return };
        let folder = folder.join(self.shard(shard).as_ref());
        let old = |file: &std::fs::DirEntry| {
            let changed = file.metadata().and_then(|metadata| metadata.modified());
            let age = changed.ok().and_then(|at| SystemTime::now().duration_since(at).ok());
            age.is_some_and(|age| age > LEFT_OVER)
        };
        let left = |file: &std::fs::DirEntry| file.file_name().to_string_lossy().contains('#');
        for file in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if left(&file) && old(&file) && std::fs::remove_file(file.path()).is_err() {
                tracing::warn!(file = %file.path().display(), "cannot remove a leftover file");
            }
        }
    }

    fn shard(&self, shard: &str) -> Path {
        self.base.clone().join(part(shard))
    }

    fn list(&self, under: &Path, most: usize) -> Result<Vec<ObjectMeta>, StateFault> {
        self.calls.wait("list", self.store.list(Some(under)).take(most).try_collect())
    }

    /// Snapshots of a shard, the one with the largest offsets first.
    fn listed(&self, shard: &str) -> Result<Vec<Listed>, StateFault> {
        let found = self.list(&self.shard(shard), LISTED_MAX)?.into_iter().filter_map(|at| {
            let name = Name::read(at.location.filename()?)?;
            Some(Listed { name, at })
        });
        let mut listed: Vec<Listed> = found.collect();
        listed.sort_by(|a, b| b.name.cmp(&a.name));
        Ok(listed)
    }

    /// The newest snapshot that fits and that `read` can make something of.
    fn find<T>(
        &self,
        shard: &str,
        committed: &[(TopicPartition, i64)],
        config: Option<&str>,
        read: impl Fn(&Manifest, &mut dyn Read) -> Option<T>,
    ) -> Result<Option<(Manifest, T)>, StateFault> {
        let mut unusable = 0;
        for listed in self.listed(shard)? {
            if config.is_some_and(|config| config != listed.name.config) {
                continue;
            }
            match self.look(&listed.at, committed, &read) {
                Ok(Some(found)) => return Ok(Some(found)),
                Ok(None) => {}
                Err(Unread::Damaged) => {
                    unusable += 1;
                    tracing::warn!(
                        snapshot = %listed.at.location,
                        "this snapshot is damaged, or from another version of Driftline: the one before it \
                         is tried"
                    );
                }
                // It was removed since it was listed.
                Err(Unread::Fault(StateFault::Missing { .. })) => {}
                Err(Unread::Fault(fault)) => return Err(fault),
            }
        }
        if unusable > 0 {
            tracing::warn!(
                shard,
                unusable,
                "no snapshot is left that can be used: state is built again from the input"
            );
        }
        Ok(None)
    }

    /// Reads one snapshot: its manifest first, and the rest where it fits.
    fn look<T>(
        &self,
        at: &ObjectMeta,
        committed: &[(TopicPartition, i64)],
        read: impl Fn(&Manifest, &mut dyn Read) -> Option<T>,
    ) -> Result<Option<(Manifest, T)>, Unread> {
        let mut bytes =
            Download::begin(&self.calls, &*self.store, &at.location).map_err(Unread::Fault)?;
        let manifest = match Manifest::take(&mut bytes) {
            Some(manifest) if !manifest.fits(committed) => return Ok(None),
            manifest => manifest,
        };
        let made = manifest.and_then(|manifest| {
            let mut unpacked = zstd::Decoder::new(&mut bytes).ok()?;
            let made = read(&manifest, &mut unpacked)?;
            // Whoever read it may have stopped at its end: the checksum stands behind that.
            io::copy(&mut unpacked, &mut io::sink()).ok().filter(|rest| *rest == 0)?;
            Some((manifest, made))
        });
        match (made, bytes.fault.take()) {
            (_, Some(fault)) => Err(Unread::Fault(fault)),
            (Some(made), None) => Ok(Some(made)),
            (None, None) => Err(Unread::Damaged),
        }
    }
}

fn write(out: &mut Upload<'_>, manifest: &Manifest, engine: Engine) -> io::Result<()> {
    out.write_all(&manifest.head())?;
    let mut packed = zstd::Encoder::new(out, LEVEL)?;
    packed.include_checksum(true)?;
    engine.into_snapshot(&mut packed)?;
    packed.finish()?;
    Ok(())
}
