//! `driftline replay --from-topic`, `--compare`: what is on topics, up to offsets that are fixed at the
//! start.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

use super::args::Args;
use super::compare::{Comparison, PublishedFindings};
use super::ending::{close, set_budget};
use super::outputs::Outputs;
use crate::cli::progress::Progress;
use crate::cli::summary::{Summary, Tally, grouped};
use crate::cli::{FOUND, Terminal, baseline};
use crate::codec::Codecs;
use crate::config::{self, Files};
use crate::engine::Engine;
use crate::kafka::{Cluster, KafkaFault};
use crate::model::live::{Delivery, Live};
use crate::model::{RejectRecord, Settings};
use crate::runtime::live::LiveFault;
use crate::runtime::live::decisions::Decisions;
use crate::runtime::live::shard::Shard;
use crate::runtime::topic_replay::{Plan, TopicEvent, live_settings, replay};
use crate::sink::kafka::records;

/// What both ways need.
struct Replay<'a> {
    args: &'a Args,
    terminal: &'a Terminal,
    settings: Settings,
    files: Files,
    live: Live,
    group: String,
    cluster: Cluster,
}

/// Runs it.
pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<ExitCode> {
    let (mut settings, files, live) = config::load_live(&args.input.config)?;
    args.input.check_span()?;
    set_budget(&mut settings, args.budget)?;
    let group = args.topics.group.clone().unwrap_or_else(|| live.source.group.clone());
    let cluster = Cluster::connect(&live.kafka, &group)?;
    let replay = Replay { args, terminal, settings, files, live, group, cluster };
    match &args.topics.compare {
        Some(topic) => replay.compare(topic),
        None => replay.topics(),
    }
}

impl Replay<'_> {
    fn topics(&self) -> anyhow::Result<ExitCode> {
        let topics = &self.args.topics.from_topic;
        let decisions = match Decisions::read(&self.cluster, &self.live.sinks.journal, &self.group)
        {
            Ok(decisions) => decisions,
            // Nothing has run live yet, so nothing was decided.
            Err(KafkaFault::UnknownTopic { .. }) => Decisions::default(),
            Err(fault) => return Err(fault.into()),
        };
        let (from, to) = (self.args.input.from, self.args.input.to);
        let plan = Plan::by_time(&self.cluster, topics, from, to, decisions)?;
        anyhow::ensure!(!plan.spans.is_empty(), "no topic matches {}", topics.join(", "));
        self.say(&plan);
        let mut outputs = Outputs::create(&self.args.outputs, &self.files)?;
        let mut tally = Tally::default();
        let begun = Instant::now();
        let mut bytes = 0;
        let rejects_max = self.settings.limits.rejects_written_max as u64;
        let shards = self.replay(&plan, |event| -> anyhow::Result<()> {
            match event {
                TopicEvent::Results(results) => {
                    outputs.write(&results.findings, &results.alerts)?;
                    tally.add(&results.findings, &results.alerts);
                    for (of, original) in &results.originals {
                        let record = RejectRecord::of_topic(of, original);
                        let reason = record.reason;
                        if tally.rejected() < rejects_max {
                            outputs.reject(record)?;
                        }
                        tally.reject(reason, ("", ""));
                    }
                }
                TopicEvent::Progress { bytes: so_far, .. } => bytes = so_far,
            }
            Ok(())
        })?;
        let engines: Vec<&Engine> = shards.iter().map(Shard::engine).collect();
        if let Some(path) = &self.args.save_baseline {
            let entries: Vec<_> =
                engines.iter().flat_map(|engine| engine.fork().baselines(false)).collect();
            baseline::write(&entries, path)?;
        }
        let partitions = plan.spans.len();
        let source = format!(
            "{partitions} partition{}, {:.1} MB,",
            if partitions == 1 { "" } else { "s" },
            bytes as f64 / 1e6
        );
        let summary = Summary {
            engines: &engines,
            tally: &tally,
            elapsed: begun.elapsed(),
            source,
            notes: Vec::new(),
            blind: Vec::new(),
            color: false,
        };
        close(self.args, self.terminal, outputs, summary)
    }

    fn compare(&self, topic: &str) -> anyhow::Result<ExitCode> {
        let topic = if topic.is_empty() { self.live.sinks.findings.as_str() } else { topic };
        let partitions = self.cluster.partitions(&self.live.source.topics)?;
        let settings =
            live_settings(self.settings.clone(), self.live.source.split, partitions.len());
        let config = Engine::new(settings).config().to_owned();
        let told =
            || PublishedFindings::read(&self.cluster, topic, &self.settings.pipeline, &config);
        // In this order: what was written before the offsets were read must be found again up to them, and
        // the decisions that are read after them are all that were taken before them.
        let before = told()?;
        let found = self.cluster.committed(&partitions)?;
        let committed: BTreeMap<_, _> =
            partitions.into_iter().zip(found).filter_map(|(of, at)| Some((of, at?))).collect();
        let decisions = Decisions::read(&self.cluster, &self.live.sinks.journal, &self.group)?;
        let plan = Plan::of_group(&self.cluster, &self.live, &self.group, decisions, &committed)?;
        self.say(&plan);
        let mut replayed = PublishedFindings::default();
        self.replay(&plan, |event| -> anyhow::Result<()> {
            if let TopicEvent::Results(results) = event {
                for finding in &results.findings {
                    let record = records::finding(&self.live.sinks, finding);
                    replayed.add(finding.id.clone(), record.payload.as_deref().unwrap_or_default());
                }
            }
            Ok(())
        })?;
        let after = told()?;
        let comparison = Comparison::of(&replayed, &before, &after);
        self.terminal.print(&comparison.render())?;
        if before.other_configs > 0 {
            self.terminal.tell(&format!(
                "{} findings on {} were made under other configs: they were left out, and what was learned \
                 under those configs is not replayed",
                grouped(before.other_configs),
                topic
            ));
        }
        let exactly_once = self.live.delivery.mode == Delivery::ExactlyOnce;
        let code = if comparison.is_same(exactly_once) { 0 } else { FOUND };
        Ok(ExitCode::from(code))
    }

    fn replay(
        &self,
        plan: &Plan,
        mut tell: impl FnMut(TopicEvent<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<Vec<Shard>> {
        let split = self.live.source.split;
        let settings = live_settings(self.settings.clone(), split, plan.spans.len());
        let path = self.args.baseline.as_ref().or(self.files.baseline.as_ref());
        let fresh = |settings| {
            let mut engine = Engine::new(settings);
            if let Some(path) = path {
                baseline::load_into(&mut engine, path)
                    .map_err(|error| LiveFault::Baseline(format!("{error:#}")))?;
            }
            Ok(engine)
        };
        let progress = Progress::of_records(self.terminal, plan.records());
        let (live, codecs, threads) = (&self.live, Codecs::built_in(), self.args.threads);
        let shards = replay(plan, &settings, live, &codecs, threads, fresh, |event| {
            if let TopicEvent::Progress { records, time_us, events, .. } = &event {
                progress.show(*records, *time_us, *events);
            }
            tell(event)
        });
        progress.finish();
        shards
    }

    /// What will be read, and by whose decisions.
    fn say(&self, plan: &Plan) {
        let decisions = match plan.is_decided() {
            true => format!("following the decisions of group {}", self.group),
            false => format!("group {} has no decisions about them", self.group),
        };
        self.terminal.tell(&format!(
            "{} offsets of {} partitions, {decisions}",
            grouped(plan.records()),
            plan.spans.len()
        ));
    }
}
