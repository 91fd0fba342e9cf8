//! Bytes to and from an object, as plain streams over an asynchronous store.
//!
//! An upload that fits one part is one request; a larger one is a multipart upload of which few parts are
//! in memory at once. Every call is bounded in time. Not here: what the bytes mean.

use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, Read, Write};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::fault::StateFault;

/// Bytes of a part: S3 wants 5 MiB at least, and 10,000 parts at most.
const PART_BYTES: usize = 8 << 20;
/// Parts that are on their way while the next is filled.
const PARTS_ON_THE_WAY: usize = 2;
/// Longest wait for one call, with its retries.
const CALL: Duration = Duration::from_secs(60);
/// Longest wait for giving up an upload.
const ABORT: Duration = Duration::from_secs(5);

/// Calls of a store from a plain thread, bounded in time.
#[derive(Clone)]
pub(super) struct Calls {
    handle: Handle,
    /// Where, in the words of messages.
    place: String,
}

impl Calls {
    pub(super) fn new(handle: Handle, place: String) -> Self {
        Self { handle, place }
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    pub(super) fn wait<T>(
        &self,
        doing: &'static str,
        call: impl Future<Output = object_store::Result<T>>,
    ) -> Result<T, StateFault> {
        let bounded = async { tokio::time::timeout(CALL, call).await };
        match self.handle.block_on(bounded) {
            Ok(result) => result.map_err(|error| StateFault::of(doing, &self.place, &error)),
            Err(_) => Err(self.timeout(doing)),
        }
    }

    fn timeout(&self, doing: &'static str) -> StateFault {
        StateFault::Timeout { doing, place: self.place.clone(), seconds: CALL.as_secs() }
    }
}

/// An object in the making; it is there after [`Upload::finish`], and only then.
pub(super) struct Upload<'a> {
    calls: &'a Calls,
    store: &'a dyn ObjectStore,
    path: Path,
    part: Vec<u8>,
    parts: Option<Box<dyn MultipartUpload>>,
    on_the_way: VecDeque<JoinHandle<Result<object_store::Result<()>, tokio::time::error::Elapsed>>>,
    bytes: u64,
    fault: Option<StateFault>,
}

impl<'a> Upload<'a> {
    pub(super) fn new(calls: &'a Calls, store: &'a dyn ObjectStore, path: Path) -> Self {
        Self {
            calls,
            store,
            path,
            part: Vec::new(),
            parts: None,
            on_the_way: VecDeque::new(),
            bytes: 0,
            fault: None,
        }
    }

    /// Sends what is in memory as a part.
    fn send(&mut self) -> Result<(), StateFault> {
        let parts = match &mut self.parts {
            Some(parts) => parts,
            none => {
                let begun = self.calls.wait("write to", self.store.put_multipart(&self.path))?;
                none.insert(begun)
            }
        };
        let part = std::mem::take(&mut self.part);
        self.bytes += part.len() as u64;
        let part = parts.put_part(PutPayload::from(part));
        self.on_the_way
            .push_back(self.calls.handle.spawn(async { tokio::time::timeout(CALL, part).await }));
        self.settle(PARTS_ON_THE_WAY)
    }

    /// Waits until at most so many parts are on their way.
    fn settle(&mut self, most: usize) -> Result<(), StateFault> {
        while self.on_the_way.len() > most {
            let Some(part) = self.on_the_way.pop_front() else { break };
            match self.calls.handle.block_on(part) {
                Ok(Ok(sent)) => {
                    sent.map_err(|e| StateFault::of("write to", &self.calls.place, &e))?;
                }
                Ok(Err(_)) => return Err(self.calls.timeout("write to")),
                Err(error) => {
                    return Err(StateFault::of("write to", &self.calls.place, &error.into()));
                }
            }
        }
        Ok(())
    }

    /// Ends the upload, or gives it up where writing has failed. Returns the number of bytes.
    pub(super) fn finish(mut self, written: io::Result<()>) -> Result<u64, StateFault> {
        let done = match (self.fault.take(), written) {
            (Some(fault), _) => Err(fault),
            (None, Err(source)) => {
                let error =
                    object_store::Error::Generic { store: "zstd", source: Box::new(source) };
                Err(StateFault::of("write to", &self.calls.place, &error))
            }
            (None, Ok(())) => self.complete(),
        };
        if done.is_err()
            && let Some(mut parts) = self.parts.take()
        {
            self.on_the_way.iter().for_each(JoinHandle::abort);
            let given_up = async { tokio::time::timeout(ABORT, parts.abort()).await };
            if !matches!(self.calls.handle.block_on(given_up), Ok(Ok(()))) {
                tracing::warn!(place = %self.calls.place, "parts of a failed upload may be left over");
            }
        }
        done
    }

    fn complete(&mut self) -> Result<u64, StateFault> {
        if self.parts.is_none() {
            let whole = std::mem::take(&mut self.part);
            self.bytes = whole.len() as u64;
            self.calls.wait("write to", self.store.put(&self.path, PutPayload::from(whole)))?;
            return Ok(self.bytes);
        }
        if !self.part.is_empty() {
            self.send()?;
        }
        self.settle(0)?;
        if let Some(parts) = &mut self.parts {
            self.calls.wait("write to", parts.complete())?;
        }
        Ok(self.bytes)
    }
}

impl Write for Upload<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.part.capacity() == 0 {
            self.part.reserve_exact(PART_BYTES);
        }
        let taken = bytes.len().min(PART_BYTES - self.part.len());
        self.part.extend_from_slice(&bytes[..taken]);
        if self.part.len() == PART_BYTES
            && let Err(fault) = self.send()
        {
            self.fault = Some(fault);
            return Err(io::Error::other("the store refused a part"));
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An object as it comes, from its first byte on.
pub(super) struct Download<'a> {
    calls: &'a Calls,
    chunks: BoxStream<'static, object_store::Result<Vec<u8>>>,
    chunk: Vec<u8>,
    /// Bytes of the chunk that were read.
    at: usize,
    /// What the store said, where reading failed: no damage of the object.
    pub(super) fault: Option<StateFault>,
}

impl<'a> Download<'a> {
    pub(super) fn begin(
        calls: &'a Calls,
        store: &dyn ObjectStore,
        path: &Path,
    ) -> Result<Self, StateFault> {
        let found = calls.wait("read from", store.get(path))?;
        let chunks = found.into_stream().map(|chunk| chunk.map(Vec::from)).boxed();
        Ok(Self { calls, chunks, chunk: Vec::new(), at: 0, fault: None })
    }
}

impl Read for Download<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.chunk.len() {
            let next = async { Ok(self.chunks.next().await) };
            let chunk = self.calls.wait("read from", next).and_then(|chunk| {
                chunk.transpose().map_err(|e| StateFault::of("read from", self.calls.place(), &e))
            });
            match chunk {
                Ok(None) => return Ok(0),
                Ok(Some(chunk)) => (self.chunk, self.at) = (chunk, 0),
                Err(fault) => {
                    self.fault = Some(fault);
                    return Err(io::Error::other("the store broke off"));
                }
            }
        }
        let taken = into.len().min(self.chunk.len() - self.at);
        into[..taken].copy_from_slice(&self.chunk[self.at..self.at + taken]);
        self.at += taken;
        Ok(taken)
    }
}
