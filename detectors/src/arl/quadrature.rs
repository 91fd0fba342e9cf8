//! Gauss-Legendre nodes and weights.

/// A point at which an integrand is evaluated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) x: f64,
    pub(super) weight: f64,
}

/// `count` nodes and weights on `from..to`; exact for polynomials of degree `2 count - 1`.
///
/// Newton's method on the Legendre polynomial from Tricomi's starting values.
pub(super) fn gauss_legendre(count: usize, from: f64, to: f64) -> Vec<Node> {
    let n = count as f64;
    let (middle, half) = ((from + to) / 2.0, (to - from) / 2.0);
    (0..count)
        .map(|index| {
            let mut x = libm::cos(std::f64::consts::PI * (index as f64 + 0.75) / (n + 0.5));
            let mut slope = 1.0;
            for _ in 0..100 {
                let (mut value, mut before) = (1.0, 0.0);
                for degree in 0..count {
                    let j = degree as f64;
                    (value, before) =
                        (((2.0 * j + 1.0) * x * value - j * before) / (j + 1.0), value);
                }
                slope = n * (x * value - before) / (x * x - 1.0);
                let step = value / slope;
                x -= step;
                if step.abs() < 1e-15 {
                    break;
                }
            }
            Node { x: middle - half * x, weight: 2.0 * half / ((1.0 - x * x) * slope * slope) }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::gauss_legendre;

    #[test]
    fn integrates_polynomials_exactly() {
        for count in [1, 2, 5, 40, 200] {
            let nodes = gauss_legendre(count, 1.0, 3.0);
            let length: f64 = nodes.iter().map(|node| node.weight).sum();
            assert!((length - 2.0).abs() < 1e-12, "{count}: {length}");
            let linear: f64 = nodes.iter().map(|node| node.x * node.weight).sum();
            assert!((linear - 4.0).abs() < 1e-12, "{count}: {linear}");
            if count >= 5 {
                let ninth: f64 =
                    nodes.iter().map(|node| node.weight * libm::pow(node.x, 9.0)).sum();
                assert!((ninth / 5904.8 - 1.0).abs() < 1e-12, "{count}: {ninth}");
            }
        }
    }
}
