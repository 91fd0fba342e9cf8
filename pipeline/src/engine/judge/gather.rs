//! A pane's counts go to their groups: what is still being learned learns from them, what is watched ticks.

use std::sync::Arc;

use ndarray::Array2;

use crate::engine::count::pane::{OpenPanes, Pane};
use crate::engine::judge::ticks::{PaneTicks, TickedSeries};
use crate::engine::key::GroupId;
use crate::engine::learn::group::{Group, Phase};
use crate::engine::machine::Engine;

impl Engine {
    /// Gives each group its counts of the pane; returns the series that tick, and their counts, row by row.
    pub(crate) fn gather(
        &mut self,
        start_us: i64,
        end_us: i64,
        mut pane: Pane,
    ) -> (Vec<TickedSeries>, Array2<u32>) {
        let Engine {
            groups, library, settings, labels, panes, order, charts, scratch, spare, ..
        } = self;
        let minimum = u64::from(settings.detect.tick_events_min);
        let mut ticks = PaneTicks::new(std::mem::take(&mut scratch.counts));
        let mut learned = Vec::new();
        for &id in order.iter() {
            let taken = pane.groups.get_mut(id as usize).and_then(Option::take);
            let (Some(mut taken), Some(group)) = (taken, groups.get_mut(id as usize)) else {
                continue;
            };
            // Where a copy of the engine holds them, too, they are copied here, once.
            let (counts, group) = (Arc::make_mut(&mut taken), Arc::make_mut(group));
            group.events += counts.events;
            charts.add(group.charts, counts, start_us, settings);
            if !matches!(group.phase, Phase::Learning(_)) {
                group.fill_codes(counts, library, labels);
                ticks.gather(id, group, counts, start_us, minimum);
            }
            group.learn(counts, start_us, labels, settings);
            let before = group.more.is_some().then(|| group.offsets.clone());
            if group.grow_up(end_us, settings, library) {
                learned.push(id);
            }
            if let Some(before) = before.filter(|before| *before != group.offsets) {
                lay_out_open(panes, id, group, &before);
            }
            spare.give(taken);
        }
        self.begin_to_watch(&learned, end_us);
        ticks.into_matrix()
    }

    /// Begins to watch groups that have learned all.
    fn begin_to_watch(&mut self, learned: &[GroupId], end_us: i64) {
        let Engine { groups, library, settings, siblings, watched, .. } = self;
        // All that is known of a metric by the end of a pane is known to each of them: no key comes first.
        for id in learned {
            Arc::make_mut(&mut groups[*id as usize]).share_spans(end_us, settings, siblings);
        }
        for id in learned {
            let group = Arc::make_mut(&mut groups[*id as usize]);
            *watched += group.begin(end_us, settings, library, siblings);
        }
    }
}

/// Moves the codes of a group's open panes from the offsets of `before` to those that it has now.
fn lay_out_open(panes: &mut OpenPanes, id: GroupId, group: &Group, before: &[u32]) {
    let same: Vec<Option<usize>> = (0..before.len().saturating_sub(1)).map(Some).collect();
    let open = panes.values_mut().filter_map(|pane| pane.groups.get_mut(id as usize));
    open.flatten().for_each(|c| Arc::make_mut(c).lay_out(before, &group.offsets, &same));
}
