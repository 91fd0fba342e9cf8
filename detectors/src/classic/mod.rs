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
//! ```
//! use driftline_detectors::classic::{Decision, Detector, find};
//!
//! // A CUSUM for shifts of a mean of 50 with the standard deviation 5; a false alarm every 10,000 values.
//! let settings = [("target", 50.0), ("deviation", 5.0), ("run_length", 10_000.0)];
//! let settings = settings.map(|(name, value)| (name.to_owned(), value)).into();
//! let mut cusum = find("cusum")?.build(&settings)?;
//! assert!((0..20).all(|_| cusum.update(50.0) == Decision::Quiet));
//! let values_to_the_alarm = (1..).find(|_| cusum.update(57.0) == Decision::Drift);
//! assert_eq!(values_to_the_alarm, Some(9));
//! # Ok::<(), driftline_detectors::classic::SettingError>(())
//! ```

mod mean;
mod settings;
mod spec;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use settings::Settings;
pub use settings::{Parameter, SettingError};
pub use spec::{Decision, Detector, DetectorSpec, Input};

impl DetectorSpec {
    /// A detector with the given parameters; the others have their defaults.
    ///
    /// # Errors
    /// A parameter that it does not have, a value out of range, or two that contradict each other.
    pub fn build(&self, given: &BTreeMap<String, f64>) -> Result<AnyDetector, SettingError> {
        construct(self.name, &Settings::new(self.name, self.parameters, given)?)
    }
}

/// The detector with a name.
///
/// # Errors
/// No such name; the error says which is near.
pub fn find(name: &str) -> Result<&'static DetectorSpec, SettingError> {
    DETECTORS.iter().find(|spec| spec.name == name).ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> SettingError {
    let known = DETECTORS.iter().map(|spec| spec.name);
    SettingError::UnknownDetector {
        name: name.to_owned(),
        remedy: settings::suggestion(name, known),
    }
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

        /// The detector with a name of [`DETECTORS`].
        fn construct(name: &str, settings: &Settings) -> Result<AnyDetector, SettingError> {
            $(if name == $module::SPEC.name {
                return $module::$variant::new(settings).map(Into::into);
            })*
            Err(unknown(name))
        }

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
