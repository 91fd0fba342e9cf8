//! Replay: files through decoders and the engine, paced by event time.
//!
//! Blocks are decoded on all threads and applied in one order, so the engine sees what it would see on
//! one thread. The calling thread reads, applies, and decodes too when it has nothing else to do. Not
//! here: what becomes of the output.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};

use super::feed::Feed;
use crate::codec::{Decoder, FileBlock, LayoutError};
use crate::engine::{Engine, Input, Output};
use crate::model::{Batch, Layout, Limits, Reject, Settings};
use crate::source::{FileReader, FileSource};

/// Blocks in flight for each thread: enough that a decoder never waits for the engine.
const BLOCKS_A_THREAD: usize = 3;
/// Bytes of large blocks in flight: one more is read while there are fewer.
const BYTES_IN_FLIGHT_MAX: u64 = 64 << 20;
/// Batches of one large block that wait to be applied.
const PARTS_MAX: usize = 4;

/// Bytes of blocks, one of each file, that may wait for the files that are behind ...
const WAITING_BYTES: usize = 256 << 20;
/// ... as far as blocks are not smaller than this.
const BLOCK_BYTES_MIN: usize = 64 << 10;

/// What a replay tells while it runs.
pub enum Event<'a> {
    /// What the engine takes next.
    Input(Input<'a>),
    /// Findings and alerts, in their order.
    Output(&'a Output),
    /// Records that could not be read.
    Rejects(&'a [Reject]),
    /// Bytes of input that were read so far (as stored), and the event time that was reached.
    Progress {
        /// Bytes.
        bytes: u64,
        /// Watermark of the slowest open file, microseconds since 1970.
        time_us: Option<i64>,
        /// Events so far.
        events: u64,
    },
}

/// A replay that cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The layout cannot be read.
    #[error(transparent)]
    Layout(#[from] LayoutError),
}

/// A piece of work: a block with its place in the order, or the end of a file.
struct Job {
    order: u64,
    file: u32,
    block: Option<FileBlock>,
    /// Where its batches go one by one, if they are too many to be held.
    parts: Option<Sender<Batch>>,
}

/// A job that was decoded.
struct Done {
    order: u64,
    batches: Vec<Batch>,
}

/// What is known of a job that is not applied yet.
struct Sent {
    file: u32,
    bytes: u64,
    last: bool,
    parts: Option<Receiver<Batch>>,
}

/// Replays all files of a source through an engine. `tell` is called on this thread; an error from it
/// stops the replay and is returned.
///
/// # Errors
/// [`ReplayError`] where it cannot start, or what `tell` returned.
pub fn replay<E: From<ReplayError>>(
    source: &FileSource,
    engine: &mut Engine,
    threads: usize,
    mut tell: impl FnMut(&Engine, Event<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let settings = engine.settings().clone();
    let mut decoders = (0..threads.max(1))
        .map(|_| decoder(&settings))
        .collect::<Result<Vec<_>, _>>()
        .map_err(E::from)?;
    let Some(mut own) = decoders.pop() else { return Ok(()) };
    let schedule = Schedule::new(source, &settings, &mut own);
    for (partition, file) in (0..).zip(&schedule.files) {
        step(engine, Input::Opened { partition, begin_us: file.begin_us }, &mut tell)?;
    }
    let begins_us: Vec<Option<i64>> = schedule.files.iter().map(|file| file.begin_us).collect();
    let feed = Feed::new(&begins_us, engine);
    let in_flight_max = threads.max(1) * BLOCKS_A_THREAD;
    let (jobs_in, jobs_out) = bounded::<Job>(in_flight_max);
    let (done_in, done_out) = bounded::<Done>(in_flight_max);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for mut decoder in decoders {
            let (jobs, done, stop) = (jobs_out.clone(), done_in.clone(), &stop);
            scope.spawn(move || work(&mut decoder, &jobs, &done, stop));
        }
        let applier = Applier { engine, schedule, feed, tell: &mut tell, failed: None };
        let mut course = Course {
            applier,
            own,
            jobs: jobs_out.clone(),
            done: done_out,
            sent: VecDeque::new(),
            held: None,
            waiting: BTreeMap::new(),
            applied: 0,
        };
        let result = course.run(&jobs_in, in_flight_max);
        stop.store(true, Ordering::Relaxed);
        // Without its sender the queue ends, and with it the decoders; and none waits to hand over a part.
        drop(jobs_in);
        jobs_out.try_iter().for_each(drop);
        drop(course);
        result
    })
}

/// Blocks on their way: sent to be decoded, and applied in the order in which they were read.
struct Course<'a, E, T> {
    applier: Applier<'a, E, T>,
    own: Decoder,
    jobs: Receiver<Job>,
    done: Receiver<Done>,
    /// Jobs that are not applied yet, in their order; the first is number `applied`.
    sent: VecDeque<Sent>,
    /// A job that was taken from the queue by this thread, and whose turn has not come.
    held: Option<Job>,
    waiting: BTreeMap<u64, Done>,
    applied: u64,
}

impl<E, T: FnMut(&Engine, Event<'_>) -> Result<(), E>> Course<'_, E, T> {
    fn run(&mut self, jobs: &Sender<Job>, in_flight_max: usize) -> Result<(), E> {
        loop {
            while self.sent.len() < in_flight_max && self.bytes() < BYTES_IN_FLIGHT_MAX {
                let Some((file, block)) = self.applier.schedule.next() else { break };
                let (parts_in, parts) = match &block {
                    Some(block) if block.is_streamed() => {
                        let (sender, receiver) = bounded(PARTS_MAX);
                        (Some(sender), Some(receiver))
                    }
                    _ => (None, None),
                };
                let bytes = block.as_ref().map_or(0, FileBlock::bytes);
                let order = self.applied + self.sent.len() as u64;
                self.sent.push_back(Sent { file, bytes, last: block.is_none(), parts });
                if jobs.send(Job { order, file, block, parts: parts_in }).is_err() {
                    break;
                }
            }
            if self.sent.is_empty() {
                return Ok(());
            }
            self.advance()?;
        }
    }

    /// Bytes that the blocks on their way hold.
    fn bytes(&self) -> u64 {
        self.sent.iter().map(|sent| sent.bytes).sum()
    }

    /// Applies what is next, or decodes something, or waits.
    fn advance(&mut self) -> Result<(), E> {
        self.waiting.extend(self.done.try_iter().map(|done| (done.order, done)));
        if let Some(done) = self.waiting.remove(&self.applied) {
            return self.apply(done.batches);
        }
        if self.held.as_ref().is_some_and(|job| job.order == self.applied)
            && let Some(job) = self.held.take()
        {
            return self.stream(job);
        }
        if let Some(parts) = self.sent.front().and_then(|sent| sent.parts.as_ref()) {
            match parts.try_recv() {
                Ok(batch) => return self.part(batch),
                Err(TryRecvError::Disconnected) => return self.apply(Vec::new()),
                Err(TryRecvError::Empty) => {}
            }
        }
        // Jobs are taken in their order: if there is none, or only later ones, the next is being decoded.
        if self.held.is_none()
            && let Ok(job) = self.jobs.try_recv()
        {
            match job.parts {
                None => drop(self.waiting.insert(job.order, decode(&mut self.own, &job))),
                Some(_) if job.order == self.applied => return self.stream(job),
                Some(_) => self.held = Some(job),
            }
            return Ok(());
        }
        match self.sent.front().and_then(|sent| sent.parts.as_ref()) {
            Some(parts) => match parts.recv() {
                Ok(batch) => self.part(batch),
                Err(_) => self.apply(Vec::new()),
            },
            None => {
                if let Ok(done) = self.done.recv() {
                    self.waiting.insert(done.order, done);
                }
                Ok(())
            }
        }
    }

    /// Decodes a job whose turn it is, and applies each batch as it comes.
    fn stream(&mut self, job: Job) -> Result<(), E> {
        let Self { applier, own, .. } = self;
        if let Some(block) = &job.block {
            own.decode(block, &mut |batch| applier.part(job.file, batch));
        }
        match self.applier.failed.take() {
            Some(failed) => Err(failed),
            None => self.apply(Vec::new()),
        }
    }

    /// Applies one batch of a job that is not at its end.
    fn part(&mut self, batch: Batch) -> Result<(), E> {
        let file = self.sent.front().map_or(0, |sent| sent.file);
        self.applier.part(file, batch);
        self.applier.failed.take().map_or(Ok(()), Err)
    }

    /// Applies the rest of a job.
    fn apply(&mut self, batches: Vec<Batch>) -> Result<(), E> {
        let Some(sent) = self.sent.pop_front() else { return Ok(()) };
        self.applied += 1;
        self.applier.apply(sent.file, batches, sent.last)
    }
}

fn decoder(settings: &Settings) -> Result<Decoder, ReplayError> {
    let time = &settings.time;
    // Ids are for showing events, which a replay does not do: not reading them saves a copy of each.
    let layout = Layout { id: None, ..settings.layout.clone() };
    Ok(Decoder::new(&layout, &settings.limits, time.not_before_us, time.not_after_us)?)
}

fn work(decoder: &mut Decoder, jobs: &Receiver<Job>, done: &Sender<Done>, stop: &AtomicBool) {
    for job in jobs {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        if let (Some(parts), Some(block)) = (&job.parts, &job.block) {
            // Whoever has stopped listening wants none of it.
            decoder.decode(block, &mut |batch| drop(parts.send(batch)));
        } else if done.send(decode(decoder, &job)).is_err() {
            return;
        }
    }
}

fn decode(decoder: &mut Decoder, job: &Job) -> Done {
    let mut batches = Vec::new();
    if let Some(block) = &job.block {
        decoder.decode(block, &mut |batch| batches.push(batch));
    }
    Done { order: job.order, batches }
}

/// Gives the engine one input, and tells both sides of it.
fn step<E>(
    engine: &mut Engine,
    input: Input<'_>,
    tell: &mut impl FnMut(&Engine, Event<'_>) -> Result<(), E>,
) -> Result<(), E> {
    tell(engine, Event::Input(input))?;
    let output = engine.step(input);
    tell(engine, Event::Output(&output))
}

/// Who is given what was decoded.
struct Applier<'a, E, T> {
    engine: &'a mut Engine,
    schedule: Schedule<'a>,
    feed: Feed,
    tell: &'a mut T,
    /// Why a batch was not taken; after it there are no more.
    failed: Option<E>,
}

impl<E, T: FnMut(&Engine, Event<'_>) -> Result<(), E>> Applier<'_, E, T> {
    /// Gives what the engine may take by now, and says how far it has come.
    fn give(&mut self, file: u32, batches: Vec<Batch>, is_read: bool) -> Result<(), E> {
        for batch in batches.iter().filter(|batch| !batch.rejects.is_empty()) {
            (self.tell)(self.engine, Event::Rejects(&batch.rejects))?;
        }
        self.feed.add(file, batches, is_read);
        let tell = &mut *self.tell;
        self.feed.give(self.engine, |engine, input| step(engine, input, tell))?;
        self.schedule.reached(self.engine);
        let (bytes, time_us) = (self.schedule.bytes(), self.schedule.slowest());
        let events = self.engine.counters().events;
        (self.tell)(self.engine, Event::Progress { bytes, time_us, events })
    }

    /// A batch of a block that is not at its end.
    fn part(&mut self, file: u32, batch: Batch) {
        if self.failed.is_none() {
            self.failed = self.give(file, vec![batch], false).err();
        }
    }

    /// The last batches of a block.
    fn apply(&mut self, file: u32, batches: Vec<Batch>, last: bool) -> Result<(), E> {
        self.give(file, batches, last)?;
        self.schedule.applied(file);
        Ok(())
    }
}

/// Which file is read next: the one that is furthest behind in event time.
struct Schedule<'a> {
    source: &'a FileSource,
    limits: Limits,
    files: Vec<FileState>,
}

struct FileState {
    begin_us: Option<i64>,
    reached_us: i64,
    in_flight: u64,
    bytes: u64,
    reader: Option<FileReader>,
    ended: bool,
}

impl<'a> Schedule<'a> {
    fn new(source: &'a FileSource, settings: &Settings, decoder: &mut Decoder) -> Self {
        let files = (0..source.files().len() as u32)
            .map(|partition| {
                let begin_us = source.first_time(partition, &settings.limits, decoder);
                let reached_us = begin_us.unwrap_or(i64::MIN);
                FileState {
                    begin_us,
                    reached_us,
                    in_flight: 0,
                    bytes: 0,
                    reader: None,
                    ended: false,
                }
            })
            .collect();
        // A block of each file may wait for the others: of many files, smaller ones.
        let share = WAITING_BYTES / source.files().len().max(1);
        let block_bytes = settings.limits.block_bytes.min(share.max(BLOCK_BYTES_MIN));
        Self { source, limits: Limits { block_bytes, ..settings.limits.clone() }, files }
    }

    /// The next block of the file that is furthest behind, or the end of that file.
    fn next(&mut self) -> Option<(u32, Option<FileBlock>)> {
        let behind = |(at, file): &(usize, &FileState)| (file.reached_us, file.in_flight, *at);
        let open = self.files.iter().enumerate().filter(|(_, file)| !file.ended);
        let (at, _) = open.min_by_key(behind)?;
        let file = &mut self.files[at];
        let reader = file.reader.get_or_insert_with(|| self.source.open(at as u32, &self.limits));
        let block = reader.next();
        file.bytes = reader.bytes_read();
        file.in_flight += 1;
        if block.is_none() {
            file.ended = true;
            file.reader = None;
        }
        Some((at as u32, block))
    }

    /// Events were applied. Where the engine's clocks of the files stand decides what is read next: a lone
    /// record from the future must not keep a file from being read while the others fill panes.
    fn reached(&mut self, engine: &Engine) {
        for (partition, file) in (0..).zip(&mut self.files).filter(|(_, file)| !file.ended) {
            let reached_us = engine.reached_us(partition).unwrap_or(i64::MIN);
            file.reached_us = file.reached_us.max(reached_us);
        }
    }

    /// A block was applied whole.
    fn applied(&mut self, file: u32) {
        let file = &mut self.files[file as usize];
        file.in_flight = file.in_flight.saturating_sub(1);
    }

    fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    fn slowest(&self) -> Option<i64> {
        let open = self.files.iter().filter(|file| !file.ended && file.reached_us > i64::MIN);
        open.map(|file| file.reached_us).min()
    }
}
