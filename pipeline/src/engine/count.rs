//! Counting: rows of a batch become `counts[group][code] += 1` in their panes. The hot path.
//!
//! Column by column, so that each metric's loop does one thing. The counts of each (pane, group) that
//! the rows touch are taken out of their panes first and put back afterwards.

use std::collections::HashMap;

use arrow::array::Array;
use driftline_detectors::encoder::{CategoryEncoder, Encoder, NumberEncoder};

use super::Engine;
use super::extra::{Extra, wanted};
use super::group::Key;
use super::intern::{Interner, UNKNOWN};
use super::pane::{Home, PaneGroup, key_hash};
use super::raw::Raw;
use crate::model::{Batch, Column, INVALID_LABEL, Labels, NULL_LABEL, Value};

/// No place in the counts: the values stay raw, or nobody wants them.
const NOWHERE: u32 = u32::MAX;
/// A label whose number, or a category whose code, was not looked up yet.
const NOT_LOOKED_UP: u32 = u32::MAX - 1;
const NO_CODE: u8 = u8::MAX;
/// Labels whose codes are kept for each group; others are looked up as strings.
const LABELS_CACHED: usize = 1024;
/// Largest table from key labels to groups; beyond, a hash map does.
const TABLE_MAX: usize = 1 << 16;

/// Codes of interned labels, by metric, then group and label: a cache, never a part of the state.
pub(super) type CodeCache = Vec<LabelCodes>;

/// `groups x stride` codes of one metric.
#[derive(Debug, Clone, Default)]
pub(super) struct LabelCodes {
    stride: usize,
    codes: Vec<u8>,
}

/// The counts that some rows go to.
struct Target {
    pane_us: i64,
    home: Home,
    counts: Box<PaneGroup>,
    /// The group, where it has encoders.
    encoded: Option<usize>,
}

/// All counts that a batch's rows go to, and which row goes where.
struct Targets {
    all: Vec<Target>,
    /// The codes of each target, taken out of it.
    codes: Vec<Vec<u32>>,
    of_row: Vec<u32>,
}

impl Engine {
    /// Counts some rows of a batch, whose panes are open or may be opened.
    pub(super) fn count(&mut self, batch: &Batch, rows: &[u32]) {
        if rows.is_empty() {
            return;
        }
        let mut targets = self.targets(batch, rows);
        for target in &targets.of_row {
            targets.all[*target as usize].counts.events += 1;
        }
        for target in targets.all.iter_mut().filter(|t| t.encoded.is_none()) {
            if let Some(raw) = &mut target.counts.raw {
                raw.events = target.counts.events;
            }
        }
        for (metric, column) in batch.metrics.iter().enumerate() {
            match column {
                Column::Number(array) => self.count_numbers(metric, array, rows, &mut targets),
                Column::Flag(array) => {
                    let offsets = self.offsets(&targets, metric);
                    for (row, target) in rows.iter().zip(&targets.of_row) {
                        let (target, code) = (*target as usize, array.value(*row as usize).min(3));
                        match offsets[target] {
                            NOWHERE => {
                                if let Some(raw) = targets.all[target].raw_metric(metric) {
                                    raw.flag(code);
                                }
                            }
                            at => targets.codes[target][at as usize + usize::from(code)] += 1,
                        }
                    }
                }
                Column::Category(labels) => {
                    self.count_categories(metric, labels, rows, &mut targets)
                }
                Column::Vector { offsets, values } => {
                    let places = self.offsets(&targets, metric);
                    for (row, target) in rows.iter().zip(&targets.of_row) {
                        let (target, row) = (*target as usize, *row as usize);
                        let vector =
                            &values.values()[offsets[row] as usize..offsets[row + 1] as usize];
                        let group = targets.all[target].encoded;
                        let encoder =
                            group.and_then(|g| self.groups[g].encoder(metric, &self.library));
                        if let Some(Encoder::Vector(encoder)) = encoder {
                            let code = encoder.encode(vector);
                            targets.codes[target][places[target] as usize + code] += 1;
                        } else if let Some(raw) = targets.all[target].raw_metric(metric) {
                            raw.vector(vector, &self.settings.limits);
                        }
                    }
                }
            }
            if wanted(&self.settings.metrics[metric]) {
                count_extra(metric, column, rows, &mut targets);
            }
        }
        let groups_max = self.groups_max();
        for (mut target, codes) in targets.all.into_iter().zip(targets.codes) {
            target.counts.codes = codes;
            if let Some(pane) = self.panes.get_mut(&target.pane_us) {
                pane.put(target.home, target.counts, groups_max);
            } else {
                self.counters.refused_pane += target.counts.events;
            }
        }
    }

    /// The distinct (pane, group) pairs of the rows, taken out of their panes, and each row's pair.
    fn targets(&mut self, batch: &Batch, rows: &[u32]) -> Targets {
        let pane_us = self.settings.time.pane_us;
        let (keys, of_row) = self.groups_of(batch, rows);
        let mut targets =
            Targets { all: Vec::new(), codes: Vec::new(), of_row: Vec::with_capacity(rows.len()) };
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
                *at = targets.all.len() as u32;
                let mut target = self.open(start, &keys[group as usize]);
                targets.codes.push(std::mem::take(&mut target.counts.codes));
                targets.all.push(target);
            }
            targets.of_row.push(*at);
        }
        targets
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
        let mut counts = self.panes.entry(pane_us).or_default().take(&home, &mut self.spare);
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

    /// Where a metric's codes begin in each target's counts; [`NOWHERE`] where they do not.
    fn offsets(&self, targets: &Targets, metric: usize) -> Vec<u32> {
        let offset = |target: &Target| {
            let offsets = &self.groups[target.encoded?].offsets;
            (offsets[metric] < offsets[metric + 1]).then(|| offsets[metric])
        };
        targets.all.iter().map(|target| offset(target).unwrap_or(NOWHERE)).collect()
    }

    fn count_numbers(
        &self,
        metric: usize,
        array: &arrow::array::Float64Array,
        rows: &[u32],
        targets: &mut Targets,
    ) {
        let unused = NumberEncoder::from_edges(Vec::new());
        let offsets = self.offsets(targets, metric);
        let encoder =
            |target: &Target| match self.groups[target.encoded?].encoder(metric, &self.library) {
                Some(Encoder::Number(encoder)) => Some(encoder),
                _ => None,
            };
        let encoders: Vec<&NumberEncoder> =
            targets.all.iter().map(|target| encoder(target).unwrap_or(&unused)).collect();
        let (values, nulls) = (array.values(), array.nulls());
        for (row, target) in rows.iter().zip(&targets.of_row) {
            let (row, target) = (*row as usize, *target as usize);
            let null = nulls.is_some_and(|nulls| nulls.is_null(row));
            match offsets[target] {
                NOWHERE => {
                    if let Some(raw) = targets.all[target].raw_metric(metric) {
                        if null { raw.null += 1 } else { raw.number(values[row]) }
                    }
                }
                at => {
                    let encoder = encoders[target];
                    let code = if null { encoder.bins() + 2 } else { encoder.encode(values[row]) };
                    targets.codes[target][at as usize + code] += 1;
                }
            }
        }
    }

    fn count_categories(
        &mut self,
        metric: usize,
        labels: &Labels,
        rows: &[u32],
        targets: &mut Targets,
    ) {
        let Engine { groups, library, labels: interners, code_cache, .. } = self;
        code_cache.resize_with(interners.len(), LabelCodes::default);
        let mut numbers = Numbers { of_label: vec![NOT_LOOKED_UP; labels.values.len()], labels };
        let empty = CategoryEncoder::from_counts([]);
        let places: Vec<Option<(&CategoryEncoder, usize, usize)>> = targets
            .all
            .iter()
            .map(|target| {
                let group = target.encoded?;
                match groups[group].encoder(metric, library) {
                    Some(Encoder::Category(e)) => {
                        Some((e, group, groups[group].offsets[metric] as usize))
                    }
                    _ => Some((&empty, group, usize::MAX)),
                }
            })
            .collect();
        let cache = &mut code_cache[metric];
        for (row, target) in rows.iter().zip(&targets.of_row) {
            let (target, index) = (*target as usize, labels.indices.value(*row as usize));
            let Some((encoder, group, at)) = places[target] else {
                let Some(raw) = targets.all[target].raw_metric(metric) else { continue };
                match index {
                    NULL_LABEL => raw.null += 1,
                    INVALID_LABEL => raw.invalid += 1,
                    index => {
                        let number = numbers.of(index, &mut interners[metric]);
                        raw.label(number, labels.values.value(index as usize));
                    }
                }
                continue;
            };
            if at == usize::MAX {
                continue;
            }
            let code = match index {
                NULL_LABEL => encoder.values().len() + 2,
                INVALID_LABEL => encoder.values().len() + 3,
                index => {
                    let number = numbers.of(index, &mut interners[metric]) as usize;
                    cache.get(group, number, groups.len(), || {
                        encoder.encode(labels.values.value(index as usize))
                    })
                }
            };
            targets.codes[target][at + code] += 1;
        }
    }

    /// The distinct groups of the rows, and each row's.
    fn groups_of(&self, batch: &Batch, rows: &[u32]) -> (Vec<GroupKey>, Vec<u32>) {
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
        let mut key: Key = batch.keys.iter().map(label).collect();
        if let (Some(model), Some(default)) = (key.first_mut(), &self.settings.layout.model_default)
            && model.is_empty()
        {
            model.clone_from(default);
        }
        match self.by_key.get(&key) {
            Some(id) => GroupKey::Known(*id),
            None => GroupKey::New(key),
        }
    }
}

impl Target {
    fn raw_metric(&mut self, metric: usize) -> Option<&mut super::raw::RawMetric> {
        if self.encoded.is_some() {
            return None;
        }
        self.counts.raw.as_mut().map(|raw| &mut raw.metrics[metric])
    }
}

/// Numbers of a batch's labels, looked up when they are first met.
struct Numbers<'a> {
    of_label: Vec<u32>,
    labels: &'a Labels,
}

impl Numbers<'_> {
    #[inline]
    fn of(&mut self, index: u32, interner: &mut Interner) -> u32 {
        let number = &mut self.of_label[index as usize];
        if *number == NOT_LOOKED_UP {
            *number = interner.intern(self.labels.values.value(index as usize));
        }
        *number
    }
}

impl LabelCodes {
    /// The code of a group's label: kept, or looked up and kept where its number is small.
    #[inline]
    fn get(
        &mut self,
        group: usize,
        number: usize,
        groups: usize,
        look_up: impl FnOnce() -> usize,
    ) -> usize {
        if number >= LABELS_CACHED || number == UNKNOWN as usize {
            return look_up();
        }
        if number >= self.stride {
            self.stride = (number + 1).next_power_of_two().max(16);
            self.codes.clear();
        }
        let at = group * self.stride + number;
        if at >= self.codes.len() {
            self.codes.resize(groups.max(group + 1) * self.stride, NO_CODE);
        }
        if self.codes[at] == NO_CODE {
            self.codes[at] = look_up() as u8;
        }
        usize::from(self.codes[at])
    }
}

/// A group that was admitted, or the key of one that was not.
enum GroupKey {
    Known(u32),
    New(Key),
}

fn count_extra(metric: usize, column: &Column, rows: &[u32], targets: &mut Targets) {
    for (row, target) in rows.iter().zip(&targets.of_row) {
        let Some(extra) = &mut targets.all[*target as usize].counts.extra else { continue };
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
