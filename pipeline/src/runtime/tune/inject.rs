//! Known changes put into telemetry that is at hand: of a chosen size, in half of the groups, from an
//! instant on.
//!
//! Which events are changed follows from a hash of their place, so the same input gives the same.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, BooleanArray, Float64Array, StringArray, UInt8Array, UInt32Array};
use arrow::compute::filter;
use driftline_detectors::encoder::Encoder;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::engine::BaselineEntry;
use crate::model::batch::Labels;
use crate::model::{Batch, Column, Settings, Value};

/// What is changed, and by how much.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// Numbers go up by so many standard deviations of their baseline.
    Shift(f64),
    /// Numbers move away from their baseline's median by this factor.
    Scale(f64),
    /// This share of categories becomes the rarest known one, and of flags true.
    Mix(f64),
    /// Only this share of the events comes.
    Rate(f64),
}

impl Change {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Shift(_) => "shift",
            Self::Scale(_) => "scale",
            Self::Mix(_) => "mix",
            Self::Rate(_) => "rate",
        }
    }

    /// In words.
    pub fn words(&self) -> String {
        match self {
            Self::Shift(size) => format!("numbers up by {size} sd"),
            Self::Scale(factor) => format!("numbers spread x {factor}"),
            Self::Mix(share) => format!("{:.0} % of values another", share * 100.0),
            Self::Rate(factor) => format!("events x {factor}"),
        }
    }
}

/// What a metric of a group is like, as far as a change needs to know.
#[derive(Debug, Clone, PartialEq)]
enum Known {
    Number { median: f64, deviation: f64 },
    Rarest(String),
    Flag,
}

/// A change and where it is put.
#[derive(Debug)]
pub struct Injection {
    /// What.
    pub change: Change,
    /// From this event time on.
    pub from_us: i64,
    /// By key: for each metric what is known of it.
    groups: HashMap<Vec<String>, Vec<Option<Known>>>,
    model_default: Option<String>,
}

impl Injection {
    /// A change in every other of the groups that have baselines, by a hash of their keys.
    pub fn new(
        change: Change,
        from_us: i64,
        baselines: &[BaselineEntry],
        settings: &Settings,
    ) -> Self {
        let mut groups: HashMap<Vec<String>, Vec<Option<Known>>> = HashMap::new();
        for entry in baselines {
            let part = |name: &String| entry.keys.get(name).cloned().unwrap_or_default();
            let key: Vec<String> = settings.key_names.iter().map(part).collect();
            let metric = settings.metrics.iter().position(|m| m.name == entry.metric);
            let (true, Some(metric)) = (is_chosen(&key), metric) else { continue };
            let metrics = groups.entry(key).or_insert_with(|| vec![None; settings.metrics.len()]);
            metrics[metric] = known(entry).filter(|known| concerns(change, known));
        }
        if !matches!(change, Change::Rate(_)) {
            groups.retain(|_, metrics| metrics.iter().any(Option::is_some));
        }
        Self { change, from_us, groups, model_default: settings.layout.model_default.clone() }
    }

    /// The series that are changed: key, and number of the metric; none for the rate of a group.
    pub fn series(&self) -> Vec<(Vec<String>, Option<usize>)> {
        let mut series = Vec::new();
        for (key, metrics) in &self.groups {
            match self.change {
                Change::Rate(_) => series.push((key.clone(), None)),
                _ => series.extend(
                    (0..metrics.len())
                        .filter(|at| metrics[*at].is_some())
                        .map(|at| (key.clone(), Some(at))),
                ),
            }
        }
        series.sort();
        series
    }

    /// The batch as it would have come; none where nothing in it is changed.
    pub fn apply(&self, batch: &Batch) -> Option<Batch> {
        let groups = self.groups_of(batch);
        if groups.iter().all(Option::is_none) {
            return None;
        }
        let hits = |row: usize, salt: u64, share: f64| {
            let place = [u64::from(batch.partition), batch.offsets[row], salt];
            let bytes = place.map(u64::to_le_bytes).concat();
            (xxh3_64_with_seed(&bytes, batch.time_us[row] as u64) as f64) < share * u64::MAX as f64
        };
        if let Change::Rate(share) = self.change {
            let stays = |row: usize| groups[row].is_none() || hits(row, u64::MAX, share);
            return Some(keep(batch, &(0..batch.rows()).map(stays).collect::<Vec<_>>()));
        }
        let mut changed = batch.clone();
        for (metric, column) in changed.metrics.iter_mut().enumerate() {
            let known = |row: usize| groups[row].and_then(|group| group[metric].as_ref());
            *column = match (&*column, self.change) {
                (Column::Number(array), Change::Shift(_) | Change::Scale(_)) => {
                    let value = |row: usize| {
                        let value = (!array.is_null(row)).then(|| array.value(row))?;
                        Some(match known(row) {
                            Some(known) => self.moved(value, known),
                            None => value,
                        })
                    };
                    Column::Number(Float64Array::from_iter((0..array.len()).map(value)))
                }
                (Column::Flag(array), Change::Mix(share)) => {
                    let value = |row: usize| match (known(row), array.value(row)) {
                        (Some(_), 0) if hits(row, metric as u64, share) => 1,
                        (_, code) => code,
                    };
                    let values = (0..array.len()).map(value);
                    Column::Flag(UInt8Array::from_iter_values(values))
                }
                (Column::Category(labels), Change::Mix(share)) => {
                    let rarest = |row: usize| match known(row) {
                        Some(Known::Rarest(value)) if hits(row, metric as u64, share) => {
                            Some(value)
                        }
                        _ => None,
                    };
                    Column::Category(relabelled(labels, rarest))
                }
                (column, _) => column.clone(),
            };
        }
        Some(changed)
    }

    fn moved(&self, value: f64, known: &Known) -> f64 {
        match (self.change, known) {
            (Change::Shift(size), Known::Number { deviation, .. }) => value + size * deviation,
            (Change::Scale(factor), Known::Number { median, .. }) => {
                median + factor * (value - median)
            }
            _ => value,
        }
    }

    /// What is known of the group of each row that is changed.
    fn groups_of(&self, batch: &Batch) -> Vec<Option<&[Option<Known>]>> {
        let mut found: HashMap<Vec<u32>, Option<&[Option<Known>]>> = HashMap::new();
        let of = |row: usize| {
            if batch.time_us[row] < self.from_us {
                return None;
            }
            let indices: Vec<u32> =
                batch.keys.iter().map(|labels| labels.indices.value(row)).collect();
            *found.entry(indices).or_insert_with(|| {
                let part = |labels: &Labels| match labels.value(row) {
                    Value::Label(label) => label,
                    _ => String::new(),
                };
                let mut key: Vec<String> = batch.keys.iter().map(part).collect();
                if let (Some(model), Some(default)) = (key.first_mut(), &self.model_default)
                    && model.is_empty()
                {
                    model.clone_from(default);
                }
                self.groups.get(&key).map(Vec::as_slice)
            })
        };
        (0..batch.rows()).map(of).collect()
    }
}

/// Every other key, whatever the others are.
fn is_chosen(key: &[String]) -> bool {
    xxh3_64(key.join("\u{1f}").as_bytes()).is_multiple_of(2)
}

fn concerns(change: Change, known: &Known) -> bool {
    match change {
        Change::Shift(_) | Change::Scale(_) => {
            matches!(known, Known::Number { deviation, .. } if *deviation > 0.0)
        }
        Change::Mix(_) => matches!(known, Known::Rarest(_) | Known::Flag),
        Change::Rate(_) => true,
    }
}

fn known(entry: &BaselineEntry) -> Option<Known> {
    let counts = &entry.baseline.counts;
    match &entry.baseline.encoder {
        Encoder::Number(encoder) => {
            let weights: Vec<f64> = counts.iter().map(|n| *n as f64).collect();
            let quantile = |share: f64| encoder.quantile(&weights, share);
            let (low, median, high) = (quantile(0.1587)?, quantile(0.5)?, quantile(0.8413)?);
            Some(Known::Number { median, deviation: (high - low) / 2.0 })
        }
        Encoder::Category(encoder) => {
            let seen = encoder.values().iter().zip(counts).filter(|(_, n)| **n > 0);
            seen.min_by_key(|(_, n)| **n).map(|(value, _)| Known::Rarest(value.clone()))
        }
        Encoder::Flag(_) => Some(Known::Flag),
        Encoder::Vector(_) => None,
    }
}

/// Labels with other values in some rows.
fn relabelled<'a>(labels: &Labels, other: impl Fn(usize) -> Option<&'a String>) -> Labels {
    let mut values: Vec<String> =
        labels.values.iter().map(|v| v.unwrap_or("").to_owned()).collect();
    let mut places: HashMap<String, u32> = HashMap::new();
    let index = |row: usize| match other(row) {
        None => labels.indices.value(row),
        Some(value) => *places.entry(value.clone()).or_insert_with(|| {
            values.push(value.clone());
            values.len() as u32 - 1
        }),
    };
    let indices: Vec<u32> = (0..labels.indices.len()).map(index).collect();
    Labels { indices: UInt32Array::from(indices), values: Arc::new(StringArray::from(values)) }
}

/// Some rows of a batch.
fn keep(batch: &Batch, stays: &[bool]) -> Batch {
    let mask = BooleanArray::from(stays.to_vec());
    let of =
        |array: &dyn Array| filter(array, &mask).expect("a mask as long as the batch").to_data();
    let labels = |labels: &Labels| Labels {
        indices: of(&labels.indices).into(),
        values: Arc::clone(&labels.values),
    };
    let column = |column: &Column| match column {
        Column::Number(array) => Column::Number(of(array).into()),
        Column::Flag(array) => Column::Flag(of(array).into()),
        Column::Category(values) => Column::Category(labels(values)),
        Column::Vector { offsets, values } => {
            let (mut ends, mut kept) = (vec![0], Vec::new());
            for (row, _) in stays.iter().enumerate().filter(|(_, stays)| **stays) {
                let span = offsets[row] as usize..offsets[row + 1] as usize;
                kept.extend_from_slice(&values.values()[span]);
                ends.push(kept.len() as u32);
            }
            Column::Vector { offsets: ends, values: kept.into() }
        }
    };
    let rows = || stays.iter().enumerate().filter(|(_, stays)| **stays).map(|(row, _)| row);
    Batch {
        partition: batch.partition,
        time_us: rows().map(|row| batch.time_us[row]).collect(),
        offsets: rows().map(|row| batch.offsets[row]).collect(),
        keys: batch.keys.iter().map(labels).collect(),
        id: batch.id.as_ref().map(labels),
        metrics: batch.metrics.iter().map(column).collect(),
        rejects: batch.rejects.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use driftline_detectors::baseline::Baseline;
    use driftline_detectors::encoder::{CategoryEncoder, NumberEncoder};

    use super::*;
    use crate::engine::version_of;
    use crate::model::Kind;
    use crate::model::row::Row;
    use crate::model::settings::MetricSettings;

    fn settings() -> Settings {
        Settings {
            metrics: vec![
                MetricSettings::plain("latency_ms", Kind::Number),
                MetricSettings::plain("finish", Kind::Category),
            ],
            ..Settings::default()
        }
    }

    /// Names of models that are chosen, and of models that are not.
    fn models() -> (Vec<String>, Vec<String>) {
        (0..40).map(|n| format!("m{n}")).partition(|name| is_chosen(std::slice::from_ref(name)))
    }

    fn baselines(models: &[String]) -> Vec<BaselineEntry> {
        let edges: Vec<f64> = (0..=20).map(|at| f64::from(at) * 10.0).collect();
        let numbers = NumberEncoder::from_edges(edges);
        let categories = CategoryEncoder::from_counts([("stop", 90), ("length", 10)]);
        let entry = |model: &String, metric: &str, encoder: Encoder| {
            let counts = (0..encoder.codes() as u64).map(|code| 100 - code).collect();
            let baseline = Baseline::new(encoder, counts);
            BaselineEntry {
                keys: BTreeMap::from([("model".to_owned(), model.clone())]),
                metric: metric.into(),
                version: version_of(&baseline),
                baseline,
            }
        };
        let of = |model: &String| {
            [
                entry(model, "latency_ms", Encoder::Number(numbers.clone())),
                entry(model, "finish", Encoder::Category(categories.clone())),
            ]
        };
        models.iter().flat_map(of).collect()
    }

    fn batch(models: &[String]) -> Batch {
        let row = |number: usize| Row {
            time_us: number as i64,
            offset: number as u64,
            keys: vec![Value::Label(models[number % models.len()].clone())],
            id: None,
            metrics: vec![Value::Number(100.0), Value::Label("stop".into())],
        };
        let rows: Vec<Row> = (0..4000).map(row).collect();
        Batch::from_rows(0, &rows, &[Kind::Number, Kind::Category])
    }

    #[test]
    fn half_of_the_groups_change_from_an_instant_on() {
        let (chosen, others) = models();
        assert!(chosen.len() > 8 && others.len() > 8);
        let all: Vec<String> = chosen.iter().chain(&others).cloned().collect();
        let (settings, baselines, batch) = (settings(), baselines(&all), batch(&all));
        let inject = |change| Injection::new(change, 1000, &baselines, &settings);
        let is_changed = |row: usize| row >= 1000 && chosen.contains(&all[row % all.len()]);

        let shifted = inject(Change::Shift(2.0)).apply(&batch).expect("a change");
        let Column::Number(values) = &shifted.metrics[0] else { panic!("numbers") };
        for row in 0..4000 {
            assert_eq!(values.value(row) > 100.0, is_changed(row), "{row}");
        }
        let mixed = inject(Change::Mix(0.3)).apply(&batch).expect("a change");
        let Column::Category(labels) = &mixed.metrics[1] else { panic!("categories") };
        let other = |row: &usize| labels.value(*row) == Value::Label("length".into());
        assert!((0..4000).filter(other).all(is_changed));
        let changed = (0..4000).filter(|row| is_changed(*row)).count();
        let share = (0..4000).filter(other).count() as f64 / changed as f64;
        assert!((share - 0.3).abs() < 0.05, "{share}");

        let fewer = inject(Change::Rate(0.5)).apply(&batch).expect("a change");
        let lost = 4000 - fewer.rows();
        assert!((lost as f64 / changed as f64 - 0.5).abs() < 0.05, "{lost} of {changed}");
        assert_eq!(fewer.metrics.len(), 2);
        let series = inject(Change::Rate(0.5)).series();
        assert_eq!(series.len(), chosen.len());
        assert_eq!(inject(Change::Scale(1.5)).series().len(), chosen.len());
        // Before the instant, and where nobody is chosen, nothing is done.
        assert!(
            Injection::new(Change::Shift(2.0), 5000, &baselines, &settings).apply(&batch).is_none()
        );
    }
}
