//! The kinds of labelled change, in one table.
//!
//! Not here: how one is written on the command line, and what it does to an event ([`super::effects`]).

/// Which metrics a kind of drift can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Positive numbers: latency, time to first token, tokens.
    Numbers,
    /// Categories.
    Categories,
    /// Every metric.
    Any,
    /// The one named in the table.
    Fixed,
}

macro_rules! kinds {
    ($($variant:ident $name:literal $scope:ident $metric:literal
        $size:literal $share:literal $value:literal $doc:literal;)*) => {
        /// Kind of a change.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum DriftKind { $(#[doc = $doc] $variant,)* }

        impl DriftKind {
            /// All kinds.
            pub const ALL: &'static [DriftKind] = &[$(DriftKind::$variant,)*];
            /// Name on the command line and in the truth.
            pub fn name(self) -> &'static str { match self { $(Self::$variant => $name,)* } }
            /// What happens, for people.
            pub fn help(self) -> &'static str { match self { $(Self::$variant => $doc,)* } }
            /// Metrics that can change, the default one, size, share and value.
            pub(super) fn defaults(self) -> (Scope, &'static str, f64, f64, &'static str) {
                match self {
                    $(Self::$variant => (Scope::$scope, $metric, $size, $share, $value),)*
                }
            }
        }
    };
}

kinds! {
    Scale "scale" Numbers "latency_ms" 1.4 0.0 "" "a number is multiplied by `size`";
    Ramp "ramp" Numbers "output_tokens" 1.5 0.0 "" "a number grows steadily to `size` times, `over` a time (90m)";
    Spread "spread" Numbers "latency_ms" 0.5 0.0 "" "a number varies more at the same mean: times a lognormal of log-sd `size`";
    Tail "tail" Numbers "latency_ms" 6.0 0.03 "" "a `share` of a number's values is multiplied by `size`: p99 rises, the median stays";
    Mix "mix" Categories "finish_reason" 0.0 0.06 "content_filter" "a `share` of events takes the known category `value`";
    Unseen "unseen" Categories "tool" 0.0 0.05 "sandbox" "a `share` of events takes the new category `value`";
    Nulls "nulls" Any "confidence" 0.0 0.1 "" "a `share` of a metric's values is null";
    Errors "errors" Fixed "error" 3.0 0.0 "" "the error rate is multiplied by `size`";
    Shift "shift" Fixed "confidence" -0.5 0.0 "" "the mean of confidence moves by `size` standard deviations";
    Volume "volume" Fixed "volume" 0.5 0.0 "" "traffic is multiplied by `size`, at most 1";
    Silence "silence" Fixed "volume" 0.0 0.0 "" "traffic stops";
    Version "version" Fixed "latency_ms" 1.3 0.0 "" "a new model version, with latency multiplied by `size`";
    Embedding "embedding" Fixed "embedding" 3.0 0.0 "" "embeddings move by `size` noise standard deviations in one direction";
}

/// One labelled change of one model.
#[derive(Debug, Clone, PartialEq)]
pub struct Drift {
    /// What happens.
    pub kind: DriftKind,
    /// Rank of the model, from 0.
    pub model: usize,
    /// The metric that changes; `volume` for traffic.
    pub metric: &'static str,
    /// Begin, in milliseconds from the start of the set.
    pub start_ms: i64,
    /// End, in milliseconds from the start of the set; none = it stays.
    pub end_ms: Option<i64>,
    /// How long a ramp takes, in milliseconds.
    pub over_ms: i64,
    /// Size, in the unit that the kind's description names.
    pub size: f64,
    /// Share of events, 0 to 1.
    pub share: f64,
    /// Category that gains.
    pub value: String,
}

impl Drift {
    /// A drift with the defaults of its kind.
    pub fn new(kind: DriftKind, model: usize, start_ms: i64) -> Self {
        let (_, metric, size, share, value) = kind.defaults();
        Self {
            kind,
            model,
            metric,
            start_ms,
            end_ms: None,
            over_ms: 90 * 60_000,
            size,
            share,
            value: value.to_owned(),
        }
    }
}

/// Reads `500ms`, `90s`, `15m`, `6h`, `2d` as milliseconds.
///
/// # Errors
/// What is wrong, with an example.
pub fn duration_ms(text: &str) -> Result<i64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(format!("{text:?} is no duration; write for example 90s, 15m or 6h")),
    };
    let parsed = number.parse::<i64>().ok().and_then(|number| number.checked_mul(unit_ms));
    parsed.ok_or_else(|| format!("{text:?} is no duration; write for example 90s, 15m or 6h"))
}
