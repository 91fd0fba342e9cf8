//! Scores against hand-worked values and against each other.

use super::*;

fn score(scores: &[Score], name: &str) -> Score {
    *scores.iter().find(|score| score.name == name).expect("a known score")
}

fn close(got: f64, expected: f64) {
    assert!((got - expected).abs() < 1e-9 * expected.abs().max(1.0), "{got} is not {expected}");
}

#[test]
fn contingency_as_scipy() {
    // scipy.stats.chi2_contingency([[10, 10, 20], [20, 20, 20]]), documented output.
    let scores = window_scores(&[10, 10, 20], &[20, 20, 20], None);
    let chi_square = score(&scores, "chi_square");
    close(chi_square.value, 2.777_777_777_777_777_7);
    close(chi_square.p_value.expect("p"), 0.249_352_208_777_296_2);
    let g = score(&scores, "g");
    assert!((g.value - 2.768_858_732_6).abs() < 1e-6);
    assert!((g.p_value.expect("p") - 0.250_466_7).abs() < 1e-6);
}

#[test]
fn disjoint_sides_are_at_the_upper_end() {
    let scores = window_scores(&[1000, 0], &[0, 1000], Some(&[0.0, 3.0]));
    for (name, value) in [
        ("js_divergence", std::f64::consts::LN_2),
        ("js_distance_base2", 1.0),
        ("hellinger", 1.0),
        ("total_variation", 1.0),
        ("l_infinity", 1.0),
        ("ks", 1.0),
        ("wasserstein", 3.0),
    ] {
        close(score(&scores, name).value, value);
    }
    for found in &scores {
        assert!(found.p_value.expect("p") < 1e-12, "{found:?}");
        assert!(found.value.is_finite(), "{found:?}");
    }
}

#[test]
fn equal_sides_are_zero_and_below_chance() {
    for found in window_scores(&[30, 50, 20], &[30, 50, 20], Some(&[1.0, 2.0, 4.0])) {
        assert!(found.value.abs() < 1e-12, "{found:?}");
        assert!(found.p_value.expect("p") > 0.999, "{found:?}");
        assert!(found.corrected.is_none_or(|corrected| corrected <= 0.0), "{found:?}");
    }
}

#[test]
fn one_code_says_nothing() {
    for found in window_scores(&[0, 40], &[0, 7], Some(&[0.0, 1.0])) {
        assert_eq!((found.value, found.p_value), (0.0, Some(1.0)), "{found:?}");
    }
}

#[test]
fn nothing_to_compare_is_no_score() {
    assert!(window_scores(&[], &[], None).is_empty());
    assert!(window_scores(&[5], &[0], None).is_empty());
    assert!(window_scores(&[0, 0], &[3], Some(&[1.0])).is_empty());
}

#[test]
fn order_of_codes_and_padding_do_not_matter() {
    let straight = window_scores(&[5, 9, 30], &[8, 2, 0], Some(&[1.0, 2.0, 5.0]));
    let turned = window_scores(&[30, 5, 0, 9], &[0, 8, 0, 2], Some(&[5.0, 1.0, 9.0, 2.0]));
    let short = window_scores(&[5, 9, 30], &[8, 2], Some(&[1.0, 2.0, 5.0]));
    assert_eq!(straight, turned);
    assert_eq!(straight, short);
}

#[test]
fn line_scores_skip_codes_without_a_place() {
    // Shares on the line: 10/20, 10/20 against 5/20, 15/20; the third code is null.
    let scores = window_scores(&[10, 10, 80], &[5, 15, 0], Some(&[2.0, 6.0, f64::NAN]));
    close(score(&scores, "ks").value, 0.25);
    close(score(&scores, "wasserstein").value, 1.0);
    assert!(window_scores(&[1, 2], &[2, 1], None).iter().all(|found| found.name != "ks"));
}

#[test]
fn a_share_of_two_codes_has_the_z_test_p_value() {
    // 50 of 100 against 60 of 100: pooled z = 1.421338, two-sided p = 0.155218 (z-test).
    let scores = window_scores(&[50, 50], &[40, 60], None);
    close(score(&scores, "chi_square").p_value.expect("p"), 0.155_218_489_684_684);
    close(score(&scores, "total_variation").p_value.expect("p"), 0.155_218_489_684_684);
    let line = window_scores(&[50, 50], &[40, 60], Some(&[0.0, 7.0]));
    close(score(&line, "wasserstein").p_value.expect("p"), 0.155_218_489_684_684);
}

#[test]
fn huge_counts_stay_finite() {
    let huge = u64::MAX / 4;
    for found in window_scores(&[huge, 1, 0], &[1, huge, 3], Some(&[0.0, 1.0, 2.0])) {
        assert!(found.value.is_finite(), "{found:?}");
    }
}

#[test]
fn table_is_complete() {
    let mut names: Vec<_> = SCORES.iter().map(|spec| spec.name).collect();
    let scores = window_scores(&[1, 2], &[2, 1], Some(&[0.0, 1.0]));
    assert_eq!(names, scores.iter().map(|score| score.name).collect::<Vec<_>>());
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), SCORES.len());
    for spec in SCORES {
        assert!(spec.doc.ends_with('.') && !spec.reference.is_empty(), "{}", spec.name);
    }
}
