//! Counting: rows of a batch become `counts[group][code] += 1` in their panes. The hot path.
//!
//! Rows are sorted by (pane, group) first, then each metric runs over one such target after the other, so
//! that the innermost loops (`tally`) have one encoder and one span of counts. The counts are taken out of
//! their panes first and put back afterwards.

use std::collections::HashMap;
use std::sync::Arc;

use crate::engine::count::pane::{CountTarget, PaneGroup};
use crate::engine::count::pane_statistics::{MetricStatistics, PaneStatistics, is_charted};
use crate::engine::count::raw::Raw;
use crate::engine::count::tally::{LabelCodes, LabelTables, ValueTarget, tally};
use crate::engine::key::{Key, key_hash};
use crate::engine::machine::Engine;
use crate::model::{Batch, Column, INVALID_LABEL, Labels, Value};
use arrow::array::Array;

/// No target yet.
const NOWHERE: u32 = u32::MAX;
/// Largest table from key labels to groups; beyond, a hash map does.
const TABLE_MAX: usize = 1 << 16;

/// The counts that some rows go to.
struct Target {
    pane_us: i64,
    into: CountTarget,
    counts: Arc<PaneGroup>,
    /// The group, where it has encoders.
    encoded: Option<usize>,
}

/// All counts that a batch's rows go to, and the rows of each, one target after the other.
struct Targets {
    all: Vec<Target>,
    /// Rows, sorted by target, in their order within one.
    rows: Vec<u32>,
    /// The rows of target `t` are `rows[starts[t]..starts[t + 1]]`.
    starts: Vec<u32>,
}

impl Engine {
    /// Counts some rows of a batch, whose panes are open or may be opened.
    pub(crate) fn count(&mut self, batch: &Batch, rows: &[u32]) {
        if rows.is_empty() {
            return;
        }
        let Targets { mut all, rows, starts } = self.targets(batch, rows);
        let runs: Vec<&[u32]> =
            starts.windows(2).map(|w| &rows[w[0] as usize..w[1] as usize]).collect();
        // Counts that a copy of the engine holds, too, are copied here, once.
        let mut own: Vec<(Option<usize>, &mut PaneGroup)> =
            all.iter_mut().map(|t| (t.encoded, Arc::make_mut(&mut t.counts))).collect();
        for ((_, counts), run) in own.iter_mut().zip(&runs) {
            counts.events += run.len() as u64;
            if let Some(raw) = &mut counts.raw {
                raw.events = counts.events;
            }
        }
        self.code_cache.resize_with(batch.metrics.len(), LabelCodes::default);
        let Engine { groups, library, settings, labels, code_cache, .. } = self;
        for (metric, column) in batch.metrics.iter().enumerate() {
            let mut numbers = Vec::new();
            for ((encoded, counts), run) in own.iter_mut().zip(&runs) {
                let PaneGroup { codes, raw, statistics, .. } = &mut **counts;
                if let Some(all) =
                    statistics.as_mut().filter(|_| is_charted(&settings.metrics[metric]))
                {
                    add_values(&mut all.metrics[metric], column, run);
                }
                let group = encoded.map(|group| &groups[group]);
                let encoder =
                    group.and_then(|group| Some((group, group.encoder(metric, library)?)));
                let target = match (encoder, raw) {
                    (Some((group, encoder)), _) => {
                        let span =
                            group.offsets[metric] as usize..group.offsets[metric + 1] as usize;
                        ValueTarget::Codes(encoder, &mut codes[span])
                    }
                    (None, Some(raw)) => ValueTarget::Raw(&mut raw.metrics[metric]),
                    (None, None) => continue,
                };
                let tables = LabelTables {
                    group: encoded.unwrap_or(0),
                    groups: groups.len(),
                    interner: &mut labels[metric],
                    codes: &mut code_cache[metric],
                    numbers: &mut numbers,
                };
                tally(column, run, target, tables, &settings.limits);
            }
        }
        let groups_max = self.groups_max();
        for target in all {
            if let Some(pane) = self.panes.get_mut(&target.pane_us) {
                pane.put_back(target.into, target.counts, groups_max);
            } else {
                self.counters.refused_pane += target.counts.events;
            }
        }
    }

    /// The distinct (pane, group) pairs of the rows, taken out of their panes, and each row's pair.
    fn targets(&mut self, batch: &Batch, rows: &[u32]) -> Targets {
        let pane_us = self.settings.time.pane_us;
        let (keys, of_row) = self.groups_of(batch, rows);
        let mut all: Vec<Target> = Vec::new();
        let mut of_row_target = Vec::with_capacity(rows.len());
        let mut starts = vec![0u32];
        // Few panes, many groups: a table a pane, found by a short search that starts where it ended.
        let mut panes: Vec<(i64, Vec<u32>)> = Vec::new();
        let mut pane = 0;
        for (row, &group) in rows.iter().zip(&of_row) {
            let time_us = batch.time_us[*row as usize];
            let inside =
                |(start, _): &(i64, Vec<u32>)| (time_us - start) as u64 <= (pane_us - 1) as u64;
            if !panes.get(pane).is_some_and(inside) {
                pane = panes.iter().position(inside).unwrap_or_else(|| {
                    let start = time_us.div_euclid(pane_us) * pane_us;
                    panes.push((start, vec![NOWHERE; keys.len()]));
                    panes.len() - 1
                });
            }
            let start = panes[pane].0;
            let at = &mut panes[pane].1[group as usize];
            if *at == NOWHERE {
                *at = all.len() as u32;
                all.push(self.open(start, &keys[group as usize]));
                starts.push(0);
            }
            starts[*at as usize + 1] += 1;
            of_row_target.push(*at);
        }
        // A counting sort: afterwards each metric runs over one target after the other.
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let mut sorted = vec![0u32; rows.len()];
        for (row, target) in rows.iter().zip(&of_row_target) {
            let at = &mut next[*target as usize];
            sorted[*at as usize] = *row;
            *at += 1;
        }
        Targets { all, rows: sorted, starts }
    }

    /// Opens the counts of a (pane, group).
    fn open(&mut self, pane_us: i64, key: &GroupKey) -> Target {
        let full = self.panes.len() >= self.settings.limits.panes_open_max;
        if full && !self.panes.contains_key(&pane_us) {
            return Target {
                pane_us,
                into: CountTarget::Nowhere,
                counts: Arc::default(),
                encoded: None,
            };
        }
        let into = match key {
            GroupKey::Known(id) => CountTarget::Group(*id),
            GroupKey::New(key) => CountTarget::Candidate(key_hash(key), key.clone()),
        };
        let mut counts = self.panes.entry(pane_us).or_default().take_out(&into, &mut self.spare);
        let encoded = match &into {
            CountTarget::Group(id) if self.groups[*id as usize].codes() > 0 => Some(*id as usize),
            _ => None,
        };
        let own = Arc::make_mut(&mut counts);
        let group = encoded.map(|group| &self.groups[group]);
        if let Some(group) = group {
            own.codes.resize(group.codes(), 0);
        }
        if group.is_none_or(|group| group.wants_raw()) {
            own.raw.get_or_insert_with(|| Box::new(Raw::new(&self.kinds, &self.settings.limits)));
        }
        if self.keeps_statistics {
            own.statistics
                .get_or_insert_with(|| Box::new(PaneStatistics::new(&self.settings.metrics)));
        }
        Target { pane_us, into, counts, encoded }
    }

    /// The distinct groups of the rows, and each row's.
    pub(crate) fn groups_of(&self, batch: &Batch, rows: &[u32]) -> (Vec<GroupKey>, Vec<u32>) {
        let mut distinct: Vec<GroupKey> = Vec::new();
        let mut of_row = Vec::with_capacity(rows.len());
        // Two more than there are labels: null and invalid wrap around to 1 and 0.
        let sizes: Vec<usize> = batch.keys.iter().map(|labels| labels.values.len() + 2).collect();
        let size = sizes.iter().try_fold(1usize, |size, n| size.checked_mul(*n));
        if let Some(size) = size.filter(|size| *size <= TABLE_MAX) {
            let mut table = vec![NOWHERE; size];
            for &row in rows {
                let at = batch.keys.iter().zip(&sizes).fold(0, |at, (labels, size)| {
                    at * size + labels.indices.value(row as usize).wrapping_add(2) as usize
                });
                if table[at] == NOWHERE {
                    table[at] = distinct.len() as u32;
                    distinct.push(self.group_key(batch, row as usize));
                }
                of_row.push(table[at]);
            }
            return (distinct, of_row);
        }
        let mut index: HashMap<Vec<u32>, u32, foldhash::fast::FixedState> = HashMap::default();
        for &row in rows {
            let key = batch.keys.iter().map(|l| l.indices.value(row as usize)).collect();
            let next = distinct.len() as u32;
            let at = *index.entry(key).or_insert(next);
            if at == next {
                distinct.push(self.group_key(batch, row as usize));
            }
            of_row.push(at);
        }
        (distinct, of_row)
    }

    /// The group of a row, by its key labels.
    fn group_key(&self, batch: &Batch, row: usize) -> GroupKey {
        let label = |labels: &Labels| match labels.value(row) {
            Value::Label(label) => label,
            _ => String::new(),
        };
        let mut key: Vec<String> = batch.keys.iter().map(label).collect();
        if let (Some(model), Some(default)) = (key.first_mut(), &self.settings.layout.model_default)
            && model.is_empty()
        {
            model.clone_from(default);
        }
        match self.by_key.get(&*key) {
            Some(id) => GroupKey::Known(*id),
            None => GroupKey::New(key.into()),
        }
    }
}

/// A group that was admitted, or the key of one that was not.
pub(crate) enum GroupKey {
    Known(u32),
    New(Key),
}

fn add_values(statistics: &mut MetricStatistics, column: &Column, rows: &[u32]) {
    for &row in rows {
        let row = row as usize;
        match column {
            Column::Number(array) if !array.is_null(row) => statistics.number(array.value(row)),
            Column::Flag(array) => statistics.flag(array.value(row)),
            Column::Category(labels) if labels.indices.value(row) < INVALID_LABEL => {
                statistics.label(labels.values.value(labels.indices.value(row) as usize));
            }
            _ => {}
        }
    }
}
