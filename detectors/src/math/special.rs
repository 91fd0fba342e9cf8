//! The few special functions that decisions need, with the same bits on every platform.

/// Standard normal quantile by Wichura's AS 241 (PPND16, Applied Statistics 37, 1988); relative error
/// about 1e-16 for `0 < p < 1`. Clamped to +-8.2 outside of [1e-16, 1 - 1e-16].
pub fn normal_quantile(p: f64) -> f64 {
    if p.is_nan() {
        return 0.0;
    }
    let p = p.clamp(1e-16, 1.0 - 1e-16);
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * polynomial(&CENTRAL_A, r) / polynomial(&CENTRAL_B, r);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    let r = libm::sqrt(-libm::log(tail));
    let value = if r <= 5.0 {
        polynomial(&MIDDLE_A, r - 1.6) / polynomial(&MIDDLE_B, r - 1.6)
    } else {
        polynomial(&TAIL_A, r - 5.0) / polynomial(&TAIL_B, r - 5.0)
    };
    if q < 0.0 { -value } else { value }
}

/// `exp(x)` for `|x| <= 700` (clamped), relative error below 1e-14. Additions and products in a fixed order
/// and no branch: the same bits everywhere, and a loop over lanes becomes vector code.
#[inline]
pub fn exp(x: f64) -> f64 {
    /// Adding it leaves the nearest integer in the low bits of the mantissa.
    const MAGIC: f64 = 6_755_399_441_055_744.0;
    const LN2_HIGH: f64 = 0.693_147_180_369_123_8;
    const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    let x = x.clamp(-700.0, 700.0);
    let shifted = x * std::f64::consts::LOG2_E + MAGIC;
    let k = shifted - MAGIC;
    let r = x - k * LN2_HIGH - k * LN2_LOW;
    // Taylor to the 13th power: |r| <= ln(2) / 2.
    let mut sum = 1.0 / 6_227_020_800.0;
    for inverse_factorial in [
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ] {
        sum = sum * r + inverse_factorial;
    }
    sum * f64::from_bits((shifted.to_bits() << 52).wrapping_add(1023 << 52))
}

/// The same in single precision for `|x| <= 80` (clamped), relative error below 3e-7: four at a time where
/// [`exp`] takes two.
#[inline]
pub fn exp_single(x: f32) -> f32 {
    /// As for [`exp`].
    const MAGIC: f32 = 12_582_912.0;
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-80.0, 80.0);
    let shifted = x * std::f32::consts::LOG2_E + MAGIC;
    let k = shifted - MAGIC;
    let r = x - k * LN2_HIGH - k * LN2_LOW;
    // Taylor to the 7th power.
    let mut sum = 1.0 / 5_040.0;
    for inverse_factorial in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        sum = sum * r + inverse_factorial;
    }
    sum * f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23))
}

/// Chi-square quantile by Wilson and Hilferty (1931): within 1 % for `freedom >= 3`.
pub fn chi_square_quantile(p: f64, freedom: f64) -> f64 {
    let h = 2.0 / (9.0 * freedom);
    let base = 1.0 - h + normal_quantile(p) * libm::sqrt(h);
    freedom * base * base * base
}

/// `ln(p / (1 - p))` scaled: the share whose odds are those of `p` times `ratio`.
pub fn scale_odds(p: f64, ratio: f64) -> f64 {
    p * ratio / (1.0 - p + p * ratio)
}

fn polynomial(coefficients: &[f64; 8], x: f64) -> f64 {
    coefficients.iter().fold(0.0, |sum, c| sum * x + c)
}

#[expect(clippy::excessive_precision, reason = "as printed")]
const CENTRAL_A: [f64; 8] = [
    2509.0809287301226727,
    33430.575583588128105,
    67265.770927008700853,
    45921.953931549871457,
    13731.693765509461125,
    1971.5909503065514427,
    133.14166789178437745,
    3.387132872796366608,
];
#[expect(clippy::excessive_precision, reason = "as printed")]
const CENTRAL_B: [f64; 8] = [
    5226.495278852545925,
    28729.085735721942674,
    39307.89580009271061,
    21213.794301586595867,
    5394.1960214247511077,
    687.1870074920579083,
    42.313330701600911252,
    1.0,
];
#[expect(clippy::excessive_precision, reason = "as printed")]
const MIDDLE_A: [f64; 8] = [
    7.7454501427834140764e-4,
    0.0227238449892691845833,
    0.24178072517745061177,
    1.27045825245236838258,
    3.64784832476320460504,
    5.7694972214606914055,
    4.6303378461565452959,
    1.42343711074968357734,
];
#[expect(clippy::excessive_precision, reason = "as printed")]
const MIDDLE_B: [f64; 8] = [
    1.05075007164441684324e-9,
    5.475938084995344946e-4,
    0.0151986665636164571966,
    0.14810397642748007459,
    0.68976733498510000455,
    1.6763848301838038494,
    2.05319162663775882187,
    1.0,
];
#[expect(clippy::excessive_precision, reason = "as printed")]
const TAIL_A: [f64; 8] = [
    2.01033439929228813265e-7,
    2.71155556874348757815e-5,
    0.0012426609473880784386,
    0.026532189526576123093,
    0.29656057182850489123,
    1.7848265399172913358,
    5.4637849111641143699,
    6.6579046435011037772,
];
#[expect(clippy::excessive_precision, reason = "as printed")]
const TAIL_B: [f64; 8] = [
    2.04426310338993978564e-15,
    1.4215117583164458887e-7,
    1.8463183175100546818e-5,
    7.868691311456132591e-4,
    0.0148753612908506148525,
    0.13692988092273580531,
    0.59983220655588793769,
    1.0,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_agrees_with_libm() {
        for i in -7000..=7000 {
            let x = f64::from(i) * 0.099_7;
            let error = exp(x) / libm::exp(x) - 1.0;
            assert!(error.abs() < 1e-13, "{x}: {error}");
        }
        assert_eq!((exp(0.0), exp(-1e9) > 0.0, exp(1e9).is_finite()), (1.0, true, true));
    }

    #[test]
    fn so_it_does_in_single_precision() {
        for i in -8000..=8000 {
            let x = i as f32 * 0.009_97;
            let error = f64::from(exp_single(x)) / libm::exp(f64::from(x)) - 1.0;
            assert!(error.abs() < 3e-7, "{x}: {error}");
        }
        let far = (exp_single(0.0), exp_single(-1e9) > 0.0, exp_single(1e9).is_finite());
        assert_eq!(far, (1.0, true, true));
    }

    #[test]
    fn quantiles_agree_with_published_tables() {
        for (p, z) in [
            (0.5, 0.0),
            (0.975, 1.959963984540054),
            (0.999, 3.090232306167813),
            (1e-6, -4.753424308822899),
        ] {
            assert!((normal_quantile(p) - z).abs() < 1e-12, "{p}: {}", normal_quantile(p));
        }
        assert!((chi_square_quantile(0.95, 10.0) - 18.307).abs() < 0.05);
        assert!((chi_square_quantile(0.9, 33.0) - 43.745).abs() < 0.05);
        assert!((scale_odds(0.5, 2.0) - 2.0 / 3.0).abs() < 1e-15);
    }
}
