//! A group: the series of one (model, version, segments), one series a metric.

use driftline_detectors::dependence::PooledDependence;
use driftline_detectors::encoder::Encoder;
use serde::{Deserialize, Serialize};

use crate::engine::count::intern::Interner;
use crate::engine::count::pane::PaneGroup;
use crate::engine::key::{ChartsId, Key};
use crate::engine::learn::learning::BaselineLearner;
use crate::engine::learn::library::Library;
use crate::engine::series::watched::WatchedSeries;
use crate::model::Settings;

/// The state of one group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Group {
    /// The charts of its model, which it shares with other versions.
    pub(crate) charts: ChartsId,
    pub(crate) key: Key,
    /// Start of its first pane.
    pub(crate) since_us: i64,
    pub(crate) events: u64,
    pub(crate) phase: Phase,
    /// Baselines in the making of metrics that have none while others are watched: a config that names
    /// more metrics, or a file that lacks some.
    pub(crate) more: Option<Box<BaselineLearner>>,
    /// Offsets of its metrics' codes in a pane's counts, and their sum; empty until it has encoders.
    pub(crate) offsets: Vec<u32>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Phase {
    /// No encoders yet: panes are raw.
    Learning(Box<BaselineLearner>),
    /// Encoders, no verdicts yet: panes are codes.
    Coding(Box<BaselineLearner>),
    /// A frozen baseline for each metric; none where it is learned yet, see [`Group::more`].
    Watching(Vec<Option<WatchedSeries>>),
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
        self.more = (!missing.is_empty())
            .then(|| Box::new(BaselineLearner::of_metrics(missing, from_us, settings)));
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

    /// Learns from one of its panes: raw values, or the codes, where it has encoders; those are whole by now.
    pub(crate) fn learn(
        &mut self,
        counts: &mut PaneGroup,
        start_us: i64,
        labels: &[Interner],
        settings: &Settings,
    ) {
        let (learning, is_coded) = match &mut self.phase {
            Phase::Learning(learning) => (learning, false),
            Phase::Coding(learning) => (learning, true),
            Phase::Watching(_) => match &mut self.more {
                Some(more) if more.is_encoded() => (more, true),
                Some(more) => (more, false),
                None => return,
            },
        };
        let range_us = settings.baseline.range_us;
        let is_inside = range_us.is_none_or(|(from, to)| (from..to).contains(&start_us));
        if !is_coded {
            let raw = counts.raw.take().filter(|_| is_inside);
            raw.into_iter().for_each(|raw| learning.absorb_raw(*raw, labels, settings));
        } else if is_inside {
            let codes = (&counts.codes[..], &self.offsets[..]);
            learning.absorb_codes(start_us, counts.events, codes, settings);
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
    fn whole(&mut self, now_us: i64, settings: &Settings) -> Option<&mut BaselineLearner> {
        let learning = match &mut self.phase {
            Phase::Coding(learning) => Some(learning),
            Phase::Watching(_) => self.more.as_mut().filter(|more| more.is_encoded()),
            Phase::Learning(_) => None,
        };
        learning
            .filter(|learning| learning.is_whole(now_us, settings))
            .map(|learning| &mut **learning)
    }

    /// Shares with the other series of its metrics what it has learned of their ticks, where that is all.
    pub(crate) fn share_spans(
        &mut self,
        now_us: i64,
        settings: &Settings,
        siblings: &mut [PooledDependence],
    ) {
        let Some(learning) = self.whole(now_us, settings) else { return };
        learning.share_spans(now_us, settings, siblings);
    }

    /// Shares what was learned so far, however little, since that is to be frozen.
    pub(crate) fn share_spans_now(
        &mut self,
        now_us: i64,
        settings: &Settings,
        library: &Library,
        siblings: &mut [PooledDependence],
    ) {
        self.start_coding(settings, library);
        if let Phase::Coding(learning) = &mut self.phase {
            learning.share_spans(now_us, settings, siblings);
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
            let id = library.add(baseline, zone);
            series[metric] = Some(WatchedSeries::new(id, library.tables(id)));
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
            .map(|(_, baseline, zone)| {
                let id = library.add(baseline, zone);
                Some(WatchedSeries::new(id, library.tables(id)))
            })
            .collect();
        let watched = series.len() as u64;
        self.phase = Phase::Watching(series);
        watched
    }

    /// The series of a metric that is watched, to be changed.
    pub(crate) fn series_mut(&mut self, metric: usize) -> Option<&mut WatchedSeries> {
        match &mut self.phase {
            Phase::Watching(series) => series.get_mut(metric)?.as_mut(),
            _ => None,
        }
    }

    /// Codes of all its metrics together; 0 while it has no encoders.
    pub(crate) fn codes(&self) -> usize {
        self.offsets.last().map_or(0, |n| *n as usize)
    }
}
