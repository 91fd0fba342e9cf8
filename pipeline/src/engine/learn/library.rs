//! The library of baselines: frozen references, each with the tables that follow from it.
//!
//! It is kept in shelves that a copy of the library shares until one of both adds to them, so that a copy
//! of a large library is cheap.

use std::sync::Arc;

use driftline_detectors::baseline::{Baseline, Zone};
use driftline_detectors::lanes::Tables;
use driftline_detectors::math::week::hour_of_week;
use xxhash_rust::xxh3::xxh3_64;

/// Baselines of a shelf.
const SHELF: usize = 64;

/// Baselines by their number. Only ever grows; a version that inherits shares.
#[derive(Debug, Clone, Default)]
pub(crate) struct Library {
    entries: Vec<Arc<Vec<(Baseline, Zone)>>>,
    /// What follows from the entries; made anew after a restore.
    derived: Vec<Arc<Vec<Derived>>>,
    len: u32,
    /// The slot of the week that all tables are for.
    turned: Option<usize>,
    /// Baselines that have a season.
    seasonal: Vec<u32>,
    slack_z: f64,
}

#[derive(Debug, Clone)]
struct Derived {
    /// The slot of the week that the tables are for; `None` where the baseline has no season.
    slot: Option<usize>,
    tables: Tables,
}

impl Library {
    pub(crate) fn new(slack_z: f64) -> Self {
        Self { slack_z, ..Self::default() }
    }

    /// Adds a baseline and returns its number.
    pub(crate) fn add(&mut self, baseline: Baseline, zone: Zone) -> u32 {
        if baseline.slots.is_some() {
            self.seasonal.push(self.len);
            self.turned = None;
        }
        let derived = derive(&baseline, zone, self.slack_z, None);
        put(&mut self.entries, (baseline, zone));
        put(&mut self.derived, derived);
        self.len += 1;
        self.len - 1
    }

    /// Number of baselines.
    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    pub(crate) fn baseline(&self, id: u32) -> &Baseline {
        &self.entry(id).0
    }

    /// A baseline with its zone.
    pub(crate) fn entry(&self, id: u32) -> &(Baseline, Zone) {
        &self.entries[id as usize / SHELF][id as usize % SHELF]
    }

    /// The tables for the season of the last [`Library::turn_to`].
    pub(crate) fn tables(&self, id: u32) -> &Tables {
        &self.derived[id as usize / SHELF][id as usize % SHELF].tables
    }

    /// Other zones (by the number of the baseline; none = as it is), another slack: tables follow.
    pub(crate) fn adjust(&mut self, slack_z: f64, zones: &[Option<Zone>]) {
        let slack = std::mem::replace(&mut self.slack_z, slack_z) != slack_z;
        for (id, wanted) in zones.iter().enumerate().take(self.len as usize) {
            let (shelf, place) = (id / SHELF, id % SHELF);
            let zone = self.entries[shelf][place].1;
            let other = wanted.filter(|wanted| *wanted != zone);
            if let Some(other) = other {
                Arc::make_mut(&mut self.entries[shelf])[place].1 = other;
            }
            if other.is_some() || slack {
                let (baseline, zone) = &self.entries[shelf][place];
                let derived = &mut Arc::make_mut(&mut self.derived[shelf])[place];
                *derived = derive(baseline, *zone, slack_z, derived.slot);
            }
        }
    }

    /// Makes all tables those of the slot of the week in which a pane begins.
    pub(crate) fn turn_to(&mut self, pane_start_us: i64) {
        let slot = hour_of_week(pane_start_us);
        if self.turned.replace(slot) == Some(slot) {
            return;
        }
        for &id in &self.seasonal {
            let (shelf, place) = (id as usize / SHELF, id as usize % SHELF);
            let (baseline, zone) = &self.entries[shelf][place];
            if self.derived[shelf][place].slot != Some(slot) {
                Arc::make_mut(&mut self.derived[shelf])[place] =
                    derive(baseline, *zone, self.slack_z, Some(slot));
            }
        }
    }
}

fn put<T: Clone>(shelves: &mut Vec<Arc<Vec<T>>>, item: T) {
    match shelves.last_mut().filter(|shelf| shelf.len() < SHELF) {
        Some(shelf) => Arc::make_mut(shelf).push(item),
        None => {
            let mut shelf = Vec::with_capacity(SHELF);
            shelf.push(item);
            shelves.push(Arc::new(shelf));
        }
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
