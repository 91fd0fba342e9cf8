//! Parameters of detectors: their table, and a checked set of values.

use std::collections::BTreeMap;

/// One parameter of a detector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    /// Name in configuration and on the command line.
    pub name: &'static str,
    /// Value when none is given.
    pub default: f64,
    /// Smallest value allowed.
    pub least: f64,
    /// Largest value allowed.
    pub most: f64,
    /// Whether only whole numbers are allowed; a flag is a whole number from 0 to 1.
    pub whole: bool,
    /// What it means, in one sentence, with its unit.
    pub doc: &'static str,
}

impl Parameter {
    /// A real parameter.
    pub(super) const fn real(
        name: &'static str,
        default: f64,
        range: (f64, f64),
        doc: &'static str,
    ) -> Self {
        Self { name, default, least: range.0, most: range.1, whole: false, doc }
    }

    /// A whole parameter.
    pub(super) const fn whole(
        name: &'static str,
        default: f64,
        range: (f64, f64),
        doc: &'static str,
    ) -> Self {
        Self { name, default, least: range.0, most: range.1, whole: true, doc }
    }
}

/// What can be wrong with a detector's name or parameters.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SettingError {
    /// No detector has this name.
    #[error("there is no detector `{name}`; {remedy}")]
    UnknownDetector {
        /// As given.
        name: String,
        /// A near name, or all names.
        remedy: String,
    },
    /// The detector does not have this parameter.
    #[error("`{detector}` has no parameter `{name}`; {remedy}")]
    UnknownParameter {
        /// Name of the detector.
        detector: &'static str,
        /// As given.
        name: String,
        /// A near name, or all names.
        remedy: String,
    },
    /// The value is out of range, not finite, or not whole.
    #[error("`{name}` of `{detector}` is {value}; give {kind} from {least} to {most}")]
    OutOfRange {
        /// Name of the detector.
        detector: &'static str,
        /// Name of the parameter.
        name: &'static str,
        /// As given.
        value: f64,
        /// "a number" or "a whole number".
        kind: &'static str,
        /// Smallest value allowed.
        least: f64,
        /// Largest value allowed.
        most: f64,
    },
    /// Two parameters contradict each other.
    #[error("`{detector}`: {remedy}")]
    Conflict {
        /// Name of the detector.
        detector: &'static str,
        /// What to give.
        remedy: &'static str,
    },
}

/// Values of all parameters of one detector, each within its range.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Settings {
    values: BTreeMap<&'static str, f64>,
}

impl Settings {
    pub(super) fn new(
        detector: &'static str,
        parameters: &[Parameter],
        given: &BTreeMap<String, f64>,
    ) -> Result<Self, SettingError> {
        let mut values: BTreeMap<&'static str, f64> =
            parameters.iter().map(|parameter| (parameter.name, parameter.default)).collect();
        for (name, value) in given {
            let Some(parameter) = parameters.iter().find(|known| known.name == name) else {
                let known = parameters.iter().map(|parameter| parameter.name);
                return Err(SettingError::UnknownParameter {
                    detector,
                    name: name.clone(),
                    remedy: suggestion(name, known),
                });
            };
            let inside = (parameter.least..=parameter.most).contains(value);
            if !inside || (parameter.whole && value.trunc() != *value) {
                return Err(SettingError::OutOfRange {
                    detector,
                    name: parameter.name,
                    value: *value,
                    kind: if parameter.whole { "a whole number" } else { "a number" },
                    least: parameter.least,
                    most: parameter.most,
                });
            }
            values.insert(parameter.name, *value);
        }
        Ok(Self { values })
    }

    pub(super) fn real(&self, parameter: &Parameter) -> f64 {
        self.values.get(parameter.name).copied().unwrap_or(parameter.default)
    }

    pub(super) fn whole(&self, parameter: &Parameter) -> usize {
        self.real(parameter) as usize
    }

    pub(super) fn flag(&self, parameter: &Parameter) -> bool {
        self.real(parameter) != 0.0
    }
}

/// "did you mean `x`?", or all names when none is near.
pub(super) fn suggestion(name: &str, known: impl Iterator<Item = &'static str>) -> String {
    let known: Vec<&str> = known.collect();
    let near = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness > 0.8);
    match near {
        Some((_, candidate)) => format!("did you mean `{candidate}`?"),
        None => format!("choose from: {}", known.join(", ")),
    }
}
