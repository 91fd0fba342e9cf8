//! Linear systems of run lengths: `L = 1 + Q L` for a substochastic matrix `Q`.

/// A square matrix that is 0 further than `below` under and `above` over the diagonal; a row's band
/// lies side by side.
#[derive(Clone, Debug)]
pub(super) struct Banded {
    size: usize,
    below: usize,
    above: usize,
    cells: Vec<f64>,
}

impl Banded {
    pub(super) fn zero(size: usize, below: usize, above: usize) -> Self {
        let (below, above) = (below.min(size - 1), above.min(size - 1));
        Self { size, below, above, cells: vec![0.0; size * (below + 1 + above)] }
    }

    /// A matrix without zeros.
    pub(super) fn full(size: usize, cell: impl Fn(usize, usize) -> f64) -> Self {
        let mut matrix = Self::zero(size, size, size);
        for row in 0..size {
            for column in 0..size {
                matrix.add(row, column, cell(row, column));
            }
        }
        matrix
    }

    fn at(&self, row: usize, column: usize) -> usize {
        row * (self.below + 1 + self.above) + column + self.below - row
    }

    /// Adds to a cell inside the band.
    pub(super) fn add(&mut self, row: usize, column: usize, value: f64) {
        let at = self.at(row, column);
        self.cells[at] += value;
    }

    /// The row vector `left` times the matrix.
    pub(super) fn multiplied_from_left(&self, left: &[f64]) -> Vec<f64> {
        let mut product = vec![0.0; self.size];
        for (row, factor) in left.iter().enumerate() {
            let first = row.saturating_sub(self.below);
            let last = (row + self.above).min(self.size - 1);
            let cells = &self.cells[self.at(row, first)..=self.at(row, last)];
            for (sum, cell) in product[first..=last].iter_mut().zip(cells) {
                *sum += factor * cell;
            }
        }
        product
    }

    /// Solves `L = 1 + Q L`, `self` being Q, by elimination within the band.
    ///
    /// No pivoting: `I - Q` is (up to quadrature error) a non-singular M-matrix, for which
    /// elimination in order is stable.
    pub(super) fn run_lengths(mut self) -> Vec<f64> {
        self.cells.iter_mut().for_each(|cell| *cell = -*cell);
        for row in 0..self.size {
            self.add(row, row, 1.0);
        }
        let mut right = vec![1.0; self.size];
        for pivot in 0..self.size {
            let width = (self.above + 1).min(self.size - pivot);
            let source = self.at(pivot, pivot);
            for row in pivot + 1..(pivot + 1 + self.below).min(self.size) {
                let target = self.at(row, pivot);
                let (upper, lower) = self.cells.split_at_mut(target);
                let factor = lower[0] / upper[source];
                if factor != 0.0 {
                    let sources = &upper[source..source + width];
                    for (cell, source) in lower[..width].iter_mut().zip(sources) {
                        *cell -= factor * source;
                    }
                    right[row] -= factor * right[pivot];
                }
            }
        }
        for row in (0..self.size).rev() {
            let width = (self.above + 1).min(self.size - row);
            let start = self.at(row, row);
            let band = &self.cells[start..start + width];
            let known: f64 = band.iter().zip(&right[row..]).skip(1).map(|(q, l)| q * l).sum();
            right[row] = (right[row] - known) / band[0];
        }
        right
    }
}

#[cfg(test)]
mod tests {
    use super::Banded;

    fn residual(size: usize, below: usize, above: usize) -> f64 {
        let cell = |row: usize, column: usize| {
            let inside = column + below >= row && column <= row + above;
            if inside { 0.9 * ((row * 3 + column * 5 + 1) % 7) as f64 / 60.0 } else { 0.0 }
        };
        let mut matrix = Banded::zero(size, below, above);
        for row in 0..size {
            for column in row.saturating_sub(below)..(row + above + 1).min(size) {
                matrix.add(row, column, cell(row, column));
            }
        }
        let lengths = matrix.run_lengths();
        (0..size)
            .map(|row| {
                let sum: f64 = (0..size).map(|column| cell(row, column) * lengths[column]).sum();
                (lengths[row] - 1.0 - sum).abs()
            })
            .fold(0.0, f64::max)
    }

    #[test]
    fn solution_satisfies_its_equation() {
        for (below, above) in [(8, 8), (1, 4), (3, 0), (0, 2), (1, 1)] {
            assert!(residual(9, below, above) < 1e-12, "{below} {above}");
        }
    }
}
