//! The demo on a broker: the order of things.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::bail;

use super::feed::Feed;
use super::stage::{EVENTS, PARTITIONS, Stage};
use super::story::Story;
use super::witness::Witness;
use crate::cli::Terminal;
use crate::cli::summary::grouped;
use crate::synth::Plan;
use crate::telemetry::logs::{self, LOG_VARIABLE, LogFormat};
use crate::telemetry::{Metric, Telemetry};

/// Between two looks at the topics of results.
const LOOK: Duration = Duration::from_millis(50);
/// How much longer than planned it may take on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs it. What was found or not does not change the exit code; what fails does.
pub(super) fn run(plan: &Plan, wall: Duration, terminal: &Terminal) -> anyhow::Result<ExitCode> {
    if std::env::var_os(LOG_VARIABLE).is_some() {
        logs::init(LogFormat::Text, None, terminal.color_err())?;
    }
    let mut story = Story::new(plan, terminal);
    let hours = plan.span_ms / crate::synth::plan::HOUR_MS;
    story.say(&format!(
        "Driftline demo: an embedded Kafka broker, and {hours} hours of telemetry of {} models in {} s.\n",
        plan.models,
        wall.as_secs()
    ))?;
    let stage = Stage::open(plan)?;
    let sinks = &stage.live.sinks;
    story.say(&format!(
        "Reads {EVENTS} ({PARTITIONS} partitions); writes {}, {}, {} in transactions.\n\
         Watch from another terminal:  driftline top --url http://{}\n\n\
         Joining the group takes a few seconds. Then Driftline learns for an hour what is normal for each\n\
         model; it is told nothing else. Times below are event times.\n\n",
        sinks.findings, sinks.alerts, sinks.quarantine, stage.http
    ))?;
    stage.ready()?;

    let begun = Instant::now();
    let mut witness = Witness::new(stage.connection(), sinks)?;
    let mut feed = Feed::begin(plan, wall, stage.connection())?;
    loop {
        stage.runs()?;
        // First, so that no finding is told before its cause.
        let over = feed.is_over()?;
        let time_ms = feed.time_ms();
        let seen = witness.look(LOOK)?;
        story.inject(feed.time_ms())?;
        story.tell_all(seen)?;
        story.progress(time_ms, feed.events(), &stage.telemetry)?;
        if over && messages(&stage.telemetry) >= feed.events() + feed.broken() {
            break;
        }
        if begun.elapsed() > wall + PATIENCE {
            bail!(
                "this machine cannot keep up: {} of {} records were read in {} s; try --seconds {}",
                grouped(messages(&stage.telemetry)),
                grouped(plan.events),
                begun.elapsed().as_secs(),
                wall.as_secs() * 4
            );
        }
    }
    let took = begun.elapsed();
    let sent = (feed.events(), feed.broken());
    stage.end()?;
    story.tell_all(witness.rest()?)?;
    story.end(&story.score()?, sent, took, &stage.telemetry)?;
    story.say(
        "\nWhat to try next:\n\
         \x20 driftline demo --files driftline-demo                 the same with files that stay, for `explain`\n\
         \x20 driftline init your-events.ndjson -o driftline.toml   a config for your own events\n\
         \x20 driftline replay your-logs/                           what changed in your logs\n\
         \x20 driftline run                                         live: add [kafka] to the config, see docs/kafka.md\n",
    )?;
    Ok(ExitCode::SUCCESS)
}

/// Messages that the flow has judged.
fn messages(telemetry: &Telemetry) -> u64 {
    let of = |partition: i32| {
        telemetry.value(Metric::Messages, &[EVENTS, &partition.to_string()]).unwrap_or(0.0)
    };
    (0..PARTITIONS).map(of).sum::<f64>() as u64
}
