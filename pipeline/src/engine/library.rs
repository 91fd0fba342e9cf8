//! The library of baselines: frozen references, each with the tables that follow from it.

use driftline_detectors::baseline::{Baseline, Zone};
use driftline_detectors::lane::Tables;
use driftline_detectors::slots::slot_of;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// Baselines by their number. Only ever grows; a version that inherits shares.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Library {
    entries: Vec<(Baseline, Zone)>,
    slack_z: f64,
    /// What follows from the entries; made anew after a restore.
    #[serde(skip)]
    derived: Vec<Derived>,
}

#[derive(Debug, Clone)]
struct Derived {
    /// The slot of the week that the tables are for; `None` where the baseline has no season.
    slot: Option<usize>,
    tables: Tables,
}

impl Library {
    pub(crate) fn new(slack_z: f64) -> Self {
        Self { entries: Vec::new(), slack_z, derived: Vec::new() }
    }

    /// Adds a baseline and returns its number.
    pub(crate) fn add(&mut self, baseline: Baseline, zone: Zone) -> u32 {
        let derived = derive(&baseline, zone, self.slack_z, None);
        self.entries.push((baseline, zone));
        self.derived.push(derived);
        self.entries.len() as u32 - 1
    }

    pub(crate) fn baseline(&self, id: u32) -> &Baseline {
        &self.entries[id as usize].0
    }

    /// The tables for the season of the last [`Library::turn_to`].
    pub(crate) fn tables(&self, id: u32) -> &Tables {
        &self.derived[id as usize].tables
    }

    /// Makes all tables those of the slot of the week in which a pane begins.
    pub(crate) fn turn_to(&mut self, pane_start_us: i64) {
        let slot = slot_of(pane_start_us);
        for (derived, (baseline, zone)) in self.derived.iter_mut().zip(&self.entries) {
            if baseline.slots.is_some() && derived.slot != Some(slot) {
                *derived = derive(baseline, *zone, self.slack_z, Some(slot));
            }
        }
    }

    /// Makes what follows from the entries, after a restore.
    pub(crate) fn rebuild(&mut self) {
        let slack_z = self.slack_z;
        self.derived =
            self.entries.iter().map(|(b, zone)| derive(b, *zone, slack_z, None)).collect();
    }
}

fn derive(baseline: &Baseline, zone: Zone, slack_z: f64, slot: Option<usize>) -> Derived {
    let whole = baseline.probabilities();
    let tables = match (slot, &baseline.slots) {
        (Some(slot), Some(slots)) => {
            let (p, events) = slots.probabilities(slot, &whole);
            Tables::with_events(baseline, p, events, zone, slack_z)
        }
        _ => Tables::new(baseline, whole, zone, slack_z),
    };
    Derived { slot, tables }
}

/// Hash of a baseline's content: its version, 16 hex digits.
pub fn version_of(baseline: &Baseline) -> String {
    let bytes = postcard::to_stdvec(baseline).unwrap_or_default();
    format!("{:016x}", xxh3_64(&bytes))
}
