//! What the demo runs on: a broker inside of this process, its topics, a config, and the real flow.
//!
//! The broker is librdkafka's own stand-in: it keeps some megabytes of a partition, and shows results of
//! aborted transactions. Nothing is left behind: its folder is removed when the stage goes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use crossbeam_channel::{Receiver, Sender, bounded};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

use crate::codec::Codecs;
use crate::config;
use crate::engine::Engine;
use crate::http::{self, Control};
use crate::model::live::{Connection, Live};
use crate::runtime::live::{Command, Ended, Flow, LiveFault, Parts, Report};
use crate::state::SnapshotStore;
use crate::synth::Plan;
use crate::synth::dataset::config_text;
use crate::synth::write::Format;
use crate::telemetry::{Health, Taps, Telemetry};

/// The topic of events.
pub(super) const EVENTS: &str = "inference-events";
/// Its partitions. The broker keeps 100,000 messages of each.
pub(super) const PARTITIONS: i32 = 8;
/// Until the flow reads and writes: joining a group takes some seconds.
const READY_MAX: Duration = Duration::from_secs(60);
/// Until it has written its last results.
const END_MAX: Duration = Duration::from_secs(30);

/// Everything but the telemetry.
pub(super) struct Stage {
    pub(super) live: Live,
    pub(super) telemetry: Telemetry,
    /// Where `top` and `tap` may look on.
    pub(super) http: SocketAddr,
    health: Health,
    commands: Sender<Command>,
    ended: Receiver<Result<Ended, LiveFault>>,
    /// Ctrl-C or SIGTERM.
    pub(super) interrupted: Receiver<()>,
    _runtime: tokio::runtime::Runtime,
    _broker: MockCluster<'static, DefaultProducerContext>,
    _folder: Folder,
}

impl Stage {
    /// Starts broker, flow and HTTP.
    pub(super) fn open(plan: &Plan) -> anyhow::Result<Self> {
        let broker =
            MockCluster::new(1).map_err(|error| anyhow!("no broker could be started: {error}"))?;
        let folder = Folder::create()?;
        let path = folder.0.join(config::DEFAULT_PATH);
        let text = live_config(plan, &broker.bootstrap_servers())?;
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        let (settings, _, live) = config::load_live(&path)?;
        for (topic, partitions) in topics(&live) {
            let created = broker.create_topic(topic, partitions, 1);
            created.map_err(|error| anyhow!("topic {topic} could not be made: {error}"))?;
        }

        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .context("cannot start the thread for HTTP")?;
        let interrupted = runtime.block_on(async { interrupts() })?;
        let (telemetry, health, taps) = (Telemetry::new(), Health::new(), Taps::new());
        let http = serve(&runtime, &telemetry, &health, &taps)?;

        let store = SnapshotStore::open(
            &live.state,
            &settings.pipeline,
            &live.source.group,
            runtime.handle().clone(),
        )?;
        let mut report = Report::new(telemetry.clone(), health.clone(), taps, "demo".into());
        report.begins(&settings.pipeline, Engine::new(settings.clone()).config(), &live);
        let (commands, taken) = bounded(1);
        let ended = flow(Parts {
            settings,
            live: live.clone(),
            codecs: Codecs::built_in(),
            store: Arc::new(store),
            new_engine: Box::new(|settings| Ok(Engine::new(settings))),
            followers: Vec::new(),
            commands: taken,
            report,
        })?;
        Ok(Self {
            live,
            telemetry,
            http,
            health,
            commands,
            ended,
            interrupted,
            _runtime: runtime,
            _broker: broker,
            _folder: folder,
        })
    }

    /// How to speak to the broker.
    pub(super) fn connection(&self) -> &Connection {
        &self.live.kafka
    }

    /// Waits until the flow reads and writes.
    pub(super) fn ready(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let verdict = self.health.readyz();
            if verdict.yes && self.telemetry.status().leader {
                return Ok(());
            }
            self.runs()?;
            if begun.elapsed() > READY_MAX {
                bail!("not ready after {} s: {}", READY_MAX.as_secs(), verdict.why);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// An error if the flow has ended, or the user wants the end.
    pub(super) fn runs(&self) -> anyhow::Result<()> {
        if self.interrupted.try_recv().is_ok() {
            bail!("interrupted");
        }
        match self.ended.try_recv() {
            Ok(Ok(_)) => bail!("the flow ended before it was told to"),
            Ok(Err(fault)) => Err(fault.into()),
            Err(_) => Ok(()),
        }
    }

    /// Tells the flow to write what it has and to end.
    pub(super) fn end(&self) -> anyhow::Result<()> {
        self.commands.send_timeout(Command::Stop, END_MAX).context("the flow takes no command")?;
        let ended = self.ended.recv_timeout(END_MAX).context("the flow did not end in time")?;
        match ended? {
            Ended::Drained => Ok(()),
            Ended::Undrained => bail!("the last results could not be written"),
        }
    }
}

/// Serves HTTP on a free port of this machine. The config cannot be taken anew.
fn serve(
    runtime: &tokio::runtime::Runtime,
    telemetry: &Telemetry,
    health: &Health,
    taps: &Taps,
) -> anyhow::Result<SocketAddr> {
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    let (control, asked) = bounded(1);
    let (telemetry, health, taps) = (telemetry.clone(), health.clone(), taps.clone());
    runtime.spawn(http::serve(listener, telemetry, health, taps, control));
    std::thread::spawn(move || {
        for Control::Reload(answer) in asked {
            // Nobody waits for the answer any more.
            let _ = answer.send(Err("the demo has no config to take anew".into()));
        }
    });
    Ok(address)
}

/// Runs the flow on a thread of its own, and tells how it ended.
fn flow(parts: Parts) -> anyhow::Result<Receiver<Result<Ended, LiveFault>>> {
    let (tell, ended) = bounded(1);
    std::thread::Builder::new().name("flow".into()).spawn(move || {
        let result = Flow::start(parts).and_then(Flow::run);
        // The demo may be over already.
        let _ = tell.send(result);
    })?;
    Ok(ended)
}

fn topics(live: &Live) -> [(&str, i32); 5] {
    let sinks = &live.sinks;
    [
        (EVENTS, PARTITIONS),
        (&sinks.findings, 1),
        (&sinks.alerts, 1),
        (&sinks.quarantine, 1),
        (&sinks.journal, 1),
    ]
}

/// The config of a set of files, with where to read and write.
fn live_config(plan: &Plan, brokers: &str) -> anyhow::Result<String> {
    let format = Format::named("ndjson").context("ndjson is a format")?;
    Ok(format!(
        "{}\n[kafka]\nbrokers = \"{brokers}\"\n\n[source]\ntopics = [\"{EVENTS}\"]\n\n\
         [delivery]\ncommit = \"200ms\"\n\n[state]\nhome = \"state\"\n\n[http]\nlisten = \"\"\n",
        config_text(plan, format)
    ))
}

fn interrupts() -> anyhow::Result<Receiver<()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (tell, told) = bounded(1);
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        // Told already: the demo is ending.
        let _ = tell.try_send(());
    });
    Ok(told)
}

/// A folder that goes with its owner.
struct Folder(PathBuf);

impl Folder {
    fn create() -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("driftline-demo-{}", std::process::id()));
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is left to the system, which clears its temporary folder.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
