//! The series that tick in a pane, and their counts as the rows of one matrix.

use driftline_detectors::encoder::CODES_MAX;
use ndarray::Array2;

use crate::engine::count::pane::PaneGroup;
use crate::engine::key::GroupId;
use crate::engine::learn::group::{Group, Phase};

/// Memory of a pane's matrices, used again for the next.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) counts: Vec<u32>,
    pub(crate) evidence: Vec<f64>,
}

/// A series that ticks, and since when its counts were gathered.
#[derive(Debug)]
pub(crate) struct TickedSeries {
    pub(crate) group: GroupId,
    pub(crate) metric: usize,
    pub(crate) baseline: u32,
    pub(crate) from_us: i64,
}

/// All of them, and their counts row by row.
#[derive(Debug)]
pub(crate) struct PaneTicks {
    all: Vec<TickedSeries>,
    rows: Vec<u32>,
}

impl PaneTicks {
    /// None yet; `rows` is memory.
    pub(crate) fn new(mut rows: Vec<u32>) -> Self {
        rows.clear();
        Self { all: Vec::new(), rows }
    }

    /// Gives a group's watched series its codes of a pane; those that have `minimum` events by now tick.
    pub(crate) fn gather(
        &mut self,
        id: GroupId,
        group: &mut Group,
        counts: &PaneGroup,
        start_us: i64,
        minimum: u64,
    ) {
        let offsets = &group.offsets;
        let Phase::Watching(all) = &mut group.phase else { return };
        for (metric, series) in all.iter_mut().enumerate() {
            let Some(series) = series else { continue };
            // Each event has one code in each metric: they are as many as the events.
            let own = &counts.codes[offsets[metric] as usize..offsets[metric + 1] as usize];
            let Some(from_us) = series.gather(own, counts.events, minimum, start_us) else {
                continue;
            };
            self.rows.extend_from_slice(if series.carried == 0 { own } else { &series.carry });
            self.rows.resize((self.all.len() + 1) * CODES_MAX, 0);
            series.carried = 0;
            self.all.push(TickedSeries { group: id, metric, baseline: series.baseline, from_us });
        }
    }

    /// The series, and their counts: one row each.
    pub(crate) fn into_matrix(self) -> (Vec<TickedSeries>, Array2<u32>) {
        let counts = Array2::from_shape_vec((self.all.len(), CODES_MAX), self.rows)
            .unwrap_or_else(|_| unreachable!("each tick adds one row of codes"));
        (self.all, counts)
    }
}
