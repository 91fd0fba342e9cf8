//! The interface of all detectors, and the description of one.

use serde::{Deserialize, Serialize};

use super::settings::Parameter;

/// The decision of a detector after an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Decision {
    /// No change.
    Quiet,
    /// A change may be coming. Not all detectors warn.
    Warning,
    /// A change. The detector has started afresh.
    Drift,
}

/// A detector of changes.
pub trait Detector {
    /// Adds a finite input and decides; after [`Decision::Drift`] the state is a fresh one.
    /// Call [`Detector::update`], which keeps unusable input out.
    fn step(&mut self, x: f64) -> Decision;

    /// Forgets all input; parameters stay.
    fn reset(&mut self);

    /// Adds an input and decides. NaN, infinities and values beyond +-1e100 (whose squares
    /// would not be finite) are ignored. Bit detectors read 0.5 and above as 1.
    fn update(&mut self, x: f64) -> Decision {
        if x.abs() <= 1e100 { self.step(x) } else { Decision::Quiet }
    }
}

/// The kind of input that a detector reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Any number.
    Number,
    /// 0 or 1; 1 is the error.
    Bit,
}

/// One line of [`DETECTORS`](super::DETECTORS).
#[derive(Clone, Copy, Debug)]
pub struct DetectorSpec {
    /// Name in configuration and on the command line.
    pub name: &'static str,
    /// Tool, version and options that it follows.
    pub variant: &'static str,
    /// One sentence on what it detects.
    pub doc: &'static str,
    /// When another detector is the better choice.
    pub otherwise: &'static str,
    /// The kind of its input.
    pub input: Input,
    /// Its parameters.
    pub parameters: &'static [Parameter],
    /// How its run length is set, and how long it is at the defaults with nothing changed: measured on
    /// 100 streams of 10,000 standard normal numbers, or of bits with 20 % ones.
    pub run_length: &'static str,
    /// Numbers kept at most, at the default parameters.
    pub memory_values: usize,
    /// The publication.
    pub reference: &'static str,
}
