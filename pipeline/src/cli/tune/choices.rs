//! The settings that are compared: those of the config, and each of budget, pane and zone changed by
//! itself.

use anyhow::ensure;

use crate::config::duration::format_us;
use crate::config::options::{BUDGETS as BUDGET_RANGE, ZONE_MAX};
use crate::model::Settings;
use crate::model::settings::{MINUTE_US, SECOND_US};

/// One option of the config with another value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Edit {
    /// `[detect].budget_per_week`.
    Budget(f64),
    /// `[time].pane`, `[time].window` and `[scalars].every` beside it.
    Pane {
        /// Pane, microseconds.
        pane_us: i64,
        /// Window, a multiple of it.
        window_us: i64,
        /// Span of pane scalars, a multiple of it.
        every_us: i64,
    },
    /// `zone` of each metric.
    Zone(f64),
}

/// Settings that are tried.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    pub(super) label: String,
    pub(super) words: String,
    pub(super) settings: Settings,
    pub(super) edits: Vec<Edit>,
}

const PANES_US: [i64; 3] = [10 * SECOND_US, MINUTE_US, 5 * MINUTE_US];
const ZONES: [f64; 3] = [0.05, 0.1, 0.2];
const BUDGETS: [f64; 3] = [0.2, 5.0, 25.0];
/// More would be no table.
const CHOICES_MAX: usize = 25;

/// The config's own settings first.
pub(super) fn choices(
    settings: &Settings,
    budgets: &[f64],
    panes_us: &[i64],
    zones: &[f64],
) -> anyhow::Result<Vec<Choice>> {
    budgets.iter().try_for_each(|budget| check_budget("--budgets", *budget))?;
    ensure!(
        zones.iter().all(|zone| (0.0..=ZONE_MAX).contains(zone)),
        "--zones takes numbers from 0 to {ZONE_MAX}"
    );
    let own_budget = settings.detect.budget_per_week;
    let budgets = match budgets {
        [] => BUDGETS
            .map(|factor| two_digits(factor * own_budget))
            .into_iter()
            .filter(|budget| check_budget("", *budget).is_ok())
            .collect(),
        given => given.to_vec(),
    };
    let panes_us = if panes_us.is_empty() { PANES_US.to_vec() } else { panes_us.to_vec() };
    let zones = if zones.is_empty() { ZONES.to_vec() } else { zones.to_vec() };
    let pane = |pane_us: i64| {
        let multiple = |us: i64| (us.max(pane_us) + pane_us - 1) / pane_us * pane_us;
        let (window_us, every_us) =
            (multiple(settings.time.window_us), multiple(settings.scalars.every_us));
        Edit::Pane { pane_us, window_us, every_us }
    };
    let edits = budgets.into_iter().map(Edit::Budget);
    let edits =
        edits.chain(panes_us.into_iter().map(pane)).chain(zones.into_iter().map(Edit::Zone));
    let own = Choice {
        label: "a".into(),
        words: format!(
            "as it is: budget {own_budget}, pane {}, zone {}",
            format_us(settings.time.pane_us),
            zone_words(settings)
        ),
        settings: settings.clone(),
        edits: Vec::new(),
    };
    let mut all = vec![own];
    for edit in edits {
        let changed = all[0].with(edit, char::from(b'a' + all.len() as u8).to_string());
        if all.iter().any(|choice: &Choice| choice.settings == changed.settings) {
            continue;
        }
        all.push(changed);
        ensure!(
            all.len() <= CHOICES_MAX,
            "more than {CHOICES_MAX} settings to compare: give fewer"
        );
    }
    Ok(all)
}

impl Choice {
    /// False alarms a week that are promised at most.
    pub(super) fn budget(&self) -> f64 {
        self.settings.detect.budget_per_week
    }

    /// The same with one thing changed.
    pub(super) fn with(&self, edit: Edit, label: String) -> Self {
        let edits = self.edits.iter().copied().chain([edit]).collect();
        Self { label, words: edit.words(), settings: edit.apply(&self.settings), edits }
    }
}

impl Edit {
    fn apply(&self, settings: &Settings) -> Settings {
        let mut changed = settings.clone();
        match *self {
            Self::Budget(budget) => changed.detect.budget_per_week = budget,
            Self::Pane { pane_us, window_us, every_us } => {
                changed.time.pane_us = pane_us;
                changed.time.window_us = window_us;
                changed.scalars.every_us = every_us;
            }
            Self::Zone(zone) => {
                for metric in &mut changed.metrics {
                    (metric.zone_sigma, metric.zone_odds) = (zone, zone);
                }
            }
        }
        changed
    }

    fn words(&self) -> String {
        match self {
            Self::Budget(budget) => format!("budget {budget}"),
            Self::Pane { pane_us, .. } => format!("pane {}", format_us(*pane_us)),
            Self::Zone(zone) => format!("zone {zone}"),
        }
    }
}

/// As people write a budget: 0.14, not 0.13999999999999999.
pub(super) fn two_digits(value: f64) -> f64 {
    format!("{value:.1e}").parse().unwrap_or(value)
}

fn zone_words(settings: &Settings) -> String {
    let mut zones: Vec<f64> = settings.metrics.iter().map(|m| m.zone_sigma).collect();
    zones.sort_by(f64::total_cmp);
    zones.dedup();
    match zones.as_slice() {
        [] => "-".into(),
        [one] => one.to_string(),
        [low, .., high] => format!("{low} to {high}"),
    }
}

/// Budgets that a config takes.
pub(super) fn check_budget(option: &str, budget: f64) -> anyhow::Result<()> {
    let (least, most) = BUDGET_RANGE;
    ensure!(
        (least..=most).contains(&budget),
        "{option} takes alerts a week from {least} to {most}, not {budget}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_config_comes_first_and_nothing_twice() {
        let settings = Settings::default();
        let all = choices(&settings, &[], &[], &[]).expect("choices");
        let labels: Vec<&str> = all.iter().map(|c| c.label.as_str()).collect();
        // There is no metric, so zones change nothing; the pane of 10 s is the config's own.
        assert_eq!(labels, ["a", "b", "c", "d", "e", "f"]);
        assert_eq!(all[0].settings, settings);
        let minute = &all[4].settings;
        assert_eq!((minute.time.pane_us, minute.time.window_us), (MINUTE_US, 5 * MINUTE_US));
        let odd = choices(&settings, &[1.0], &[7 * MINUTE_US], &[0.1]).expect("choices");
        assert_eq!(odd.len(), 2);
        assert_eq!(odd[1].settings.time.window_us, 7 * MINUTE_US);
        assert_eq!(odd[1].settings.scalars.every_us, 7 * MINUTE_US);
        assert!(choices(&settings, &[0.0], &[], &[]).is_err());
        let mut small = settings.clone();
        small.detect.budget_per_week = 0.7;
        let words = choices(&small, &[], &[], &[]).expect("choices")[1].words.clone();
        assert_eq!(words, "budget 0.14");
        // A fifth of the least that a config takes is none.
        small.detect.budget_per_week = 0.0001;
        let fewer = choices(&small, &[], &[], &[]).expect("choices");
        assert_eq!(fewer.len(), all.len() - 1);
        let many: Vec<f64> = (1..50).map(f64::from).collect();
        assert!(choices(&settings, &many, &[], &[]).is_err());
    }
}
