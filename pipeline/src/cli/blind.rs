//! Metrics of which no event had a value: they are configured, and nobody watches them.

use super::summary::grouped;
use crate::model::Batch;

/// What was seen of each metric, in the order of the settings.
#[derive(Debug, Default)]
pub(super) struct Blind {
    events: u64,
    metrics: Vec<Seen>,
}

#[derive(Debug, Default, Clone)]
struct Seen {
    has_values: bool,
    invalid: u64,
}

impl Blind {
    /// Takes events. A metric that had a value is not looked at any more.
    pub(super) fn take(&mut self, batch: &Batch) {
        self.metrics.resize(batch.metrics.len(), Seen::default());
        self.events += batch.rows() as u64;
        let blind =
            self.metrics.iter_mut().zip(&batch.metrics).filter(|(seen, _)| !seen.has_values);
        for (seen, column) in blind {
            let (null, invalid) = column.absent();
            seen.has_values = null + invalid < batch.rows() as u64;
            seen.invalid += invalid;
        }
    }

    /// A line for each metric without a value, with the remedy. `names`: of the metrics.
    pub(super) fn lines<'a>(&self, names: impl Iterator<Item = &'a str>) -> Vec<String> {
        let blind =
            names.zip(&self.metrics).filter(|(_, seen)| self.events > 0 && !seen.has_values);
        let line = |(name, seen): (&str, &Seen)| {
            let why = match seen.invalid {
                0 => "it is null in all of them".to_owned(),
                invalid => format!("{} cannot be read as its kind", grouped(invalid)),
            };
            format!(
                "metrics.{name} is not watched: none of {} events has a value ({why}). See `driftline check --sample`",
                grouped(self.events)
            )
        };
        blind.map(line).collect()
    }
}
