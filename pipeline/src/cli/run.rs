//! `driftline run`: topics in, findings and alerts out, until it is told to stop.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum;
use crossbeam_channel::{Sender, bounded};
use tokio::signal::unix::{SignalKind, signal};

use super::Terminal;
use super::exit::RESTART;
use crate::codec::Codecs;
use crate::config::{self, DEFAULT_PATH, Files};
use crate::engine::Engine;
use crate::http::{self, Control};
use crate::model::live::Live;
use crate::runtime::live::{Command, Ended, EngineFactory, Flow, LiveFault, Parts, Report};
use crate::sink::follower::Follower;
use crate::state::SnapshotStore;
use crate::telemetry::logs::{self, LogFormat};
use crate::telemetry::{Health, Taps, Telemetry};

/// The end of a drain: a process that is told to stop is gone by then.
const STOP_WITHIN: Duration = Duration::from_millis(9_500);

const EXAMPLES: &str = "\
Examples:
  driftline run                              Run with driftline.toml until SIGTERM or Ctrl-C
  driftline run -c prod.toml --log-format json
  kill -HUP PID                              Reload the config; an invalid one is refused

Results go to the topics of [sinks]. State is kept at [state].home; however it ends, cleanly or
not, the next start continues from the last commit.

Exit codes: 0 stopped and drained; 2 errors in the config; 3 brokers, topics or files cannot be
used; 75 it could not drain, or a commit hung: start it again, nothing is lost.";

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Text,
    /// One JSON object per line
    Json,
}

/// Watch topics live and report what changes
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// The config
    #[arg(long, short, default_value = DEFAULT_PATH, value_name = "FILE")]
    config: PathBuf,
    /// Format of log lines
    #[arg(long, value_enum, default_value_t)]
    log_format: Format,
    /// Log verbosity: error, warn, info, debug, trace, or a filter; also set by DRIFTLINE_LOG
    #[arg(long, value_name = "FILTER")]
    log_level: Option<String>,
}

/// Runs it.
pub fn run(args: Args, terminal: &Terminal) -> anyhow::Result<ExitCode> {
    let format = match args.log_format {
        Format::Text => LogFormat::Text,
        Format::Json => LogFormat::Json,
    };
    logs::init(format, args.log_level.as_deref(), terminal.color_err())?;
    let (settings, files, live) = config::load_live(&args.config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the threads for HTTP")?;
    let store = Arc::new(SnapshotStore::open(
        &live.state,
        &settings.pipeline,
        &live.source.group,
        runtime.handle().clone(),
    )?);
    let (commands_in, commands) = bounded(4);
    let (telemetry, health, taps) = (Telemetry::new(), Health::new(), Taps::new());
    if let Some(address) = live.http {
        let listener =
            runtime.block_on(tokio::net::TcpListener::bind(address)).with_context(|| {
                format!(
                    "cannot listen on {address}; choose another [http].listen, or \"\" for none"
                )
            })?;
        let (control_in, control) = bounded(4);
        let serving = (telemetry.clone(), health.clone(), taps.clone());
        runtime.spawn(http::serve(listener, serving.0, serving.1, serving.2, control_in));
        let (path, commands) = (args.config.clone(), commands_in.clone());
        let old = live.clone();
        std::thread::spawn(move || {
            for Control::Reload(answer) in control {
                // Nobody waits for the answer any more: it is in the log, too.
                let _ = answer.send(reload(&path, &old, &commands));
            }
        });
    }
    runtime.block_on(async { listen_to_signals(&args.config, &live, &commands_in) })?;
    let mut report = Report::new(telemetry, health, taps, instance(&live));
    let config = Engine::new(settings.clone()).config().to_string();
    report.begins(&settings.pipeline, &config, &live);
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        pipeline = settings.pipeline,
        config,
        group = live.source.group,
        topics = live.source.topics.join(","),
        http = live.http.map_or("off".into(), |address| address.to_string()),
        "driftline starts"
    );
    let codecs = Codecs::built_in();
    let followers = live.followers.iter().map(Follower::start).collect::<Result<Vec<_>, _>>()?;
    let new_engine = engine_factory(&files);
    let parts = Parts { settings, live, codecs, store, new_engine, followers, commands, report };
    let ended = Flow::start(parts)?.run()?;
    // Threads of librdkafka may still hang; nothing of theirs matters any more.
    match ended {
        Ended::Drained => tracing::info!("drained: everything is written and the state is saved"),
        Ended::Undrained => {
            tracing::warn!("stopped before everything was written; the next start writes the rest")
        }
    }
    let code = if ended == Ended::Drained { 0 } else { RESTART };
    std::process::exit(i32::from(code))
}

/// Engines begin with the baselines of the config's file, where it names one.
fn engine_factory(files: &Files) -> EngineFactory {
    let baseline = files.baseline.clone();
    Box::new(move |settings| {
        let mut engine = Engine::new(settings);
        if let Some(path) = &baseline {
            super::baseline::load_into(&mut engine, path)
                .map_err(|error| LiveFault::Baseline(format!("{error:#}")))?;
        }
        Ok(engine)
    })
}

/// What tells this process from others of its group.
fn instance(live: &Live) -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    live.source
        .instance_id
        .clone()
        .unwrap_or_else(|| format!("{}.{}", host.trim(), std::process::id()))
}

/// SIGTERM and Ctrl-C stop, SIGHUP takes the config anew.
fn listen_to_signals(path: &Path, live: &Live, commands: &Sender<Command>) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let (path, live, commands) = (path.to_owned(), live.clone(), commands.clone());
    tokio::spawn(async move {
        let mut stopping = false;
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {
                    if stopping {
                        tracing::warn!("interrupted again: stopping at once; nothing is lost");
                        std::process::exit(i32::from(RESTART));
                    }
                }
                _ = hangup.recv() => {
                    let (path, live, commands) = (path.clone(), live.clone(), commands.clone());
                    std::thread::spawn(move || match reload(&path, &live, &commands) {
                        Ok(words) => tracing::info!("reload: {words}"),
                        Err(why) => tracing::error!("reload refused, the old config stays: {why}"),
                    });
                    continue;
                }
            }
            if stopping {
                continue;
            }
            stopping = true;
            tracing::info!("stopping: writing what is left");
            // The flow may be busy; the deadline below ends it if it stays so.
            let _ = commands.try_send(Command::Stop);
            tokio::spawn(async {
                tokio::time::sleep(STOP_WITHIN).await;
                tracing::error!(
                    "could not drain in time; the next start continues from the last commit"
                );
                std::process::exit(i32::from(RESTART));
            });
        }
    });
    Ok(())
}

/// Reads the config again; a good one goes to the flow.
fn reload(path: &Path, old: &Live, commands: &Sender<Command>) -> Result<String, String> {
    let (settings, _, live) = config::load_live(path).map_err(|error| error.to_string())?;
    let (answer, answered) = bounded(1);
    commands
        .send_timeout(Command::Reload(Box::new(settings), answer), Duration::from_secs(5))
        .map_err(|_| "the main loop is busy; try again".to_string())?;
    let words = answered
        .recv_timeout(Duration::from_secs(15))
        .map_err(|_| "the main loop did not answer within 15 s".to_string())??;
    Ok(match live == *old {
        true => words,
        false => format!(
            "{words}; changes in [kafka], [source], [sinks], [delivery], [state] and [http] need a restart"
        ),
    })
}
