//! Surprising events: each looked at by itself, against the baselines of its series. Decides nothing.
//!
//! An event is looked at once, as it comes, late or not; baselines are frozen, so what is told of it does
//! not depend on what came before.

use std::sync::Arc;

use arrow::array::Array;
use driftline_detectors::encoder::Encoder;

use crate::engine::count::rows::GroupKey;
use crate::engine::learn::group::{Group, Phase};
use crate::engine::machine::Engine;
use crate::engine::report::code_surprises::CodeSurprises;
use crate::model::anomaly::{Anomaly, SurpriseLevel, SurprisingValue};
use crate::model::{Batch, Column, INVALID_LABEL, NULL_LABEL, Value};

/// One metric of a group that has a baseline.
struct Judge<'a> {
    metric: usize,
    encoder: &'a Encoder,
    surprises: Arc<CodeSurprises>,
    /// Earlier events are not looked at.
    from_us: i64,
}

impl Engine {
    /// The events of a batch whose surprise is over a level, in their order. Events of series without a
    /// baseline are none.
    pub fn surprising(&mut self, batch: &Batch, level: SurpriseLevel) -> Vec<Anomaly> {
        let rows: Vec<u32> = (0..batch.rows() as u32).collect();
        let (keys, of_row) = self.groups_of(batch, &rows);
        let mut cache = std::mem::take(&mut self.surprises);
        cache.resize(self.library.len() as usize, None);
        let judges: Vec<Vec<Judge<'_>>> = keys
            .iter()
            .map(|key| match key {
                GroupKey::Known(id) => {
                    self.judges(&self.groups[*id as usize], level.after_us, &mut cache)
                }
                GroupKey::New(_) => Vec::new(),
            })
            .collect();
        let over = (level.over_nats * 1e6) as u64;
        let mut found = Vec::new();
        let mut number = 0;
        for (row, group) in of_row.iter().map(|group| *group as usize).enumerate() {
            let same = row > 0 && batch.offsets[row] == batch.offsets[row - 1];
            number = if same { number + 1 } else { 0 };
            let time_us = batch.time_us[row];
            let (mut surprise, mut expected) = (0, 0);
            for judge in judges[group].iter().filter(|judge| judge.from_us <= time_us) {
                let code = code(&batch.metrics[judge.metric], row, judge.encoder);
                surprise += judge.surprises.codes[code];
                expected += judge.surprises.expected;
            }
            if surprise > expected + over {
                let GroupKey::Known(id) = &keys[group] else { continue };
                let key = &self.groups[*id as usize].key;
                let names = self.settings.key_names.iter().cloned();
                let keys = names.zip(key.iter().cloned()).filter(|(_, value)| !value.is_empty());
                found.push(Anomaly {
                    offset: batch.offsets[row],
                    number,
                    time_us,
                    event_id: batch.id.as_ref().and_then(|ids| text(&ids.value(row))),
                    keys: keys.collect(),
                    surprise: surprise as f64 / 1e6,
                    expected: expected as f64 / 1e6,
                    metrics: self.values(batch, row, &judges[group]),
                });
            }
        }
        drop(judges);
        self.surprises = cache;
        found
    }

    fn judges(
        &self,
        group: &Group,
        after_us: i64,
        cache: &mut [Option<Arc<CodeSurprises>>],
    ) -> Vec<Judge<'_>> {
        let Phase::Watching(series) = &group.phase else { return Vec::new() };
        let judge = |(metric, baseline): (usize, u32)| {
            let surprises = cache[baseline as usize].get_or_insert_with(|| {
                Arc::new(CodeSurprises::new(self.library.baseline(baseline)))
            });
            let of = self.library.baseline(baseline);
            Judge {
                metric,
                encoder: &of.encoder,
                surprises: Arc::clone(surprises),
                from_us: of.provenance.to_us.max(group.since_us).saturating_add(after_us),
            }
        };
        let known = series.iter().enumerate();
        known.filter_map(|(at, s)| Some((at, s.as_ref()?.baseline))).map(judge).collect()
    }

    fn values(&self, batch: &Batch, row: usize, judges: &[Judge<'_>]) -> Vec<SurprisingValue> {
        let due = judges.iter().filter(|judge| judge.from_us <= batch.time_us[row]);
        let mut values: Vec<(u64, SurprisingValue)> = due
            .map(|judge| {
                let column = &batch.metrics[judge.metric];
                let code = code(column, row, judge.encoder);
                let surprise = judge.surprises.codes[code];
                let value = SurprisingValue {
                    metric: self.settings.metrics[judge.metric].name.clone(),
                    value: text(&column.value(row)),
                    code: judge.encoder.label(code),
                    share: judge.surprises.shares[code],
                    surprise: surprise as f64 / 1e6,
                };
                (surprise, value)
            })
            .collect();
        // Stable: metrics that surprise alike stay in the order of the config.
        values.sort_by_key(|(surprise, _)| std::cmp::Reverse(*surprise));
        values.into_iter().map(|(_, value)| value).collect()
    }
}

/// The code of a value.
fn code(column: &Column, row: usize, encoder: &Encoder) -> usize {
    match (column, encoder) {
        (Column::Number(array), Encoder::Number(_)) if array.is_null(row) => encoder.null(),
        (Column::Number(array), Encoder::Number(e)) => e.encode(array.value(row)),
        (Column::Flag(array), _) => usize::from(array.value(row).min(3)),
        (Column::Category(labels), Encoder::Category(e)) => match labels.indices.value(row) {
            NULL_LABEL => encoder.null(),
            INVALID_LABEL => encoder.invalid(),
            index => e.encode(labels.values.value(index as usize)),
        },
        (Column::Vector { offsets, values }, Encoder::Vector(e)) => {
            e.encode(&values.values()[offsets[row] as usize..offsets[row + 1] as usize])
        }
        _ => encoder.invalid(),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Number(x) => Some(x.to_string()),
        Value::Label(label) => Some(label.clone()),
        Value::Flag(flag) => Some(flag.to_string()),
        Value::Null | Value::Invalid | Value::Vector(_) => None,
    }
}
