//! The series of one model: what they are asked for together.

use driftline_tests::promise::mean_and_error;
use driftline_tests::together::{Model, Reference, Rule};

const MODELS: usize = 12;
const PROMISE: f64 = 500.0;
/// Promises that each model is watched for.
const HORIZON: usize = 8;

/// False alarms for each one that is promised, and the standard error.
fn realised(references: &[Reference], rule: Rule, correlation: f64) -> (f64, f64) {
    let panes = HORIZON * PROMISE as usize;
    let count = |(seed, reference): (u64, &Reference)| {
        let mut model = Model::new(reference, rule, correlation, PROMISE, 0x70_6e + seed);
        let alarms: usize = (0..panes).map(|_| model.pane()).sum();
        alarms as f64 / HORIZON as f64
    };
    let counts: Vec<f64> = (0..).zip(references).map(count).collect();
    let (mean, error) = mean_and_error(&counts);
    println!("{rule:?}, correlation {correlation}: {mean:.2} +- {error:.2} of what is promised");
    (mean, error)
}

#[test]
fn the_sum_over_a_model_keeps_the_promise_and_a_product_does_not() {
    let references: Vec<Reference> =
        (0..MODELS as u64).map(|seed| Reference::learn(20_000, 0x5e_7e + seed)).collect();
    for correlation in [0.0, 0.6] {
        let (sum, error) = realised(&references, Rule::Together, correlation);
        assert!(sum <= 1.1 + 3.0 * error, "{sum} +- {error}");
        // It does speak.
        assert!(sum > 0.1, "{sum}");
    }
    let (product, error) = realised(&references, Rule::Product, 0.6);
    assert!(product > 1.1 + 3.0 * error, "dependence was not noticed: {product} +- {error}");
}
