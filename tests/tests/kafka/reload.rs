//! A config that changes while events come: taken at a cut, and exact even if the process dies before the
//! state under the new config is kept.

use std::collections::BTreeSet;
use std::time::Duration;

use driftline_tests::broker::Broker;
use driftline_tests::live::course::CONFIG;
use driftline_tests::live::{Course, Pipeline, Shape};

const SOON: Duration = Duration::from_secs(60);

/// What happens at the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    /// It is told to read its config again.
    Reload,
    /// The same, and it dies while the state under the new config is being kept.
    ReloadAndDie,
    /// It is stopped, and started with the new config.
    Restart,
    /// The same, and it dies likewise.
    RestartAndDie,
}

/// The findings, byte by byte, of a stream in whose middle the config changes.
fn findings(change: Change) -> Vec<String> {
    let changed = CONFIG.replace("budget_per_week = 50.0", "budget_per_week = 500.0");
    assert_ne!(changed, CONFIG);
    let course = Course { minutes: 40, poison: 0.0, tombstones: 0.0, ..Course::new(71) };
    let records = course.records();
    let (first, second) = records.split_at(records.len() / 2);
    let mut pipeline =
        Pipeline::new(Broker::shared(), Shape { snapshot_s: 3600, ..Shape::new(CONFIG) });
    pipeline.send(first.iter().cloned());
    // The one that is made at the change is the first.
    let dies = matches!(change, Change::ReloadAndDie).then_some("mid_snapshot:1");
    let mut member = pipeline.start("one", dies);
    Broker::wait_until("the first half is committed", SOON, || pipeline.left() == 0);
    assert_eq!(member.ended(), None, "not before the change:\n{}", member.last());
    pipeline.shape.events.clone_from(&changed);
    match change {
        Change::Reload | Change::ReloadAndDie => {
            let file = pipeline.folder().join("one.toml");
            let text = std::fs::read_to_string(&file).expect("the config");
            let text = text.replace("budget_per_week = 50.0", "budget_per_week = 500.0");
            std::fs::write(&file, text).expect("the folder can be written");
            member.signal("HUP");
        }
        Change::Restart | Change::RestartAndDie => {
            assert_eq!(member.stop().0, 0, "a drain:\n{}", member.last());
            let dies = (change == Change::RestartAndDie).then_some("mid_snapshot:1");
            member = pipeline.start("one", dies);
        }
    }
    if matches!(change, Change::ReloadAndDie | Change::RestartAndDie) {
        assert!(member.wait(SOON).is_some(), "it does not die:\n{}", member.last());
        member = pipeline.start("one", None);
    } else if change == Change::Reload {
        Broker::wait_until("the new config is in use", SOON, || {
            member.log().contains("the new config is in use")
        });
    }
    member.wait_ready();
    pipeline.send(second.iter().cloned());
    Broker::wait_until("all is committed", SOON, || pipeline.left() == 0);
    assert_eq!(member.stop().0, 0, "a drain:\n{}", member.last());
    pipeline.read(&pipeline.findings).iter().map(driftline_tests::broker::Message::text).collect()
}

#[test]
fn a_change_of_config_is_exact_through_deaths() {
    let expected = findings(Change::Reload);
    let config = |finding: &String| {
        let value: serde_json::Value = serde_json::from_str(finding).expect("JSON");
        value["config"].as_str().expect("a hash").to_owned()
    };
    let configs: BTreeSet<String> = expected.iter().map(config).collect();
    assert_eq!(configs.len(), 2, "findings under both configs");
    for change in [Change::ReloadAndDie, Change::Restart, Change::RestartAndDie] {
        assert_eq!(findings(change), expected, "{change:?}");
    }
}
