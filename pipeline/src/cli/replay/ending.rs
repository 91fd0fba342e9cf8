//! How a replay ends: results closed, the summary told, the exit code; and the budget that it began with.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::args::{Args, FailOn};
use super::outputs::Outputs;
use crate::cli::summary::Summary;
use crate::cli::{FOUND, Terminal, UNJUDGED};
use crate::config::DEFAULT_PATH;
use crate::model::Status;
use crate::model::settings::{Fleet, Settings};

/// Closes the results, tells the summary, and says whether it fails.
pub(super) fn close(
    args: &Args,
    terminal: &Terminal,
    outputs: Outputs,
    mut summary: Summary<'_>,
) -> anyhow::Result<ExitCode> {
    let to_stdout = outputs.on_stdout;
    // `explain` looks where the default config says; what went to standard output is where it was put.
    let is_default =
        args.input.config == Path::new(DEFAULT_PATH) && args.outputs.findings.is_none();
    let path = match &outputs.findings {
        path if path == Path::new("-") => PathBuf::from("FILE"),
        path => path.clone(),
    };
    outputs.finish()?;
    summary.color = if to_stdout { terminal.color_err() } else { terminal.color_out() };
    let text = summary.render((!is_default).then_some(&path));
    if to_stdout {
        terminal.tell(&text)
    } else {
        terminal.print(&text)?
    }
    let tally = summary.tally;
    let fails = match args.fail_on {
        FailOn::Never => false,
        FailOn::Info => !tally.findings.is_empty(),
        FailOn::Warning => tally.findings.iter().any(|f| f.severity != "info"),
        FailOn::Critical => tally.findings.iter().any(|f| f.severity == "critical"),
        FailOn::Firing => tally.alerts.values().any(|a| a.status == Status::Firing),
    };
    // Nothing that was read could be used, or a check that is to fail has nothing to go by, or not all of it.
    let is_checked = args.fail_on != FailOn::Never;
    let is_unjudged = summary.unjudged().is_some_and(|cause| is_checked || !cause.is_read())
        || is_checked && !summary.blind.is_empty();
    Ok(match (fails, is_unjudged) {
        (true, _) => ExitCode::from(FOUND),
        (false, true) => ExitCode::from(UNJUDGED),
        (false, false) => ExitCode::SUCCESS,
    })
}

/// Another budget than the config's.
pub(super) fn set_budget(settings: &mut Settings, budget: Option<f64>) -> anyhow::Result<()> {
    if let Some(budget) = budget {
        anyhow::ensure!(budget > 0.0, "--budget must be above 0, for example 1 (a week)");
        anyhow::ensure!(
            settings.detect.fleet == Fleet::Budget,
            "--budget has no effect with [detect] fleet = \"share\": change \
             false_share_per_week in the config, or remove fleet"
        );
        settings.detect.budget_per_week = budget;
    }
    Ok(())
}
