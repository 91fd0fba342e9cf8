//! Wasserstein-1 and energy distance: integrals over the gap of the distribution functions.

/// A sample, whose values may have weights.
#[derive(Clone, Copy, Debug)]
pub struct Weighted<'a> {
    /// The values.
    pub values: &'a [f64],
    /// As many as values, not negative; `None`: all equal.
    pub weights: Option<&'a [f64]>,
}

impl<'a, S: AsRef<[f64]> + ?Sized> From<&'a S> for Weighted<'a> {
    fn from(values: &'a S) -> Self {
        Self { values: values.as_ref(), weights: None }
    }
}

/// `(value, mass)` in order of value, with the masses of `b` negative and each side's sum 1.
fn signed_masses(a: Weighted<'_>, b: Weighted<'_>) -> Option<Vec<(f64, f64)>> {
    let mut masses = Vec::with_capacity(a.values.len() + b.values.len());
    for (Weighted { values, weights }, sign) in [(a, 1.0), (b, -1.0)] {
        let weight = |at: usize| weights.map_or(Some(1.0), |weights| weights.get(at).copied());
        let weighted: Vec<(f64, f64)> = values
            .iter()
            .enumerate()
            .map(|(at, value)| weight(at).map(|weight| (*value, weight)))
            .collect::<Option<_>>()?;
        let usable = |(value, weight): &(f64, f64)| {
            value.is_finite() && weight.is_finite() && *weight >= 0.0
        };
        let total: f64 = weighted.iter().map(|(_, weight)| weight).sum();
        if !weighted.iter().all(usable) || total <= 0.0 {
            return None;
        }
        masses.extend(weighted.iter().map(|(value, weight)| (*value, sign * weight / total)));
    }
    masses.sort_by(|x, y| x.0.total_cmp(&y.0));
    Some(masses)
}

/// Sum over the steps of width times a function of the gap.
fn integral(masses: &[(f64, f64)], of: impl Fn(f64) -> f64) -> f64 {
    let mut gap = 0.0;
    masses
        .iter()
        .zip(masses.iter().skip(1))
        .map(|(here, next)| {
            gap += here.1;
            of(gap) * (next.0 - here.0)
        })
        .sum()
}

/// Wasserstein-1 distance in the unit of the values. As `scipy.stats.wasserstein_distance`.
#[must_use]
pub fn wasserstein<'a>(a: impl Into<Weighted<'a>>, b: impl Into<Weighted<'a>>) -> Option<f64> {
    signed_masses(a.into(), b.into()).map(|masses| integral(&masses, f64::abs))
}

/// Energy distance, root form: `sqrt(2 integral of the squared gap)`, in the root of the values'
/// unit (Szekely 2002). Arguments as [`wasserstein`]; as `scipy.stats.energy_distance`.
#[must_use]
pub fn energy<'a>(a: impl Into<Weighted<'a>>, b: impl Into<Weighted<'a>>) -> Option<f64> {
    signed_masses(a.into(), b.into())
        .map(|masses| libm::sqrt(2.0 * integral(&masses, |gap| gap * gap)))
}
