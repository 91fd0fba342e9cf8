//! The most surprising events behind a finding: read again from the logs, judged by the baselines.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use driftline_detectors::encoder::Encoder;
use driftline_detectors::score::surprise::{Exemplars, surprises};

use crate::codec::Decoder;
use crate::engine::BaselineEntry;
use crate::model::time::{from_rfc3339, rfc3339};
use crate::model::{Finding, Row, Settings, Value};
use crate::source::FileSource;

/// What is asked for.
pub(super) struct Examples<'a> {
    pub(super) finding: &'a Finding,
    pub(super) baseline: &'a Path,
    pub(super) most: usize,
}

/// An event as it is shown: its id or hash, time, and metrics.
type Shown = (String, i64, String);

/// Finds them and tells them.
pub(super) fn examples(
    wanted: &Examples<'_>,
    settings: Settings,
    source: &FileSource,
) -> anyhow::Result<String> {
    let finding = wanted.finding;
    let keys = keys_of(finding, &settings);
    let entries: Vec<BaselineEntry> = super::baseline::read(wanted.baseline)?
        .into_iter()
        .filter(|entry| keys.iter().all(|(name, value)| entry.keys.get(name) == Some(value)))
        .collect();
    anyhow::ensure!(
        !entries.is_empty(),
        "{} has no baseline for this finding's model; `driftline replay --save-baseline FILE` writes the ones that were used",
        wanted.baseline.display()
    );
    let tables: Vec<Option<(Encoder, Vec<u64>)>> = settings
        .metrics
        .iter()
        .map(|metric| {
            let entry = entries.iter().find(|entry| entry.metric == metric.name)?;
            Some((entry.baseline.encoder.clone(), surprises(&entry.baseline.probabilities())))
        })
        .collect();
    let span = from_rfc3339(&finding.onset).unwrap_or(i64::MIN)
        ..from_rfc3339(&finding.detected_at).unwrap_or(i64::MAX);
    let mut kept: Exemplars<Shown> = Exemplars::new(wanted.most);
    let time = &settings.time;
    let mut decoder =
        Decoder::new(&settings.layout, &settings.limits, time.not_before_us, time.not_after_us)?;
    for partition in 0..source.files().len() as u32 {
        for block in source.open(partition, &settings.limits) {
            decoder.decode(&block, &mut |batch| {
                for index in (0..batch.rows()).filter(|i| span.contains(&batch.time_us[*i])) {
                    let row = batch.row(index);
                    if is_of(&row, &keys, &settings) {
                        offer(&mut kept, &row, &tables, &settings);
                    }
                }
            });
        }
    }
    let mut out = String::from("\nThe most surprising events since the onset\n");
    for (surprise, (id, at, metrics)) in kept.iter() {
        let _ = writeln!(
            out,
            "  {:>7.2} nats  {}  {id}  {metrics}",
            surprise as f64 / 1e6,
            rfc3339(*at)
        );
    }
    Ok(out)
}

/// The key fields that the finding names.
fn keys_of(finding: &Finding, settings: &Settings) -> BTreeMap<String, String> {
    let mut keys = finding.segments.clone();
    let mut name = |at: usize, value: &str| {
        if let Some(name) = settings.key_names.get(at) {
            keys.insert(name.clone(), value.to_string());
        }
    };
    name(0, &finding.model);
    if let Some(version) = &finding.version {
        name(1, version);
    }
    keys
}

fn is_of(row: &Row, keys: &BTreeMap<String, String>, settings: &Settings) -> bool {
    settings.key_names.iter().zip(&row.keys).all(|(name, value)| match (keys.get(name), value) {
        (Some(wanted), Value::Label(label)) => wanted == label,
        (Some(wanted), _) => wanted.is_empty(),
        (None, _) => true,
    })
}

fn offer(
    kept: &mut Exemplars<Shown>,
    row: &Row,
    tables: &[Option<(Encoder, Vec<u64>)>],
    settings: &Settings,
) {
    let surprise: u64 = tables
        .iter()
        .zip(&row.metrics)
        .filter_map(|(table, value)| {
            let (encoder, surprises) = table.as_ref()?;
            surprises.get(code_of(encoder, value)).copied()
        })
        .sum();
    let shown = || {
        let values: Vec<String> = settings
            .metrics
            .iter()
            .zip(&row.metrics)
            .map(|(metric, value)| format!("{}={}", metric.name, text(value)))
            .collect();
        values.join(" ")
    };
    let metrics = shown();
    let hash = xxhash_rust::xxh3::xxh3_64(format!("{} {metrics}", row.time_us).as_bytes());
    let id = row.id.clone().unwrap_or_else(|| format!("{hash:016x}"));
    kept.offer(surprise, hash, || (id, row.time_us, metrics));
}

fn code_of(encoder: &Encoder, value: &Value) -> usize {
    match (encoder, value) {
        (_, Value::Null) => encoder.null(),
        (Encoder::Number(e), Value::Number(x)) => e.encode(*x),
        (Encoder::Category(e), Value::Label(label)) => e.encode(label),
        (Encoder::Flag(_), Value::Flag(flag)) => usize::from(*flag),
        (Encoder::Vector(e), Value::Vector(v)) => e.encode(v),
        _ => encoder.invalid(),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Invalid => "invalid".into(),
        Value::Number(x) => x.to_string(),
        Value::Label(label) => label.clone(),
        Value::Flag(flag) => flag.to_string(),
        Value::Vector(v) => format!("[{} numbers]", v.len()),
    }
}
