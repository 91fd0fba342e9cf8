//! The alternatives of the lane for single categories, each with what it may count.

use super::catalogue::part_lanes;
use super::category_mixture::{CategoryAlternative, CategoryMixture};
use super::lane::Lane;
use super::laws::{Known, Reference, share_of};
use super::weights::{code_temper, common_temper, least_temper, share_penalty};

/// The mixture over what part of a baseline's categories may have changed; empty where there are none.
///
/// `lanes`: the fixed ones. `temper`: that of what follows any code, for codes of which nothing is known.
pub(super) fn category_mixture(
    reference: &Reference<'_>,
    lanes: &[Lane],
    temper: f64,
) -> CategoryMixture {
    let Reference { baseline, probabilities, events, zone, .. } = *reference;
    let common = common_temper(baseline, lanes, least_temper(baseline));
    let mut alternatives = Vec::new();
    for (lane, weight) in part_lanes(baseline, zone) {
        let hypotheses = reference.hypotheses(&lane, Known { events, missed: 0.0 });
        let Lane::Share { codes, ratio } = &lane else { continue };
        let (Some(from), Some(last)) = (codes.first(), codes.last()) else { continue };
        let mut temper = code_temper(baseline, codes, probabilities).unwrap_or(temper);
        if codes.len() > 1 {
            // One code's batches move all others together: lanes of groups see that.
            temper = temper.min(common);
        }
        alternatives.push(CategoryAlternative {
            codes: *from..last + 1,
            ratio: *ratio,
            null: share_of(&hypotheses.null, codes),
            alternative: share_of(&hypotheses.alternative, codes),
            penalty: share_penalty(codes, probabilities, &hypotheses, events),
            weight,
            temper,
        });
    }
    CategoryMixture::new(&alternatives, baseline.tick_events)
}
