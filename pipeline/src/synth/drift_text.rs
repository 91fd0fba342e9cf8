//! How a drift is written: `KIND:MODEL:START[:KEY=VALUE,..]`.

use super::drift::{Drift, DriftKind, Scope, duration_ms};
use super::event::{METRICS, Slot};
use super::plan::{Plan, PlanError};

impl Drift {
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
