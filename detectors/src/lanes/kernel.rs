//! The pane kernel: `counts (series x codes) . tables (codes x lanes)` for all series that close.
//!
//! Each series has tables of its own, so it is a batch of small matrix products; rows of codes that did
//! not occur are skipped. Sums run in the order of codes: the same bits whatever the batch.

use ndarray::{ArrayView1, ArrayView2, ArrayViewMut2};

use super::lane::LANES_MAX;
use super::tables::{KernelTable, Tables};

/// Evidence of the fixed lanes: `out[s][l] = sum over c of counts[s][c] * tables[s].evidence(c, l)`.
///
/// `counts`: series x codes (columns beyond a series' codes are ignored); `out`: series x [`LANES_MAX`].
/// # Panics
/// Where the shapes do not match: an error of the caller.
/// # Example
///
/// ```
/// use driftline_detectors::baseline::{Baseline, Zone};
/// use driftline_detectors::encoder::{Encoder, FlagEncoder};
/// use driftline_detectors::lanes::{LANES_MAX, Tables, pane_evidence};
/// use ndarray::{Array2, arr2};
///
/// let baseline = Baseline::new(Encoder::Flag(FlagEncoder), vec![9_900, 100, 0, 0]);
/// let tables = Tables::new(&baseline, baseline.probabilities(), Zone::default(), 0.0);
/// // Two series with the same baseline, of which the second has more failures.
/// let counts = arr2(&[[99, 1, 0, 0], [90, 10, 0, 0]]);
/// let mut evidence = Array2::zeros((2, LANES_MAX));
/// pane_evidence(counts.view(), &[&tables, &tables], evidence.view_mut());
/// assert!(evidence[[0, 0]] < 0.0 && evidence[[1, 0]] > 0.0);
/// ```
pub fn pane_evidence(counts: ArrayView2<u32>, tables: &[&Tables], mut out: ArrayViewMut2<f64>) {
    assert_eq!((counts.nrows(), tables.len()), (out.nrows(), out.nrows()), "one row a series");
    assert_eq!(out.ncols(), LANES_MAX, "one column a lane");
    for ((row, tables), mut evidence) in counts.rows().into_iter().zip(tables).zip(out.rows_mut()) {
        let KernelTable { evidence: table, width } = tables.kernel_table();
        // The width as a constant lets each loop over lanes become vector code.
        let sums = match width {
            4 => sums::<4>(table, row),
            8 => sums::<8>(table, row),
            12 => sums::<12>(table, row),
            _ => sums::<16>(table, row),
        };
        evidence.iter_mut().zip(sums).for_each(|(out, sum)| *out = sum);
    }
}

fn sums<const WIDTH: usize>(table: &[f32], counts: ArrayView1<u32>) -> [f64; LANES_MAX] {
    let mut sums = [0.0f64; WIDTH];
    for (lanes, &count) in table.as_chunks::<WIDTH>().0.iter().zip(counts) {
        if count != 0 {
            let n = f64::from(count);
            for lane in 0..WIDTH {
                sums[lane] += n * f64::from(lanes[lane]);
            }
        }
    }
    let mut all = [0.0; LANES_MAX];
    all[..WIDTH].copy_from_slice(&sums);
    all
}
