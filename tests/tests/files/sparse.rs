//! Logs with little traffic: a block of them spans days. No event is lost by that, and how files are cut
//! into blocks, and events into files, does not show.

use driftline::model::settings::{HOUR_US, MINUTE_US};
use driftline::model::{Row, Settings};
use driftline_tests::course::{calm, rows, settings, shifted};
use driftline_tests::logs::{Replayed, replay_folder, text, write};
use driftline_tests::telemetry::{START_US, generator, seeds};
use driftline_tests::transcript::assert_same;
use rand::RngExt;

/// Settings that learn from few events, and end after the telemetry.
fn patient() -> Settings {
    let mut settings = settings();
    settings.time.not_after_us = START_US + 60 * 24 * HOUR_US;
    settings.baseline.learn_events = 1_000;
    settings
}

/// Two hours of a model whose numbers shift in their second half, spread over `hours`; in bursts, or
/// evenly.
fn spread(seed: u64, hours: i64, is_in_bursts: bool) -> Vec<Row> {
    let mut all = rows(seed, &[calm(30), shifted(30, 1.0)]);
    let mut random = generator(seed ^ 0x5a);
    for row in &mut all {
        let part = (row.time_us - START_US) as f64 / HOUR_US as f64;
        let at_us = (part * (hours * HOUR_US) as f64) as i64;
        // Bursts of a minute, an hour apart.
        let off_us = if is_in_bursts { at_us % HOUR_US / 60 } else { at_us % HOUR_US };
        row.time_us = START_US + at_us / HOUR_US * HOUR_US + off_us;
        row.time_us += random.random_range(0..1_000);
    }
    all.sort_by_key(|row| row.time_us);
    all
}

/// A replay of the rows, dealt to so many files by `of`, in blocks of so many bytes.
fn replayed(
    rows: &[Row],
    settings: &Settings,
    (files, block_bytes): (usize, usize),
    of: impl Fn(usize) -> usize,
) -> Replayed {
    let folder = tempfile::tempdir().expect("a folder");
    for file in 0..files {
        let own: Vec<Row> = (rows.iter().enumerate())
            .filter(|(at, _)| of(*at) == file)
            .map(|(_, row)| row.clone())
            .collect();
        write(folder.path(), &format!("{file}.ndjson"), text(&own, settings));
    }
    let mut settings = settings.clone();
    settings.limits.block_bytes = block_bytes;
    replay_folder(folder.path(), &settings, 2)
}

#[test]
fn no_event_of_a_sparse_log_is_lost_and_blocks_do_not_show() {
    for seed in seeds(0..2) {
        for (hours, is_in_bursts) in [(20, false), (24 * 9, false), (24 * 9, true)] {
            let rows = spread(seed, hours, is_in_bursts);
            let settings = patient();
            let by_turns = |files: usize| move |at: usize| at % files;
            let what = format!("seed {seed}, {hours} h, bursts: {is_in_bursts}");
            let expected = replayed(&rows, &settings, (1, 4096), |_| 0);
            let counters = &expected.transcript.counters;
            assert_eq!((counters.refused_pane, counters.late), (0, 0), "{what}");
            assert_eq!(counters.events, rows.len() as u64, "{what}");
            assert!(!expected.transcript.findings.is_empty(), "{what}");
            for block_bytes in [64 << 10, 1 << 20, 64 << 20] {
                let made = replayed(&rows, &settings, (1, block_bytes), |_| 0);
                let what = format!("{what}, blocks of {block_bytes}");
                assert_same(&expected.transcript, &made.transcript, &what);
                // Two and nine files that each span all of it, and files one after the other.
                let made = replayed(&rows, &settings, (2, block_bytes), by_turns(2));
                assert_same(&expected.transcript, &made.transcript, &format!("{what}, two files"));
                let made = replayed(&rows, &settings, (9, block_bytes), by_turns(9));
                assert_same(&expected.transcript, &made.transcript, &format!("{what}, nine files"));
                let third = rows.len().div_ceil(3);
                let made = replayed(&rows, &settings, (3, block_bytes), |at| at / third);
                assert_same(&expected.transcript, &made.transcript, &format!("{what}, in turn"));
            }
        }
    }
}

#[test]
fn a_few_open_panes_are_enough_where_lateness_needs_no_more() {
    let mut settings = patient();
    settings.time.lateness_us = MINUTE_US;
    let rows = spread(7, 24 * 4, false);
    let expected = replayed(&rows, &settings, (2, 1 << 20), |at| at % 2);
    settings.limits.panes_open_max = 12;
    let made = replayed(&rows, &settings, (2, 1 << 20), |at| at % 2);
    assert_eq!(made.transcript.counters, expected.transcript.counters);
    assert_eq!(made.transcript.findings.len(), expected.transcript.findings.len());
    assert_eq!(made.transcript.counters.refused_pane, 0);
}
