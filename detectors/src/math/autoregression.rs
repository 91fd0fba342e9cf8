//! Autoregression: what a series' last values say about its next.

/// Order of the autoregression.
pub(crate) const ORDER: usize = 3;

/// Autoregression coefficients from autocovariances by Levinson and Durbin (Durbin 1960); empty
/// where there is nothing to regress on.
pub(crate) fn yule_walker(products: &[f64; ORDER + 1]) -> Vec<f64> {
    if products[0] <= 0.0 {
        return Vec::new();
    }
    let r: Vec<f64> = products.iter().map(|p| p / products[0]).collect();
    let mut coefficients: Vec<f64> = Vec::new();
    let mut error = 1.0;
    for k in 1..=ORDER {
        let known: f64 = coefficients.iter().enumerate().map(|(i, c)| c * r[k - 1 - i]).sum();
        let reflection = ((r[k] - known) / error).clamp(-0.99, 0.99);
        let previous = coefficients.clone();
        for (i, c) in coefficients.iter_mut().enumerate() {
            *c -= reflection * previous[k - 2 - i];
        }
        coefficients.push(reflection);
        error *= 1.0 - reflection * reflection;
    }
    coefficients
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levinson_recovers_an_autoregression() {
        let c = yule_walker(&[1.0, 0.6, 0.36, 0.216]);
        assert!((c[0] - 0.6).abs() < 1e-12 && c[1].abs() < 1e-12 && c[2].abs() < 1e-12);
    }
}
