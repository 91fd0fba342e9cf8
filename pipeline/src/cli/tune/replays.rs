//! False alarms that were promised beside those of replayed courses: for each of the settings, and the
//! budget that keeps to what is asked for.

use std::fmt::Write;

use serde::Serialize;

use super::choices::{Choice, Edit, two_digits};
use crate::config::options::BUDGETS;
use crate::model::time::{rfc3339, span};
use crate::runtime::tune::History;
use crate::runtime::tune::replayed::{Estimate, Loud, Rate, Replayed};

/// Smaller budgets that are tried, three a decade.
const STEPS: usize = 12;
/// Series that are named.
const NAMED: usize = 3;
/// Fewer events than this make a baseline that its own error tells on.
const BASELINE_EVENTS: u64 = 3_000;

/// Replays of all settings, in their order; none where nothing was judged.
pub(super) struct Replays(Vec<Option<Replayed>>);

/// What courses of the history say of one of the settings.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Replay {
    /// False alarms a week over all series: promised, at most.
    promised_per_week: f64,
    /// As courses of the history have them, with the interval of 95 %.
    pub(super) replayed_per_week: f64,
    low: f64,
    pub(super) high: f64,
    /// Ticks of any series for each false alarm: promised, at least, and replayed.
    promised_run_ticks: f64,
    replayed_run_ticks: f64,
    block_s: f64,
    courses: usize,
    /// Series that were run again.
    series: usize,
    /// Of these, those of which a part was left out: it was found to have changed, for a block or longer.
    changed_series: usize,
    /// The share of all ticks that was left out.
    left_out_share: f64,
    /// How many have more false alarms than was promised, beyond chance.
    above_promise: usize,
    /// The worst of them.
    worst: Vec<Worst>,
}

/// A series above its promise.
#[derive(Debug, Clone, Serialize)]
struct Worst {
    series: String,
    promised_per_week: f64,
    replayed_per_week: f64,
    low: f64,
    high: f64,
    /// Where most of it lies in one part of the history.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    advice: String,
}

impl Replays {
    pub(super) fn new(choices: &[Choice], history: &History, threads: usize) -> Self {
        let run = |(at, choice): (usize, &Choice)| history.replayed(at, choice.budget(), threads);
        Self(choices.iter().enumerate().map(run).collect())
    }

    /// Of one of the settings.
    pub(super) fn of(&self, at: usize, choice: &Choice) -> Option<Replay> {
        let run = self.0.get(at)?.as_ref()?;
        Some(Replay::new(run, &run.at(choice.budget())))
    }

    /// The config's own settings with the largest of some budgets that keeps to `at_most` replayed false
    /// alarms a week, where its own does not. Each is run at its own threshold.
    pub(super) fn calibrated(
        &mut self,
        choices: &[Choice],
        history: &History,
        (at_most, threads): (f64, usize),
    ) -> Option<Choice> {
        let own = choices.first()?;
        let fits = |run: &Replayed, budget: f64| run.at(budget).all.high <= at_most;
        if fits(self.0.first()?.as_ref()?, own.budget()) {
            return None;
        }
        let most = own.budget().min(at_most);
        let budget_of = |step: usize| {
            two_digits(most / [2.0, 5.0, 10.0][step % 3] / 10f64.powi(step as i32 / 3))
        };
        let (mut above, mut fitting) = (0, None);
        let mut below = (0..STEPS).take_while(|step| budget_of(*step) >= BUDGETS.0).count();
        // Alarms fall with the budget, so that halving finds where they are few enough.
        while above < below {
            let step = (above + below) / 2;
            let budget = budget_of(step);
            match history.replayed(0, budget, threads).filter(|run| fits(run, budget)) {
                Some(run) => (below, fitting) = (step, Some((budget, run))),
                None => above = step + 1,
            }
        }
        let (budget, run) = fitting?;
        let label = char::from(b'a' + choices.len() as u8).to_string();
        let choice = own.with(Edit::Budget(budget), label);
        if choices.iter().any(|other| other.settings == choice.settings) {
            return None;
        }
        self.0.push(Some(run));
        Some(choice)
    }
}

impl Replay {
    fn new(run: &Replayed, estimate: &Estimate) -> Self {
        let Estimate { all, ticks_a_week, above } = estimate;
        let Rate { promised, replayed, low, high } = *all;
        let ticks = |rate: f64| ticks_a_week / rate.max(f64::MIN_POSITIVE);
        Self {
            promised_per_week: promised,
            replayed_per_week: replayed,
            low,
            high,
            promised_run_ticks: ticks(promised),
            replayed_run_ticks: ticks(replayed),
            block_s: run.block_us as f64 / 1e6,
            courses: run.courses,
            series: run.sample,
            changed_series: run.left_out.series,
            left_out_share: run.left_out.share,
            above_promise: above.len(),
            worst: above.iter().take(NAMED).map(Worst::new).collect(),
        }
    }

    /// The cells of a table.
    pub(super) fn cells(&self) -> [String; 2] {
        let Self { promised_per_week, replayed_per_week, low, high, .. } = self;
        let replayed =
            format!("{} ({} to {})", short(*replayed_per_week), short(*low), short(*high));
        [short(*promised_per_week), replayed]
    }

    /// What is to be said below a table.
    pub(super) fn text(&self, label: &str) -> String {
        let mut text = format!(
            "\nReplayed: {} courses reassembled from blocks of {} of this history, judged again ({} series). False alarms a \
             week, with a\n95 % interval. {label}: at most one in {} ticks promised, one in {} replayed.\n",
            self.courses,
            span((self.block_s * 1e6) as i64),
            self.series,
            short(self.promised_run_ticks),
            short(self.replayed_run_ticks),
        );
        let block = span((self.block_s * 1e6) as i64);
        text += &match self.changed_series {
            0 => format!(
                "No series was found to have changed for {block} or longer: nothing is left out.\n"
            ),
            n => format!(
                "Left out: what was found and lasted {block} or longer, in {n} of these series ({:.1} % of the ticks).\n",
                self.left_out_share * 100.0
            ),
        };
        if self.above_promise > 0 {
            let _ =
                writeln!(text, "Series above their promise under {label}: {}.", self.above_promise);
        }
        for Worst { series, replayed_per_week, low, high, promised_per_week, advice, .. } in
            &self.worst
        {
            let _ = writeln!(
                text,
                "  {series}: {} ({} to {}) a week, {} promised. {advice}",
                short(*replayed_per_week),
                short(*low),
                short(*high),
                short(*promised_per_week),
            );
        }
        text
    }
}

impl Worst {
    fn new(loud: &Loud) -> Self {
        let Rate { promised, replayed, low, high } = loud.rate;
        let within = loud.within_us.map(|(from, to)| (rfc3339(from), rfc3339(to)));
        let advice = if let Some((from, to)) = &within {
            format!(
                "Most of it lies between {from} and {to}: if something was wrong then, leave it out."
            )
        } else if loud.is_scalar {
            "Use a wider [detect] scalar_zone, or a longer [scalars] learn.".into()
        } else if loud.baseline_events < BASELINE_EVENTS {
            format!(
                "Its baseline has {} events: learn from more ([baseline.learn]).",
                loud.baseline_events
            )
        } else {
            "It varies over longer times than its baseline shows: use a longer baseline, a segment for its cause, \
             or a wider zone."
                .into()
        };
        let (from, to) = within.unzip();
        Self {
            series: loud.name.clone(),
            promised_per_week: promised,
            replayed_per_week: replayed,
            low,
            high,
            from,
            to,
            advice,
        }
    }
}

/// Two digits that count.
fn short(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{v:.1e}"),
        v if v >= 10.0 => format!("{v:.0}"),
        v if v >= 1.0 => format!("{v:.1}"),
        v if v >= 0.01 => format!("{v:.2}"),
        v if v >= 0.001 => format!("{v:.3}"),
        _ => "0".into(),
    }
}
