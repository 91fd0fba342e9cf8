//! `driftline tune`: what other settings would have given on the user's own history.

mod answer;
mod choices;
mod replays;
mod write;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, ensure};

use self::answer::Answer;
use self::choices::{Choice, check_budget, choices};
use self::replays::Replays;
use super::Terminal;
use super::form::Form;
use super::input::InputArgs;
use super::progress::Progress;
use crate::config::duration;
use crate::model::settings::{Fleet, Settings};
use crate::runtime::replay::ReplayError;
use crate::runtime::tune::inject::{Change, Injection};
use crate::runtime::tune::{find, judge};

const EXAMPLES: &str = "\
Examples:
  driftline tune logs/                             Alerts a week and delays under several settings
  driftline tune logs/ --shift 1 --mix 0.2         The same for changes of other sizes
  driftline tune logs/ --panes 10s,1m,10m --zones 0.05,0.2 --budgets 1,10
  driftline tune logs/ --at-most 2 --write tuned.toml --picture tune.svg
                                                   Choose what finds most at two alerts a week or fewer

The history is read once as it is, and once for each change that is injected: of the given size, into
every other group, from --at of the history on. Alerts on the history itself may well be right: look at
them first (`driftline replay`).

False alarms are shown as promised, and as the same statistic gives them on courses reassembled from
blocks of this history, with a 95 % interval; --at-most applies to its upper end.";

/// Try other settings on your own history: alerts a week, and how soon known changes would be found
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    input: InputArgs,
    /// Budgets to compare, false alarms a week [default: the config's divided by 5, and times 5 and 25]
    #[arg(long, value_delimiter = ',', value_name = "N,..")]
    budgets: Vec<f64>,
    /// Panes to compare [default: 10s, 1m and 5m]
    #[arg(long, value_delimiter = ',', value_name = "TIME,..", value_parser = duration_us)]
    panes: Vec<i64>,
    /// Zones to compare: change that is too small to matter [default: 0.05, 0.1 and 0.2]
    #[arg(long, value_delimiter = ',', value_name = "Z,..")]
    zones: Vec<f64>,
    /// Inject: numbers go up by this many standard deviations; 0 = do not
    #[arg(long, default_value_t = 0.5, value_name = "SD")]
    shift: f64,
    /// Inject: numbers move away from their median by this factor; 1 = do not
    #[arg(long, default_value_t = 1.5, value_name = "FACTOR")]
    scale: f64,
    /// Inject: this share of categories becomes another, of flags true; 0 = do not
    #[arg(long, default_value_t = 0.1, value_name = "SHARE")]
    mix: f64,
    /// Inject: only this share of events is kept; 1 = do not
    #[arg(long, default_value_t = 0.5, value_name = "SHARE")]
    rate: f64,
    /// Where in the history the changes begin, as a share of its time
    #[arg(long, default_value_t = 0.6, value_name = "SHARE")]
    at: f64,
    /// Acceptable alerts a week: choose the setting that finds most, and soonest, within them
    #[arg(long, value_name = "N")]
    at_most: Option<f64>,
    /// Write a copy of the config with the chosen setting
    #[arg(long, value_name = "FILE", requires = "at_most")]
    write: Option<PathBuf>,
    /// Draw delays against alerts a week, as SVG
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
    /// Output format
    #[arg(long = "as", value_enum, default_value_t = Form::Text, value_name = "FORM")]
    form: Form,
    /// Threads [default: one per core]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

fn duration_us(text: &str) -> Result<i64, String> {
    duration::parse_us(text)
        .filter(|us| *us > 0)
        .ok_or_else(|| "expected a duration such as 10s, 1m or 1h".to_owned())
}

impl Args {
    fn changes(&self) -> anyhow::Result<Vec<Change>> {
        ensure!(self.scale > 0.0, "--scale must be above 0, for example 1.5");
        ensure!((0.0..=1.0).contains(&self.mix), "--mix is a share between 0 and 1");
        ensure!((0.0..=1.0).contains(&self.rate), "--rate is a share between 0 and 1");
        ensure!(self.shift.is_finite(), "--shift is a number of standard deviations");
        let all = [
            (self.shift != 0.0, Change::Shift(self.shift)),
            (self.scale != 1.0, Change::Scale(self.scale)),
            (self.mix > 0.0, Change::Mix(self.mix)),
            (self.rate < 1.0, Change::Rate(self.rate)),
        ];
        Ok(all.into_iter().filter(|(is_wanted, _)| *is_wanted).map(|(_, change)| change).collect())
    }

    /// The changes that are put in, where what is asked for can be.
    fn checked_changes(&self, settings: &Settings) -> anyhow::Result<Vec<Change>> {
        ensure!(
            settings.detect.fleet == Fleet::Budget,
            "tune compares budgets, but [detect] fleet = \"share\" has none: remove fleet from the config to tune it"
        );
        let changes = self.changes()?;
        if let Some(at_most) = self.at_most {
            check_budget("--at-most", at_most)?;
        }
        ensure!((0.0..1.0).contains(&self.at), "--at is a share between 0 and 1, for example 0.6");
        Ok(changes)
    }
}

/// Runs it.
pub fn run(args: Args, terminal: &Terminal) -> anyhow::Result<ExitCode> {
    let (settings, files) = args.input.load()?;
    let changes = args.checked_changes(&settings)?;
    let source = args.input.source(&files)?;
    let bytes = source.bytes_total().context(
        "the history is read several times, which standard input does not allow: give files or folders",
    )?;
    let mut choices = choices(&settings, &args.budgets, &args.panes, &args.zones)?;
    let threads = args
        .threads
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
    let progress = Progress::of_bytes(terminal, Some(bytes * (1 + changes.len() as u64)));
    let show = |reading: u64| {
        let progress = &progress;
        move |at: u64, time_us: Option<i64>, events: u64| -> Result<(), ReplayError> {
            progress.show(reading * bytes + at, time_us, events);
            Ok(())
        }
    };
    let mut history = judge(&source, &settings_of(&choices), threads, show(0))?;
    ensure!(
        history.events > 0 && !history.baselines.is_empty(),
        "no series has a baseline by the end of this history ({} events): give more of it, or lower \
         [baseline.learn]",
        history.events
    );
    let mut replays = Replays::new(&choices, &history, threads);
    if let Some(choice) =
        args.at_most.and_then(|most| replays.calibrated(&choices, &history, (most, threads)))
    {
        // It was not known that the history would be read once more: this is shown as the same reading.
        let more = judge(&source, std::slice::from_ref(&choice.settings), threads, show(0))?;
        history.verdicts.extend(more.verdicts);
        choices.push(choice);
    }
    let begin_us = history.from_us + ((history.to_us - history.from_us) as f64 * args.at) as i64;
    let all = settings_of(&choices);
    let mut found = Vec::new();
    for (reading, change) in (1..).zip(&changes) {
        let injection = Injection::new(*change, begin_us, &history.baselines, &settings);
        found.push((*change, find(&source, &all, threads, &injection, show(reading))?));
    }
    progress.finish();
    let answer = Answer::new(&choices, &history, &replays, (begin_us, &found), args.at_most);
    tell(&args, &answer, &choices, terminal)?;
    Ok(ExitCode::SUCCESS)
}

fn settings_of(choices: &[Choice]) -> Vec<Settings> {
    choices.iter().map(|choice| choice.settings.clone()).collect()
}

/// Writes the picture, the answer, and the config with what was chosen, as far as they are asked for.
fn tell(
    args: &Args,
    answer: &Answer,
    choices: &[Choice],
    terminal: &Terminal,
) -> anyhow::Result<()> {
    if let Some(path) = &args.picture {
        std::fs::write(path, answer.picture())
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    terminal.print(&match args.form {
        Form::Json => serde_json::to_string_pretty(&answer)? + "\n",
        Form::Text => answer.text(),
    })?;
    if let Some(path) = &args.write {
        let chosen: &Choice = answer.chosen.and_then(|at| choices.get(at)).with_context(|| {
            format!(
                "none of these settings stays within {} alerts a week on this history: nothing was written",
                args.at_most.unwrap_or_default()
            )
        })?;
        write::config(&args.input.config, path, &chosen.edits)?;
        terminal.tell(&format!("{}: {}\n", path.display(), chosen.words));
    }
    Ok(())
}
