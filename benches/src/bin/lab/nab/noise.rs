//! How often the anomaly rule alarms where nothing changes: on stationary noise, with and without
//! the bar that rises.

use driftline_detectors::anomaly::{APART_VALUES, AlarmThreshold, AnomalyScorer};
use driftline_tests::streams::{Law, Stream};
use serde::{Deserialize, Serialize};

use crate::Effort;
use crate::parallel::in_parallel;
use crate::text::{short, table};

const LAWS: [Law; 6] = [
    Law::Gaussian,
    Law::StudentT3,
    Law::Lognormal,
    Law::Exponential,
    Law::Pareto,
    Law::Autoregressive,
];
const FLOORS: [f64; 5] = [2.0, 2.2, 2.4, 2.6, 2.8];
/// A bar that sinks at once what an alarm has raised it by.
const NEVER_RAISED: f64 = 1.0;
const SPAN_US: i64 = 300_000_000;

/// Values to an alarm of one law.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Noise {
    law: String,
    values: usize,
    /// Floor, values to an alarm without and with a bar that rises.
    rates: Vec<(f64, f64, f64)>,
}

pub(super) fn measure(effort: Effort) -> Vec<Noise> {
    let values = match effort {
        Effort::Quick => 200_000,
        Effort::Full => 2_000_000,
    };
    in_parallel(&LAWS, |law| {
        let (mut stream, mut column, mut oddness) =
            (Stream::new(*law, 9), Vec::new(), AnomalyScorer::default());
        let bars = |apart: f64| FLOORS.map(|floor| (AlarmThreshold::new(floor, apart), 0));
        let (mut plain, mut raised) = (bars(NEVER_RAISED), bars(APART_VALUES));
        for row in 0..values {
            stream.pane(1, &mut column);
            let value = column.first().copied().flatten().unwrap_or_default();
            let decades = oddness.observe(row as i64 * SPAN_US, value);
            for (bar, alarms) in plain.iter_mut().chain(&mut raised) {
                *alarms += u32::from(bar.observe(decades));
            }
        }
        let apart = |alarms: u32| values as f64 / f64::from(alarms.max(1));
        let rates = FLOORS.iter().zip(plain.iter().zip(&raised));
        let rates = rates.map(|(floor, (a, b))| (*floor, apart(a.1), apart(b.1))).collect();
        Noise { law: format!("{law:?}"), values, rates }
    })
}

pub(super) fn text(all: &[Noise]) -> String {
    let rows: Vec<[String; 6]> = all
        .iter()
        .map(|noise| {
            let rate = |at: usize| {
                let (_, plain, raised) = noise.rates.get(at).copied().unwrap_or_default();
                format!("{} ({})", short(plain), short(raised))
            };
            [noise.law.clone(), rate(0), rate(1), rate(2), rate(3), rate(4)]
        })
        .collect();
    let [a, b, c, d, e] = FLOORS.map(|floor| format!("floor {floor}"));
    table(["noise: values to an alarm", &a, &b, &c, &d, &e], &rows)
}
