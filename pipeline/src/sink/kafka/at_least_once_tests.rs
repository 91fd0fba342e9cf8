//! At least once against the mock cluster: the order of parts, and what is written again.

use std::thread;

use rdkafka::error::RDKafkaErrorCode as Code;
use rdkafka::types::{RDKafkaApiKey as Api, RDKafkaRespErr as Err};

use super::super::stand_in::{self, Mock, StandIn, epoch, until, values};
use super::*;
use crate::kafka::Doing;
use crate::kafka::client::Context;
use crate::model::live::Delivery;

struct Stage {
    mock: Mock,
    settings: CommitSettings,
    group: Arc<StandIn>,
    shared: Arc<Shared>,
    writer: AtLeastOnce,
}

fn stage() -> Stage {
    let mock = stand_in::cluster();
    let settings = stand_in::settings(&mock, Delivery::AtLeastOnce);
    let group = StandIn::new(&settings);
    let shared = Arc::new(Shared::default());
    let watch = CallWatchdog::begin(Duration::from_secs(60), |call, lasts| {
        panic!("{call} hangs since {lasts:?}");
    });
    let mut writer = AtLeastOnce::new(WriterParts {
        settings: settings.clone(),
        group: Arc::clone(&group) as _,
        before: Vec::new(),
        shared: Arc::clone(&shared),
        watchdog: watch.expect("a thread"),
    });
    writer.begin().expect("a producer");
    Stage { mock, settings, group, shared, writer }
}

impl Stage {
    fn fault(&self, code: Code) -> KafkaFault {
        let context = Context::new("test", &self.settings.connection);
        KafkaFault::of_code(code, "as the test says", Doing::Group("g"), &context)
    }

    fn commits(&self) -> Vec<i64> {
        self.group.commits.lock().expect("no panic").clone()
    }
}

#[test]
fn parts_are_written_and_offsets_follow() {
    let mut stage = stage();
    for number in 1..4 {
        let next = i64::try_from(number).expect("small");
        assert_eq!(stage.writer.write(&epoch(number, next)), Ok(()));
    }
    assert_eq!(values(&stage.settings, "journal"), ["journal 1", "journal 2", "journal 3"]);
    assert_eq!(values(&stage.settings, "findings"), ["findings 1", "findings 2", "findings 3"]);
    assert_eq!(stage.commits(), [1, 2, 3]);
    assert_eq!(stage.shared.status().retries, 0);
}

#[test]
fn decisions_that_cannot_be_written_hold_results_and_offsets_back() {
    let Stage { mock, settings, group, shared, mut writer } = stage();
    mock.request_errors(Api::Produce, &[Err::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED; 200]);
    let thread = thread::spawn(move || (writer.write(&epoch(1, 1)), writer));
    until("it waits", || {
        let status = shared.status();
        status.waiting.as_ref().is_some_and(|waiting| waiting.why.contains("on topic journal"))
    });
    until("it tries again", || shared.status().retries >= 2);
    assert_eq!(values(&settings, "findings"), [""; 0]);
    assert!(group.commits.lock().expect("no panic").is_empty());
    mock.clear_request_errors(Api::Produce);
    let (ended, _writer) = thread.join().expect("no panic");
    assert_eq!(ended, Ok(()));
    assert_eq!(values(&settings, "findings"), ["findings 1"]);
    assert_eq!(group.commits.lock().expect("no panic").as_slice(), [1]);
}

#[test]
fn offsets_are_committed_again_without_the_results() {
    let mut stage = stage();
    let faults =
        [Code::IllegalGeneration, Code::CoordinatorLoadInProgress].map(|code| stage.fault(code));
    stage.group.faults.lock().expect("no panic").extend(faults);
    assert_eq!(stage.writer.write(&epoch(1, 1)), Ok(()));
    assert_eq!((stage.commits(), stage.shared.status().retries), (vec![1], 2));
    assert_eq!(values(&stage.settings, "findings"), ["findings 1"]);
}

#[test]
fn a_group_that_goes_on_without_us_loses_the_epoch() {
    let mut stage = stage();
    let fault = stage.fault(Code::UnknownMemberId);
    let faults = vec![fault; OUTSIDE_TRIES + 1];
    stage.group.faults.lock().expect("no panic").extend(faults);
    let Err(Lost(why)) = stage.writer.write(&epoch(1, 1)) else { panic!("it is lost") };
    assert!(why.contains("the group removed this member"), "{why}");
    assert!(stage.commits().is_empty());
}
