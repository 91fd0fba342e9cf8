//! Peers and the settings that are tried of each.

use driftline::model::Kind;

use super::windows::Distance;

/// A peer with all its settings but the threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Setting {
    /// Two-sided CUSUM with reference value `k`, of values standardised by the baseline or of their
    /// normal scores in it.
    Cusum {
        k: f64,
        scores: bool,
    },
    /// Two-sided EWMA, likewise.
    Ewma {
        lambda: f64,
        scores: bool,
    },
    /// CUSUMs for several shifts at once, perhaps for several spreads, too; of standardised values
    /// or of normal scores.
    Bank {
        scores: bool,
        spreads: bool,
    },
    /// River's Page-Hinkley, both directions; `delta` in standard deviations of the baseline.
    PageHinkley {
        delta: f64,
    },
    /// River's ADWIN, which looks for a cut every `clock` values.
    Adwin {
        clock: u32,
    },
    /// The newest values against the rest of a window, looked at every `hop` values.
    Kswin {
        window: usize,
        newest: usize,
        hop: usize,
    },
    /// A window in bins against the baseline, looked at every `hop` values.
    Binned {
        distance: Distance,
        window: usize,
        bins: usize,
        hop: usize,
    },
    /// Kolmogorov-Smirnov, a window against the baseline, looked at every `hop` values.
    Ks {
        window: usize,
        hop: usize,
    },
    /// QuantTree EWMA.
    QtEwma {
        lambda: f64,
        bins: usize,
    },
    /// River's detectors for bits.
    Ddm,
    Eddm,
    HddmA,
    HddmW {
        lambda: f64,
    },
    /// A detector of ours at all its defaults, which are those of the library that it follows.
    Default(&'static str),
    /// The real statistic; number of its zone.
    Driftline {
        zone: usize,
    },
}

impl Setting {
    pub(crate) fn family(self) -> &'static str {
        match self {
            Setting::Cusum { scores: false, .. } => "CUSUM",
            Setting::Cusum { scores: true, .. } => "CUSUM of scores",
            Setting::Ewma { scores: false, .. } => "EWMA",
            Setting::Ewma { scores: true, .. } => "EWMA of scores",
            Setting::Bank { scores: false, .. } => "CUSUM bank",
            Setting::Bank { scores: true, .. } => "CUSUM bank of scores",
            Setting::PageHinkley { .. } => "Page-Hinkley",
            Setting::Adwin { .. } => "ADWIN",
            Setting::Kswin { .. } => "KSWIN",
            Setting::Binned { distance: Distance::ChiSquare, .. } => "chi-square windows",
            Setting::Binned { .. } => "PSI windows",
            Setting::Ks { .. } => "KS windows",
            Setting::QtEwma { .. } => "QT-EWMA",
            Setting::Ddm => "DDM",
            Setting::Eddm => "EDDM",
            Setting::HddmA => "HDDM_A",
            Setting::HddmW { .. } => "HDDM_W",
            Setting::Default(name) => name,
            Setting::Driftline { zone: 0 } => "Driftline, zone 0",
            Setting::Driftline { .. } => "Driftline, zone .1",
        }
    }

    pub(crate) fn label(self) -> String {
        match self {
            Setting::Cusum { k, .. } => format!("k {k}"),
            Setting::Ewma { lambda, .. } | Setting::HddmW { lambda } => format!("lambda {lambda}"),
            Setting::Bank { spreads: false, .. } => "5 shifts".into(),
            Setting::Bank { spreads: true, .. } => "5 shifts, 4 spreads".into(),
            Setting::PageHinkley { delta } => format!("delta {delta} sd"),
            Setting::Adwin { clock } => format!("clock {clock}"),
            Setting::Kswin { window, newest, .. } => format!("{newest} of {window}"),
            Setting::Binned { window, bins, .. } => format!("{window} in {bins} bins"),
            Setting::Ks { window, .. } => format!("{window}"),
            Setting::QtEwma { lambda, bins } => format!("lambda {lambda}, {bins} bins"),
            _ => String::new(),
        }
    }

    /// Least and most of the threshold, which is larger where alarms are rarer: h, L, lambda (of
    /// Page-Hinkley, in baseline deviations), minus the logarithm of a significance, a distance,
    /// ...
    pub(crate) fn range(self) -> (f64, f64) {
        match self {
            Setting::Cusum { .. } | Setting::Bank { .. } => (0.5, 500.0),
            Setting::Ewma { .. } => (1.0, 40.0),
            Setting::PageHinkley { .. } => (2.0, 1_000.0),
            Setting::Adwin { .. } => (0.001, 27.0),
            Setting::Kswin { .. } | Setting::Ks { .. } => (0.05, 1.0),
            Setting::Binned { distance: Distance::ChiSquare, .. } => (2.0, 500.0),
            Setting::Binned { .. } => (0.002, 20.0),
            Setting::QtEwma { .. } => (1e-4, 50.0),
            Setting::Ddm => (0.3, 50.0),
            Setting::Eddm => (0.005, 0.95),
            Setting::HddmA | Setting::HddmW { .. } => (0.01, 27.0),
            Setting::Default(_) => (1.0, 1.0),
            Setting::Driftline { .. } => (1.0, 14.0),
        }
    }

    /// Whether run lengths in control are the same for every continuous law: only ranks enter.
    pub(crate) fn is_distribution_free(self) -> bool {
        match self {
            Setting::Cusum { scores, .. } | Setting::Ewma { scores, .. } => scores,
            Setting::Bank { scores, .. } => scores,
            Setting::Kswin { .. }
            | Setting::Binned { .. }
            | Setting::Ks { .. }
            | Setting::QtEwma { .. } => true,
            Setting::Default(name) => name == "kswin",
            _ => false,
        }
    }

    /// All settings that are calibrated, for a kind of stream.
    pub(crate) fn tried(kind: Kind) -> Vec<Setting> {
        let mut all = vec![Setting::Driftline { zone: 0 }, Setting::Driftline { zone: 1 }];
        let (bins, windows, lambdas): (&[usize], &[usize], &[f64]) = match kind {
            Kind::Number => {
                all.extend(numbers());
                (&[5, 10, 20], &[50, 100, 200, 500, 1_000], &[0.005, 0.01, 0.03, 0.1])
            }
            Kind::Flag => {
                all.extend(bits());
                (&[2], &[100, 200, 500, 1_000], &[0.002, 0.005, 0.01, 0.03])
            }
            _ => (&[50], &[100, 200, 500, 1_000], &[0.003, 0.01, 0.03]),
        };
        for bins in bins {
            for window in windows {
                let binned =
                    |distance| Setting::Binned { distance, window: *window, bins: *bins, hop: 1 };
                all.extend([binned(Distance::Psi), binned(Distance::ChiSquare)]);
            }
        }
        let tree: &[usize] = if kind == Kind::Number { &[4, 8, 32] } else { bins };
        for bins in tree {
            all.extend(lambdas.iter().map(|l| Setting::QtEwma { lambda: *l, bins: *bins }));
        }
        all
    }

    /// Popular defaults with their thresholds, and what they are called.
    pub(crate) fn popular(kind: Kind) -> Vec<(&'static str, Setting, f64)> {
        let binned =
            |distance, window, bins| Setting::Binned { distance, window, bins, hop: window };
        let psi = |window, bins| binned(Distance::PopularPsi, window, bins);
        // 95 % points: Kolmogorov's law with Stephens' correction, and chi-square.
        let ks = |window: usize, known: f64| {
            let size = (known * window as f64 / (known + window as f64)).sqrt();
            1.358_10 / (size + 0.12 + 0.11 / size)
        };
        let chi = |window, bins, point: f64| (binned(Distance::ChiSquare, window, bins), point);
        let mut all = vec![];
        match kind {
            Kind::Number => {
                all.extend([
                    ("PSI > 0.2, windows of 100 in 10 bins", psi(100, 10), 0.2),
                    ("PSI > 0.2, windows of 500 in 10 bins", psi(500, 10), 0.2),
                    // The baseline's own error is small beside the window's.
                    (
                        "KS p < .05, windows of 100",
                        Setting::Ks { window: 100, hop: 100 },
                        ks(100, 1e4),
                    ),
                    (
                        "KS p < .05, windows of 500",
                        Setting::Ks { window: 500, hop: 500 },
                        ks(500, 1e4),
                    ),
                    ("CUSUM k .5, h 5", Setting::Cusum { k: 0.5, scores: false }, 5.0),
                    ("River ADWIN, delta .002", Setting::Default("adwin"), 1.0),
                    ("River Page-Hinkley", Setting::Default("page_hinkley"), 1.0),
                    ("River KSWIN, alpha .005", Setting::Default("kswin"), 1.0),
                ]);
            }
            Kind::Flag => {
                let (chi_square, point) = chi(500, 2, 3.841);
                all.extend([
                    ("PSI > 0.2, windows of 500", psi(500, 2), 0.2),
                    ("chi-square p < .05, windows of 500", chi_square, point),
                    ("River ADWIN, delta .002", Setting::Default("adwin"), 1.0),
                    ("River DDM", Setting::Default("ddm"), 1.0),
                    ("River EDDM", Setting::Default("eddm"), 1.0),
                    ("River HDDM_A", Setting::Default("hddm_a"), 1.0),
                    ("River HDDM_W", Setting::Default("hddm_w"), 1.0),
                ]);
            }
            _ => {
                let (chi_square, point) = chi(500, 50, 66.339);
                all.extend([
                    ("PSI > 0.2, windows of 500", psi(500, 50), 0.2),
                    ("PSI > 0.2, windows of 1,000", psi(1_000, 50), 0.2),
                    ("chi-square p < .05, windows of 500", chi_square, point),
                ]);
            }
        }
        all
    }
}

fn numbers() -> Vec<Setting> {
    let mut all = Vec::new();
    for scores in [false, true] {
        all.extend([0.1, 0.25, 0.5, 1.0].map(|k| Setting::Cusum { k, scores }));
        all.extend([0.01, 0.02, 0.1, 0.25].map(|lambda| Setting::Ewma { lambda, scores }));
    }
    for scores in [false, true] {
        all.extend([false, true].map(|spreads| Setting::Bank { scores, spreads }));
    }
    all.extend([0.1, 0.25, 0.5].map(|delta| Setting::PageHinkley { delta }));
    all.extend([1, 32].map(|clock| Setting::Adwin { clock }));
    let kswin = [(100, 30, 1), (300, 100, 4), (500, 50, 2)];
    all.extend(kswin.map(|(window, newest, hop)| Setting::Kswin { window, newest, hop }));
    // A look at every fiftieth part of a window delays less than a hundredth of it.
    all.extend([50, 100, 200, 500].map(|window| Setting::Ks { window, hop: window / 50 }));
    all
}

fn bits() -> Vec<Setting> {
    let mut all = Vec::new();
    // With a small k this is the CUSUM of the log-likelihood ratio: k .05 that of .01 to .02, k .15
    // to .05.
    all.extend([0.05, 0.1, 0.15, 0.25].map(|k| Setting::Cusum { k, scores: false }));
    all.extend([0.01, 0.02, 0.1].map(|lambda| Setting::Ewma { lambda, scores: false }));
    all.extend([0.05, 0.1, 0.2].map(|delta| Setting::PageHinkley { delta }));
    all.extend([1, 32].map(|clock| Setting::Adwin { clock }));
    all.extend([Setting::Ddm, Setting::Eddm, Setting::HddmA]);
    all.extend([0.01, 0.05].map(|lambda| Setting::HddmW { lambda }));
    all
}
