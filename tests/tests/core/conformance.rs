//! Other tools' values: every case of `conformance/cases.json` is either matched to its tolerance or
//! listed below with the reason why not. A case that is neither fails the test.

#![allow(clippy::print_stdout)] // the number of matched cases is the point of the run

use std::collections::BTreeMap;

use driftline_detectors::arl;
use driftline_detectors::classic::{self, AnyDetector, Decision, Detector};
use driftline_detectors::two_sample as ts;
use serde_json::Value;

const CASES: &str = include_str!("../../conformance/cases.json");

/// Cases that are not matched, by id (or its beginning, with `*`), and why.
const NOT_MATCHED: &[(&str, &str)] = &[
    ("river.kswin.s1", "River draws with CPython's random generator; kswin is deterministic here"),
    (
        "river.hst.doc",
        "half-space trees are not offered; the case needs CPython's random generator",
    ),
    ("river.lof.doc", "local outlier factor is not offered"),
    ("river.ewvar.doc", "no exponentially weighted variance is offered"),
    (
        "frouros.adwin.lcg",
        "frouros skips the newest bucket of each level, River's old fault; River is followed",
    ),
    (
        "frouros.js.z31",
        "shares read off two interpolated histograms with automatic bins of their own",
    ),
    ("frouros.eddm.lcg.b", "frouros takes the population deviation; River is followed"),
    (
        "frouros.kuiper.grid",
        "the tool takes the Kolmogorov-Smirnov distance for Kuiper's: a fault that is not copied",
    ),
    ("frouros.incremental_ks.grid", "an online KS on a tree is not offered; kswin is"),
    ("frouros.bhattacharyya.head", "not confirmed: the tool's own release prints another value"),
    ("evidently.g_test.abc", "one-sample: takes the reference for the truth; g is two-sample here"),
    ("evidently.mannw.ab", "one-sided against its own documentation: a fault that is not copied"),
    (
        "evidently.hellinger.grid",
        "densities on bins of unique pooled values, whose edges the case does not state",
    ),
    ("nannyml.js.*", "needs NumPy's legacy random generator"),
    ("nannyml.hellinger.cont", "needs NumPy's legacy random generator"),
    ("nannyml.wasserstein.estimated", "needs NumPy's legacy random generator"),
    ("nannyml.cbpe.small", "performance estimation without labels is not offered"),
    ("alibi.cvm_online.*", "the online window tests of alibi-detect are not offered"),
    ("alibi.fet_online.stat", "the online window tests of alibi-detect are not offered"),
    (
        "scouter.*",
        "thresholds that leave the reference's own noise out are not offered; p-values are",
    ),
    ("null.divergence_scaling", "checked by simulation in score_calibration.rs"),
    ("hdr.*", "the hdrhistogram crate itself is used; nothing of ours to check here"),
    ("moa.ddm_classifier.ref", "a classifier's reference file, not a detector's; never confirmed"),
];

fn main_table() -> Value {
    serde_json::from_str(CASES).expect("JSON")
}

fn lcg(i: usize, modulus: usize) -> f64 {
    ((i * 7919) % modulus) as f64
}

/// The stream of a case, decoded or computed from its formula.
fn stream(table: &Value, name: &str) -> Vec<f64> {
    let bit = |i: usize, below: f64| f64::from(u8::from(lcg(i, 97) < below));
    let bernoulli = |i: usize| bit(i, if i < 1000 { 20.0 } else { 60.0 });
    let shape = &table["streams"][name];
    let values: Vec<f64> = match name {
        "lcg_shift" => {
            (0..2000).map(|i| lcg(i, 97) / 97.0 + if i < 1000 { 0.0 } else { 0.5 }).collect()
        }
        "lcg_stationary" => (0..2000).map(|i| lcg(i, 97) / 97.0).collect(),
        "lcg_bernoulli" => (0..2000).map(bernoulli).collect(),
        "lcg_bernoulli_rev" => (1000..2000).chain(0..1000).map(bernoulli).collect(),
        "step01" => (0..2000).map(|i| f64::from(u8::from(i >= 1000))).collect(),
        "step050" => (0..600).map(|i| if (200..400).contains(&i) { 5.0 } else { 0.0 }).collect(),
        _ => match shape["encoding"].as_str() {
            Some("digits") => shape["data"]
                .as_str()
                .expect("digits")
                .chars()
                .map(|digit| f64::from(digit.to_digit(10).expect("a digit")))
                .collect(),
            _ => numbers(&shape["data"]),
        },
    };
    assert_eq!(values.len() as u64, shape["len"].as_u64().expect("a length"), "{name}");
    if let Some(sum) = shape["sum"].as_f64() {
        assert!((values.iter().sum::<f64>() - sum).abs() < 1e-6, "{name}");
    }
    values
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("numbers").iter().map(|x| x.as_f64().expect("a number")).collect()
}

fn counts(value: &Value) -> Vec<u64> {
    value.as_array().expect("counts").iter().map(|x| x.as_u64().expect("a count")).collect()
}

/// Two objects of counts or shares by name, aligned over the union of names.
fn aligned(a: &Value, b: &Value) -> (Vec<f64>, Vec<f64>) {
    let (a, b) = (a.as_object().expect("an object"), b.as_object().expect("an object"));
    let names: BTreeMap<&String, ()> = a.keys().chain(b.keys()).map(|name| (name, ())).collect();
    let side = |of: &serde_json::Map<String, Value>| {
        names.keys().map(|name| of.get(*name).and_then(Value::as_f64).unwrap_or(0.0)).collect()
    };
    (side(a), side(b))
}

fn whole(values: &[f64]) -> Vec<u64> {
    values.iter().map(|x| x.round() as u64).collect()
}

/// Counts of the letters of two strings, aligned; `x15` at the end repeats them.
fn letters(a: &Value, b: &Value) -> (Vec<u64>, Vec<u64>) {
    let side = |value: &Value| {
        let text = value.as_str().expect("letters").to_owned();
        let (word, times) = match text.split_once(" x") {
            Some((word, times)) => (word.to_owned(), times.parse().expect("a number")),
            None => (text, 1),
        };
        (b'a'..=b'f')
            .map(|letter| times * word.bytes().filter(|byte| *byte == letter).count() as u64)
            .collect()
    };
    (side(a), side(b))
}

fn grid() -> (Vec<f64>, Vec<f64>) {
    let x = (0..1009).map(|i| lcg(i, 1009) / 1009.0).collect();
    let y = (0..700).map(|i| (((i * 104_729) % 1009) as f64 / 1009.0).powf(1.2)).collect();
    (x, y)
}

fn points(from: usize, to: usize, shift: f64) -> Vec<Vec<f64>> {
    (from..to)
        .map(|i| vec![lcg(i, 97) / 97.0 + shift, ((i * 104_729) % 89) as f64 / 89.0])
        .collect()
}

/// The two raw samples of a case.
fn samples(table: &Value, input: &Value) -> (Vec<f64>, Vec<f64>) {
    if let Some(x) = input["X"].as_str() {
        if x.contains("z31") {
            let z = stream(table, "z31");
            return (
                z.iter().map(|z| 1.0 + z).collect(),
                z.iter().map(|z| 5.0 + 2.0 * z).collect(),
            );
        }
        return grid();
    }
    (numbers(&input["a"]), numbers(&input["b"]))
}

/// Our detector and its parameters for a case's.
fn detector(name: &str, source: &str, given: &Value) -> Option<AnyDetector> {
    let frouros = source.contains("frouros");
    // Their name, ours, and their parameter names with ours.
    type Names = &'static [(&'static str, &'static str)];
    let (ours, names): (&str, Names) = match (name, frouros) {
        ("PageHinkley", false) => ("page_hinkley", &[("min_instances", "min_updates")]),
        ("ADWIN", false) => {
            ("adwin", &[("min_window_length", "min_part"), ("grace_period", "grace")])
        }
        ("DDM", false) => (
            "ddm",
            &[
                ("warm_start", "warm_up"),
                ("warning_threshold", "warning"),
                ("drift_threshold", "drift"),
            ],
        ),
        ("EDDM", false) => ("eddm", &[("warm_start", "warm_up")]),
        ("HDDM_A", false) => ("hddm_a", &[]),
        ("HDDM_W", false) => ("hddm_w", &[("lambda_", "lambda")]),
        ("FHDDM" | "FHDDM (stacking)", false) => (
            "fhddm",
            &[
                ("sliding_window_size", "window"),
                ("confidence_level", "confidence"),
                ("short_window_size", "short_window"),
            ],
        ),
        ("BOCD", true) => (
            "bocd",
            &[
                ("prior_var", "prior_variance"),
                ("data_var", "data_variance"),
                ("min_num_instances", "min_updates"),
            ],
        ),
        ("CUSUM" | "CUSUM_l20", true) => (
            "cusum_running_mean",
            &[("lambda_", "threshold"), ("min_num_instances", "min_updates")],
        ),
        ("PH", true) => {
            ("page_hinkley_sum", &[("lambda_", "threshold"), ("min_num_instances", "min_updates")])
        }
        ("GMA" | "GMA_l.2", true) => {
            ("gma", &[("lambda_", "threshold"), ("min_num_instances", "min_updates")])
        }
        ("RDDM", true) => ("rddm", &[]),
        ("ECDDWT", true) => ("ecdd", &[]),
        ("STEPD", true) => ("stepd", &[]),
        _ => return None,
    };
    let mut settings = BTreeMap::new();
    for (name, value) in given.as_object().expect("parameters") {
        let ours = names.iter().find(|(theirs, _)| theirs == name).map_or(&**name, |pair| pair.1);
        match (ours, value) {
            ("mode", mode) => {
                settings.insert("up".into(), f64::from(u8::from(mode != "down")));
                settings.insert("down".into(), f64::from(u8::from(mode != "up")));
            }
            ("defaults" | "input", _) | (_, Value::Null) => {}
            (_, Value::Bool(flag)) => {
                settings.insert(ours.into(), f64::from(u8::from(*flag)));
            }
            (_, number) => {
                settings.insert(ours.into(), number.as_f64().expect("a number"));
            }
        }
    }
    let spec = classic::find(ours).expect("a detector");
    Some(spec.build(&settings).unwrap_or_else(|error| panic!("{name}: {error}")))
}

/// (got, expected) pairs of a detector case.
fn run_detector(table: &Value, case: &Value) -> Option<Vec<(f64, f64)>> {
    let expected = &case["expected"];
    let source = case["source"]["repo"].as_str().expect("a source");
    let name = case["detector"].as_str().expect("a name");
    let mut detector = detector(name, source, &case["params"])?;
    let mut drifts = Vec::new();
    let mut warnings = Vec::new();
    for (index, x) in stream(table, case["input"]["stream"].as_str()?).iter().enumerate() {
        match detector.update(*x) {
            Decision::Drift => drifts.push(index as f64),
            Decision::Warning => warnings.push(index as f64),
            Decision::Quiet => {}
        }
    }
    let mut pairs = Vec::new();
    if let Some(list) = expected.get("drift_indices") {
        let list = numbers(list);
        pairs.push((drifts.len() as f64, list.len() as f64));
        pairs.extend(drifts.iter().copied().zip(list));
    }
    if let Some(first) = expected.get("first_warning") {
        pairs.push((*warnings.first()?, first.as_f64()?));
    }
    if let Some(number) = expected.get("n_warning") {
        // River's EDDM leaves its warning up when it drifts; a decision here is one of the two.
        let both = if name == "EDDM" { drifts.len() } else { 0 };
        pairs.push(((warnings.len() + both) as f64, number.as_f64()?));
    }
    if let (Some(width), AnyDetector::Adwin(adwin)) = (expected.get("final_width"), &detector) {
        pairs.push((adwin.width(), width.as_f64()?));
        pairs.push((adwin.total(), expected["total"].as_f64()?));
        pairs.push((adwin.squared_deviations(), expected["sum_sq_dev"].as_f64()?));
        pairs.push((adwin.total() / adwin.width(), expected["estimation"].as_f64()?));
    }
    Some(pairs)
}

fn whole_test(found: Option<ts::Test>) -> Option<Vec<f64>> {
    found.map(|test| vec![test.statistic, test.p_value])
}

fn p_value(found: Option<ts::Test>) -> Option<Vec<f64>> {
    found.map(|test| vec![test.p_value])
}

/// Our value or values for a case that is no detector's.
fn run_metric(table: &Value, case: &Value) -> Option<Vec<f64>> {
    let input = &case["input"];
    let raw = || samples(table, input);
    let pairs = |a: &[f64], b: &[f64]| ts::to_shares(&whole(a), &whole(b));
    let ten_bins = || {
        let (x, y) = raw();
        ts::equal_width_counts(&x, &y, 10).and_then(|(a, b)| ts::to_shares(&a, &b))
    };
    let binned = || ts::to_shares(&counts(&input["ref_counts"]), &counts(&input["cur_counts"]));
    let six = || {
        let (a, b) = aligned(&input["ref_counts"], &input["cur_counts"]);
        pairs(&a, &b)
    };
    let listed = || Some(numbers(&input["p"]).into_iter().zip(numbers(&input["q"])));
    let root = |x: f64| x.sqrt();
    match case["id"].as_str()? {
        "river.ewmean.doc" => {
            // The recurrence of the ewma chart's level, begun at the first value.
            let values = numbers(input);
            let first = *values.first()?;
            let settings = [("target", first), ("lambda", 0.5), ("limit", 40.0)];
            let settings = settings.map(|(name, value)| (name.to_owned(), value)).into();
            let mut chart = classic::find("ewma").ok()?.build(&settings).ok()?;
            let levels = values.iter().map(|x| {
                chart.update(*x);
                if let AnyDetector::Ewma(chart) = &chart { first + chart.level() } else { f64::NAN }
            });
            Some(levels.collect())
        }
        "frouros.emd.z31" | "frouros.emd.grid" | "scipy.wasserstein.ab" => {
            let (a, b) = raw();
            ts::wasserstein(&a, &b).map(|x| vec![x])
        }
        "frouros.energy.z31" | "scipy.energy.ab" | "evidently.ed.ab" | "evidently.ed.a_a5"
        | "evidently.ed.grid" => {
            let (a, b) = raw();
            ts::energy(&a, &b).map(|x| vec![x])
        }
        id if id.starts_with("scipy.wasserstein.doc") || id.starts_with("scipy.energy.doc") => {
            let lists: Vec<Vec<f64>> = input.as_array()?.iter().map(numbers).collect();
            let side = |at: usize| {
                let weights = lists.get(at + 2).map(|list| &list[..]);
                lists.get(at).map(|values| ts::Weighted { values, weights })
            };
            let (a, b) = (side(0)?, side(1)?);
            let found =
                if id.contains("energy") { ts::energy(a, b) } else { ts::wasserstein(a, b) };
            found.map(|x| vec![x])
        }
        "frouros.hinc.z31" | "frouros.hinc.grid" => {
            Some(vec![ts::histogram_intersection(ten_bins()?)])
        }
        "frouros.hellinger.grid" => Some(vec![ts::hellinger(ten_bins()?)]),
        "frouros.cvm.grid" => whole_test(ts::cramer_von_mises(&grid().0, &grid().1)),
        "frouros.mwu.grid" => whole_test(ts::mann_whitney(&grid().0, &grid().1)),
        "frouros.welch.grid" => whole_test(ts::welch_t(&grid().0, &grid().1)),
        "frouros.ad.grid" => whole_test(ts::anderson_darling(&grid().0, &grid().1)),
        "evidently.anderson.grid" => p_value(ts::anderson_darling(&grid().0, &grid().1)),
        "evidently.anderson.ab" => p_value(ts::anderson_darling(&raw().0, &raw().1)),
        "evidently.t_test.grid" => p_value(ts::pooled_t(&grid().0, &grid().1)),
        "scipy.t.ind" => whole_test(ts::pooled_t(&raw().0, &raw().1)),
        "scipy.ks2.exact" => whole_test(ts::ks_exact(&raw().0, &raw().1)),
        "frouros.mmd2u.lcg" => {
            ts::mmd2_unbiased(&points(0, 60, 0.0), &points(100, 150, 0.3), 1.0).map(|x| vec![x])
        }
        "alibi.sigma_median.lcg" => {
            let sigma = ts::median_sigma(&points(0, 60, 0.0))?;
            let other = points(100, 150, 0.3);
            Some(vec![ts::mmd2_unbiased(&points(0, 60, 0.0), &other, sigma)?, sigma])
        }
        "scipy.js.doc0" => Some(vec![root(ts::jensen_shannon(listed()?) / 2_f64.ln())]),
        "scipy.js.doc2" => Some(vec![root(ts::jensen_shannon(listed()?))]),
        "tfdv.jsd.0" | "tfdv.jsd.1" => Some(vec![ts::jensen_shannon(listed()?) / 2_f64.ln()]),
        // SciPy's entropy(p, q) is the divergence of p from q.
        "scipy.entropy.kl" => Some(vec![ts::kullback_leibler(listed()?.map(|(p, q)| (q, p)))]),
        "scipy.g_contingency.doc" => {
            let rows = input.as_array()?;
            whole_test(ts::g_statistic(&counts(&rows[0]), &counts(&rows[1])))
        }
        "scipy.fisher.doc" => {
            let rows = input.as_array()?;
            let row = |at: usize| <[u64; 2]>::try_from(counts(&rows[at])).ok();
            whole_test(ts::fisher_exact([row(0)?, row(1)?]))
        }
        "evidently.hellinger.cat6" => Some(vec![ts::hellinger(six()?)]),
        "evidently.psi.cat6" => Some(vec![ts::psi(six()?)]),
        "evidently.jensenshannon.cat6" => Some(vec![root(ts::jensen_shannon(six()?))]),
        // evidently's entropy(reference, current).
        "evidently.kl_div.cat6" => {
            Some(vec![ts::kullback_leibler(six()?.into_iter().map(|(p, q)| (q, p)))])
        }
        "evidently.psi.grid" => Some(vec![ts::psi(binned()?)]),
        "evidently.jensenshannon.grid" => Some(vec![root(ts::jensen_shannon(binned()?))]),
        "evidently.kl_div.grid" => {
            Some(vec![ts::kullback_leibler(binned()?.into_iter().map(|(p, q)| (q, p)))])
        }
        // evidently puts its epsilon where a share is 0; PSI itself is ours.
        "evidently.psi.newcat" => {
            let (a, b) = aligned(&input["ref"], &input["cur"]);
            let floor = |p: f64| if p == 0.0 { 1e-4 } else { p };
            Some(vec![ts::psi(pairs(&a, &b)?.into_iter().map(|(p, q)| (floor(p), floor(q))))])
        }
        // deepchecks: 1 % at least on both sides.
        "deepchecks.psi" => {
            let (a, b) = aligned(&input["d1"], &input["d2"]);
            Some(vec![ts::psi(pairs(&a, &b)?.into_iter().map(|(p, q)| (p.max(0.01), q.max(0.01))))])
        }
        "evidently.fisher.15" | "evidently.fisher.disjoint" => {
            let (a, b) = letters(&input["ref"], &input["cur"]);
            p_value(ts::fisher_exact([[a[0], a[1]], [b[0], b[1]]]))
        }
        "evidently.z.01" => {
            let (a, b) = aligned(&input["ref"], &input["cur"]);
            let side =
                |s: &[f64]| ts::Proportion { successes: s[1] as u64, trials: (s[0] + s[1]) as u64 };
            p_value(ts::proportions(side(&a), side(&b)))
        }
        "evidently.wasserstein.const" => {
            let distance = ts::wasserstein(&[5.0; 50], &[5.1; 50])?;
            Some(vec![distance / 0.001])
        }
        "tfdv.linf.0" | "tfdv.linf.1" => {
            let (p, q) = aligned(&input["p"], &input["q"]);
            let thousands = |s: &[f64]| whole(&s.iter().map(|x| x * 1e3).collect::<Vec<_>>());
            ts::l_infinity(&thousands(&p), &thousands(&q)).map(|x| vec![x])
        }
        "deequ.linf_simple.1" | "deequ.linf_robust.1" => {
            let (a, b) = aligned(&input["s1"], &input["s2"]);
            let of = if case["id"] == "deequ.linf_simple.1" {
                ts::l_infinity
            } else {
                ts::l_infinity_robust
            };
            of(&whole(&a), &whole(&b)).map(|x| vec![x])
        }
        "deequ.kll_linf" => {
            ts::ks_distance(&numbers(&input["s1"]), &numbers(&input["s2"])).map(|x| vec![x])
        }
        "nannyml.linf.new" => {
            let (a, b) = letters(&input["ref"], &input["cur"]);
            ts::l_infinity(&a, &b).map(|x| vec![x])
        }
        id if id.starts_with("deepchecks.cramers_v") => {
            let (a, b) = aligned(&input["d1"], &input["d2"]);
            ts::cramers_v(&whole(&a), &whole(&b)).map(|x| vec![x])
        }
        // deepchecks: both samples on their pooled range.
        "deepchecks.emd" => {
            let side =
                |from: usize| (from..from + 100).map(|x| x as f64 / 149.0).collect::<Vec<_>>();
            ts::wasserstein(&side(0), &side(50)).map(|x| vec![x])
        }
        "arl.cusum.k05.h5" => {
            let mut values: Vec<f64> = numbers(&input["mu"])
                .iter()
                .map(|shift| arl::cusum_one_sided(0.5, 5.0, 0.0, *shift))
                .collect();
            values.extend([arl::cusum(0.5, 5.0, 0.0, 0.0), arl::cusum(0.5, 5.0, 0.0, 1.0)]);
            Some(values)
        }
        "arl.ewma" => {
            let pairs: Vec<Vec<f64>> = input["lam_L"].as_array()?.iter().map(numbers).collect();
            let shifts = numbers(&input["mu"]);
            Some(
                pairs
                    .iter()
                    .flat_map(|pair| shifts.iter().map(|shift| arl::ewma(pair[0], pair[1], *shift)))
                    .collect(),
            )
        }
        _ => None,
    }
}

/// All numbers of an expected value, in order (objects in the order of their keys' text).
fn flat(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(list) => list.iter().flat_map(flat).collect(),
        Value::Object(object) => {
            let sorted: BTreeMap<&String, &Value> = object.iter().collect();
            sorted.values().flat_map(|value| flat(value)).collect()
        }
        other => other.as_f64().into_iter().collect(),
    }
}

fn listed_reason(id: &str) -> Option<&'static str> {
    NOT_MATCHED
        .iter()
        .find(|(name, _)| name.strip_suffix('*').map_or(*name == id, |start| id.starts_with(start)))
        .map(|(_, reason)| *reason)
}

#[test]
fn every_case_is_matched_or_listed() {
    let table = main_table();
    let cases = table["cases"].as_array().expect("cases");
    let (mut matched, mut listed, mut wrong) = (0, 0, Vec::new());
    for case in cases {
        let id = case["id"].as_str().expect("an id");
        if let Some(reason) = listed_reason(id) {
            println!("not matched: {id}: {reason}");
            listed += 1;
            continue;
        }
        let tolerance = case["tolerance"].as_f64().expect("a tolerance");
        let pairs = run_detector(&table, case).or_else(|| {
            let (got, expected) = (run_metric(&table, case)?, flat(&case["expected"]));
            if got.len() != expected.len() {
                return None;
            }
            Some(got.into_iter().zip(expected).collect())
        });
        match pairs {
            None => wrong.push(format!("{id}: neither matched nor listed")),
            Some(pairs) => {
                let off = pairs.iter().find(|(got, expected)| {
                    let gap = (got - expected).abs();
                    gap.is_nan() || gap > tolerance.max(1e-12) * expected.abs().max(1.0)
                });
                match off {
                    Some(_) => wrong.push(format!("{id}: {pairs:?}")),
                    None => matched += 1,
                }
            }
        }
    }
    println!("{matched} matched, {listed} listed as not matched, {} wrong", wrong.len());
    assert!(wrong.is_empty(), "{} wrong: {wrong:#?}", wrong.len());
    assert_eq!(matched + listed, cases.len());
}

#[test]
fn the_list_names_cases_only() {
    let table = main_table();
    for (name, reason) in NOT_MATCHED {
        let known = table["cases"].as_array().expect("cases").iter().any(|case| {
            let id = case["id"].as_str().expect("an id");
            name.strip_suffix('*').map_or(*name == id, |start| id.starts_with(start))
        });
        assert!(known && !reason.is_empty(), "{name}");
    }
}
