//! Values of a pane that have no encoder yet, kept as they are.
//!
//! Lossless, so that it does not matter whether an open pane was filled before or after its encoder came
//! to be: turning raw values into codes later gives the same counts as encoding them at once.

use std::collections::HashMap;

use driftline_detectors::encoder::{Categories, Encoder, Sketch, VectorSample};
use serde::{Deserialize, Serialize};

use crate::engine::count::intern::{Interner, UNKNOWN};
use crate::model::{Kind, Limits};

/// Values that a series' pane keeps; a pane with more gives a thinned sample to its encoder.
const VALUES_MAX: usize = 1 << 20;

/// The raw values of one group in one pane (or of all panes of its first stage of learning).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Raw {
    pub(crate) events: u64,
    pub(crate) metrics: Vec<RawMetric>,
}

/// The raw values of one metric. Nulls and invalid values are counted beside.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RawMetric {
    pub(crate) null: u64,
    pub(crate) invalid: u64,
    pub(crate) values: RawValues,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum RawValues {
    Number(Vec<f64>),
    /// Interned labels, and those that were not.
    Category(HashMap<u32, u64, foldhash::fast::FixedState>, Categories),
    Flag([u64; 2]),
    Vector(VectorSample),
}

impl Raw {
    pub(crate) fn new(kinds: &[Kind], limits: &Limits) -> Self {
        let metrics = kinds.iter().map(|kind| RawMetric::new(*kind, limits)).collect();
        Self { events: 0, metrics }
    }
}

impl RawMetric {
    pub(crate) fn new(kind: Kind, limits: &Limits) -> Self {
        let values = match kind {
            Kind::Number => RawValues::Number(Vec::new()),
            Kind::Category => RawValues::Category(
                HashMap::default(),
                Categories::new(limits.categories_learned_max),
            ),
            Kind::Flag => RawValues::Flag([0; 2]),
            Kind::Vector => RawValues::Vector(VectorSample::default()),
        };
        Self { null: 0, invalid: 0, values }
    }
}

impl Raw {
    /// Adds the values of another.
    pub(crate) fn merge(&mut self, other: Raw) {
        self.events += other.events;
        for (own, other) in self.metrics.iter_mut().zip(other.metrics) {
            own.null += other.null;
            own.invalid += other.invalid;
            match (&mut own.values, other.values) {
                (RawValues::Number(own), RawValues::Number(other)) => own.extend(other),
                (RawValues::Category(own, rest), RawValues::Category(other, others)) => {
                    other.into_iter().for_each(|(id, n)| *own.entry(id).or_default() += n);
                    rest.merge(&others);
                }
                (RawValues::Flag(own), RawValues::Flag(other)) => {
                    own.iter_mut().zip(other).for_each(|(sum, n)| *sum += n);
                }
                (RawValues::Vector(own), RawValues::Vector(other)) => own.merge(&other, usize::MAX),
                _ => unreachable!("a metric keeps its kind"),
            }
        }
    }
}

impl RawMetric {
    pub(crate) fn number(&mut self, value: f64) {
        match &mut self.values {
            RawValues::Number(values) if value.is_finite() => {
                if values.len() < VALUES_MAX {
                    values.push(value);
                }
            }
            _ => self.invalid += 1,
        }
    }

    pub(crate) fn label(&mut self, id: u32, label: &str) {
        match &mut self.values {
            RawValues::Category(_, others) if id == UNKNOWN => others.add(label, 1),
            RawValues::Category(counts, _) => *counts.entry(id).or_default() += 1,
            _ => self.invalid += 1,
        }
    }

    pub(crate) fn flag(&mut self, code: u8) {
        match (&mut self.values, code) {
            (RawValues::Flag(counts), 0 | 1) => counts[usize::from(code)] += 1,
            (_, 2) => self.null += 1,
            _ => self.invalid += 1,
        }
    }

    pub(crate) fn vector(&mut self, vector: &[f32], limits: &Limits) {
        match &mut self.values {
            _ if vector.is_empty() => self.null += 1,
            RawValues::Vector(sample)
                if vector.len() <= limits.vector_len_max
                    && vector.iter().all(|x| x.is_finite()) =>
            {
                sample.insert(vector, 16 * limits.vectors_learned_max);
            }
            _ => self.invalid += 1,
        }
    }

    /// Adds the values as codes of an encoder to `counts`.
    pub(crate) fn encode_into(&self, encoder: &Encoder, labels: &Interner, counts: &mut [u32]) {
        let mut add = |code: usize, n: u64| {
            counts[code] = counts[code].saturating_add(u32::try_from(n).unwrap_or(u32::MAX));
        };
        match (&self.values, encoder) {
            (RawValues::Number(values), Encoder::Number(e)) => {
                values.iter().for_each(|v| add(e.encode(*v), 1));
            }
            (RawValues::Category(counts, others), Encoder::Category(e)) => {
                counts.iter().for_each(|(id, n)| add(e.encode(labels.label(*id)), *n));
                others.iter().for_each(|(label, n)| add(e.encode(label), n));
                add(e.values().len() + 1, others.rest());
            }
            (RawValues::Flag(counts), Encoder::Flag(_)) => {
                counts.iter().enumerate().for_each(|(code, n)| add(code, *n));
            }
            (RawValues::Vector(sample), Encoder::Vector(e)) => {
                sample.iter().for_each(|(v, n)| add(e.encode(v), n));
            }
            _ => unreachable!("a metric keeps its kind"),
        }
        add(encoder.null(), self.null);
        add(encoder.invalid(), self.invalid);
    }
}

/// What the first stage of learning keeps of a metric: bounded, and the same for any order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Material {
    Number(Sketch),
    Category(Categories),
    Flag([u64; 2]),
    Vector(VectorSample),
}

/// Material with its nulls and invalid values.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Learned {
    null: u64,
    invalid: u64,
    material: Material,
    /// Numbers that wait to be sketched: the sketch of many at once is that of each in turn, and cheaper.
    waiting: Vec<f64>,
}

/// Numbers that wait at most.
const WAITING_MAX: usize = 1024;

impl Learned {
    pub(crate) fn new(kind: Kind, limits: &Limits) -> Self {
        let material = match kind {
            Kind::Number => Material::Number(Sketch::new(limits.cells_learned_max)),
            Kind::Category => Material::Category(Categories::new(limits.categories_learned_max)),
            Kind::Flag => Material::Flag([0; 2]),
            Kind::Vector => Material::Vector(VectorSample::default()),
        };
        Self { null: 0, invalid: 0, material, waiting: Vec::new() }
    }

    /// Adds the values of a pane.
    pub(crate) fn absorb(&mut self, raw: RawMetric, labels: &Interner, limits: &Limits) {
        self.null += raw.null;
        self.invalid += raw.invalid;
        match (&mut self.material, raw.values) {
            (Material::Number(sketch), RawValues::Number(values)) => {
                self.waiting.extend(values);
                if self.waiting.len() > WAITING_MAX {
                    sketch.extend(&mut self.waiting);
                    self.waiting = Vec::new();
                }
            }
            (Material::Category(all), RawValues::Category(counts, others)) => {
                counts.iter().for_each(|(id, n)| all.add(labels.label(*id), *n));
                all.merge(&others);
            }
            (Material::Flag(all), RawValues::Flag(counts)) => {
                all.iter_mut().zip(counts).for_each(|(sum, n)| *sum += n);
            }
            (Material::Vector(all), RawValues::Vector(sample)) => {
                all.merge(&sample, limits.vectors_learned_max);
            }
            _ => unreachable!("a metric keeps its kind"),
        }
    }

    /// The encoder of the material, and the material's counts in its codes.
    pub(crate) fn encoder(mut self) -> (Encoder, Vec<u64>) {
        if let Material::Number(sketch) = &mut self.material {
            sketch.extend(&mut self.waiting);
        }
        use driftline_detectors::encoder::{
            CategoryEncoder, FlagEncoder, NumberEncoder, VectorEncoder,
        };
        let encoder = match &self.material {
            Material::Number(sketch) => Encoder::Number(NumberEncoder::from_sketch(sketch)),
            Material::Category(all) => Encoder::Category(CategoryEncoder::from_counts(all.iter())),
            Material::Flag(_) => Encoder::Flag(FlagEncoder),
            Material::Vector(sample) => Encoder::Vector(VectorEncoder::from_sample(sample)),
        };
        let mut counts = vec![0; encoder.codes()];
        match (&self.material, &encoder) {
            (Material::Number(sketch), Encoder::Number(e)) => {
                sketch.cells().for_each(|cell| counts[e.encode(cell.low)] += cell.count);
            }
            (Material::Category(all), Encoder::Category(e)) => {
                all.iter().for_each(|(label, n)| counts[e.encode(label)] += n);
                counts[e.values().len() + 1] += all.rest();
            }
            (Material::Flag(all), _) => counts[..2].copy_from_slice(all),
            (Material::Vector(sample), Encoder::Vector(e)) => {
                sample.iter().for_each(|(v, n)| counts[e.encode(v)] += n);
            }
            _ => unreachable!("an encoder is of its material's kind"),
        }
        counts[encoder.null()] += self.null;
        counts[encoder.invalid()] += self.invalid;
        (encoder, counts)
    }
}
