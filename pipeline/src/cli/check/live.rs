//! The live part of a check: a line each for connection, topics, rights, state and port.
//!
//! Looks, and writes nothing that anybody sees: what is written is aborted or removed at once.

use serde_json::{Value, json};

use super::marks::Marks;
use crate::kafka::KafkaFault;
use crate::kafka::admin::{Admin, wanted};
use crate::kafka::cluster::Cluster;
use crate::model::Settings;
use crate::model::live::{Delivery, FollowerSettings, Live, Split};
use crate::sink::{self, Checked, Role, SinkSpec};
use crate::state::SnapshotStore;

/// How a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grade {
    Right,
    Doubt,
    Wrong,
}

/// One line of the check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) grade: Grade,
    pub(super) what: String,
    /// What to do where it is not right.
    pub(super) remedy: Option<String>,
}

fn right(what: impl Into<String>) -> Line {
    Line { grade: Grade::Right, what: what.into(), remedy: None }
}

fn wrong(what: impl Into<String>, remedy: impl Into<Option<String>>) -> Line {
    Line { grade: Grade::Wrong, what: what.into(), remedy: remedy.into() }
}

fn fault(what: &str, fault: &dyn std::fmt::Display) -> Line {
    wrong(format!("{what}: {fault}"), None)
}

/// Looks at everything that running live needs. Stops at a connection that fails, since all else would.
pub(super) fn look(settings: &Settings, live: &Live) -> Vec<Line> {
    let mut lines = Vec::new();
    match connected(live, &mut lines) {
        Ok(()) => {}
        Err(error) => lines.push(fault("connection", &error)),
    }
    lines.extend(followers(live));
    lines.push(state(settings, live));
    lines.extend(port(live));
    lines
}

fn connected(live: &Live, lines: &mut Vec<Line>) -> Result<(), KafkaFault> {
    let admin = Admin::connect(&live.kafka)?;
    let brokers = admin.brokers()?;
    let plural = if brokers == 1 { "" } else { "s" };
    lines.push(right(format!("connection: {brokers} broker{plural} at {}", live.kafka.brokers)));
    let cluster = Cluster::connect(&live.kafka, &live.source.group)?;
    inputs(&cluster, live, lines);
    let sinks_are_there = sinks(&admin, live, lines);
    if sinks_are_there {
        lines.extend(rights(live));
    } else {
        let what = "write access: not checked while topics are missing".into();
        lines.push(Line { grade: Grade::Doubt, what, remedy: None });
    }
    Ok(())
}

fn inputs(cluster: &Cluster, live: &Live, lines: &mut Vec<Line>) {
    let partitions = match cluster.partitions(&live.source.topics) {
        Ok(partitions) => partitions,
        Err(error) => return lines.push(fault("input", &error)),
    };
    if partitions.is_empty() {
        let what = format!("input: no topic matches {}", live.source.topics.join(", "));
        let remedy = "correct [source].topics, or create the topic first".to_string();
        return lines.push(Line { grade: Grade::Doubt, what, remedy: Some(remedy) });
    }
    for topic in partitions.chunk_by(|a, b| a.topic == b.topic) {
        let spans: Result<Vec<_>, _> = topic.iter().map(|of| cluster.span(of)).collect();
        let name = topic.first().map_or("", |of| &*of.topic);
        lines.push(match spans {
            Ok(spans) => {
                let kept: i64 = spans.iter().map(|(first, end)| end - first).sum();
                right(format!("input {name}: {} partitions, {kept} offsets kept", topic.len()))
            }
            Err(error) => fault(&format!("input {name}"), &error),
        });
    }
    lines.push(match cluster.committed(&partitions) {
        Ok(committed) => {
            let known = committed.iter().flatten().count();
            right(match known {
                0 => format!("group {}: no committed offsets yet", live.source.group),
                _ => format!(
                    "group {}: continues; {known} of {} partitions have committed offsets",
                    live.source.group,
                    partitions.len()
                ),
            })
        }
        Err(error) => fault(&format!("group {}", live.source.group), &error),
    });
}

/// Returns whether all topics are there.
fn sinks(admin: &Admin, live: &Live, lines: &mut Vec<Line>) -> bool {
    let mut all = true;
    for topic in wanted(&live.sinks) {
        let about = format!("{} {}", topic.what, topic.name);
        match admin.find(&topic.name) {
            Err(error) => {
                all = false;
                lines.push(fault(&about, &error));
            }
            Ok(None) => {
                all = false;
                let remedy = "create it: driftline topics create".to_string();
                lines.push(wrong(format!("{about}: the topic does not exist"), remedy));
            }
            Ok(Some(found)) => {
                let faults = topic.faults(&found);
                if faults.is_empty() {
                    let plural = if found.partitions == 1 { "" } else { "s" };
                    let n = found.partitions;
                    let unseen = match found.settings {
                        Some(_) => "",
                        None => "; this user may not see its settings (DescribeConfigs)",
                    };
                    lines.push(right(format!("{about}: {n} partition{plural}{unseen}")));
                }
                let told = faults.into_iter();
                lines.extend(told.map(|(what, remedy)| wrong(format!("{about} {what}"), remedy)));
            }
        }
    }
    all
}

/// What the sink of the mode of delivery says of its rights.
fn rights(live: &Live) -> Option<Line> {
    let takes_part = |spec: &SinkSpec| match spec.role {
        Role::Epoch { mode, check } if mode == live.delivery.mode => Some(check),
        _ => None,
    };
    sink::all().find_map(takes_part).map(|check| checked(check(live)))
}

/// What each sink that follows says of its receiver.
fn followers(live: &Live) -> Vec<Line> {
    let look = |settings: &FollowerSettings| {
        let spec = sink::following().find(|spec| spec.name == settings.sink)?;
        let Role::Follower { check, .. } = spec.role else { return None };
        let mut line = checked(check(settings));
        line.what = format!("sink {}: {}", settings.sink, line.what);
        Some(line)
    };
    live.followers.iter().filter_map(look).collect()
}

fn checked(checked: Checked) -> Line {
    let (grade, what) = match checked {
        Checked::Right(what) => (Grade::Right, what),
        Checked::Doubt(what) => (Grade::Doubt, what),
        Checked::Wrong(what) => (Grade::Wrong, what),
    };
    Line { grade, what, remedy: None }
}

fn state(settings: &Settings, live: &Live) -> Line {
    let about = format!("state {}", live.state.home);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return fault(&about, &error),
    };
    let (pipeline, group) = (&settings.pipeline, &live.source.group);
    let home = SnapshotStore::open(&live.state, pipeline, group, runtime.handle().clone());
    match home.and_then(|home| home.probe()) {
        Ok(()) => right(format!("{about}: written, read and removed")),
        Err(error) => fault(&about, &error),
    }
}

fn port(live: &Live) -> Option<Line> {
    let address = live.http?;
    Some(match std::net::TcpListener::bind(address) {
        Ok(_) => right(format!("http {address}: free")),
        Err(error) => Line {
            grade: Grade::Doubt,
            what: format!("http {address}: {error}"),
            remedy: Some(
                "an instance may already be running; otherwise choose another [http].listen".into(),
            ),
        },
    })
}

/// Lines for people.
pub(super) fn to_text(live: &Live, lines: &[Line], marks: &Marks) -> String {
    let split = match live.source.split {
        Split::None => "one member judges all partitions, the others stand by",
        Split::Partition => "each partition is judged on its own",
    };
    let mode = match live.delivery.mode {
        Delivery::ExactlyOnce => "exactly-once",
        Delivery::AtLeastOnce => "at-least-once",
    };
    let mut text = format!("  {:<10}{mode}; {split}\n", "live");
    for line in lines {
        let mark = match line.grade {
            Grade::Right => marks.right,
            Grade::Doubt => marks.doubt,
            Grade::Wrong => marks.wrong,
        };
        text += &format!("{mark} {}\n", line.what);
        if let Some(remedy) = &line.remedy {
            text += &format!("    {remedy}\n");
        }
    }
    text
}

/// Lines for machines.
pub(super) fn to_json(lines: &[Line]) -> Value {
    let grade = |grade| match grade {
        Grade::Right => "right",
        Grade::Doubt => "doubt",
        Grade::Wrong => "wrong",
    };
    let line =
        |line: &Line| json!({"grade": grade(line.grade), "what": line.what, "remedy": line.remedy});
    lines.iter().map(line).collect()
}
