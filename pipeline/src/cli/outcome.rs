//! Whether a replay judged anything at all. "Nothing changed" is a verdict, and needs that something was
//! looked at.

use crate::engine::Engine;
use crate::model::Reason;

/// Why nothing was judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unjudged {
    /// There was no record.
    Empty,
    /// Most records were refused, for this reason.
    Rejected(Reason),
    /// Most events came after their panes were closed.
    Late,
    /// Events were all outside of the span that was asked for.
    Outside,
    /// Most events were of groups beyond the limit of series.
    Refused,
    /// There are events, and no series has a baseline.
    Learning,
}

/// Why nothing was judged; none where something was. `rejects`: how many, by reason.
pub(super) fn unjudged<'a>(
    engines: &[&Engine],
    rejects: impl Iterator<Item = (&'a Reason, &'a u64)> + Clone,
) -> Option<Unjudged> {
    let sum = |of: fn(&Engine) -> u64| engines.iter().map(|engine| of(engine)).sum::<u64>();
    if sum(Engine::watched_series) > 0 || sum(|engine| engine.counters().findings) > 0 {
        return None;
    }
    let late = sum(|engine| engine.counters().late);
    let outside = sum(|engine| engine.counters().outside);
    let refused = sum(|engine| engine.counters().refused_series_events);
    let counted = sum(|engine| engine.counters().events).saturating_sub(refused);
    let rejected: u64 = rejects.clone().map(|(_, count)| *count).sum();
    let most = rejects.max_by_key(|(_, count)| **count).map(|(reason, _)| *reason);
    let causes = [
        (counted, Unjudged::Learning),
        (late, Unjudged::Late),
        (outside, Unjudged::Outside),
        (refused, Unjudged::Refused),
        (rejected, most.map_or(Unjudged::Empty, Unjudged::Rejected)),
    ];
    // Of as many, the first: what was counted is what there is to learn from.
    let (count, cause) = causes.into_iter().rev().max_by_key(|(count, _)| *count)?;
    Some(if count == 0 { Unjudged::Empty } else { cause })
}

impl Unjudged {
    /// Whether it was read at all: more of the same would be judged.
    pub(super) fn is_read(&self) -> bool {
        *self == Self::Learning
    }

    /// For people, with the remedy.
    pub(super) fn text(&self) -> String {
        let why = match self {
            Self::Empty => "there was no record in the input. See that it is the right one.".into(),
            Self::Rejected(reason) => {
                format!("most records were rejected ({}). {}", reason.name(), reason.help())
            }
            Self::Late => "most events were late: they came after newer ones of their file. Sort each file by time, or set \
                           [time].lateness to what they are apart."
                .into(),
            Self::Outside => "the events are outside of --from and --to.".into(),
            Self::Refused => "most events were of new series beyond limits.series_max: raise it, or use fewer keys.".into(),
            Self::Learning => "no series had enough events, over enough time, for a baseline. Give more events, or lower \
                               [baseline].learn."
                .into(),
        };
        format!("Nothing was judged: {why}")
    }
}
