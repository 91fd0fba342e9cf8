//! Wasserstein-1 and energy distance: integrals over the gap of the distribution functions.

/// `(value, mass)` in order of value, with the masses of `b` negative and each side's sum 1.
fn signed_masses(
    a: (&[f64], Option<&[f64]>),
    b: (&[f64], Option<&[f64]>),
) -> Option<Vec<(f64, f64)>> {
    let mut masses = Vec::with_capacity(a.0.len() + b.0.len());
    for ((values, weights), sign) in [(a, 1.0), (b, -1.0)] {
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

/// Wasserstein-1 distance in the unit of the values; each side is values and optional weights (as
/// many as values, not negative). As `scipy.stats.wasserstein_distance`.
#[must_use]
pub fn wasserstein(a: (&[f64], Option<&[f64]>), b: (&[f64], Option<&[f64]>)) -> Option<f64> {
    signed_masses(a, b).map(|masses| integral(&masses, f64::abs))
}

/// Energy distance, root form: `sqrt(2 integral of the squared gap)`, in the root of the values'
/// unit (Szekely 2002). Arguments as [`wasserstein`]; as `scipy.stats.energy_distance`.
#[must_use]
pub fn energy(a: (&[f64], Option<&[f64]>), b: (&[f64], Option<&[f64]>)) -> Option<f64> {
    signed_masses(a, b).map(|masses| libm::sqrt(2.0 * integral(&masses, |gap| gap * gap)))
}
