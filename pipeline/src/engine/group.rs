//! A group: the series of one (model, version, segments), one series a metric.

use std::sync::Arc;

use driftline_detectors::dependence::PooledDependence;
use driftline_detectors::encoder::Encoder;
use driftline_detectors::evidence::Evidence;
use driftline_detectors::lanes::Tables;
use serde::{Deserialize, Serialize};

use super::alerts::Stake;
use super::calm::Firing;
use super::intern::Interner;
use super::learn::Learning;
use super::library::Library;
use super::pane::PaneGroup;
use crate::model::Settings;

/// Dense number of a group; in the order of admission, never in an output.
pub(crate) type GroupId = u32;

/// Model, version, segments: as strings, in the order of the layout's keys. Empty = missing.
pub(crate) type Key = Arc<[String]>;

/// The state of one group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Group {
    /// Its scalars, which it shares with other versions.
    pub(crate) stem: u32,
    pub(crate) key: Key,
    /// Start of its first pane.
    pub(crate) since_us: i64,
    pub(crate) events: u64,
    pub(crate) phase: Phase,
    /// Baselines in the making of metrics that have none while others are watched: a config that names
    /// more metrics, or a file that lacks some.
    pub(crate) more: Option<Box<Learning>>,
    /// Offsets of its metrics' codes in a pane's counts, and their sum; empty until it has encoders.
    pub(crate) offsets: Vec<u32>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Phase {
    /// No encoders yet: panes are raw.
    Learning(Box<Learning>),
    /// Encoders, no verdicts yet: panes are codes.
    Coding(Box<Learning>),
    /// A frozen baseline for each metric; none where it is learned yet, see [`Group::more`].
    Watching(Vec<Option<Series>>),
}

/// The live state of one watched series: all that is kept of it besides its baseline.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Series {
    /// Its baseline's place in the library.
    pub(crate) baseline: u32,
    pub(crate) evidence: Evidence,
    /// Counts of panes that were too thin to be a tick.
    pub(crate) carry: Vec<u32>,
    pub(crate) carry_from_us: i64,
    /// Events in `carry`; where it is 0, `carry` holds nothing that counts.
    pub(crate) carried: u64,
    /// Counts of the last minutes, for the learned lane.
    pub(crate) recent: Vec<f32>,
    pub(crate) recent_window: i64,
    pub(crate) firing: Option<Firing>,
}

impl Group {
    /// The encoder of a metric, once there is one.
    pub(crate) fn encoder<'a>(
        &'a self,
        metric: usize,
        library: &'a Library,
    ) -> Option<&'a Encoder> {
        match &self.phase {
            Phase::Learning(_) => None,
            Phase::Coding(learning) => learning.encoder(metric),
            Phase::Watching(series) => match series.get(metric)? {
                Some(series) => Some(&library.baseline(series.baseline).encoder),
                None => self.more.as_ref()?.encoder(metric),
            },
        }
    }

    /// Whether values of some metric are kept as they are, beside the codes of others.
    pub(crate) fn wants_raw(&self) -> bool {
        self.more.as_ref().is_some_and(|more| !more.is_encoded())
    }

    /// Begins to learn the metrics that have no baseline, where others have one.
    pub(crate) fn learn_more(&mut self, from_us: i64, settings: &Settings) {
        let Phase::Watching(series) = &self.phase else { return };
        let missing: Vec<u16> =
            (0..).zip(series).filter(|(_, series)| series.is_none()).map(|(at, _)| at).collect();
        self.more =
            (!missing.is_empty()).then(|| Box::new(Learning::of(missing, from_us, settings)));
    }

    /// Recomputes the offsets after the encoders came to be.
    pub(crate) fn lay_out(&mut self, metrics: usize, library: &Library) {
        let mut offsets = vec![0u32];
        for metric in 0..metrics {
            let codes = self.encoder(metric, library).map_or(0, Encoder::codes);
            offsets.push(offsets[metric] + codes as u32);
        }
        self.offsets = offsets;
    }

    /// Makes the codes of one of its panes whole: raw values become codes.
    pub(crate) fn fill_codes(
        &self,
        counts: &mut PaneGroup,
        library: &Library,
        labels: &[Interner],
    ) {
        let PaneGroup { codes, raw, .. } = counts;
        codes.resize(self.codes(), 0);
        if let Some(raw) = raw {
            for (metric, (raw, labels)) in raw.metrics.iter().zip(labels).enumerate() {
                let span = self.offsets[metric] as usize..self.offsets[metric + 1] as usize;
                if let Some(encoder) = self.encoder(metric, library) {
                    raw.encode_into(encoder, labels, &mut codes[span]);
                }
            }
        }
    }

    /// Goes on to codes at the end of a pane, where it is due. Returns whether all is learned by now.
    pub(crate) fn grow_up(&mut self, now_us: i64, settings: &Settings, library: &Library) -> bool {
        if let Phase::Learning(learning) = &self.phase {
            if !learning.is_half(now_us, settings) {
                return false;
            }
            self.start_coding(settings, library);
        }
        if let Some(more) = &mut self.more
            && !more.is_encoded()
            && more.is_half(now_us, settings)
        {
            more.encode(settings);
            self.lay_out(settings.metrics.len(), library);
        }
        self.whole(now_us, settings).is_some()
    }

    /// The end of the first stage: encoders, and codes from now on.
    fn start_coding(&mut self, settings: &Settings, library: &Library) {
        match std::mem::replace(&mut self.phase, Phase::Watching(Vec::new())) {
            Phase::Learning(mut learning) => {
                learning.encode(settings);
                self.phase = Phase::Coding(learning);
                self.lay_out(settings.metrics.len(), library);
            }
            other => self.phase = other,
        }
    }

    /// What has been learned, where that is all.
    fn whole(&mut self, now_us: i64, settings: &Settings) -> Option<&mut Learning> {
        let learning = match &mut self.phase {
            Phase::Coding(learning) => Some(learning),
            Phase::Watching(_) => self.more.as_mut().filter(|more| more.is_encoded()),
            Phase::Learning(_) => None,
        };
        learning
            .filter(|learning| learning.is_whole(now_us, settings))
            .map(|learning| &mut **learning)
    }

    /// Tells the other series of its metrics what it has learned of their ticks, where that is all.
    pub(crate) fn tell(
        &mut self,
        now_us: i64,
        settings: &Settings,
        siblings: &mut [PooledDependence],
    ) {
        let Some(learning) = self.whole(now_us, settings) else { return };
        learning.tell(now_us, settings, siblings);
    }

    /// Tells it of what was learned so far, however little, since that is to be frozen.
    pub(crate) fn tell_now(
        &mut self,
        now_us: i64,
        settings: &Settings,
        library: &Library,
        siblings: &mut [PooledDependence],
    ) {
        self.start_coding(settings, library);
        if let Phase::Coding(learning) = &mut self.phase {
            learning.tell(now_us, settings, siblings);
        }
    }

    /// Begins to watch what is learned. Returns how many series that is.
    pub(crate) fn begin(
        &mut self,
        now_us: i64,
        settings: &Settings,
        library: &mut Library,
        siblings: &[PooledDependence],
    ) -> u64 {
        if matches!(self.phase, Phase::Coding(_)) {
            return self.watch(now_us, settings, library, siblings);
        }
        let (Some(more), Phase::Watching(series)) = (self.more.take(), &mut self.phase) else {
            return 0;
        };
        let learned = more.finish(now_us, settings, siblings);
        let watched = learned.len() as u64;
        for (metric, baseline, zone) in learned {
            series[metric] = Some(Series::new(library.add(baseline, zone), library));
        }
        watched
    }

    /// Freezes what was learned so far and begins to watch.
    pub(crate) fn watch(
        &mut self,
        now_us: i64,
        settings: &Settings,
        library: &mut Library,
        siblings: &[PooledDependence],
    ) -> u64 {
        let phase = std::mem::replace(&mut self.phase, Phase::Watching(Vec::new()));
        let Phase::Coding(learning) = phase else {
            self.phase = phase;
            return 0;
        };
        let series: Vec<_> = learning
            .finish(now_us, settings, siblings)
            .into_iter()
            .map(|(_, baseline, zone)| Some(Series::new(library.add(baseline, zone), library)))
            .collect();
        let watched = series.len() as u64;
        self.phase = Phase::Watching(series);
        watched
    }

    /// Codes of all its metrics together; 0 while it has no encoders.
    pub(crate) fn codes(&self) -> usize {
        self.offsets.last().map_or(0, |n| *n as usize)
    }
}

impl Series {
    pub(crate) fn new(baseline: u32, library: &Library) -> Self {
        let tables = library.tables(baseline);
        Self {
            baseline,
            evidence: Evidence::new(tables),
            carry: vec![0; tables.codes()],
            carry_from_us: 0,
            carried: 0,
            recent: vec![0.0; tables.codes()],
            recent_window: i64::MIN,
            firing: None,
        }
    }

    /// Takes a pane's counts. Where they are enough for a tick, together with what was carried, returns
    /// when the tick began; the counts are `own` alone where nothing was carried, else `carry`.
    pub(crate) fn gather(
        &mut self,
        own: &[u32],
        events: u64,
        minimum: u64,
        start_us: i64,
    ) -> Option<i64> {
        if self.carried == 0 {
            if events >= minimum {
                return Some(start_us);
            }
            self.carry_from_us = start_us;
            self.carry.copy_from_slice(own);
        } else {
            self.carry.iter_mut().zip(own).for_each(|(sum, n)| *sum += n);
        }
        self.carried += events;
        (self.carried >= minimum).then_some(self.carry_from_us)
    }

    /// Takes a tick: learned lane, evidence, memory.
    pub(crate) fn take(
        &mut self,
        tables: &Tables,
        counts: &[u32],
        lanes: &[f64],
        from_us: i64,
        window_us: i64,
    ) {
        let window = from_us.div_euclid(window_us);
        if self.recent_window != window {
            // Fixed before the tick that it judges, so that it stays an e-value.
            self.evidence.learn(tables.learned(&self.recent));
            self.recent.iter_mut().for_each(|n| *n *= 0.5);
            self.recent_window = window;
        }
        self.evidence.absorb(tables, counts, lanes, from_us);
        self.recent.iter_mut().zip(counts).for_each(|(sum, n)| *sum += *n as f32);
    }

    /// A finding was made of the evidence: it starts anew, and is looked at for signs of calm.
    pub(crate) fn fire(&mut self, stake: Stake, now_us: i64, tables: &Tables) {
        self.firing = Some(Firing::new(stake, now_us, tables, &self.evidence));
        self.evidence.restart();
    }

    /// Takes a tick while a finding is on. Returns its stake where it is resolved by now.
    pub(crate) fn calm(
        &mut self,
        tables: &Tables,
        (counts, lanes): (&[u32], &[f64]),
        now_us: i64,
        settings: &Settings,
    ) -> Option<Stake> {
        let firing = self.firing.as_mut()?;
        self.evidence.watch_finding(tables, counts, lanes);
        if !firing.take(tables, &self.evidence, counts, now_us, settings.alert.resolve_us) {
            return None;
        }
        self.recent.fill(0.0);
        self.evidence.end_finding();
        self.firing.take().map(|firing| firing.stake)
    }

    /// Bytes of the live state.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() - size_of::<Evidence>()
            + self.evidence.bytes()
            + self.carry.capacity() * 4
            + self.recent.capacity() * 4
            + self.firing.as_ref().map_or(0, Firing::bytes)
    }
}
