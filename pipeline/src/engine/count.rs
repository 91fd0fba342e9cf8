//! Counting: rows of a batch become `counts[group][code] += 1` in their panes. The hot path.
//!
//! Column by column, so that each metric's loop does one thing. The counts of each (pane, group) that
//! the rows touch are taken out of their panes first and put back afterwards.

use arrow::array::Array;
use driftline_detectors::encoder::{Encoder, NumberEncoder};

use super::Engine;
use super::extra::{Extra, wanted};
use super::group::Key;
use super::intern::UNKNOWN;
use super::pane::{Home, PaneGroup, key_hash};
use super::raw::Raw;
use crate::model::{Batch, Column, INVALID_LABEL, Labels, NULL_LABEL, Value};

/// A category's code that was not looked up yet.
const NOT_LOOKED_UP: u8 = u8::MAX;

/// Codes of interned labels, by group and metric: a cache, never a part of the state.
pub(super) type CodeCache = Vec<Vec<Vec<u8>>>;

/// The counts that some rows go to.
struct Target {
    pane_us: i64,
    home: Home,
    counts: Box<PaneGroup>,
    /// The group, where it has encoders.
    encoded: Option<usize>,
}

impl Engine {
    /// Counts some rows of a batch, whose panes are open or may be opened.
    pub(super) fn count(&mut self, batch: &Batch, rows: &[u32]) {
        if rows.is_empty() {
            return;
        }
        let (mut targets, target_of) = self.targets(batch, rows);
        for target in &target_of {
            let target = &mut targets[*target as usize];
            target.counts.events += 1;
            if let (Some(raw), None) = (&mut target.counts.raw, target.encoded) {
                raw.events += 1;
            }
        }
        for metric in 0..batch.metrics.len() {
            match &batch.metrics[metric] {
                Column::Number(array) => {
                    let encoders = self.number_encoders(&targets, metric);
                    let null_free = array.null_count() == 0;
                    for (row, target) in rows.iter().zip(&target_of) {
                        let (row, target) = (*row as usize, *target as usize);
                        let null = !null_free && array.is_null(row);
                        let value = array.values()[row];
                        match (&encoders[target], &mut targets[target].counts) {
                            (Some((encoder, offset)), counts) => {
                                let code =
                                    if null { encoder.bins() + 2 } else { encoder.encode(value) };
                                counts.codes[offset + code] += 1;
                            }
                            (None, counts) => {
                                if let Some(raw) = &mut counts.raw {
                                    let metric = &mut raw.metrics[metric];
                                    if null { metric.null += 1 } else { metric.number(value) }
                                }
                            }
                        }
                    }
                }
                Column::Flag(array) => {
                    for (row, target) in rows.iter().zip(&target_of) {
                        let target = &mut targets[*target as usize];
                        let code = array.value(*row as usize).min(3);
                        match target.encoded.map(|g| self.groups[g].offsets.as_slice()) {
                            Some(offsets) if offsets[metric] < offsets[metric + 1] => {
                                target.counts.codes
                                    [offsets[metric] as usize + usize::from(code)] += 1;
                            }
                            Some(_) => {}
                            None => {
                                if let Some(raw) = &mut target.counts.raw {
                                    raw.metrics[metric].flag(code);
                                }
                            }
                        }
                    }
                }
                Column::Category(labels) => {
                    self.count_categories(metric, labels, rows, &target_of, &mut targets);
                }
                Column::Vector { offsets, values } => {
                    for (row, target) in rows.iter().zip(&target_of) {
                        let (target, row) = (&mut targets[*target as usize], *row as usize);
                        let vector =
                            &values.values()[offsets[row] as usize..offsets[row + 1] as usize];
                        let encoder = target
                            .encoded
                            .and_then(|g| self.groups[g].encoder(metric, &self.library));
                        match (encoder, target.encoded) {
                            (Some(Encoder::Vector(encoder)), Some(group)) => {
                                let at = self.groups[group].offsets[metric] as usize;
                                target.counts.codes[at + encoder.encode(vector)] += 1;
                            }
                            (_, None) => {
                                if let Some(raw) = &mut target.counts.raw {
                                    raw.metrics[metric].vector(vector, &self.settings.limits);
                                }
                            }
                            _ => {}
                        }
                    }
                }
            }
            if wanted(&self.settings.metrics[metric]) {
                count_extra(metric, &batch.metrics[metric], rows, &target_of, &mut targets);
            }
        }
        let groups_max = self.groups_max();
        for target in targets {
            if let Some(pane) = self.panes.get_mut(&target.pane_us) {
                pane.put(target.home, target.counts, groups_max);
            } else {
                self.counters.refused_pane += target.counts.events;
            }
        }
    }

    /// The distinct (pane, group) pairs of the rows, taken out of their panes, and each row's pair.
    fn targets(&mut self, batch: &Batch, rows: &[u32]) -> (Vec<Target>, Vec<u32>) {
        let pane_us = self.settings.time.pane_us;
        let groups = self.groups_of(batch, rows);
        let mut targets: Vec<Target> = Vec::new();
        let mut index: std::collections::HashMap<(i64, u32), u32, foldhash::fast::FixedState> =
            std::collections::HashMap::default();
        let mut last = ((i64::MIN, 0), 0);
        let mut target_of = Vec::with_capacity(rows.len());
        for (row, &local) in rows.iter().zip(&groups.of_row) {
            let start = batch.time_us[*row as usize].div_euclid(pane_us) * pane_us;
            if last.0 != (start, local) {
                let next = targets.len() as u32;
                let at = *index.entry((start, local)).or_insert(next);
                if at == next {
                    targets.push(self.open(start, &groups.distinct[local as usize]));
                }
                last = ((start, local), at);
            }
            target_of.push(last.1);
        }
        (targets, target_of)
    }

    /// Opens the counts of a (pane, group).
    fn open(&mut self, pane_us: i64, key: &GroupKey) -> Target {
        let full = self.panes.len() >= self.settings.limits.panes_open_max;
        if full && !self.panes.contains_key(&pane_us) {
            return Target { pane_us, home: Home::Nowhere, counts: Box::default(), encoded: None };
        }
        let home = match key {
            GroupKey::Known(id) => Home::Group(*id),
            GroupKey::New(key) => Home::Candidate(key_hash(key), key.clone()),
        };
        let mut counts = self.panes.entry(pane_us).or_default().take(&home);
        let encoded = match &home {
            Home::Group(id) if self.groups[*id as usize].codes() > 0 => Some(*id as usize),
            _ => None,
        };
        match encoded {
            Some(group) => counts.codes.resize(self.groups[group].codes(), 0),
            None => {
                counts
                    .raw
                    .get_or_insert_with(|| Box::new(Raw::new(&self.kinds, &self.settings.limits)));
            }
        }
        if self.extras {
            counts.extra.get_or_insert_with(|| Box::new(Extra::new(&self.settings.metrics)));
        }
        Target { pane_us, home, counts, encoded }
    }

    fn number_encoders<'a>(
        &'a self,
        targets: &[Target],
        metric: usize,
    ) -> Vec<Option<(&'a NumberEncoder, usize)>> {
        targets
            .iter()
            .map(|target| {
                let group = &self.groups[target.encoded?];
                match group.encoder(metric, &self.library)? {
                    Encoder::Number(encoder) => Some((encoder, group.offsets[metric] as usize)),
                    _ => None,
                }
            })
            .collect()
    }

    fn count_categories(
        &mut self,
        metric: usize,
        labels: &Labels,
        rows: &[u32],
        target_of: &[u32],
        targets: &mut [Target],
    ) {
        // Labels of the batch to interned labels, on first use.
        let mut interned: Vec<Option<u32>> = vec![None; labels.values.len()];
        let mut caches = std::mem::take(&mut self.code_cache);
        caches.resize_with(self.groups.len(), Vec::new);
        for (row, target) in rows.iter().zip(target_of) {
            let target = &mut targets[*target as usize];
            let index = labels.indices.value(*row as usize);
            let Some(group) = target.encoded else {
                let Some(raw) = &mut target.counts.raw else { continue };
                let raw = &mut raw.metrics[metric];
                match index {
                    NULL_LABEL => raw.null += 1,
                    INVALID_LABEL => raw.invalid += 1,
                    index => {
                        let label = labels.values.value(index as usize);
                        let id = *interned[index as usize]
                            .get_or_insert_with(|| self.labels[metric].intern(label));
                        raw.label(id, label);
                    }
                }
                continue;
            };
            let group_state = &self.groups[group];
            let at = group_state.offsets[metric] as usize;
            let Some(Encoder::Category(encoder)) = group_state.encoder(metric, &self.library)
            else {
                continue;
            };
            let code = match index {
                NULL_LABEL => encoder.values().len() + 2,
                INVALID_LABEL => encoder.values().len() + 3,
                index => {
                    let label = labels.values.value(index as usize);
                    let id = *interned[index as usize]
                        .get_or_insert_with(|| self.labels[metric].intern(label));
                    if id == UNKNOWN {
                        encoder.encode(label)
                    } else {
                        let cache = &mut caches[group];
                        cache.resize_with(self.settings.metrics.len(), Vec::new);
                        let cache = &mut cache[metric];
                        if cache.len() <= id as usize {
                            cache.resize(id as usize + 1, NOT_LOOKED_UP);
                        }
                        if cache[id as usize] == NOT_LOOKED_UP {
                            cache[id as usize] = encoder.encode(label) as u8;
                        }
                        usize::from(cache[id as usize])
                    }
                }
            };
            target.counts.codes[at + code] += 1;
        }
        self.code_cache = caches;
    }

    /// The distinct groups of the rows, and each row's.
    fn groups_of(&mut self, batch: &Batch, rows: &[u32]) -> GroupsOf {
        let mut distinct: Vec<GroupKey> = Vec::new();
        let mut index: std::collections::HashMap<u64, u32, foldhash::fast::FixedState> =
            std::collections::HashMap::default();
        let mut wide: std::collections::HashMap<Vec<u32>, u32, foldhash::fast::FixedState> =
            std::collections::HashMap::default();
        let mut of_row = Vec::with_capacity(rows.len());
        let mut last = (u64::MAX, 0);
        for &row in rows {
            // Up to three keys of a million labels each pack into one word; others take the long way.
            let mut word = 0u64;
            let mut narrow = batch.keys.len() <= 3;
            for labels in &batch.keys {
                let label = labels.indices.value(row as usize).wrapping_add(2);
                narrow &= label < 1 << 21;
                word = word << 21 | u64::from(label);
            }
            if narrow && last.0 == word {
                of_row.push(last.1);
                continue;
            }
            let next = distinct.len() as u32;
            let at = if narrow {
                *index.entry(word).or_insert(next)
            } else {
                let key = batch.keys.iter().map(|l| l.indices.value(row as usize)).collect();
                *wide.entry(key).or_insert(next)
            };
            if at == next {
                distinct.push(self.group_key(batch, row as usize));
            }
            if narrow {
                last = (word, at);
            }
            of_row.push(at);
        }
        GroupsOf { distinct, of_row }
    }

    /// The group of a row, by its key labels.
    fn group_key(&mut self, batch: &Batch, row: usize) -> GroupKey {
        let key: Key = batch
            .keys
            .iter()
            .map(|labels| match labels.value(row) {
                Value::Label(label) => label,
                _ => String::new(),
            })
            .collect();
        match self.by_key.get(&key) {
            Some(id) => GroupKey::Known(*id),
            None => GroupKey::New(key),
        }
    }
}

/// The groups of a batch's rows.
struct GroupsOf {
    distinct: Vec<GroupKey>,
    of_row: Vec<u32>,
}

/// A group that was admitted, or the key of one that was not.
enum GroupKey {
    Known(u32),
    New(Key),
}

fn count_extra(
    metric: usize,
    column: &Column,
    rows: &[u32],
    target_of: &[u32],
    targets: &mut [Target],
) {
    for (row, target) in rows.iter().zip(target_of) {
        let Some(extra) = &mut targets[*target as usize].counts.extra else { continue };
        let (extra, row) = (&mut extra.metrics[metric], *row as usize);
        match column {
            Column::Number(array) if !array.is_null(row) => extra.number(array.value(row)),
            Column::Flag(array) => extra.flag(array.value(row)),
            Column::Category(labels) if labels.indices.value(row) < INVALID_LABEL => {
                extra.label(labels.values.value(labels.indices.value(row) as usize));
            }
            _ => {}
        }
    }
}
