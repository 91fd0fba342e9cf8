//! Records: the ticks by which series were judged, kept where that is asked for, so that they can be run
//! again ([`Rerun`](super::Rerun)).
//!
//! Bounded: of so many series (those with the smallest hashes of their keys, so that it is a sample which
//! no order decides) the last so many ticks. It is no part of the state: neither snapshots nor forks have it.

use std::collections::{BTreeMap, VecDeque};

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::engine::key::Key;
use crate::engine::series::tick::SeriesTick;

/// Ticks of one piece: what is dropped at once.
const PIECE: usize = 1024;

/// Bounds of what is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordLimits {
    /// Most series.
    pub series: usize,
    /// Most ticks of each, the last ones; rounded up to a multiple of 1,024.
    pub ticks: usize,
}

/// The ticks of one series, in their order.
#[derive(Debug, Clone)]
pub struct RecordedTicks {
    /// Hash of key and metric.
    pub hash: u64,
    pub(crate) key: Key,
    pub(crate) metric: String,
    /// Length of its spans, where it is about a scalar.
    pub(crate) every_us: Option<i64>,
    pieces: VecDeque<Piece>,
}

#[derive(Debug, Clone, Default)]
struct Piece {
    /// When each tick began, and where its counts end in `bytes`.
    ticks: Vec<(i64, u32)>,
    /// Code and count of each code that was there; counts as LEB128.
    bytes: Vec<u8>,
}

/// What is recorded so far.
#[derive(Debug)]
pub(crate) struct Recorder {
    limits: RecordLimits,
    by_hash: BTreeMap<(u64, Key, String), RecordedTicks>,
}

impl Recorder {
    pub(crate) fn new(limits: RecordLimits) -> Self {
        Self { limits, by_hash: BTreeMap::new() }
    }

    /// What was recorded, in the order of hashes.
    pub(crate) fn into_records(self) -> Vec<RecordedTicks> {
        self.by_hash.into_values().collect()
    }

    /// Records a tick of a series.
    pub(crate) fn record(
        &mut self,
        key: &Key,
        metric: &str,
        every_us: Option<i64>,
        tick: &SeriesTick<'_>,
    ) {
        let seed = xxh3_64(metric.as_bytes());
        let hash = key.iter().fold(seed, |seed, part| xxh3_64_with_seed(part.as_bytes(), seed));
        let is_full = self.by_hash.len() >= self.limits.series;
        let last = self.by_hash.last_key_value().map(|((last, ..), _)| *last);
        if is_full && last.is_none_or(|last| hash > last) {
            return;
        }
        let new = || {
            let (key, metric, pieces) = (key.clone(), metric.to_owned(), VecDeque::new());
            RecordedTicks { hash, key, metric, every_us, pieces }
        };
        let place = (hash, key.clone(), metric.to_owned());
        self.by_hash.entry(place).or_insert_with(new).push(tick, self.limits.ticks);
        if self.by_hash.len() > self.limits.series {
            self.by_hash.pop_last();
        }
    }
}

impl RecordedTicks {
    /// Model, version and segments, in the order of the settings' keys.
    pub fn key(&self) -> &[String] {
        &self.key
    }

    /// The metric, or the name of the scalar.
    pub fn metric(&self) -> &str {
        &self.metric
    }

    /// Length of its spans, microseconds, where it is a value of spans and not of events.
    pub fn every_us(&self) -> Option<i64> {
        self.every_us
    }

    /// When each tick began, microseconds since 1970, rising.
    pub fn times_us(&self) -> Vec<i64> {
        self.pieces.iter().flat_map(|piece| piece.ticks.iter().map(|(time, _)| *time)).collect()
    }

    /// Whether its first ticks may have been dropped.
    pub fn may_be_cut(&self, limits: RecordLimits) -> bool {
        let ticks: usize = self.pieces.iter().map(|piece| piece.ticks.len()).sum();
        ticks + PIECE > limits.ticks
    }

    /// Counts of a tick by code. Panics beyond the last.
    pub(crate) fn counts(&self, at: usize, counts: &mut [u32]) {
        counts.fill(0);
        let (piece, at) = (&self.pieces[at / PIECE], at % PIECE);
        let from = if at == 0 { 0 } else { piece.ticks[at - 1].1 as usize };
        let mut bytes = &piece.bytes[from..piece.ticks[at].1 as usize];
        while let [code, rest @ ..] = bytes {
            bytes = rest;
            let (mut count, mut shift) = (0u32, 0);
            while let [byte, rest @ ..] = bytes {
                bytes = rest;
                count |= u32::from(byte & 0x7f) << shift;
                shift += 7;
                if byte & 0x80 == 0 {
                    break;
                }
            }
            if let Some(to) = counts.get_mut(usize::from(*code)) {
                *to = count;
            }
        }
    }

    fn push(&mut self, tick: &SeriesTick<'_>, ticks_max: usize) {
        if self.pieces.back().is_none_or(|piece| piece.ticks.len() == PIECE) {
            if self.pieces.len() * PIECE >= ticks_max {
                self.pieces.pop_front();
            }
            self.pieces.push_back(Piece::default());
        }
        let Some(piece) = self.pieces.back_mut() else { return };
        for (code, n) in (0u8..).zip(tick.counts).filter(|(_, n)| **n > 0) {
            piece.bytes.push(code);
            let mut n = *n;
            while n >= 0x80 {
                piece.bytes.push((n & 0x7f) as u8 | 0x80);
                n >>= 7;
            }
            piece.bytes.push(n as u8);
        }
        piece.ticks.push((tick.from_us, piece.bytes.len() as u32));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        vec![name.to_owned()].into()
    }

    #[test]
    fn the_last_ticks_of_a_sample_of_series_come_back_as_they_were() {
        let limits = RecordLimits { series: 3, ticks: 2 * PIECE };
        let tick = |at: usize| [at as u32 % 5, 0, at as u32 * 1000, u32::MAX - at as u32];
        let mut kept = Vec::new();
        for reversed in [false, true] {
            let mut recorder = Recorder::new(limits);
            for at in 0..2 * PIECE + 10 {
                for series in 0..20 {
                    let series = if reversed { 19 - series } else { series };
                    let counts = tick(at);
                    let from_us = at as i64;
                    let tick = SeriesTick { counts: &counts, lanes: &[], from_us, end_us: from_us };
                    recorder.record(&key(&format!("m{series}")), "x", None, &tick);
                }
            }
            let records: Vec<RecordedTicks> = recorder.into_records();
            assert_eq!(records.len(), 3);
            for record in &records {
                let times = record.times_us();
                assert_eq!((times.len(), times[0]), (PIECE + 10, PIECE as i64));
                let mut counts = [9; 4];
                for (at, time) in times.iter().enumerate() {
                    record.counts(at, &mut counts);
                    assert_eq!(counts, tick(*time as usize));
                }
            }
            kept.push(records.iter().map(|record| record.hash).collect::<Vec<_>>());
        }
        assert_eq!(kept[0], kept[1], "which series does not depend on who comes first");
    }
}
