//! A process that commits a fixed row of epochs by the real commit thread, as a member of a real group,
//! and that tests kill. Started again it goes on where the group's offsets stand.
//!
//! Not here: reading events. An epoch is a function of its offsets: number `k` takes the input from
//! `10 k` to `10 (k + 1)`. Exit codes: 0 all is committed, 3 an epoch was lost.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::bounded;
use driftline::kafka::{Cluster, KafkaFault};
use driftline::model::live::{
    Connection, Delivery, DeliverySettings, GroupProtocol, Split, StartPosition, TopicSource,
};
use driftline::model::stream::{Epoch, Outcome, Record, TopicPartition};
use driftline::sink::kafka::{CommitSettings, Committer, Group};
use driftline::source::kafka::{Member, MemberEvent, Membership};
use rdkafka::consumer::ConsumerGroupMetadata;

struct Members(Arc<Membership>);

impl Group for Members {
    fn metadata(&self) -> Option<ConsumerGroupMetadata> {
        self.0.metadata()
    }

    fn commit(&self, offsets: &[(TopicPartition, i64)]) -> Result<(), KafkaFault> {
        self.0.commit(offsets)
    }
}

fn epoch(number: i64, topics: &[String; 3]) -> Epoch {
    let [input, findings, journal] = topics;
    let record = |topic: &str, part: i64| Record {
        topic: topic.into(),
        key: Some(format!("{number}").into_bytes()),
        payload: Some(format!("{number}.{part}").into_bytes()),
        headers: vec![("number".to_owned(), number.to_string().into_bytes())],
    };
    let of = TopicPartition { topic: input.as_str().into(), partition: 0 };
    Epoch {
        number: number.unsigned_abs(),
        journal: if number % 3 == 0 { vec![record(journal, 0)] } else { Vec::new() },
        records: (0..=number % 4).map(|part| record(findings, part)).collect(),
        offsets: vec![(of, 10 * (number + 1))],
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [brokers, group, mode, epochs, input, findings, journal] = arguments.as_slice() else {
        panic!("BROKERS GROUP once|repeat EPOCHS INPUT FINDINGS JOURNAL")
    };
    let connection = Connection { brokers: brokers.clone(), ..Connection::default() };
    let source = TopicSource {
        topics: vec![input.clone()],
        format: "json".into(),
        group: group.clone(),
        from: StartPosition::Earliest,
        split: Split::None,
        protocol: GroupProtocol::Classic,
        instance_id: Some("one".into()),
        session_timeout_us: 6_000_000,
        fetch_threads: 1,
        memory_bytes: 1 << 20,
        idle_us: 1_000_000,
        ahead_us: 1_000_000,
        max_future_us: 1_000_000,
    };
    let delivery = DeliverySettings {
        mode: if mode == "once" { Delivery::ExactlyOnce } else { Delivery::AtLeastOnce },
        commit_us: 100_000,
        transaction_timeout_us: 6_000_000,
    };
    let topics = [input.clone(), findings.clone(), journal.clone()];
    let (tell, events) = bounded(16);
    let subscribed = std::slice::from_ref(input);
    let member = Member::join(&connection, &source, subscribed, tell).expect("a member");
    loop {
        match events.recv_timeout(Duration::from_secs(60)).expect("an assignment") {
            MemberEvent::Assigned(partitions) if !partitions.is_empty() => break,
            MemberEvent::Failed(why) => panic!("{why}"),
            _ => {}
        }
    }
    let settings = CommitSettings {
        connection: connection.clone(),
        group: group.clone(),
        transactional_id: group.clone(),
        delivery,
    };
    let (tell, outcomes) = bounded(2);
    let members = Arc::new(Members(member.group()));
    // First the id: what an older process left open is settled, then the offsets are final.
    let committer = Committer::spawn(settings, members, Vec::new(), tell).expect("a committer");
    let of = TopicPartition { topic: input.as_str().into(), partition: 0 };
    let cluster = Cluster::connect(&connection, group).expect("a handle");
    let committed = cluster.committed(&[of]).expect("offsets")[0].unwrap_or(0);
    let epochs: i64 = epochs.parse().expect("a number");
    for number in committed / 10..epochs {
        committer.submit(epoch(number, &topics));
        match outcomes.recv_timeout(Duration::from_secs(120)).expect("an outcome") {
            Outcome::Committed { .. } => {}
            Outcome::Lost { .. } => return ExitCode::from(3),
        }
    }
    committer.stop();
    member.leave();
    ExitCode::SUCCESS
}
