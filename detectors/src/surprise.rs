//! Surprise of one event: `sum over its metrics of -ln p(code)` (the histogram-based outlier score,
//! HBOS; Goldstein and Dengel 2012), in whole micro-nats so that sums do not depend on their order.

/// Surprise of each code of a distribution, in millionths of a nat.
pub fn surprises(probabilities: &[f64]) -> Vec<u32> {
    probabilities.iter().map(|p| (-libm::log(p.clamp(1e-12, 1.0)) * 1e6) as u32).collect()
}
