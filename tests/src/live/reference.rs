//! What must be found: one straight replay over the same records as files.
//!
//! One file for each partition, with its records in their order. A record without a value has no line.

use std::path::Path;

use super::course::is_readable;
use crate::broker::Sent;
use crate::driftline;

/// What the replay wrote, line by line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reference {
    /// Findings, in their order.
    pub findings: Vec<String>,
    /// Transitions of alerts, in their order.
    pub alerts: Vec<String>,
    /// Records that could not be read, as they were sent.
    pub quarantine: Vec<String>,
}

impl Reference {
    /// Replays records under a config, in a folder.
    ///
    /// # Panics
    /// Where the replay fails.
    pub fn of(records: &[Sent], config: &str, folder: &Path) -> Self {
        let partitions = records.iter().map(|sent| sent.partition + 1).max().unwrap_or(0);
        for partition in 0..partitions {
            let values = records.iter().filter(|sent| sent.partition == partition);
            let mut text = Vec::new();
            for value in values.filter_map(|sent| sent.value.as_ref()) {
                text.extend_from_slice(value);
                text.push(b'\n');
            }
            let path = folder.join(format!("partition-{partition:03}.ndjson"));
            std::fs::write(path, text).expect("a temporary folder can be written");
        }
        let file = folder.join("reference.toml");
        std::fs::write(&file, config).expect("a temporary folder can be written");
        let mut replay = driftline();
        replay.args(["replay", "--quiet", "--config"]).arg(&file).arg(folder);
        let out = replay.output().expect("driftline can be run");
        let said = String::from_utf8_lossy(&out.stderr);
        let unread = |sent: &&Sent| sent.value.is_some() && !is_readable(sent);
        // 4: nothing was judged, which is right only where most of it could not be read.
        let is_mostly_unread = 2 * records.iter().filter(unread).count() > records.len();
        let is_right =
            matches!((out.status.code(), is_mostly_unread), (Some(0), _) | (Some(4), true));
        assert!(is_right, "the replay failed: {said}");
        let lines = |name: &str| -> Vec<String> {
            let text = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
            text.lines().map(str::to_owned).collect()
        };
        let text = |sent: &Sent| {
            String::from_utf8_lossy(sent.value.as_deref().unwrap_or_default()).into_owned()
        };
        let reference = Self {
            findings: lines("findings.ndjson"),
            alerts: lines("alerts.ndjson"),
            quarantine: records.iter().filter(unread).map(text).collect(),
        };
        let rejects = lines("rejects.ndjson").len();
        assert_eq!(rejects, reference.quarantine.len(), "rejects of the replay");
        reference
    }

    /// The same where each partition is judged on its own, under a config with its part of the budget.
    ///
    /// # Panics
    /// Where a replay fails.
    pub fn of_each_partition(records: &[Sent], config: &str, folder: &Path) -> Self {
        let mut all = Self::default();
        let partitions = records.iter().map(|sent| sent.partition + 1).max().unwrap_or(0);
        for partition in 0..partitions {
            let folder = folder.join(partition.to_string());
            std::fs::create_dir_all(&folder).expect("a temporary folder can be written");
            let of = records.iter().filter(|sent| sent.partition == partition);
            let of: Vec<Sent> = of.map(|sent| Sent { partition: 0, ..sent.clone() }).collect();
            let one = Self::of(&of, config, &folder);
            all.findings.extend(one.findings);
            all.alerts.extend(one.alerts);
            all.quarantine.extend(one.quarantine);
        }
        all
    }
}
