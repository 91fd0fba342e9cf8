//! What every detector of the table owes its user, checked for each line of it: a restored one goes
//! on the same, a constant never alarms, unusable input does no harm, memory is bounded, parameters
//! are checked, docs are there, and a shift is found. Run lengths that are promised are measured.

#![allow(clippy::print_stdout)] // the measured run lengths are the point of the run

use std::collections::BTreeMap;

use driftline_detectors::classic::{
    AnyDetector, DETECTORS, Decision, Detector, DetectorSpec, Input, SettingError, find,
};
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::Value;

fn default_of(spec: &DetectorSpec) -> AnyDetector {
    spec.build(&BTreeMap::new()).unwrap_or_else(|error| panic!("{}: {error}", spec.name))
}

/// Inputs with nothing changed: standard normal numbers, or bits with 20 % ones.
fn draw(input: Input, random: &mut Xoshiro256PlusPlus) -> f64 {
    match input {
        Input::Number => StandardNormal.sample(random),
        Input::Bit => f64::from(u8::from(random.random::<f64>() < 0.2)),
    }
}

/// Nothing changed for 1,000 inputs, then a shift that each detector must see: two deviations up,
/// or 80 % ones.
fn shifting(input: Input, seed: u64) -> Vec<f64> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    (0..2_000)
        .map(|index| match (input, index < 1_000) {
            (_, true) => draw(input, &mut random),
            (Input::Number, false) => 2.0 + draw(input, &mut random),
            (Input::Bit, false) => f64::from(u8::from(random.random::<f64>() < 0.8)),
        })
        .collect()
}

#[test]
fn restored_at_each_step_goes_on_the_same() {
    for spec in DETECTORS {
        let mut straight = default_of(spec);
        let mut restored = default_of(spec);
        for x in shifting(spec.input, 3).into_iter().skip(700).take(600) {
            let text = serde_json::to_string(&restored).expect("a state");
            restored = serde_json::from_str(&text).expect("the state again");
            assert_eq!(straight.update(x), restored.update(x), "{}", spec.name);
            assert_eq!(straight, restored, "{}", spec.name);
        }
    }
}

#[test]
fn constants_never_alarm() {
    for spec in DETECTORS {
        let constants: &[f64] = match (spec.name, spec.input) {
            // A fixed target is what they are told that the constant is.
            ("cusum" | "ewma", _) => &[0.0],
            (_, Input::Number) => &[0.0, 3.7, -1e6, 1e-9, 1.0 / 3.0],
            (_, Input::Bit) => &[0.0, 1.0],
        };
        for constant in constants {
            let mut detector = default_of(spec);
            for index in 0..20_000 {
                let decision = detector.update(*constant);
                assert_ne!(decision, Decision::Drift, "{} {constant} {index}", spec.name);
            }
        }
    }
}

/// Every number in a serialised state; also whether one is missing (null stands for NaN or infinity).
fn numbers(value: &Value) -> (usize, bool) {
    match value {
        Value::Array(list) => {
            list.iter().map(numbers).fold((0, true), |all, one| (all.0 + one.0, all.1 && one.1))
        }
        Value::Object(object) => {
            object.values().map(numbers).fold((0, true), |all, one| (all.0 + one.0, all.1 && one.1))
        }
        Value::Number(number) => (1, number.as_f64().is_some_and(f64::is_finite)),
        Value::Bool(_) => (1, true),
        _ => (0, true),
    }
}

#[test]
fn unusable_input_does_no_harm() {
    for spec in DETECTORS {
        let mut clean = default_of(spec);
        let mut troubled = default_of(spec);
        for x in shifting(spec.input, 5) {
            for unusable in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, -1e101] {
                assert_eq!(troubled.update(unusable), Decision::Quiet, "{}", spec.name);
            }
            assert_eq!(clean.update(x), troubled.update(x), "{}", spec.name);
        }
        assert_eq!(clean, troubled, "{}", spec.name);
        // The largest usable values leave numbers behind, and so does what comes after.
        for x in [1e100, -1e100, 1e100, 0.0, 1e-300, 1.0] {
            troubled.update(x);
        }
        for x in shifting(spec.input, 6) {
            troubled.update(x);
        }
        let text = serde_json::to_string(&troubled).expect("a state");
        let again: Result<AnyDetector, _> = serde_json::from_str(&text);
        assert_eq!(again.ok().as_ref(), Some(&troubled), "{}: {text}", spec.name);
    }
}

#[test]
fn memory_is_bounded() {
    for spec in DETECTORS {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(11);
        let mut detector = default_of(spec);
        let mut most = 0;
        for index in 0..60_000 {
            detector.update(draw(spec.input, &mut random));
            if index % 997 == 0 {
                let state = serde_json::to_value(&detector).expect("a state");
                let (count, finite) = numbers(&state);
                assert!(finite, "{}", spec.name);
                most = most.max(count);
            }
        }
        assert!(most <= spec.memory_values, "{} keeps {most} numbers", spec.name);
        assert!(most * 50 >= spec.memory_values, "{} promises too little: {most}", spec.name);
    }
}

#[test]
fn a_large_shift_is_found() {
    for spec in DETECTORS {
        let mut found = 0;
        for seed in 0..20 {
            let mut detector = default_of(spec);
            let mut stream = shifting(spec.input, 100 + seed);
            if spec.name == "fhddm" {
                // It looks for a fall of ones.
                stream.iter_mut().for_each(|x| *x = 1.0 - *x);
            }
            let drifts: Vec<usize> = stream
                .iter()
                .enumerate()
                .filter(|(_, x)| detector.update(**x) == Decision::Drift)
                .map(|(index, _)| index)
                .collect();
            found += usize::from(drifts.iter().any(|index| *index >= 1_000));
        }
        assert!(found >= 19, "{} found {found} of 20", spec.name);
    }
}

#[test]
fn docs_are_there_and_names_are_unique() {
    let mut names = std::collections::BTreeSet::new();
    for spec in DETECTORS {
        assert!(names.insert(spec.name), "{} twice", spec.name);
        for text in [spec.doc, spec.otherwise, spec.run_length] {
            assert!(text.ends_with('.') && text.len() > 10, "{}: {text:?}", spec.name);
        }
        assert!(!spec.variant.is_empty() && spec.reference.contains('('), "{}", spec.name);
        for parameter in spec.parameters {
            let name = parameter.name;
            assert!(parameter.doc.ends_with('.'), "{} {name}", spec.name);
            assert!((parameter.least..=parameter.most).contains(&parameter.default), "{name}");
            assert!(!parameter.whole || parameter.default.fract() == 0.0, "{name}");
        }
    }
}

fn error_of(name: &str, settings: &[(&str, f64)]) -> SettingError {
    let given = settings.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
    find(name).and_then(|spec| spec.build(&given)).expect_err("an error")
}

#[test]
fn wrong_parameters_are_refused_with_a_remedy() {
    for spec in DETECTORS {
        for parameter in spec.parameters {
            for value in [f64::NAN, parameter.least - 1e101, parameter.most * 10.0 + 1.0] {
                let error = error_of(spec.name, &[(parameter.name, value)]).to_string();
                assert!(error.contains(parameter.name) && error.contains(" to "), "{error}");
            }
        }
    }
    let text = |name, settings: &[_]| error_of(name, settings).to_string();
    assert_eq!(text("adwinn", &[]), "there is no detector `adwinn`; did you mean `adwin`?");
    assert_eq!(
        text("ddm", &[("drfit", 2.0)]),
        "`ddm` has no parameter `drfit`; did you mean `drift`?"
    );
    assert_eq!(
        text("adwin", &[("clock", 1.5)]),
        "`clock` of `adwin` is 1.5; give a whole number from 1 to 1000000"
    );
    assert!(text("zzz", &[]).contains("choose from: cusum, ewma"));
    assert!(text("eddm", &[("alpha", 0.5)]).contains("at least beta"));
    assert!(text("kswin", &[("newest", 80.0)]).contains("half of window"));
}

/// Mean inputs to the first drift with nothing changed, and its standard error.
fn measured_run_length(name: &str, settings: &[(&str, f64)], runs: u64) -> (f64, f64) {
    let given = settings.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
    let fresh = find(name).and_then(|spec| spec.build(&given)).expect("a detector");
    let mut random = Xoshiro256PlusPlus::seed_from_u64(17);
    let (mut sum, mut squares) = (0.0, 0.0);
    for _ in 0..runs {
        let mut detector = fresh.clone();
        let mut length = 1.0;
        while detector.update(draw(Input::Number, &mut random)) != Decision::Drift {
            length += 1.0;
        }
        sum += length;
        squares += length * length;
    }
    let mean = sum / runs as f64;
    (mean, ((squares / runs as f64 - mean * mean) / runs as f64).sqrt())
}

#[test]
fn promised_run_lengths_are_measured() {
    for (name, settings, promised) in [
        ("cusum", &[][..], 10_000.0),
        ("cusum", &[("run_length", 500.0), ("k", 0.25)], 500.0),
        ("ewma", &[], 10_000.0),
        ("ewma", &[("run_length", 500.0), ("lambda", 0.4)], 500.0),
    ] {
        let (mean, error) = measured_run_length(name, settings, 1_500);
        println!("{name} {settings:?}: promised {promised}, measured {mean:.0} +- {error:.0}");
        assert!((mean - promised).abs() < 3.5 * error, "{name} {settings:?}: {mean} +- {error}");
        assert!(error < 0.04 * promised, "the measurement is too coarse to tell");
    }
    // The same measurement refuses the chart that is not what it was told: its threshold is 5 % off.
    let (mean, error) = measured_run_length("cusum", &[("threshold", 5.757 * 0.95)], 1_500);
    assert!((mean - 1_000.0).abs() > 3.5 * error, "{mean} +- {error} passes for 1,000");
}

#[test]
fn false_alarms_are_as_the_table_says() {
    let mut wrong = Vec::new();
    for spec in DETECTORS {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(23);
        let mut drifts = 0;
        for _ in 0..100 {
            let mut detector = default_of(spec);
            for _ in 0..10_000 {
                let drift = detector.update(draw(spec.input, &mut random)) == Decision::Drift;
                drifts += u32::from(drift);
            }
        }
        let measured = f64::from(drifts) / 100.0;
        println!("{}: {measured} false alarms in 10,000 inputs", spec.name);
        if let Some((before, _)) = spec.run_length.split_once(" false alarms") {
            let stated: f64 = before
                .rsplit(' ')
                .next()
                .and_then(|number| number.parse().ok())
                .unwrap_or_else(|| panic!("{}: {}", spec.name, spec.run_length));
            let margin = 0.05 * stated + 0.02;
            if (measured - stated).abs() > margin {
                wrong.push(format!("{}: {measured}, the table says {stated}", spec.name));
            }
        } else {
            assert!(spec.run_length.starts_with("As set"), "{}", spec.name);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
