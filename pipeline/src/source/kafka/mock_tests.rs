//! A fetch thread and members against librdkafka's mock cluster.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};
use rdkafka::bindings::rd_kafka_resp_err_t as Code;
use rdkafka::types::RDKafkaApiKey;

use super::stand_in::{StandIn, event, of};
use super::*;
use crate::model::Column;
use crate::model::live::{Connection, GroupProtocol, Split, StartPosition, TopicSource};
use crate::model::stream::{Fetched, TopicPartition};

const PATIENCE: Duration = Duration::from_secs(20);

/// Takes batches until `enough`.
fn collect(
    batches: &Receiver<Fetched>,
    mut enough: impl FnMut(&[Fetched]) -> bool,
) -> Vec<Fetched> {
    let begun = Instant::now();
    let mut found = Vec::new();
    while !enough(&found) {
        let left = PATIENCE.checked_sub(begun.elapsed());
        let left = left.unwrap_or_else(|| panic!("gave up with {found:?}"));
        if let Ok(fetched) = batches.recv_timeout(left) {
            found.push(fetched);
        }
    }
    found
}

/// All numbers of events of a partition, in order; checks that batches follow each other.
fn numbers(found: &[Fetched], partition: u32, from: i64) -> Vec<usize> {
    let mut next = from;
    let mut numbers = Vec::new();
    for fetched in found.iter().filter(|fetched| fetched.partition == partition) {
        assert!(fetched.first >= next && fetched.next >= fetched.first, "{fetched:?}");
        next = fetched.next;
        let Some(Column::Number(values)) = fetched.batch.metrics.first() else { continue };
        numbers.extend(values.values().iter().map(|&value| value as usize));
    }
    numbers
}

fn ends(found: &[Fetched]) -> usize {
    let mut at_end: BTreeMap<u32, bool> = BTreeMap::new();
    for fetched in found {
        at_end.insert(fetched.partition, fetched.at_end);
    }
    at_end.values().filter(|at_end| **at_end).count()
}

fn take(partition: u32, of: TopicPartition, offset: i64) -> Order {
    Order::Take { assignment: 1, partition, of, offset, cuts: Vec::new() }
}

#[test]
fn partitions_are_read_to_their_ends_and_on() {
    let stand_in = StandIn::new("events", 3);
    stand_in.write_events(&of("events", 0), 0..5000);
    stand_in.write_events(&of("events", 1), 0..700);
    let (out, batches) = bounded(16);
    let fetcher = Fetcher::spawn(0, stand_in.settings(), out).expect("a fetcher");
    for partition in 0..3 {
        fetcher.order(take(partition, of("events", partition as i32), 0));
    }
    let found = collect(&batches, |found| ends(found) == 3);
    assert_eq!(numbers(&found, 0, 0), (0..5000).collect::<Vec<_>>());
    assert_eq!(numbers(&found, 1, 0), (0..700).collect::<Vec<_>>());
    let empty: Vec<_> = found.iter().filter(|fetched| fetched.partition == 2).collect();
    assert_eq!(
        empty.iter().map(|f| (f.first, f.next, f.messages)).collect::<Vec<_>>(),
        [(0, 0, 0)]
    );
    assert!(found.iter().all(|fetched| fetched.messages <= 4096 && fetched.assignment == 1));

    // Goes on, tells the new end once, and nothing else.
    stand_in.write_events(&of("events", 2), 0..3);
    let found = collect(&batches, |found| ends(found) == 1);
    assert_eq!(numbers(&found, 2, 0), [0, 1, 2]);
    assert_eq!(found.last().map(|fetched| fetched.next), Some(3));
    assert!(batches.recv_timeout(Duration::from_millis(300)).is_err(), "an end is told once");
    let status = fetcher.status();
    assert_eq!((status.messages, status.lost_offsets), (5703, 0));
    assert!(status.bytes > 5703 * 40 && !status.is_blocked, "{status:?}");
    fetcher.stop();
}

#[test]
fn leaving_holding_and_taking_anew() {
    let stand_in = StandIn::new("events", 2);
    let (first, second) = (of("events", 0), of("events", 1));
    stand_in.write_events(&first, 0..100);
    stand_in.write_events(&second, 0..100);
    let (out, batches) = bounded(16);
    let fetcher = Fetcher::spawn(0, stand_in.settings(), out).expect("a fetcher");
    fetcher.order(take(0, first.clone(), 0));
    fetcher.order(take(1, second.clone(), 40));
    let found = collect(&batches, |found| ends(found) == 2);
    assert_eq!(numbers(&found, 0, 0).len(), 100);
    assert_eq!(numbers(&found, 1, 40), (40..100).collect::<Vec<_>>());

    // Held at its end: new messages wait for the release, and none is missing then. The other goes on.
    fetcher.order(Order::Hold { partition: 0, hold: true });
    std::thread::sleep(Duration::from_millis(200));
    stand_in.write_events(&first, 100..103);
    stand_in.write_events(&second, 100..103);
    let found = collect(&batches, |found| ends(found) == 1);
    assert_eq!(numbers(&found, 1, 100), [100, 101, 102]);
    assert!(batches.recv_timeout(Duration::from_millis(300)).is_err(), "held means held");
    fetcher.order(Order::Hold { partition: 0, hold: false });
    let found = collect(&batches, |found| ends(found) == 1);
    assert_eq!(numbers(&found, 0, 100), [100, 101, 102]);

    // Left, then taken anew from an earlier offset, with a cut.
    fetcher.order(Order::Leave { partition: 0 });
    fetcher.order(Order::Leave { partition: 1 });
    std::thread::sleep(Duration::from_millis(200));
    stand_in.write_events(&second, 103..104);
    assert!(batches.recv_timeout(Duration::from_millis(300)).is_err(), "left means left");
    fetcher.order(Order::Take {
        assignment: 2,
        partition: 5,
        of: first.clone(),
        offset: 10,
        cuts: vec![12, 50],
    });
    let found = collect(&batches, |found| ends(found) == 1);
    assert_eq!(numbers(&found, 5, 10), (10..103).collect::<Vec<_>>());
    assert!(found.iter().all(|fetched| fetched.assignment == 2));
    for cut in [12, 50] {
        assert!(found.iter().all(|f| f.next <= cut || f.first >= cut), "a batch spans {cut}");
    }
    fetcher.stop();
}

#[test]
fn what_is_no_event_keeps_its_place() {
    let stand_in = StandIn::new("events", 1);
    let place = of("events", 0);
    let (one, list) = (event(1), format!("[{},{}]", event(2), event(3)));
    stand_in.write(&place, &[Some(&one), None, Some("{"), Some(&list), Some(""), Some(&one)]);
    let (out, batches) = bounded(16);
    let fetcher = Fetcher::spawn(0, stand_in.settings(), out).expect("a fetcher");
    fetcher.order(take(0, place, 0));
    let found = collect(&batches, |found| ends(found) == 1);
    assert_eq!(numbers(&found, 0, 0), [1, 2, 3, 1]);
    let offsets: Vec<u64> = found.iter().flat_map(|f| f.batch.offsets.clone()).collect();
    assert_eq!(offsets, [0, 3, 3, 5]);
    let originals: Vec<_> = found.iter().flat_map(|f| f.originals.iter()).collect();
    let of_originals: Vec<_> =
        originals.iter().map(|o| (o.offset, o.payload.as_slice(), o.detail.as_str())).collect();
    assert_eq!(of_originals, [(2, b"{".as_slice(), "at byte 1"), (4, b"", "empty value")]);
    assert!(originals.iter().all(|o| o.timestamp_ms.is_some() && o.key.is_some()));
    let counts = found.iter().fold((0, 0), |sum, f| (sum.0 + f.messages, sum.1 + f.tombstones));
    assert_eq!(counts, (6, 1));
    fetcher.stop();
}

#[test]
fn nobody_takes_batches_nothing_is_lost_and_stopping_is_quick() {
    let stand_in = StandIn::new("events", 1);
    let place = of("events", 0);
    stand_in.write_events(&place, 0..60_000);
    let (out, batches) = bounded(1);
    let fetcher = Fetcher::spawn(0, stand_in.settings(), out).expect("a fetcher");
    fetcher.order(take(0, place.clone(), 0));
    let begun = Instant::now();
    while !fetcher.status().is_blocked {
        assert!(begun.elapsed() < PATIENCE, "{:?}", fetcher.status());
        std::thread::sleep(Duration::from_millis(10));
    }
    // Orders are heard while it waits.
    fetcher.order(Order::Hold { partition: 0, hold: true });
    fetcher.order(Order::Hold { partition: 0, hold: false });
    let found = collect(&batches, |found| ends(found) == 1);
    assert_eq!(numbers(&found, 0, 0), (0..60_000).collect::<Vec<_>>());

    fetcher.order(Order::Take {
        assignment: 2,
        partition: 0,
        of: place,
        offset: 0,
        cuts: vec![10, 20, 30],
    });
    let begun = Instant::now();
    while !fetcher.status().is_blocked {
        assert!(begun.elapsed() < PATIENCE, "{:?}", fetcher.status());
        std::thread::sleep(Duration::from_millis(10));
    }
    let begun = Instant::now();
    fetcher.stop();
    assert!(begun.elapsed() < Duration::from_millis(2500), "took {:?}", begun.elapsed());
    drop(batches);
}

#[test]
fn offsets_that_are_gone_are_counted_and_told() {
    let stand_in = StandIn::new("events", 1);
    let place = of("events", 0);
    // The mock keeps five megabytes of a partition.
    let large = format!("{}{}", " ".repeat(100_000), event(1));
    for _ in 0..12 {
        stand_in.write(&place, &[Some(large.as_str()); 10]);
    }
    let (out, batches) = bounded(64);
    let fetcher = Fetcher::spawn(0, stand_in.settings(), out).expect("a fetcher");
    fetcher.order(take(0, place.clone(), 2));
    let found = collect(&batches, |found| ends(found) == 1);
    let first = found.first().expect("a batch");
    assert_eq!((first.messages, first.first), (0, first.next), "the jump is told first: {first:?}");
    let status = fetcher.status();
    assert!(status.lost_offsets > 0, "{status:?}");
    assert_eq!(first.next, 2 + status.lost_offsets as i64);
    assert_eq!(found.last().map(|fetched| fetched.next), Some(120));
    assert_eq!(status.lost_offsets + status.messages, 118);

    // An offset behind the end is no loss but a mistake: reading waits, and says so.
    fetcher.order(take(0, place.clone(), 500));
    let begun = Instant::now();
    let error = loop {
        if let Some(error) = fetcher.status().error {
            break error;
        }
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(error.contains("was recreated") && error.contains("500"), "{error}");
    assert!(batches.try_recv().is_err());
    // Told to begin where there is something, it goes on.
    fetcher.order(take(0, place, 119));
    let found = collect(&batches, |found| ends(found) == 1);
    assert_eq!(numbers(&found, 0, 119), [1]);
    fetcher.stop();
}

#[test]
fn a_broker_that_goes_away_and_comes_back_loses_nothing() {
    let stand_in = StandIn::new("events", 1);
    let place = of("events", 0);
    stand_in.write_events(&place, 0..10);
    let (out, batches) = bounded(64);
    let mut settings = stand_in.settings();
    let quick = crate::model::Secret::new("100");
    settings.connection.properties.insert("reconnect.backoff.max.ms".into(), quick);
    let fetcher = Fetcher::spawn(0, settings, out).expect("a fetcher");
    fetcher.order(take(0, place.clone(), 0));
    let found = collect(&batches, |found| ends(found) == 1);
    assert_eq!(numbers(&found, 0, 0).len(), 10);
    stand_in.cluster.broker_down(-1).expect("down");
    let begun = Instant::now();
    while fetcher.status().error.is_none() {
        assert!(begun.elapsed() < PATIENCE, "nothing is said of a broker that is down");
        std::thread::sleep(Duration::from_millis(20));
    }
    stand_in.cluster.broker_up(-1).expect("up");
    stand_in
        .cluster
        .request_errors(RDKafkaApiKey::Fetch, &[Code::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION]);
    stand_in.write_events(&place, 10..20);
    let found = collect(&batches, |found| numbers(found, 0, 10).len() == 10);
    assert_eq!(numbers(&found, 0, 10), (10..20).collect::<Vec<_>>());
    fetcher.stop();
}

#[test]
fn a_property_that_librdkafka_refuses_is_named() {
    let stand_in = StandIn::new("events", 1);
    let mut settings = stand_in.settings();
    settings.connection.properties.insert("no.such".into(), crate::model::Secret::new("1"));
    let (out, _batches) = bounded(1);
    let fault = Fetcher::spawn(0, settings, out).expect_err("refused");
    assert!(fault.to_string().contains("no.such"), "{fault}");
}

fn source(protocol: GroupProtocol) -> TopicSource {
    TopicSource {
        topics: vec!["events".into()],
        format: "json".into(),
        group: "g".into(),
        from: StartPosition::Earliest,
        split: Split::Partition,
        protocol,
        instance_id: None,
        session_timeout_us: 6_000_000,
        fetch_threads: 1,
        memory_bytes: 1 << 24,
        idle_us: 0,
        ahead_us: 0,
        max_future_us: 0,
    }
}

struct Joined {
    member: Member,
    events: Receiver<MemberEvent>,
}

fn join(connection: &Connection) -> Joined {
    join_as(connection, None)
}

fn join_as(connection: &Connection, instance_id: Option<String>) -> Joined {
    let (tell, events) = bounded(8);
    let source = TopicSource { instance_id, ..source(GroupProtocol::Classic) };
    let member = Member::join(connection, &source, &["events".into()], tell).expect("a member");
    Joined { member, events }
}

impl Joined {
    /// The next event that says something of partitions.
    fn next(&self) -> MemberEvent {
        let begun = Instant::now();
        loop {
            let left = PATIENCE.checked_sub(begun.elapsed()).expect("an event in time");
            match self.events.recv_timeout(left).expect("an event") {
                MemberEvent::Assigned(none) if none.is_empty() => {}
                event => return event,
            }
        }
    }
}

#[test]
fn partitions_are_handed_over_when_their_owner_is_done() {
    let stand_in = StandIn::new("events", 2);
    let first = join(&stand_in.connection);
    let MemberEvent::Assigned(all) = first.next() else { panic!("assigned first") };
    assert_eq!(all, [of("events", 0), of("events", 1)]);
    let group = first.member.group();
    assert!(group.metadata().is_some());
    group.commit(&[(of("events", 0), 7), (of("events", 1), 8)]).expect("committed");

    let second = join(&stand_in.connection);
    let MemberEvent::Revoked { partitions, done } = first.next() else { panic!("revoked next") };
    assert_eq!(partitions.len(), 1);
    // The old owner still commits, and the new one waits for it.
    group.commit(&[(partitions[0].clone(), 9)]).expect("committed while revoked");
    std::thread::sleep(Duration::from_millis(500));
    let early: Vec<MemberEvent> = second.events.try_iter().collect();
    let is_none =
        |event: &MemberEvent| matches!(event, MemberEvent::Assigned(all) if all.is_empty());
    assert!(early.iter().all(is_none), "not before done: {early:?}");
    done.send(()).expect("heard");
    let MemberEvent::Assigned(moved) = second.next() else { panic!("assigned to the second") };
    assert_eq!(moved, partitions);

    let begun = Instant::now();
    second.member.leave();
    assert!(begun.elapsed() < Duration::from_secs(3), "took {:?}", begun.elapsed());
    let MemberEvent::Assigned(back) = first.next() else { panic!("given back") };
    assert_eq!(back, partitions);
    first.member.leave();
    assert!(group.metadata().is_none());
    let fault = group.commit(&[(of("events", 0), 9)]).expect_err("nobody commits after leaving");
    assert!(fault.is_eviction(), "{fault}");
}

#[test]
fn a_member_that_was_thrown_out_is_told_so() {
    let stand_in = StandIn::new("events", 1);
    let joined = join(&stand_in.connection);
    let MemberEvent::Assigned(all) = joined.next() else { panic!("assigned first") };
    stand_in
        .cluster
        .request_errors(RDKafkaApiKey::Heartbeat, &[Code::RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID]);
    let MemberEvent::Lost(lost) = joined.next() else { panic!("lost next") };
    assert_eq!(lost, all);
    let MemberEvent::Assigned(again) = joined.next() else { panic!("joined again") };
    assert_eq!(again, all);
    joined.member.leave();
}

#[test]
fn what_ends_a_membership_is_told_as_such() {
    let stand_in = StandIn::new("events", 1);
    let refused = [Code::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED; 50];
    stand_in.cluster.request_errors(RDKafkaApiKey::JoinGroup, &refused);
    let joined = join(&stand_in.connection);
    let MemberEvent::Failed(why) = joined.next() else { panic!("failed") };
    assert!(why.contains("Read on group g"), "{why}");
    joined.member.leave();
}

#[test]
fn a_static_member_outlives_its_ghost_and_yields_to_another() {
    let stand_in = StandIn::new("events", 1);
    let joined = join_as(&stand_in.connection, Some("a".into()));
    let MemberEvent::Assigned(all) = joined.next() else { panic!("assigned first") };
    let heart = |code| stand_in.cluster.request_errors(RDKafkaApiKey::Heartbeat, &[code]);
    // Fenced while it joins after a loss: by what it sent before, as far as anybody can tell.
    let fenced = [Code::RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID];
    stand_in.cluster.request_errors(RDKafkaApiKey::JoinGroup, &fenced);
    heart(Code::RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID);
    let MemberEvent::Lost(lost) = joined.next() else { panic!("lost next") };
    assert_eq!(lost, all);
    let again = loop {
        match joined.next() {
            MemberEvent::Assigned(again) => break again,
            MemberEvent::Lost(rest) => assert!(rest.is_empty(), "{rest:?} were lost already"),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(again, all);
    assert!(joined.member.group().metadata().is_some(), "who commits knows the new member");
    joined.member.leave();
    // Fenced out of the blue: another has its name.
    let joined = join_as(&stand_in.connection, Some("b".into()));
    let MemberEvent::Assigned(_) = joined.next() else { panic!("assigned first") };
    heart(Code::RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID);
    let why = loop {
        match joined.next() {
            MemberEvent::Failed(why) => break why,
            MemberEvent::Lost(_) => {}
            other => panic!("{other:?}"),
        }
    };
    assert!(why.contains("FencedInstanceId"), "{why}");
    joined.member.leave();
}
