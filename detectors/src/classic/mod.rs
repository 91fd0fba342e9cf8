//! Classic detectors of a change in a stream of numbers or bits, for those who must match another
//! tool or who have one number to watch and no baseline.
//!
//! Each is named by the variant that it follows, because the same name gives different alarms in
//! different libraries. Not the engine's way of deciding: that is the mixture Shiryaev-Roberts
//! statistic over code counts, which needs no threshold.
//!
//! Invariant: a detector is a plain value: cloned or restored from its serialised form, it goes on
//! exactly as it would have. Memory is bounded as its line in [`DETECTORS`] says. An input that is
//! not finite, or beyond +-1e100, is ignored.

mod mean;
mod settings;

pub use settings::{Parameter, SettingError, Settings};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a detector says after an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Decision {
    /// Nothing to say.
    Quiet,
    /// A change may be coming. Not all detectors warn.
    Warning,
    /// A change. The detector has started afresh.
    Drift,
}

/// A detector of changes.
pub trait Detector {
    /// Takes a finite input in and decides; after [`Decision::Drift`] the state is a fresh one.
    /// Call [`Detector::update`], which keeps unusable input out.
    fn step(&mut self, x: f64) -> Decision;

    /// Forgets all input; parameters stay.
    fn reset(&mut self);

    /// Takes an input in and decides. NaN, infinities and values beyond +-1e100 (whose squares
    /// would not be finite) are ignored. Bit detectors read 0.5 and above as 1.
    fn update(&mut self, x: f64) -> Decision {
        if x.abs() <= 1e100 { self.step(x) } else { Decision::Quiet }
    }
}

/// What a detector reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Any number.
    Number,
    /// 0 or 1; 1 is the error.
    Bit,
}

/// One line of [`DETECTORS`].
#[derive(Clone, Copy, Debug)]
pub struct DetectorSpec {
    /// Name in configuration and on the command line.
    pub name: &'static str,
    /// Tool, version and options that it follows.
    pub variant: &'static str,
    /// What it does, in one sentence.
    pub doc: &'static str,
    /// When another detector is the better choice.
    pub otherwise: &'static str,
    /// What it reads.
    pub input: Input,
    /// Its parameters.
    pub parameters: &'static [Parameter],
    /// How its run length is set, and what it is at the defaults with nothing changed: measured on
    /// 100 streams of 10,000 standard normal numbers, or of bits with 20 % ones.
    pub run_length: &'static str,
    /// Numbers kept at most, at the default parameters.
    pub memory_values: usize,
    /// Where it comes from.
    pub reference: &'static str,
    pub(crate) construct: fn(&Settings) -> Result<AnyDetector, SettingError>,
}

impl DetectorSpec {
    /// A detector with the given parameters; the others have their defaults.
    ///
    /// # Errors
    /// A parameter that it does not have, a value out of range, or two that contradict each other.
    pub fn build(&self, given: &BTreeMap<String, f64>) -> Result<AnyDetector, SettingError> {
        (self.construct)(&Settings::new(self, given)?)
    }
}

/// The detector with a name.
///
/// # Errors
/// No such name; the error says which is near.
pub fn find(name: &str) -> Result<&'static DetectorSpec, SettingError> {
    DETECTORS.iter().find(|spec| spec.name == name).ok_or_else(|| {
        let known = || DETECTORS.iter().map(|spec| spec.name);
        SettingError::UnknownDetector {
            name: name.to_owned(),
            remedy: settings::suggestion(name, known()),
        }
    })
}

macro_rules! detectors {
    ($($module:ident $variant:ident;)*) => {
        $(pub mod $module;)*

        /// Any of the detectors, as one serialisable value.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum AnyDetector {
            $(#[doc = concat!("See [`", stringify!($module), "`].")] $variant($module::$variant),)*
        }

        impl Detector for AnyDetector {
            fn step(&mut self, x: f64) -> Decision {
                match self { $(Self::$variant(detector) => detector.step(x),)* }
            }

            fn reset(&mut self) {
                match self { $(Self::$variant(detector) => detector.reset(),)* }
            }
        }

        $(impl From<$module::$variant> for AnyDetector {
            fn from(detector: $module::$variant) -> Self { Self::$variant(detector) }
        })*

        /// Every detector.
        pub const DETECTORS: &[DetectorSpec] = &[$($module::SPEC,)*];
    };
}

detectors! {
    cusum Cusum;
    ewma Ewma;
    page_hinkley PageHinkley;
    adwin Adwin;
    kswin Kswin;
    bocd Bocd;
    cusum_running_mean CusumRunningMean;
    page_hinkley_sum PageHinkleySum;
    gma Gma;
    ddm Ddm;
    eddm Eddm;
    rddm Rddm;
    hddm_a HddmA;
    hddm_w HddmW;
    fhddm Fhddm;
    stepd Stepd;
    ecdd Ecdd;
}
