//! Exactly once against the mock cluster: errors of every kind give the right outcome, and an epoch is
//! written again only where it must be. What readers of committed records see is for the real broker.

use std::sync::atomic::Ordering;
use std::thread;

use rdkafka::ClientConfig;
use rdkafka::mocking::MockCoordinator;
use rdkafka::producer::BaseProducer;
use rdkafka::types::{RDKafkaApiKey as Api, RDKafkaRespErr as Err};

use super::super::stand_in::{self, Mock, StandIn, epoch, until, values};
use super::*;
use crate::model::live::Delivery;

struct Stage {
    mock: Mock,
    settings: CommitSettings,
    group: Arc<StandIn>,
    shared: Arc<Shared>,
    writer: ExactlyOnce,
}

/// A writer that has committed epoch 1, up to offset 10.
fn stage() -> Stage {
    let mock = stand_in::cluster();
    let settings = stand_in::settings(&mock, Delivery::ExactlyOnce);
    let group = StandIn::new(&settings);
    group.write(0, "");
    let shared = Arc::new(Shared::default());
    let watch = CallWatchdog::begin(Duration::from_secs(60), |call, lasts| {
        panic!("{call} hangs since {lasts:?}");
    });
    let mut writer = ExactlyOnce::new(WriterParts {
        settings: settings.clone(),
        group: Arc::clone(&group) as Arc<dyn Group>,
        before: vec![(stand_in::events(), 0)],
        shared: Arc::clone(&shared),
        watchdog: watch.expect("a thread"),
    })
    .expect("a writer");
    writer.begin(Duration::from_secs(30)).expect("a producer");
    assert_eq!(writer.write(&epoch(1, 10)), Ok(()));
    group.write(10, &writer.marks.of(1));
    Stage { mock, settings, group, shared, writer }
}

impl Stage {
    /// Counts of tries that failed and of producers that were given up.
    fn troubles(&self) -> (u64, u64) {
        let status = self.shared.status();
        (status.retries, status.replaced)
    }

    /// How often the finding of an epoch stands in the topic, aborted ones included.
    fn written(&self, number: u64) -> usize {
        let wanted = format!("findings {number}");
        values(&self.settings, "findings").iter().filter(|value| **value == wanted).count()
    }
}

#[test]
fn epochs_are_written_once_with_their_decisions() {
    let mut stage = stage();
    for number in 2..5 {
        let next = i64::try_from(number).expect("small") * 10;
        assert_eq!(stage.writer.write(&epoch(number, next)), Ok(()));
    }
    for topic in ["journal", "findings"] {
        let expected: Vec<String> = (1..5).map(|number| format!("{topic} {number}")).collect();
        assert_eq!(values(&stage.settings, topic), expected);
    }
    assert_eq!(stage.troubles(), (0, 0));
    assert_eq!(stage.shared.status().phases.map(|phases| phases.epoch), Some(4));
}

#[test]
fn what_passes_by_itself_is_waited_for_in_place() {
    let mut stage = stage();
    for (api, errors) in [
        (Api::AddOffsetsToTxn, &[Err::RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS][..]),
        (Api::AddPartitionsToTxn, &[Err::RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE]),
        (
            Api::TxnOffsetCommit,
            &[
                Err::RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
                Err::RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
            ],
        ),
        (Api::EndTxn, &[Err::RD_KAFKA_RESP_ERR_NOT_COORDINATOR]),
        (Api::EndTxn, &[Err::RD_KAFKA_RESP_ERR__TRANSPORT]),
        (Api::Produce, &[Err::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION]),
    ] {
        stage.mock.request_errors(api, errors);
    }
    assert_eq!(stage.writer.write(&epoch(2, 20)), Ok(()));
    assert_eq!((stage.troubles(), stage.written(2)), ((0, 0), 1));
}

#[test]
fn a_coordinator_that_moves_is_followed() {
    let mut stage = stage();
    for broker in [1, 2, 1] {
        let id = stage.settings.transactional_id.clone();
        stage.mock.coordinator(MockCoordinator::Transaction(id), broker).expect("moved");
        let group = stage.settings.group.clone();
        stage.mock.coordinator(MockCoordinator::Group(group), 3 - broker).expect("moved");
        let number = u64::try_from(broker).expect("small") + 1;
        assert_eq!(stage.writer.write(&epoch(number, 20)), Ok(()));
    }
    assert_eq!(stage.troubles(), (0, 0));
}

#[test]
fn a_rebalance_rolls_back_and_the_epoch_is_written_again() {
    let mut stage = stage();
    let errors = [Err::RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION; 2];
    stage.mock.request_errors(Api::TxnOffsetCommit, &errors);
    assert_eq!(stage.writer.write(&epoch(2, 20)), Ok(()));
    assert_eq!(stage.troubles(), (2, 0), "rolled back twice, with the same producer");
    assert!((1..4).contains(&stage.written(2)), "those rolled back may never have been sent");
}

#[test]
fn a_group_that_goes_on_without_us_loses_the_epoch() {
    let mut stage = stage();
    let errors = [Err::RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID; OUTSIDE_TRIES + 1];
    stage.mock.request_errors(Api::TxnOffsetCommit, &errors);
    let Err(Lost(why)) = stage.writer.write(&epoch(2, 20)) else { panic!("it is lost") };
    assert!(why.contains("the group removed this member"), "{why}");
    stage.group.is_member.store(false, Ordering::SeqCst);
    let Err(Lost(why)) = stage.writer.write(&epoch(3, 30)) else { panic!("it is lost") };
    assert!(why.contains("not a member"), "{why}");
    assert_eq!(stage.written(3), 0);
}

#[test]
fn whoever_owns_the_partitions_meanwhile_is_not_written_over() {
    let mut stage = stage();
    stage.mock.request_errors(Api::TxnOffsetCommit, &[Err::RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION]);
    stage.group.write(15, "another");
    let Err(Lost(why)) = stage.writer.write(&epoch(2, 20)) else { panic!("it is lost") };
    assert!(why.contains("15") && why.contains("another member took over"), "{why}");
    assert!(stage.written(2) < 2, "it was not begun again");
    assert_eq!(stage.troubles(), (1, 0));
}

#[test]
fn a_second_producer_with_the_id_takes_over_for_good() {
    let mut stage = stage();
    let second: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", stage.mock.bootstrap_servers())
        .set("transactional.id", &stage.settings.transactional_id)
        .create()
        .expect("a producer");
    second.init_transactions(Duration::from_secs(10)).expect("fenced the first");
    // The mock knows no producer by an id that it has forgotten; the broker says the same as this.
    stage
        .mock
        .request_errors(Api::AddPartitionsToTxn, &[Err::RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH]);
    let Err(Lost(why)) = stage.writer.write(&epoch(2, 20)) else { panic!("it is lost") };
    assert!(why.contains("another producer took over"), "{why}");
    assert_eq!((stage.troubles().1, stage.written(2)), (1, 0));
    second.begin_transaction().expect("the second is not fenced in turn");
}

#[test]
fn an_unknown_end_is_settled_by_what_was_committed() {
    let unknown = [Err::RD_KAFKA_RESP_ERR_UNKNOWN];
    // Not committed: written again by a new producer.
    let mut stage = stage();
    stage.mock.request_errors(Api::EndTxn, &unknown);
    assert_eq!(stage.writer.write(&epoch(2, 20)), Ok(()));
    assert_eq!((stage.troubles(), stage.written(2)), ((1, 1), 2));

    // Committed: not written again, even where no offset moved.
    for (number, next) in [(3, 30), (4, 30)] {
        stage.mock.request_errors(Api::EndTxn, &unknown);
        stage.group.write(next, &stage.writer.marks.of(number));
        assert_eq!(stage.writer.write(&epoch(number, next)), Ok(()));
        assert_eq!(stage.written(number), 1);
    }

    // The same offset, but not our mark: somebody else's.
    stage.mock.request_errors(Api::EndTxn, &unknown);
    stage.group.write(50, "another");
    assert!(matches!(stage.writer.write(&epoch(5, 50)), Err(Lost(_))));

    // Without offsets nobody can tell.
    stage.mock.request_errors(Api::EndTxn, &unknown);
    let blind = Epoch { offsets: Vec::new(), ..epoch(6, 0) };
    let Err(Lost(why)) = stage.writer.write(&blind) else { panic!("it is lost") };
    assert!(why.contains("since it has no offsets"), "{why}");
}

#[test]
fn a_sink_that_refuses_is_waited_for_and_told_in_words() {
    for (error, words) in [
        (Err::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, "Write on topic findings"),
        (Err::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, "max.message.bytes"),
        (Err::RD_KAFKA_RESP_ERR_POLICY_VIOLATION, "writing to topic findings"),
    ] {
        let Stage { mock, settings, shared, mut writer, group: _group } = stage();
        mock.request_errors(Api::Produce, &[error; 200]);
        let epoch = Epoch { journal: Vec::new(), ..epoch(2, 20) };
        let thread = thread::spawn(move || (writer.write(&epoch), writer));
        until("it waits", || {
            let status = shared.status();
            status.waiting.as_ref().is_some_and(|waiting| waiting.why.contains(words))
        });
        until("it tries again", || shared.status().retries >= 2);
        mock.clear_request_errors(Api::Produce);
        let (ended, _writer) = thread.join().expect("no panic");
        assert_eq!(ended, Ok(()), "{words}");
        // A topic that was refused comes back with its numbering broken: a new producer may be needed.
        assert_eq!(shared.status().waiting, None, "{words}");
        assert!(values(&settings, "findings").contains(&"findings 2".to_owned()));
    }
}

#[test]
fn a_cluster_that_is_down_is_waited_for() {
    let Stage { mock, settings: _settings, shared, mut writer, group: _group } = stage();
    mock.broker_down(-1).expect("down");
    let epoch = epoch(2, 20);
    let thread = thread::spawn(move || (writer.write(&epoch), writer));
    until("it waits", || {
        shared.status().waiting.as_ref().is_some_and(|waiting| waiting.why.contains("broker"))
    });
    mock.broker_up(-1).expect("up");
    let (ended, _writer) = thread.join().expect("no panic");
    assert_eq!(ended, Ok(()));
}

#[test]
fn what_is_taken_away_is_not_begun_again() {
    let Stage { mock, settings: _settings, shared, mut writer, group: _group } = stage();
    mock.request_errors(Api::Produce, &[Err::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED; 200]);
    let epoch_2 = epoch(2, 20);
    let thread = thread::spawn(move || (writer.write(&epoch_2), writer));
    until("it waits", || shared.status().waiting.is_some());
    shared.withdraw(2);
    let (ended, mut writer) = thread.join().expect("no panic");
    let Err(Lost(why)) = ended else { panic!("it is lost") };
    assert!(why.contains("taken away"), "{why}");
    mock.clear_request_errors(Api::Produce);
    assert_eq!(writer.write(&epoch(3, 20)), Ok(()), "the next one is not concerned");
}
