//! Replay: files through decoders and the engine, paced by event time.
//!
//! Blocks are decoded on all threads and applied in one order, so the engine sees what it would see on
//! one thread. The calling thread reads, applies, and decodes too when it has nothing else to do. Not
//! here: what becomes of the output.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::feed::Feed;
use crate::codec::{Decoder, FileBlock, LayoutError};
use crate::engine::{Engine, Input, Output};
use crate::model::{Batch, Layout, Limits, Reject, Settings};
use crate::source::{FileReader, FileSource};

/// Blocks in flight for each thread: enough that a decoder never waits for the engine.
const BLOCKS_A_THREAD: usize = 3;

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
}

/// A job that was decoded.
struct Done {
    order: u64,
    file: u32,
    batches: Vec<Batch>,
    last: bool,
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
    let mut schedule = Schedule::new(source, &settings, &mut own);
    for (partition, file) in (0..).zip(&schedule.files) {
        step(engine, Input::Opened { partition, begin_us: file.begin_us }, &mut tell)?;
    }
    let begins_us: Vec<Option<i64>> = schedule.files.iter().map(|file| file.begin_us).collect();
    let mut feed = Feed::new(&begins_us, engine);
    let in_flight_max = threads.max(1) * BLOCKS_A_THREAD;
    let (jobs_in, jobs_out) = bounded::<Job>(in_flight_max);
    let (done_in, done_out) = bounded::<Done>(in_flight_max);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for mut decoder in decoders {
            let (jobs, done, stop) = (jobs_out.clone(), done_in.clone(), &stop);
            scope.spawn(move || work(&mut decoder, &jobs, &done, stop));
        }
        let mut run = || -> Result<(), E> {
            let mut waiting: BTreeMap<u64, Done> = BTreeMap::new();
            let (mut sent, mut applied) = (0u64, 0u64);
            loop {
                while sent - applied < in_flight_max as u64 {
                    let Some((file, block)) = schedule.next() else { break };
                    if jobs_in.send(Job { order: sent, file, block }).is_err() {
                        break;
                    }
                    sent += 1;
                }
                if sent == applied {
                    return Ok(());
                }
                waiting.extend(done_out.try_iter().map(|done| (done.order, done)));
                if let Some(done) = waiting.remove(&applied) {
                    applied += 1;
                    apply(done, engine, (&mut schedule, &mut feed), &mut tell)?;
                } else if let Ok(job) = jobs_out.try_recv() {
                    let done = decode(&mut own, job);
                    waiting.insert(done.order, done);
                } else if let Ok(done) = done_out.recv() {
                    waiting.insert(done.order, done);
                }
            }
        };
        let result = run();
        stop.store(true, Ordering::Relaxed);
        // Without its sender the queue ends, and with it the decoders.
        drop(jobs_in);
        jobs_out.try_iter().for_each(drop);
        result
    })
}

fn decoder(settings: &Settings) -> Result<Decoder, ReplayError> {
    let time = &settings.time;
    // Ids are for showing events, which a replay does not do: not reading them saves a copy of each.
    let layout = Layout { id: None, ..settings.layout.clone() };
    Ok(Decoder::new(&layout, &settings.limits, time.not_before_us, time.not_after_us)?)
}

fn work(decoder: &mut Decoder, jobs: &Receiver<Job>, done: &Sender<Done>, stop: &AtomicBool) {
    for job in jobs {
        if stop.load(Ordering::Relaxed) || done.send(decode(decoder, job)).is_err() {
            return;
        }
    }
}

fn decode(decoder: &mut Decoder, job: Job) -> Done {
    let mut batches = Vec::new();
    if let Some(block) = &job.block {
        decoder.decode(block, &mut |batch| batches.push(batch));
    }
    Done { order: job.order, file: job.file, batches, last: job.block.is_none() }
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

fn apply<E>(
    done: Done,
    engine: &mut Engine,
    (schedule, feed): (&mut Schedule<'_>, &mut Feed),
    tell: &mut impl FnMut(&Engine, Event<'_>) -> Result<(), E>,
) -> Result<(), E> {
    for batch in done.batches.iter().filter(|batch| !batch.rejects.is_empty()) {
        tell(engine, Event::Rejects(&batch.rejects))?;
    }
    feed.add(done.file, done.batches, done.last);
    feed.give(engine, |engine, input| step(engine, input, tell))?;
    schedule.applied(done.file, engine);
    let events = engine.counters().events;
    tell(engine, Event::Progress { bytes: schedule.bytes(), time_us: schedule.slowest(), events })
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

    /// A block came to the engine's side. Where its clocks of the files stand decides what is read next: a
    /// lone record from the future must not keep a file from being read while the others fill panes.
    fn applied(&mut self, file: u32, engine: &Engine) {
        for (partition, file) in (0..).zip(&mut self.files) {
            let reached_us = engine.reached_us(partition).unwrap_or(i64::MIN);
            file.reached_us = file.reached_us.max(reached_us);
        }
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
