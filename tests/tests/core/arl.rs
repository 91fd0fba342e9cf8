//! Run lengths against the published-style tables in `conformance/arl-tables.json`, to 4 digits.

#![allow(clippy::print_stdout)] // the number of compared values is the point of the run

use driftline_detectors::arl;
use serde_json::Value;

const TABLES: &str = include_str!("../../conformance/arl-tables.json");

/// Compares values and remembers what was off.
#[derive(Default)]
struct Comparison {
    compared: usize,
    off: Vec<String>,
}

impl Comparison {
    /// The same four leading digits: within half a unit of the fourth, and a tenth of one for
    /// the rounding of the printed value.
    fn check(&mut self, what: &str, expected: f64, got: f64) {
        let unit = 10_f64.powf(expected.abs().log10().floor() - 3.0);
        self.check_within(what, expected, got, 0.6 * unit);
    }

    fn check_within(&mut self, what: &str, expected: f64, got: f64, tolerance: f64) {
        self.compared += 1;
        let gap = (got - expected).abs();
        if gap.is_nan() || gap > tolerance {
            self.off.push(format!("{what}: {got} is not {expected}"));
        }
    }
}

fn rows<'a>(tables: &'a Value, name: &str) -> &'a [Value] {
    let rows = tables[name].as_array().expect("a table");
    assert!(!rows.is_empty());
    rows
}

fn number(row: &Value, field: &str) -> f64 {
    row[field].as_f64().unwrap_or_else(|| panic!("{field} in {row}"))
}

/// The (shift, value) pairs of an object keyed by shift.
fn by_shift<'a>(row: &'a Value, field: &str) -> impl Iterator<Item = (f64, f64)> + 'a {
    row[field]
        .as_object()
        .expect("an object")
        .iter()
        .map(|(shift, value)| (shift.parse().expect("a shift"), value.as_f64().expect("a number")))
}

#[test]
fn gaussian_tables_to_four_digits() {
    let tables: Value = serde_json::from_str(TABLES).expect("JSON");
    let mut seen = Comparison::default();
    for row in rows(&tables, "cusum_gaussian_two_sided") {
        let (k, h) = (number(row, "k"), number(row, "h"));
        for (shift, value) in by_shift(row, "arl") {
            seen.check(&format!("cusum {k} {h} {shift}"), value, arl::cusum(k, h, 0.0, shift));
        }
        for (shift, value) in by_shift(row, "arl_one_sided") {
            let got = arl::cusum_one_sided(k, h, 0.0, shift);
            seen.check(&format!("one-sided cusum {k} {h} {shift}"), value, got);
        }
    }
    for row in rows(&tables, "cusum_fir_half_h") {
        let (k, h) = (number(row, "k"), number(row, "h"));
        for (shift, value) in by_shift(row, "arl") {
            let got = arl::cusum(k, h, h / 2.0, shift);
            seen.check(&format!("head start {k} {h} {shift}"), value, got);
        }
    }
    for row in rows(&tables, "cusum_design_h_for_arl0_two_sided") {
        let (k, wanted) = (number(row, "k"), number(row, "arl0"));
        let h = arl::cusum_threshold(k, wanted);
        seen.check(&format!("h for {k} {wanted}"), number(row, "h_two_sided"), h);
        for (shift, value) in by_shift(row, "arl1") {
            seen.check(
                &format!("designed {k} {wanted} {shift}"),
                value,
                arl::cusum(k, h, 0.0, shift),
            );
        }
    }
    for row in rows(&tables, "ewma_gaussian_two_sided_fixed_limits") {
        let (lambda, limit) = (number(row, "lambda"), number(row, "L"));
        for (shift, value) in by_shift(row, "arl") {
            seen.check(
                &format!("ewma {lambda} {limit} {shift}"),
                value,
                arl::ewma(lambda, limit, shift),
            );
        }
    }
    for row in rows(&tables, "ewma_design_L_for_arl0") {
        let (lambda, wanted) = (number(row, "lambda"), number(row, "arl0"));
        let limit = arl::ewma_limit(lambda, wanted);
        seen.check(&format!("L for {lambda} {wanted}"), number(row, "L"), limit);
        for (shift, value) in by_shift(row, "arl1") {
            let got = arl::ewma(lambda, limit, shift);
            seen.check(&format!("designed ewma {lambda} {wanted} {shift}"), value, got);
        }
    }
    for row in rows(&tables, "shewhart_two_sided") {
        let limit = number(row, "L");
        for (shift, value) in by_shift(row, "arl") {
            seen.check(&format!("shewhart {limit} {shift}"), value, arl::shewhart(limit, shift));
        }
    }
    for row in rows(&tables, "siegmund_two_sided_vs_exact") {
        let (k, h, shift) = (number(row, "k"), number(row, "h"), number(row, "delta"));
        seen.check("siegmund", number(row, "siegmund"), arl::siegmund(k, h, shift));
        seen.check("siegmund's exact", number(row, "exact"), arl::cusum(k, h, 0.0, shift));
    }
    println!("{} Gaussian run lengths compared", seen.compared);
    assert!(seen.off.is_empty(), "{} off: {:#?}", seen.off.len(), seen.off);
}

#[test]
fn lowest_possible_delays_to_four_digits() {
    let tables: Value = serde_json::from_str(TABLES).expect("JSON");
    let mut seen = Comparison::default();
    for row in rows(&tables, "gaussian_lower_bound_lorden_moustakides") {
        let (shift, wanted) = (number(row, "delta"), number(row, "arl0"));
        let k = shift / 2.0;
        let name = format!("{shift} {wanted}");
        let one = arl::cusum_threshold_one_sided(k, wanted);
        let two = arl::cusum_threshold(k, wanted);
        seen.check(&format!("{name} h"), number(row, "h_one_sided"), one);
        let delay = arl::cusum_one_sided(k, one, 0.0, shift);
        seen.check(&format!("{name} worst"), number(row, "min_worst_case_delay_one_sided"), delay);
        let steady = arl::cusum_steady_state_delay(k, one, shift);
        // Power iteration on both sides; the table's stopped at about 3 digits for shift 0.1.
        let expected = number(row, "steady_state_delay_same_chart");
        seen.check_within(&format!("{name} steady"), expected, steady, 1e-3 * expected);
        seen.check(&format!("{name} h two-sided"), number(row, "h_two_sided"), two);
        let delay = arl::cusum(k, two, 0.0, shift);
        seen.check(
            &format!("{name} two-sided"),
            number(row, "two_sided_known_abs_delta_delay"),
            delay,
        );
    }
    println!("{} optimal delays compared", seen.compared);
    assert!(seen.off.is_empty(), "{} off: {:#?}", seen.off.len(), seen.off);
}

#[test]
fn count_tables_to_four_digits() {
    let tables: Value = serde_json::from_str(TABLES).expect("JSON");
    let mut seen = Comparison::default();
    for row in rows(&tables, "bernoulli_cusum_upper") {
        let (m, threshold) = (number(row, "m") as usize, number(row, "H_lattice") as usize);
        for (p, value) in by_shift(row, "arl") {
            let got = arl::bernoulli_cusum(m, threshold, p);
            seen.check(&format!("bernoulli {m} {threshold} {p}"), value, got);
        }
    }
    for row in rows(&tables, "poisson_cusum_upper") {
        let rate = number(row, "lambda0");
        let units = |field: &str| (number(row, field) * 8.0) as usize;
        for (ratio, value) in by_shift(row, "arl") {
            let got = arl::poisson_cusum(units("k"), units("h"), 8, rate * ratio);
            seen.check(&format!("poisson {rate} {ratio}"), value, got);
        }
    }
    println!("{} run lengths of counts compared", seen.compared);
    assert!(seen.off.is_empty(), "{} off: {:#?}", seen.off.len(), seen.off);
}

#[test]
fn inverse_of_the_bernoulli_chart_and_refusals() {
    let threshold = arl::bernoulli_cusum_threshold(69, 0.01, 1_000.0).expect("a threshold");
    assert!(arl::bernoulli_cusum(69, threshold, 0.01) >= 1_000.0);
    assert!(arl::bernoulli_cusum(69, threshold - 1, 0.01) < 1_000.0);
    for refused in [
        arl::cusum(f64::NAN, 5.0, 0.0, 0.0),
        arl::cusum(0.5, -1.0, 0.0, 0.0),
        arl::cusum(0.5, 1e9, 0.0, 0.0),
        arl::cusum_threshold(0.5, 0.5),
        arl::cusum_threshold(0.5, f64::INFINITY),
        arl::ewma(0.0, 3.0, 0.0),
        arl::ewma(1.5, 3.0, 0.0),
        arl::shewhart(-1.0, 0.0),
        arl::bernoulli_cusum(0, 10, 0.1),
        arl::bernoulli_cusum(10, 10, 0.0),
        arl::poisson_cusum(1, 0, 8, 1.0),
        arl::poisson_cusum(1, 10, 8, f64::NAN),
    ] {
        assert!(refused.is_nan(), "{refused}");
    }
}
