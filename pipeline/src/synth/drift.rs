//! The kinds of labelled change, in one table, and how one is written: `KIND:MODEL:START[:KEY=VALUE,..]`.
//!
//! Not here: what a drift does to an event ([`super::effects`]).

use super::event::{METRICS, Slot};
use super::plan::{Plan, PlanError};

/// Which metrics a kind of drift can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
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
            fn defaults(self) -> (Scope, &'static str, f64, f64, &'static str) {
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

    /// Reads `KIND:MODEL:START[:KEY=VALUE,..]`, keys `metric`, `size`, `share`, `value`, `over`, `end`.
    ///
    /// # Errors
    /// What is wrong, with the remedy.
    pub fn parse(given: &str, plan: &Plan) -> Result<Self, PlanError> {
        Self::read(given, plan)
            .map_err(|problem| PlanError::Drift { given: given.to_owned(), problem })
    }

    fn read(given: &str, plan: &Plan) -> Result<Self, String> {
        let mut parts = given.splitn(4, ':');
        let kind_name = parts.next().unwrap_or_default();
        let kind = DriftKind::ALL.iter().copied().find(|kind| kind.name() == kind_name);
        let kind = kind.ok_or_else(|| {
            let names: Vec<_> = DriftKind::ALL.iter().map(|kind| kind.name()).collect();
            format!("no kind {kind_name:?}; there are {}", names.join(", "))
        })?;
        let model = parts.next().ok_or("no model; write KIND:MODEL:START")?;
        let model = plan.model(model).ok_or_else(|| {
            format!("no model {model:?}; give a rank from 1 to {} or a name", plan.models)
        })?;
        let start = parts.next().ok_or("no start; write KIND:MODEL:START, as in scale:3:90m")?;
        let mut drift = Self::new(kind, model, duration_ms(start)?);
        for pair in parts.next().unwrap_or_default().split(',').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair
                .split_once('=')
                .ok_or_else(|| format!("{pair:?} is no KEY=VALUE; write for example size=1.5"))?;
            drift.set(key, value)?;
        }
        drift.check()?;
        Ok(drift)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let number = || {
            let parsed = value.parse::<f64>().ok().filter(|number| number.is_finite());
            parsed.ok_or_else(|| format!("{key} is {value:?}, which is no number"))
        };
        match key {
            "metric" => self.metric = metric_for(self.kind, value)?,
            "size" => self.size = number()?,
            "share" => self.share = number()?,
            "value" => self.value = value.to_owned(),
            "over" => self.over_ms = duration_ms(value)?,
            "end" => self.end_ms = Some(duration_ms(value)?),
            _ => {
                return Err(format!(
                    "no key {key:?}; there are metric, size, share, value, over, end"
                ));
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        if !(0.0..=1.0).contains(&self.share) {
            return Err(format!("share is {}, but must be 0 to 1", self.share));
        }
        let sizes = match self.kind {
            DriftKind::Volume => 0.0..=1.0,
            DriftKind::Shift => -1.5..=1.5,
            DriftKind::Spread => 0.0..=2.0,
            _ => 0.0..=100.0,
        };
        if !sizes.contains(&self.size) {
            let (from, to) = (sizes.start(), sizes.end());
            return Err(format!("size is {}, but must be {from} to {to}", self.size));
        }
        if self.end_ms.is_some_and(|end| end <= self.start_ms) {
            return Err("it ends before it starts; give a later end".to_owned());
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        if self.value.len() > 64 || !self.value.bytes().all(plain) {
            return Err("value may have at most 64 of A-Z a-z 0-9 _ - .".to_owned());
        }
        Ok(())
    }
}

fn metric_for(kind: DriftKind, name: &str) -> Result<&'static str, String> {
    let (scope, only, ..) = kind.defaults();
    let allowed: Vec<&'static str> = METRICS
        .iter()
        .filter(|metric| match scope {
            Scope::Numbers => matches!(metric.slot, Slot::Number(_)) && metric.name != "confidence",
            Scope::Categories => matches!(metric.slot, Slot::Category(_)),
            Scope::Any => true,
            Scope::Fixed => metric.name == only,
        })
        .map(|metric| metric.name)
        .collect();
    allowed.iter().copied().find(|&allowed| allowed == name).ok_or_else(|| {
        format!("{} cannot change {name:?}, but: {}", kind.name(), allowed.join(", "))
    })
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
