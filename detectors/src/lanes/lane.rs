//! A lane: one way of having changed, its weight and its name.

use serde::{Deserialize, Serialize};

use crate::baseline::Baseline;
use crate::encoder::Encoder;

/// Most lanes of a series, the learned one included.
pub const LANES_MAX: usize = 16;
/// Lanes with this odds ratio are for codes that the baseline may hardly know.
pub(crate) const RARE_RATIO: f64 = 4.0;
/// Codes of a group that its name lists.
const NAMED_MAX: usize = 8;
/// Weight of a lane for what is missing or unknown, beside the others: what it looks for is loud, and
/// what never happens would keep false alarms that it never has from them.
const MISSING_WEIGHT: f64 = 0.25;
/// Weight of the lane of single categories: most of what may change is there.
const ONE_OF_WEIGHT: f64 = 4.0;
/// Weight of what has a part in that lane, too; of a flag that becomes rarer; and of a flag's last minutes,
/// which say nothing that its lanes do not.
const BESIDE_WEIGHT: f64 = 0.5;
/// A way of having changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Numbers moved by about this many standard deviations.
    Location(f64),
    /// Numbers spread out (positive) or drew together (negative): exponent of the squared score.
    Scale(f64),
    /// The odds of a set of codes, together, times a ratio.
    Share {
        /// The codes.
        codes: Vec<u8>,
        /// Odds ratio; below 1 = became rarer.
        ratio: f64,
    },
    /// One category, whichever, became several times as frequent.
    #[serde(rename = "one_of")]
    OneCategory,
    /// The distribution is like that of the last minutes.
    Learned,
}

impl Lane {
    /// Whether the lane looks for numbers that the baseline does not know.
    pub(crate) fn is_unknown_numbers(&self, baseline: &Baseline) -> bool {
        let Lane::Share { codes, .. } = self else { return false };
        matches!(baseline.encoder, Encoder::Number(_)) && codes.first() == Some(&0)
    }

    /// Whether the lane looks for categories that were not seen before.
    pub(crate) fn is_unseen(&self, baseline: &Baseline) -> bool {
        let Lane::Share { codes, .. } = self else { return false };
        baseline.unseen().is_some_and(|(code, _)| codes.first() == Some(&(code as u8)))
    }

    /// Whether the lane looks for codes that the baseline may hardly know.
    pub(crate) fn is_rare(&self) -> bool {
        matches!(self, Lane::Share { ratio, .. } if *ratio >= RARE_RATIO)
    }

    /// Whether the lane looks for what is missing, broken or unseen, of flags and categories.
    pub(crate) fn is_of_missing(&self, baseline: &Baseline) -> bool {
        let Lane::Share { codes, .. } = self else { return false };
        let known = match &baseline.encoder {
            Encoder::Category(encoder) => encoder.values().len() + 1,
            Encoder::Flag(_) => 2,
            _ => return false,
        };
        codes.first().is_some_and(|code| usize::from(*code) >= known)
    }

    /// Weight beside the other lanes of a series.
    pub(crate) fn weight(&self, baseline: &Baseline) -> f64 {
        let encoder = &baseline.encoder;
        let (is_flag, is_category) =
            (matches!(encoder, Encoder::Flag(_)), matches!(encoder, Encoder::Category(_)));
        match self {
            Lane::OneCategory => ONE_OF_WEIGHT,
            Lane::Learned if is_flag => BESIDE_WEIGHT / 2.0,
            Lane::Share { ratio, .. } if is_flag || is_category => {
                match self.is_of_missing(baseline) {
                    true => MISSING_WEIGHT,
                    false if is_category || *ratio < 1.0 => BESIDE_WEIGHT,
                    false => 1.0,
                }
            }
            _ if self.is_rare() => MISSING_WEIGHT,
            _ => 1.0,
        }
    }

    /// The change in words.
    pub fn name(&self, baseline: &Baseline) -> String {
        match self {
            Lane::Location(a) if *a > 0.0 => "higher".into(),
            Lane::Location(_) => "lower".into(),
            Lane::Scale(a) if *a > 0.0 => "wider".into(),
            Lane::Scale(_) => "narrower".into(),
            Lane::OneCategory => "more of one category".into(),
            Lane::Learned => "other shape".into(),
            Lane::Share { .. } if self.is_unknown_numbers(baseline) => {
                "more of unknown numbers".into()
            }
            Lane::Share { codes, ratio } => {
                let label = |c: &u8| baseline.encoder.label(usize::from(*c));
                let named = if codes.len() > NAMED_MAX { NAMED_MAX - 1 } else { codes.len() };
                let labels: Vec<String> = codes[..named].iter().map(label).collect();
                let word = if *ratio > 1.0 { "more of" } else { "less of" };
                let rest = match codes.len() - named {
                    0 => String::new(),
                    rest => format!(" and {rest} others"),
                };
                format!("{word} {}{rest}", labels.join(", "))
            }
        }
    }
}
