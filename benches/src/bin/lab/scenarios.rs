//! Streams in control and changes of them, with what no detector can beat.

use driftline_tests::laws::{Law, Mix};

/// A stream in control.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stream {
    pub(crate) name: &'static str,
    pub(crate) law: Law,
    pub(crate) changes: &'static [Change],
}

/// What the law becomes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change {
    pub(crate) name: &'static str,
    pub(crate) law: Law,
    /// Worst-case mean delay, in values, of the CUSUM that knows both laws, at 10,000 values to a
    /// false alarm: none is faster (Moustakides 1986). Integral equations and lattices, exact.
    pub(crate) floor: f64,
    /// Mean delay that is aimed at with an unknown change and law, in values.
    pub(crate) target: Option<f64>,
}

const fn change(name: &'static str, law: Law, floor: f64) -> Change {
    Change { name, law, floor, target: None }
}

const fn aimed(name: &'static str, law: Law, floor: f64, target: f64) -> Change {
    Change { name, law, floor, target: Some(target) }
}

const fn shifted(mean: f64) -> Law {
    Law::Normal { mean, deviation: 1.0 }
}

const fn spread(deviation: f64) -> Law {
    Law::Normal { mean: 0.0, deviation }
}

const fn t3(mean: f64) -> Law {
    Law::StudentT3 { mean }
}

const fn lognormal(deviation: f64, factor: f64) -> Law {
    Law::Lognormal { deviation, factor }
}

const fn exponential(mean: f64) -> Law {
    Law::Exponential { mean }
}

const fn flag(share: f64) -> Law {
    Law::Flag { share }
}

const fn counts(mean: f64) -> Law {
    Law::Counts { mean }
}

/// Shifts of the mean are in standard deviations; the standard deviation is 1.
pub(crate) const GAUSSIAN: Stream = Stream {
    name: "Gaussian",
    law: shifted(0.0),
    changes: &[
        aimed("mean +.25 sd", shifted(0.25), 152.6, 206.0),
        aimed("mean +.5 sd", shifted(0.5), 49.1, 63.0),
        aimed("mean +1 sd", shifted(1.0), 15.09, 18.8),
        aimed("mean +2 sd", shifted(2.0), 4.56, 5.9),
        aimed("mean +3 sd", shifted(3.0), 2.32, 3.1),
        change("sd x1.25", spread(1.25), 89.0),
        change("sd x1.5", spread(1.5), 29.5),
        change("sd x2", spread(2.0), 10.2),
        change("sd x.5", spread(0.5), 23.6),
    ],
};

pub(crate) const T3: Stream = Stream {
    name: "Student t3",
    law: t3(0.0),
    changes: &[
        change("mean +.25 sd", t3(0.25), 88.0),
        aimed("mean +.5 sd", t3(0.5), 28.4, 43.0),
        aimed("mean +1 sd", t3(1.0), 9.5, 14.8),
        change("mean +2 sd", t3(2.0), 3.8),
    ],
};

pub(crate) const LOGNORMAL: Stream = Stream {
    name: "lognormal s=.5",
    law: lognormal(0.5, 1.0),
    changes: &[
        change("x1.1", lognormal(0.5, 1.1), 233.0),
        change("x1.25", lognormal(0.5, 1.25), 59.4),
        change("x2", lognormal(0.5, 2.0), 8.6),
    ],
};

const WIDE_LOGNORMAL: Stream = Stream {
    name: "lognormal s=1",
    law: lognormal(1.0, 1.0),
    changes: &[
        change("x1.1", lognormal(1.0, 1.1), 647.0),
        change("x1.25", lognormal(1.0, 1.25), 183.0),
        change("x2", lognormal(1.0, 2.0), 28.3),
    ],
};

const EXPONENTIAL: Stream = Stream {
    name: "exponential",
    law: exponential(1.0),
    changes: &[
        change("x1.25", exponential(1.25), 168.0),
        change("x1.5", exponential(1.5), 60.1),
        change("x2", exponential(2.0), 22.3),
    ],
};

pub(crate) const FLAG: Stream = Stream {
    name: "Bernoulli .01",
    law: flag(0.01),
    changes: &[
        change("to .015", flag(0.015), 1514.0),
        aimed("to .02", flag(0.02), 669.0, 990.0),
        aimed("to .05", flag(0.05), 112.0, 165.0),
    ],
};

pub(crate) const CATEGORIES: Stream = Stream {
    name: "50 categories",
    law: Law::Categories(Mix::Zipf),
    changes: &[
        aimed("5 pp from top to rarest", Law::Categories(Mix::TopToRarest(0.05)), 58.3, 150.0),
        change("10 % uniform", Law::Categories(Mix::Uniform(0.1)), 515.0),
        aimed("30 % uniform", Law::Categories(Mix::Uniform(0.3)), 99.9, 240.0),
        aimed("top two swap", Law::Categories(Mix::Swap), 73.6, 215.0),
    ],
};

const FEW: Stream = Stream {
    name: "Poisson 10",
    law: counts(10.0),
    changes: &[change("to 12", counts(12.0), 34.7)],
};

const MANY: Stream = Stream {
    name: "Poisson 50",
    law: counts(50.0),
    changes: &[change("to 55", counts(55.0), 28.0)],
};

pub(crate) const STREAMS: [Stream; 9] =
    [GAUSSIAN, T3, LOGNORMAL, WIDE_LOGNORMAL, EXPONENTIAL, FLAG, CATEGORIES, FEW, MANY];
