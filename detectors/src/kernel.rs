//! The pane kernel: `counts (series x codes) . tables (codes x lanes)` for all series that close.
//!
//! Each series has tables of its own, so it is a batch of small matrix products; rows of codes that did
//! not occur are skipped. Sums run in the order of codes: the same bits whatever the batch.

use ndarray::{ArrayView2, ArrayViewMut2};

use crate::lane::{LANES_MAX, Tables};

/// Evidence of the fixed lanes: `out[s][l] = sum over c of counts[s][c] * tables[s].at(c, l)`.
///
/// `counts`: series x codes (columns beyond a series' codes are ignored); `out`: series x [`LANES_MAX`].
/// # Panics
/// Where the shapes do not match: an error of the caller.
pub fn pane_evidence(counts: ArrayView2<u32>, tables: &[&Tables], mut out: ArrayViewMut2<f64>) {
    assert_eq!((counts.nrows(), tables.len()), (out.nrows(), out.nrows()), "one row a series");
    assert_eq!(out.ncols(), LANES_MAX, "one column a lane");
    for ((row, tables), mut evidence) in counts.rows().into_iter().zip(tables).zip(out.rows_mut()) {
        let (table, width) = tables.rows();
        let mut sums = [0.0f64; LANES_MAX];
        for (lanes, &count) in table.chunks_exact(width).zip(row) {
            if count != 0 {
                let n = f64::from(count);
                sums.iter_mut().zip(lanes).for_each(|(sum, e)| *sum += n * f64::from(*e));
            }
        }
        evidence.iter_mut().zip(sums).for_each(|(out, sum)| *out = sum);
    }
}
