//! One metric of the rows of one target: values become counts of codes, or stay raw. The innermost loops.

use arrow::array::{Array, Float64Array};
use driftline_detectors::encoder::{CategoryEncoder, Encoder, NumberEncoder};

use crate::engine::count::intern::{Interner, UNKNOWN};
use crate::engine::count::raw::RawMetric;
use crate::model::{Column, INVALID_LABEL, Labels, Limits, NULL_LABEL};

/// A label whose number was not looked up yet.
const NOT_LOOKED_UP: u32 = u32::MAX - 1;
const NO_CODE: u8 = u8::MAX;
/// Labels whose codes are kept for each group; others are looked up as strings.
const LABELS_CACHED: usize = 1024;

/// Where values go.
pub(crate) enum ValueTarget<'a> {
    /// Counts of an encoder's codes.
    Codes(&'a Encoder, &'a mut [u32]),
    /// There is no encoder yet.
    Raw(&'a mut RawMetric),
}

/// What categories need beyond their target: numbers of the batch's labels, and codes of numbers.
pub(crate) struct LabelTables<'a> {
    pub(crate) group: usize,
    pub(crate) groups: usize,
    pub(crate) interner: &'a mut Interner,
    pub(crate) codes: &'a mut LabelCodes,
    /// By the batch's label: its interned number; empty before the first use.
    pub(crate) numbers: &'a mut Vec<u32>,
}

/// Counts the values of `rows`.
pub(crate) fn tally(
    column: &Column,
    rows: &[u32],
    target: ValueTarget<'_>,
    labels: LabelTables<'_>,
    limits: &Limits,
) {
    match (column, target) {
        (Column::Number(array), ValueTarget::Codes(Encoder::Number(encoder), counts)) => {
            numbers(array, rows, encoder, counts);
        }
        (Column::Number(array), ValueTarget::Raw(raw)) => {
            for &row in rows {
                let row = row as usize;
                if array.is_null(row) { raw.null += 1 } else { raw.number(array.value(row)) }
            }
        }
        (Column::Flag(array), ValueTarget::Codes(_, counts)) => {
            rows.iter().for_each(|row| counts[usize::from(array.value(*row as usize).min(3))] += 1);
        }
        (Column::Flag(array), ValueTarget::Raw(raw)) => {
            rows.iter().for_each(|row| raw.flag(array.value(*row as usize)));
        }
        (Column::Category(values), ValueTarget::Codes(Encoder::Category(encoder), counts)) => {
            categories(values, rows, encoder, counts, labels);
        }
        (Column::Category(values), ValueTarget::Raw(raw)) => {
            let mut labels = labels;
            for row in rows {
                match values.indices.value(*row as usize) {
                    NULL_LABEL => raw.null += 1,
                    INVALID_LABEL => raw.invalid += 1,
                    index => {
                        raw.label(labels.number(index, values), values.values.value(index as usize))
                    }
                }
            }
        }
        (Column::Vector { offsets, values }, target) => {
            let vector = |row: &u32| {
                &values.values()
                    [offsets[*row as usize] as usize..offsets[*row as usize + 1] as usize]
            };
            match target {
                ValueTarget::Codes(Encoder::Vector(encoder), counts) => {
                    rows.iter().for_each(|row| counts[encoder.encode(vector(row))] += 1);
                }
                ValueTarget::Raw(raw) => {
                    rows.iter().for_each(|row| raw.vector(vector(row), limits))
                }
                ValueTarget::Codes(..) => unreachable!("an encoder is of its metric's kind"),
            }
        }
        (_, ValueTarget::Codes(..)) => unreachable!("an encoder is of its metric's kind"),
    }
}

fn numbers(array: &Float64Array, rows: &[u32], encoder: &NumberEncoder, counts: &mut [u32]) {
    let values = array.values();
    match array.nulls() {
        None => rows.iter().for_each(|row| counts[encoder.encode(values[*row as usize])] += 1),
        Some(nulls) => {
            let null = encoder.bins() + 2;
            for &row in rows {
                let row = row as usize;
                let code = if nulls.is_null(row) { null } else { encoder.encode(values[row]) };
                counts[code] += 1;
            }
        }
    }
}

fn categories(
    values: &Labels,
    rows: &[u32],
    encoder: &CategoryEncoder,
    counts: &mut [u32],
    mut labels: LabelTables<'_>,
) {
    for row in rows {
        let code = match values.indices.value(*row as usize) {
            NULL_LABEL => encoder.values().len() + 2,
            INVALID_LABEL => encoder.values().len() + 3,
            index => {
                let number = labels.number(index, values) as usize;
                let LabelTables { group, groups, codes, .. } = &mut labels;
                codes.get(*group, number, *groups, || {
                    encoder.encode(values.values.value(index as usize))
                })
            }
        };
        counts[code] += 1;
    }
}

impl LabelTables<'_> {
    #[inline]
    fn number(&mut self, index: u32, values: &Labels) -> u32 {
        if self.numbers.is_empty() {
            self.numbers.resize(values.values.len(), NOT_LOOKED_UP);
        }
        let number = &mut self.numbers[index as usize];
        if *number == NOT_LOOKED_UP {
            *number = self.interner.intern(values.values.value(index as usize));
        }
        *number
    }
}

/// Codes of interned labels by group and label: a cache, never a part of the state.
#[derive(Debug, Clone, Default)]
pub(crate) struct LabelCodes {
    stride: usize,
    codes: Vec<u8>,
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
