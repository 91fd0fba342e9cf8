//! Rows that are measured in turns: a busy machine slows all rows of a round alike.
//!
//! The ratio to the floor is the median of the ratios within each round, not the ratio of two medians:
//! what disturbs a whole round cancels out.

use super::report::{Report, Row};
use super::sample::{Sample, seconds};

/// Why a run gives no report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoundsError {
    /// Nothing was measured.
    #[error(
        "`{0}` has no rows, or was run for no rounds: add rows, and ask for at least one round"
    )]
    Nothing(String),
    /// A row did not do the same work in each round.
    #[error(
        "`{name}` did {found} units, but {expected} in its first round: see that it starts anew"
    )]
    Uneven {
        /// The row.
        name: String,
        /// Units of the first round.
        expected: u64,
        /// Units of another.
        found: u64,
    },
}

struct Contender<'a> {
    name: String,
    run: Box<dyn FnMut() -> u64 + 'a>,
    units: u64,
    /// Nanoseconds a unit, round by round.
    nanos: Vec<f64>,
}

/// Rows to be measured in turns.
pub struct Rounds<'a> {
    title: String,
    unit: String,
    floor: Option<usize>,
    contenders: Vec<Contender<'a>>,
}

impl<'a> Rounds<'a> {
    /// A title for people and files, and what a row counts (`event`, `pane`, `row`).
    pub fn new(title: &str, unit: &str) -> Self {
        Self { title: title.to_owned(), unit: unit.to_owned(), floor: None, contenders: Vec::new() }
    }

    /// Adds a row: a call that returns how many units it worked through.
    pub fn row(&mut self, name: &str, run: impl FnMut() -> u64 + 'a) {
        let run = Box::new(run);
        self.contenders.push(Contender { name: name.to_owned(), run, units: 0, nanos: Vec::new() });
    }

    /// Adds the row that all others are compared with; the last such row counts.
    pub fn floor(&mut self, name: &str, run: impl FnMut() -> u64 + 'a) {
        self.floor = Some(self.contenders.len());
        self.row(name, run);
    }

    /// Measures each row once a round, after one round that is not counted.
    ///
    /// # Errors
    /// When there is nothing to measure, or a row's work differs between rounds.
    pub fn run(mut self, rounds: usize) -> Result<Report, RoundsError> {
        for round in 0..=rounds {
            for contender in &mut self.contenders {
                let (seconds, units) = seconds(&mut contender.run);
                if round == 0 {
                    contender.units = units;
                } else if units != contender.units {
                    return Err(RoundsError::Uneven {
                        name: contender.name.clone(),
                        expected: contender.units,
                        found: units,
                    });
                } else {
                    contender.nanos.push(seconds * 1e9 / units.max(1) as f64);
                }
            }
        }
        self.report(rounds)
    }

    fn report(self, rounds: usize) -> Result<Report, RoundsError> {
        let floor = self.floor.and_then(|at| self.contenders.get(at)).map(|floor| &floor.nanos);
        let row = |contender: &Contender<'_>| {
            let ratios = floor.map(|floor| {
                let pairs = floor.iter().zip(&contender.nanos);
                pairs.map(|(floor, own)| floor / own).collect::<Vec<_>>()
            });
            Some(Row {
                name: contender.name.clone(),
                units: contender.units,
                nanos_per_unit: Sample::of(&contender.nanos)?,
                to_floor: ratios.and_then(|ratios| Sample::of(&ratios)).map(|ratio| ratio.median),
            })
        };
        let rows: Option<Vec<Row>> = self.contenders.iter().map(row).collect();
        match rows {
            Some(rows) if !rows.is_empty() => {
                Ok(Report { title: self.title, unit: self.unit, rounds, rows })
            }
            _ => Err(RoundsError::Nothing(self.title)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn sleep(millis: u64) -> u64 {
        std::thread::sleep(Duration::from_millis(millis));
        10
    }

    #[test]
    fn a_ratio_is_to_the_floor_of_the_same_round() {
        let mut rounds = Rounds::new("sleep", "nap");
        rounds.row("long", || sleep(12));
        // The floor gets slower from round to round, and so does the row.
        let mut naps = [4, 4, 8, 20].into_iter();
        let mut doubled = [8, 8, 16, 40].into_iter();
        rounds.floor("short", move || naps.next().map_or(0, sleep));
        rounds.row("double", move || doubled.next().map_or(0, sleep));
        let report = rounds.run(3).expect("a report");
        let ratio = |at: usize| report.rows[at].to_floor.expect("a floor");
        assert_eq!(ratio(1), 1.0);
        assert!((0.4..0.6).contains(&ratio(2)), "{}", ratio(2));
        let long = &report.rows[0];
        assert!((1.2e6..3e6).contains(&long.nanos_per_unit.median), "{long:?}");
        assert_eq!((long.units, long.nanos_per_unit.repeats), (10, 3));
    }

    #[test]
    fn uneven_work_and_nothing_are_errors() {
        let mut counts = 1..;
        let mut rounds = Rounds::new("a", "b");
        rounds.row("c", move || counts.next().unwrap_or(0));
        let expected = RoundsError::Uneven { name: "c".into(), expected: 1, found: 2 };
        assert_eq!(rounds.run(2), Err(expected));
        assert_eq!(Rounds::new("a", "b").run(2), Err(RoundsError::Nothing("a".into())));
        let mut rounds = Rounds::new("a", "b");
        rounds.row("c", || 1);
        assert_eq!(rounds.run(0), Err(RoundsError::Nothing("a".into())));
    }
}
