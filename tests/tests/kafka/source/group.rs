//! Members of a group on a real broker, by both protocols: every partition has one owner at a time, and
//! the old one is done before the new one begins.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};
use driftline::kafka::KafkaFault;
use driftline::model::live::{GroupProtocol, Split, StartPosition, TopicSource};
use driftline::model::stream::TopicPartition;
use driftline::source::kafka::{Member, MemberEvent};
use driftline_tests::broker::Broker;

use super::reader::{PATIENCE, connection, events, of};

fn source(group: &str, protocol: GroupProtocol, instance_id: Option<&str>) -> TopicSource {
    TopicSource {
        topics: Vec::new(),
        format: "json".into(),
        group: group.to_owned(),
        from: StartPosition::Earliest,
        split: Split::Partition,
        protocol,
        instance_id: instance_id.map(str::to_owned),
        session_timeout_us: 6_000_000,
        fetch_threads: 1,
        memory_bytes: 1 << 24,
        idle_us: 0,
        ahead_us: 0,
        max_future_us: 0,
    }
}

/// A member, and what it owns by what it was told.
struct Joined {
    name: usize,
    member: Member,
    events: Receiver<MemberEvent>,
    owned: BTreeSet<TopicPartition>,
    has_joined: bool,
}

impl Joined {
    fn new(broker: &Broker, name: usize, source: &TopicSource, subscribe: &str) -> Self {
        let (tell, events) = bounded(8);
        // New partitions are to be seen soon.
        let quick = [("topic.metadata.refresh.interval.ms", "500")];
        let connection = connection(broker.bootstrap(), &quick);
        let member = Member::join(&connection, source, &[subscribe.to_owned()], tell);
        let member = member.expect("a member");
        Self { name, member, events, owned: BTreeSet::new(), has_joined: false }
    }
}

/// All members, and who owns what.
struct Group {
    members: Vec<Joined>,
    owners: BTreeMap<TopicPartition, usize>,
}

impl Group {
    /// Carries out what members are told until `holds`. Each commits for what is revoked from it, since
    /// a revoked partition is its own until it says that it is done.
    fn until(&mut self, what: &str, holds: impl Fn(&[Joined]) -> bool) {
        let begun = Instant::now();
        while !holds(&self.members) {
            let owned: Vec<_> = self.members.iter().map(|m| (m.name, &m.owned)).collect();
            assert!(begun.elapsed() < PATIENCE, "{what}: not in time: {owned:?}");
            for joined in &mut self.members {
                let Ok(event) = joined.events.recv_timeout(Duration::from_millis(20)) else {
                    continue;
                };
                match event {
                    MemberEvent::Assigned(partitions) => {
                        joined.has_joined = true;
                        for partition in partitions {
                            let other = self.owners.insert(partition.clone(), joined.name);
                            assert_eq!(other, None, "{partition:?} has two owners");
                            joined.owned.insert(partition);
                        }
                    }
                    MemberEvent::Revoked { partitions, done } => {
                        let mark = 1000 + joined.name as i64;
                        let offsets: Vec<_> =
                            partitions.iter().map(|of| (of.clone(), mark)).collect();
                        joined.member.group().commit(&offsets).expect("its own until it is done");
                        for partition in partitions {
                            assert_eq!(self.owners.remove(&partition), Some(joined.name));
                            joined.owned.remove(&partition);
                        }
                        done.send(()).expect("waited for");
                    }
                    MemberEvent::Lost(partitions) => panic!("{} lost {partitions:?}", joined.name),
                    MemberEvent::Failed(why) => panic!("{} failed: {why}", joined.name),
                }
            }
        }
    }

    fn leave(&mut self, name: usize) {
        let at = self.members.iter().position(|joined| joined.name == name).expect("a member");
        let gone = self.members.remove(at);
        self.owners.retain(|_, owner| *owner != name);
        let begun = Instant::now();
        gone.member.leave();
        assert!(
            begun.elapsed() < Duration::from_millis(3500),
            "leaving took {:?}",
            begun.elapsed()
        );
    }
}

/// Whether all partitions are spread as evenly as can be.
fn is_even(members: &[Joined], partitions: usize) -> bool {
    let least = partitions / members.len();
    members.iter().map(|m| m.owned.len()).sum::<usize>() == partitions
        && members.iter().all(|m| m.owned.len() == least || m.owned.len() == least + 1)
}

fn three_members(protocol: GroupProtocol) {
    let broker = Broker::shared();
    let topic = broker.topic("members", 6, &[]);
    let source = source(&format!("g-{topic}"), protocol, None);
    let join = |name| Joined::new(broker, name, &source, &topic);
    let mut group = Group { members: vec![join(0)], owners: BTreeMap::new() };
    group.until("one owns all", |members| is_even(members, 6));
    let first = group.members[0].member.group();
    let offsets: Vec<_> = (0..6).map(|partition| (of(&topic, partition), 10)).collect();
    first.commit(&offsets).expect("committed");
    assert_eq!(broker.committed(&source.group, &topic), vec![Some(10); 6]);
    for name in [1, 2] {
        group.members.push(join(name));
        group.until("each has its share", |members| is_even(members, 6));
    }
    // Whoever owned a partition before has committed for it as its last act.
    let moved = broker.committed(&source.group, &topic);
    assert!(moved.iter().filter(|offset| **offset != Some(10)).count() >= 4, "{moved:?}");
    group.leave(1);
    group.until("two share", |members| is_even(members, 6));
    broker.widen(&topic, 8);
    group.until("new partitions have owners", |members| is_even(members, 8));
    group.leave(0);
    group.until("one is left", |members| is_even(members, 8));
    let fault = first.commit(&offsets).expect_err("who has left commits nothing");
    assert!(matches!(fault, KafkaFault::Evicted { .. }), "{fault}");
    assert!(first.metadata().is_none());
    group.leave(2);
}

#[test]
fn three_members_of_the_classic_protocol() {
    three_members(GroupProtocol::Classic);
}

#[test]
fn three_members_of_the_protocol_of_kafka_4() {
    three_members(GroupProtocol::Consumer);
}

#[test]
fn patterns_find_new_topics() {
    for protocol in [GroupProtocol::Classic, GroupProtocol::Consumer] {
        let broker = Broker::shared();
        let stem = broker.topic("pattern", 2, &[]);
        let source = source(&format!("g-{stem}"), protocol, None);
        let member = Joined::new(broker, 0, &source, &format!("^{stem}.*"));
        let mut group = Group { members: vec![member], owners: BTreeMap::new() };
        group.until("the first topic", |members| is_even(members, 2));
        broker.topic_named(&format!("{stem}-more"), 1, &[]);
        group.until("the second topic", |members| is_even(members, 3));
        group.leave(0);
    }
}

/// One partition, several members: one has it, the others know that they have joined.
#[test]
fn who_stands_by_is_told_so_and_takes_over() {
    let broker = Broker::shared();
    let topic = broker.topic("journal", 1, &[]);
    let source = source(&format!("g-{topic}"), GroupProtocol::Classic, None);
    let join = |name| Joined::new(broker, name, &source, &topic);
    let mut group = Group { members: vec![join(0)], owners: BTreeMap::new() };
    group.until("the leader", |members| is_even(members, 1));
    group.members.push(join(1));
    group.until("one stands by", |members| {
        members[1].has_joined && members[0].owned.len() == 1 && members[1].owned.is_empty()
    });
    assert!(group.members[1].member.group().metadata().is_some());
    group.leave(0);
    group.until("it takes over", |members| members[0].owned.len() == 1);
    group.leave(1);
}

/// A member of a name that comes back in time is given what it had, and nobody else is bothered.
#[test]
fn a_static_member_comes_back_without_a_rebalance() {
    let broker = Broker::shared();
    let topic = broker.topic("static", 2, &[]);
    let group_id = format!("g-{topic}");
    let join = |name: usize| {
        let id = format!("instance-{name}");
        let source = source(&group_id, GroupProtocol::Classic, Some(&id));
        Joined::new(broker, name, &source, &topic)
    };
    let mut group = Group { members: vec![join(0)], owners: BTreeMap::new() };
    group.until("one owns both", |members| is_even(members, 2));
    group.members.push(join(1));
    group.until("each has one", |members| is_even(members, 2));
    let before = group.members[0].owned.clone();
    group.leave(0);
    group.members.push(join(0));
    group.until("it is back", |members| is_even(members, 2));
    assert_eq!(group.members[1].owned, before);
    assert_eq!(group.members[0].name, 1);
    group.leave(0);
    group.leave(1);
}

fn is_given(event: &MemberEvent) -> bool {
    matches!(event, MemberEvent::Assigned(given) if !given.is_empty())
}

/// A member that stops polling is thrown out, cannot commit, and is told so when it looks again.
#[test]
fn who_was_silent_for_too_long_cannot_commit() {
    let broker = Broker::shared();
    let topic = broker.topic("silent", 1, &[]);
    broker.produce(&topic, events(0, 0..1), "none");
    let source = source(&format!("g-{topic}"), GroupProtocol::Classic, None);
    let quick = [("max.poll.interval.ms", "6000"), ("topic.metadata.refresh.interval.ms", "500")];
    let connection = connection(broker.bootstrap(), &quick);
    // Nobody listens, so the member waits inside of its first event, and does not poll.
    let (tell, events) = bounded(0);
    let subscribe = [topic.clone()];
    let member = Member::join(&connection, &source, &subscribe, tell).expect("a member");
    let membership = member.group();
    let offsets = [(of(&topic, 0), 1)];
    assert!(membership.metadata().is_none(), "not before it has joined");
    let fault = membership.commit(&offsets).expect_err("nobody commits before it has joined");
    assert!(matches!(fault, KafkaFault::Evicted { .. }), "{fault}");
    Broker::wait_until("it has joined", PATIENCE, || membership.metadata().is_some());
    membership.commit(&offsets).expect("a member commits");
    Broker::wait_until("it is thrown out", PATIENCE, || membership.metadata().is_none());
    let fault = membership.commit(&offsets).expect_err("a zombie commits nothing");
    assert!(matches!(fault, KafkaFault::Evicted { .. }), "{fault}");
    let mut told = Vec::new();
    let begun = Instant::now();
    let is_again = |told: &[MemberEvent]| {
        let lost = told.iter().position(|event| matches!(event, MemberEvent::Lost(_)));
        lost.is_some_and(|at| told[at..].iter().any(is_given))
    };
    while !is_again(&told) {
        assert!(begun.elapsed() < PATIENCE, "told that it is out, and in again: {told:?}");
        told.extend(events.recv_timeout(Duration::from_millis(100)));
    }
    membership.commit(&offsets).expect("it is a member again");
    member.leave();
}
