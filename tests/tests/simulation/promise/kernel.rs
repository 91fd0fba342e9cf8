//! The pane kernel against a plain loop, bit for bit, and in any batch.

use driftline_detectors::baseline::{Baseline, Zone};
use driftline_detectors::encoder::{CategoryEncoder, Encoder, FlagEncoder, NumberEncoder};
use driftline_detectors::lanes::{LANES_MAX, Tables, pane_evidence};
use ndarray::{Array2, Axis};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

const SERIES: usize = 300;
const SEED: u64 = 0xce11;
const CODES_MAX: usize = driftline_detectors::encoder::CODES_MAX;

/// A series of any kind with a random baseline.
fn tables(random: &mut Xoshiro256PlusPlus) -> Tables {
    let encoder = match random.random_range(0..3) {
        0 => {
            let edges = random.random_range(2..=31);
            Encoder::Number(NumberEncoder::from_edges((0..edges).map(f64::from).collect()))
        }
        1 => {
            let names: Vec<String> =
                (0..random.random_range(1..40)).map(|i| i.to_string()).collect();
            Encoder::Category(CategoryEncoder::from_counts(names.iter().map(|n| (n.as_str(), 1))))
        }
        _ => Encoder::Flag(FlagEncoder),
    };
    let counts = (0..encoder.codes()).map(|_| random.random_range(0..1_000)).collect();
    let mut baseline = Baseline::new(encoder, counts);
    let probabilities = baseline.probabilities();
    let zone = Zone { sigma: 0.2 * random.random::<f64>(), odds: 0.2 * random.random::<f64>() };
    if random.random() {
        baseline.temper = (0..LANES_MAX).map(|_| random.random()).collect();
    }
    Tables::new(&baseline, probabilities, zone, 2.0 * random.random::<f64>())
}

/// `out[lane] = sum over codes of counts[code] * table[code][lane]`, in the order of codes.
fn plain(counts: &[u32], tables: &Tables) -> Vec<f64> {
    let fixed = tables.fixed();
    (0..fixed)
        .map(|lane| {
            (0..tables.codes())
                .fold(0.0, |sum, code| sum + f64::from(counts[code]) * tables.evidence(code, lane))
        })
        .collect()
}

#[test]
fn the_kernel_equals_a_plain_loop_bit_for_bit_in_any_batch() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(SEED);
    let all: Vec<Tables> = (0..SERIES).map(|_| tables(&mut random)).collect();
    let mut counts = Array2::<u32>::zeros((SERIES, CODES_MAX));
    for (mut row, tables) in counts.rows_mut().into_iter().zip(&all) {
        for code in 0..tables.codes() {
            // Mostly few, some none, some huge.
            row[code] = match random.random_range(0..10) {
                0..4 => 0,
                4..9 => random.random_range(1..60),
                _ => random.random_range(0..u32::MAX),
            };
        }
    }
    let references: Vec<&Tables> = all.iter().collect();
    let mut whole = Array2::zeros((SERIES, LANES_MAX));
    pane_evidence(counts.view(), &references, whole.view_mut());
    for (index, tables) in all.iter().enumerate() {
        let row = counts.row(index).to_vec();
        for (lane, expected) in plain(&row, tables).into_iter().enumerate() {
            assert_eq!(whole[[index, lane]].to_bits(), expected.to_bits(), "series {index} {lane}");
        }
    }
    for _ in 0..20 {
        let mut parts = Array2::zeros((SERIES, LANES_MAX));
        let mut from = 0;
        while from < SERIES {
            let to = (from + random.random_range(1..=90)).min(SERIES);
            pane_evidence(
                counts.slice_axis(Axis(0), (from..to).into()),
                &references[from..to],
                parts.slice_axis_mut(Axis(0), (from..to).into()),
            );
            from = to;
        }
        let bits = |x: &Array2<f64>| x.iter().map(|e| e.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&parts), bits(&whole));
    }
}
