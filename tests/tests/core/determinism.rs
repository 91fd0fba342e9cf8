//! The same events give the same bytes of findings and alerts, however they arrive.
//!
//! Each property runs over fixed seeds; `DRIFTLINE_SEED=n` runs one seed. A failure names its seed and the
//! first line that differs. Each property has a control: the same comparison with a fault put in, which
//! must be noticed, so that no property can be true of an engine that says nothing.

use std::collections::BTreeSet;

use driftline::engine::{Engine, Input, SnapshotError};
use driftline::model::settings::{Fleet, MINUTE_US, SECOND_US};
use driftline::model::{Row, Settings, Status};
use driftline_tests::logs::{gzip, replay_folder, text, write};
use driftline_tests::telemetry::{Telemetry, deal, generator, seeds, settings};
use driftline_tests::transcript::{
    Decisions, Mix, Step, Transcript, assert_same, decided_steps, finish, opened, run, steps, take,
};
use rand::RngExt;
use rand::seq::SliceRandom;

/// How far events arrive behind their order: less than the lateness of 30 s.
const DELAY_US: i64 = 20 * SECOND_US;

/// Rows of three partitions with all that can befall a clock: events too late, lone events from the future.
fn eventful(seed: u64) -> Vec<Vec<Row>> {
    let mut random = generator(seed ^ 0xe7);
    let mut partitions = deal(&Telemetry::new(seed).rows(), 3, 60 * SECOND_US, &mut random);
    for rows in &mut partitions {
        for _ in 0..20 {
            let at = random.random_range(0..rows.len());
            let mut stray = rows[at].clone();
            stray.time_us += random.random_range(2..10_000) * 60 * MINUTE_US;
            rows.insert(at, stray);
        }
    }
    partitions
}

#[test]
fn findings_are_there_and_alerts_fire_and_resolve() {
    let mut kinds = BTreeSet::new();
    for seed in seeds(0..4) {
        let partitions = eventful(seed);
        let mix = steps(&partitions, Mix::Turns(500), &mut generator(seed));
        let transcript = run(&settings(), 3, &mix);
        assert!(transcript.findings.len() >= 5, "seed {seed}: {}", transcript.findings.len());
        let status = |s: Status| transcript.alerts.iter().filter(|a| a.status == s).count();
        assert!(status(Status::Firing) >= 3, "seed {seed}");
        assert!(status(Status::Resolved) >= 1, "seed {seed}");
        assert!(transcript.counters.late > 100, "seed {seed}");
        assert!(transcript.counters.future >= 30, "seed {seed}: {:?}", transcript.counters);
        kinds.extend(transcript.findings.into_iter().map(|f| f.kind));
    }
    for kind in ["shift", "mix", "rate", "missing", "silence"] {
        assert!(kinds.contains(kind), "no finding of kind {kind}: {kinds:?}");
    }
}

#[test]
fn batches_of_any_size_and_any_interleaving_give_the_same_bytes() {
    let mut noticed = 0;
    for seed in seeds(0..8) {
        let mut random = generator(seed ^ 0x17);
        let partitions = eventful(seed);
        let expected = run(&settings(), 3, &steps(&partitions, Mix::Turns(1000), &mut random));
        let mut mixes = vec![Mix::Turns(7), Mix::Turns(4096), Mix::OneByOne, Mix::Backwards];
        mixes.extend([Mix::Random; 12]);
        mixes.extend((seed % 4 == 0).then_some(Mix::Turns(1)));
        for mix in mixes {
            let made = run(&settings(), 3, &steps(&partitions, mix, &mut random));
            assert_same(&expected, &made, &format!("seed {seed}, {mix:?}"));
        }
        // The fault: one clock for all partitions, so that who comes first decides who is late.
        let mixed = steps(&partitions, Mix::Random, &mut random);
        let one = |step: &Step| match step {
            Step::Rows(_, rows) => Some(Step::Rows(0, rows.clone())),
            Step::Passed(..) | Step::End(_) => None,
        };
        let mut mixed: Vec<Step> = mixed.iter().filter_map(one).collect();
        mixed.push(Step::End(0));
        noticed += usize::from(run(&settings(), 1, &mixed).lines() != expected.lines());
    }
    assert!(noticed > 0, "one clock for all partitions was not noticed");
}

/// Whose evidence is enough hangs on all other series then: none may be seen before or after its time.
#[test]
fn by_share_batches_interleaving_and_restarts_give_the_same_bytes() {
    let mut settings = settings();
    settings.detect.fleet = Fleet::Share;
    settings.detect.false_share_per_week = 20.0;
    let (mut several, mut differs) = (0, 0);
    for seed in seeds(0..24) {
        let mut random = generator(seed ^ 0x1b);
        let partitions = eventful(seed);
        let mix = steps(&partitions, Mix::Turns(600), &mut random);
        let expected = run(&settings, 3, &mix);
        several += expected.findings.iter().filter(|f| f.evidence.together > Some(1)).count();
        for mix in [Mix::Turns(7), Mix::OneByOne, Mix::Backwards, Mix::Random, Mix::Random] {
            let made = run(&settings, 3, &steps(&partitions, mix, &mut random));
            assert_same(&expected, &made, &format!("seed {seed}, {mix:?}"));
        }
        let mut engine = opened(&settings, 3);
        let mut made = Transcript::default();
        for step in &mix {
            made.add(take(&mut engine, step));
            engine = restored(&engine);
        }
        made.counters = engine.counters().clone();
        assert_same(&expected, &made, &format!("seed {seed}, restored at every step"));
        // The control: by budget it is another course of things.
        let by_budget = run(&driftline_tests::telemetry::settings(), 3, &mix);
        let when = |t: &Transcript| -> Vec<(String, String)> {
            let of = |f: &driftline::model::Finding| (f.metric.clone(), f.detected_at.clone());
            t.findings.iter().map(of).collect()
        };
        differs += usize::from(when(&by_budget) != when(&expected));
    }
    assert!(several > 0 && differs > 0, "{several} {differs}");
}

#[test]
fn any_order_within_the_lateness_gives_the_same_bytes() {
    let mut noticed = 0;
    for seed in seeds(0..10) {
        let mut random = generator(seed ^ 0x23);
        let rows = Telemetry::new(seed).rows();
        let mut shuffled = |delay_us: i64| {
            let partitions = deal(&rows, 1, delay_us, &mut random);
            run(&settings(), 1, &steps(&partitions, Mix::Turns(1000), &mut random))
        };
        let expected = shuffled(0);
        for delay_us in [1, SECOND_US, 10 * SECOND_US, DELAY_US, 29 * SECOND_US] {
            let made = shuffled(delay_us);
            assert_eq!(made.counters.late, 0, "seed {seed}");
            assert_same(&expected, &made, &format!("seed {seed}, delay {delay_us} us"));
        }
        // The fault: a disorder that exceeds the lateness.
        noticed += usize::from(shuffled(120 * SECOND_US).lines() != expected.lines());
    }
    assert!(noticed > 0, "events that came too late were not noticed");
}

#[test]
fn a_snapshot_and_restore_at_any_step_gives_the_same_bytes() {
    let mut noticed = 0;
    for seed in seeds(0..5) {
        let mut random = generator(seed ^ 0x31);
        let partitions = eventful(seed);
        let mix = steps(&partitions, Mix::Turns(600), &mut random);
        let expected = run(&settings(), 3, &mix);
        // At every step, one after the other.
        let mut engine = opened(&settings(), 3);
        let mut made = Transcript::default();
        for step in &mix {
            made.add(take(&mut engine, step));
            engine = restored(&engine);
        }
        made.counters = engine.counters().clone();
        assert_same(&expected, &made, &format!("seed {seed}, at every step"));
        // At one step, and on to the end; on the way a batch may be of another size.
        for _ in 0..10 {
            let cut = random.random_range(0..mix.len());
            let mut engine = opened(&settings(), 3);
            let mut made = Transcript::default();
            mix[..cut].iter().for_each(|step| made.add(take(&mut engine, step)));
            let rest = finish(restored(&engine), &mix[cut..]);
            made.findings.extend(rest.findings);
            made.alerts.extend(rest.alerts);
            made.counters = rest.counters;
            assert_same(&expected, &made, &format!("seed {seed}, at step {cut}"));
        }
        // The fault: a snapshot that is one step old.
        let mut engine = opened(&settings(), 3);
        let mut made = Transcript::default();
        let cut = mix.len() / 2;
        mix[..cut].iter().for_each(|step| made.add(take(&mut engine, step)));
        let rest = finish(restored(&engine), &mix[cut + 1..]);
        made.findings.extend(rest.findings);
        made.alerts.extend(rest.alerts);
        noticed += usize::from(made.lines() != expected.lines());
    }
    assert!(noticed > 0, "a lost step was not noticed");
}

#[test]
fn a_fork_and_its_origin_go_on_as_if_alone() {
    let mut noticed = 0;
    for seed in seeds(0..4) {
        let mut random = generator(seed ^ 0x71);
        let partitions = eventful(seed);
        let mix = steps(&partitions, Mix::Turns(300), &mut random);
        let expected = run(&settings(), 3, &mix);
        for _ in 0..6 {
            let cut = random.random_range(0..mix.len());
            let mut origin = opened(&settings(), 3);
            let mut made = Transcript::default();
            mix[..cut].iter().for_each(|step| made.add(take(&mut origin, step)));
            let mut fork = origin.fork();
            // A third one stays where it is: all pieces are shared, whoever writes first.
            let third = origin.fork();
            let before = third.snapshot();
            let mut of_fork = made.clone();
            for step in &mix[cut..] {
                let (first, second) = match random.random_range(0..2) {
                    0 => (&mut origin, &mut fork),
                    _ => (&mut fork, &mut origin),
                };
                let outputs = [take(first, step), take(second, step)];
                assert_eq!(outputs[0], outputs[1], "seed {seed}, cut {cut}");
                made.add(outputs[0].clone());
                of_fork.add(outputs[1].clone());
            }
            (made.counters, of_fork.counters) =
                (origin.counters().clone(), fork.counters().clone());
            assert_same(&expected, &made, &format!("seed {seed}, forked at {cut}"));
            assert_same(&expected, &of_fork, &format!("seed {seed}, the fork at {cut}"));
            assert!(third.snapshot() == before, "seed {seed}: the fork that stood still moved");
            // Written piece by piece, it is the same state.
            let mut written = Vec::new();
            third.into_snapshot(&mut written).expect("memory takes all");
            let made = finish(Engine::restore(settings(), &written).expect("whole"), &mix[cut..]);
            assert_eq!(made.counters, expected.counters, "seed {seed}, written at {cut}");
        }
        // The fault: the fork has taken a step that its origin has not.
        let mut origin = opened(&settings(), 3);
        let cut = mix.len() / 2;
        mix[..cut].iter().for_each(|step| drop(take(&mut origin, step)));
        let mut fork = origin.fork();
        take(&mut fork, &mix[cut]);
        let differ = finish(fork, &mix[cut..]).lines() != finish(origin, &mix[cut..]).lines();
        noticed += usize::from(differ);
    }
    assert!(noticed > 0, "a step that only the fork took was not noticed");
}

/// Takes a stretch of a third of the time out of two of three partitions, and says what they are taken to
/// have passed meanwhile, as a source does whose partition is read to its end; and at random places
/// something else, so that events behind it are late.
fn decided(partitions: &mut [Vec<Row>], seed: u64) -> Vec<Decisions> {
    let mut random = generator(seed ^ 0x9a);
    let begin = partitions[0][0].time_us;
    let mut all = vec![Decisions::new(); partitions.len()];
    for (at, (rows, decisions)) in partitions.iter_mut().zip(&mut all).enumerate() {
        let (from, to) = (10 * at as i64, 10 * at as i64 + 20);
        let (from, to) = (begin + from * MINUTE_US, begin + to * MINUTE_US);
        let quiet = |row: &Row| (from..to).contains(&row.time_us);
        if at > 0 {
            let first = rows.iter().position(quiet).expect("rows of each minute");
            rows.retain(|row| !quiet(row));
            let minutes = (from + MINUTE_US..to - MINUTE_US).step_by(MINUTE_US as usize);
            decisions.extend(minutes.map(|passed| (first, passed)));
        }
        for _ in 0..4 {
            let place = random.random_range(0..rows.len());
            let passed = rows[place].time_us.min(begin + 60 * MINUTE_US);
            decisions.push((place, passed + random.random_range(-120..40) * SECOND_US));
        }
        decisions.sort_by_key(|(place, _)| *place);
    }
    all
}

#[test]
fn the_same_decisions_at_the_same_events_give_the_same_bytes() {
    let (mut noticed, mut findings) = (0, 0);
    for seed in seeds(0..8) {
        let mut random = generator(seed ^ 0x53);
        let mut partitions = eventful(seed);
        let decisions = decided(&mut partitions, seed);
        let mut feed = |mix| decided_steps(&partitions, &decisions, mix, &mut random);
        let expected = run(&settings(), 3, &feed(Mix::Turns(1000)));
        assert!(expected.findings.len() >= 3, "seed {seed}: {}", expected.findings.len());
        findings += expected.findings.len();
        let mut mixes = vec![Mix::Turns(7), Mix::OneByOne, Mix::Backwards];
        mixes.extend([Mix::Random; 12]);
        for mix in mixes {
            let made = run(&settings(), 3, &feed(mix));
            assert_same(&expected, &made, &format!("seed {seed}, {mix:?}"));
        }
        // Said twice, or after something later, it changes nothing.
        let again = |step: Step| match step {
            Step::Passed(p, us) => {
                vec![Step::Passed(p, us), Step::Passed(p, us), Step::Passed(p, us - 17 * SECOND_US)]
            }
            step => vec![step],
        };
        let twice: Vec<Step> = feed(Mix::Random).into_iter().flat_map(again).collect();
        assert_same(&expected, &run(&settings(), 3, &twice), &format!("seed {seed}, said again"));
        // A snapshot between any two steps keeps what was passed.
        let mix = feed(Mix::Turns(700));
        let mut engine = opened(&settings(), 3);
        let mut made = Transcript::default();
        for step in &mix {
            made.add(take(&mut engine, step));
            engine = restored(&engine);
        }
        made.counters = engine.counters().clone();
        assert_same(&expected, &made, &format!("seed {seed}, restored at every step"));
        // The fault: decisions take effect when they are made, not where the partition stands then.
        let mixed = feed(Mix::Turns(300));
        let is_decision = |step: &Step| matches!(step, Step::Passed(..));
        let (made, mut early): (Vec<Step>, Vec<Step>) =
            mixed.into_iter().partition(|step| !is_decision(step));
        early.extend(made);
        noticed += usize::from(run(&settings(), 3, &early).lines() != expected.lines());
    }
    assert!(findings >= 32, "{findings}");
    assert!(noticed > 0, "decisions at other events were not noticed");
}

#[test]
fn a_silent_partition_that_is_passed_holds_nothing_back_and_makes_nothing_late() {
    for seed in seeds(0..4) {
        let partitions = eventful(seed);
        // Two partitions with events and one without; then the first two alone.
        let with_silent = |every_us: Option<i64>| {
            let mut engine = opened(&settings(), 3);
            let mut findings = 0;
            let mut made = Transcript::default();
            for step in steps(&partitions[..2], Mix::Turns(200), &mut generator(seed)) {
                made.add(take(&mut engine, &step));
                let watermarks = (engine.watermark_us(0), engine.watermark_us(1));
                if let (Some(every_us), (Some(a), Some(b))) = (every_us, watermarks) {
                    let passed = a.min(b).div_euclid(every_us) * every_us;
                    made.add(take(&mut engine, &Step::Passed(2, passed)));
                    assert_eq!(engine.watermark_us(2), Some(passed));
                    // Some may be found together.
                    let series = made.findings.iter().map(|f| f.carriers.len().max(1));
                    findings = series.sum();
                }
            }
            assert_eq!(engine.open_partitions().collect::<Vec<_>>(), [2]);
            assert_eq!(engine.closed_us().is_some(), every_us.is_some());
            made.add(take(&mut engine, &Step::End(2)));
            made.counters = engine.counters().clone();
            (made, findings)
        };
        let (held, none) = with_silent(None);
        let (passed, before_the_end) = with_silent(Some(30 * SECOND_US));
        assert!(none == 0 && before_the_end >= 3, "seed {seed}: {before_the_end}");
        assert_same(&held, &passed, &format!("seed {seed}"));
    }
}

#[test]
fn a_partition_that_appears_later_is_replayed_as_if_it_had_been_there() {
    let mut noticed = 0;
    for seed in seeds(0..6) {
        let mut random = generator(seed ^ 0x61);
        let mut partitions = eventful(seed);
        let begin = partitions[0][0].time_us;
        partitions[2].retain(|row| row.time_us >= begin + 10 * MINUTE_US);
        // Live: it is met in the middle, and begins where the engine has closed panes to.
        let live = steps(&partitions[..2], Mix::Turns(200), &mut random);
        let (before, after) = live.split_at(live.len() / 2);
        let mut engine = opened(&settings(), 2);
        let mut expected = Transcript::default();
        before.iter().for_each(|step| expected.add(take(&mut engine, step)));
        let closed_us = engine.closed_us().expect("panes are closed");
        let decision = vec![(0, closed_us)];
        let late = [Decisions::new(), Decisions::new(), decision];
        let only_late = [Vec::new(), Vec::new(), partitions[2].clone()];
        let is_of = |step: &Step| {
            let (Step::Rows(p, _) | Step::Passed(p, _) | Step::End(p)) = step;
            *p == 2
        };
        let mut third = decided_steps(&only_late, &late, Mix::Turns(200), &mut random);
        third.retain(is_of);
        let (first, rest) = third.split_at(1);
        assert!(matches!(first, [Step::Passed(2, us)] if *us == closed_us));
        expected.add(take(&mut engine, &first[0]));
        let both = after.iter().zip(rest.iter().map(Some).chain(std::iter::repeat(None)));
        let mut turns: Vec<Step> =
            both.flat_map(|(a, b)| [Some(a), b]).flatten().cloned().collect();
        turns.extend(rest.iter().skip(after.len()).cloned());
        turns.iter().for_each(|step| expected.add(take(&mut engine, step)));
        expected.counters = engine.counters().clone();
        // Replayed: the decision is known before the first event.
        for mix in [Mix::Turns(500), Mix::Random, Mix::Backwards] {
            let replayed = decided_steps(&partitions, &late, mix, &mut random);
            let replayed = replayed.into_iter().filter(|s| !matches!(s, Step::Passed(..)));
            let mut engine = opened(&settings(), 2);
            engine.step(Input::Passed { partition: 2, watermark_us: closed_us });
            let made = finish(engine, &replayed.collect::<Vec<_>>());
            assert_same(&expected, &made, &format!("seed {seed}, {mix:?}"));
        }
        // The fault: it is replayed without the decision.
        let forgotten = steps(&partitions, Mix::Turns(500), &mut random);
        noticed += usize::from(run(&settings(), 3, &forgotten).lines() != expected.lines());
    }
    assert!(noticed > 0, "a partition without its decision was not noticed");
}

fn restored(engine: &Engine) -> Engine {
    Engine::restore(engine.settings().clone(), &engine.snapshot()).expect("a whole snapshot")
}

#[test]
fn files_threads_blocks_and_compression_give_the_same_bytes() {
    let mut noticed = 0;
    for seed in seeds(0..4) {
        let mut random = generator(seed ^ 0x41);
        let rows = Telemetry::new(seed).rows();
        let rows = deal(&rows, 1, DELAY_US, &mut random).remove(0);
        let expected =
            run(&settings(), 1, &steps(std::slice::from_ref(&rows), Mix::Turns(1000), &mut random));
        assert!(expected.findings.len() >= 4, "seed {seed}");
        let check = |parts: &[Vec<Row>], name: &str, block_bytes: usize, threads: usize| {
            let mut settings = settings();
            settings.limits.block_bytes = block_bytes;
            let folder = tempfile::tempdir().expect("a folder");
            for (number, part) in parts.iter().enumerate() {
                let text = text(part, &settings).into_bytes();
                let bytes = if name.ends_with("gz") { gzip(&text) } else { text };
                write(folder.path(), &format!("{number:02}.{name}"), bytes);
            }
            let made = replay_folder(folder.path(), &settings, threads);
            assert_eq!(made.rejects, [], "seed {seed}");
            (made.transcript, format!("seed {seed}, {name} {block_bytes} x {threads}"))
        };
        let whole = [rows.clone()];
        let by_rows: Vec<Vec<Row>> = rows.chunks(1 + rows.len() / 5).map(<[Row]>::to_vec).collect();
        let mut by_time: Vec<Vec<Row>> = vec![Vec::new(); 4];
        rows.iter().for_each(|row| {
            let quarter = (row.time_us - rows[0].time_us).max(0) / (15 * MINUTE_US);
            by_time[quarter.clamp(0, 3) as usize].push(row.clone());
        });
        let dealt = deal(&rows, 3, 0, &mut random);
        for (parts, name) in [
            (&whole[..], "one.ndjson"),
            (&by_rows, "rows.ndjson"),
            (&by_time, "time.ndjson"),
            (&dealt, "dealt.ndjson"),
            (&by_time, "time.ndjson.gz"),
        ] {
            for (block_bytes, threads) in [(1 << 20, 1), (4096, 2), (60_000, 3)] {
                let (made, what) = check(parts, name, block_bytes, threads);
                assert_same(&expected, &made, &what);
            }
        }
        // The fault: one event in a hundred is missing.
        let fewer: Vec<Row> = rows.iter().filter(|r| r.offset % 100 != 7).cloned().collect();
        let (made, _) = check(&[fewer], "fewer.ndjson", 1 << 20, 1);
        noticed += usize::from(made.lines() != expected.lines());
    }
    assert!(noticed > 0, "missing events were not noticed");
}

#[test]
fn ids_are_of_what_they_are_about() {
    for seed in seeds(0..4) {
        let rows = Telemetry::new(seed).rows();
        let ids = |settings: &Settings| -> Vec<String> {
            let transcript = driftline_tests::transcript::run_rows(settings, &rows);
            transcript.findings.into_iter().map(|f| f.id).collect()
        };
        let base = ids(&settings());
        let distinct: BTreeSet<&String> = base.iter().collect();
        assert!(base.len() >= 4 && distinct.len() == base.len(), "seed {seed}: {base:?}");
        assert_eq!(ids(&settings()), base, "seed {seed}");
        type Change = fn(&mut Settings);
        let changes: [(&str, Change); 3] = [
            ("pipeline", |s| s.pipeline = "other".into()),
            ("budget", |s| s.detect.budget_per_week = 21.0),
            ("zone", |s| s.metrics[0].zone_sigma = 0.1001),
        ];
        for (name, change) in changes {
            let mut other = settings();
            change(&mut other);
            let other = ids(&other);
            assert!(!other.is_empty(), "seed {seed}, {name}");
            assert!(other.iter().all(|id| !distinct.contains(id)), "seed {seed}, {name}");
        }
        // What only says how files are read, and until when, is no part of an id.
        let mut other = settings();
        other.limits.block_bytes = 1 << 14;
        other.limits.files_open_max = 3;
        other.limits.rejects_written_max = 7;
        other.time.not_after_us = 4_000_000_000 * SECOND_US;
        assert_eq!(ids(&other), base, "seed {seed}");
    }
}

#[test]
fn a_damaged_snapshot_is_refused_and_one_of_other_settings_too() {
    // Small on purpose: every byte is flipped and every length is tried.
    let telemetry = Telemetry { minutes: 12, events_a_pane: 4, ..Telemetry::new(3) };
    let mut rows = telemetry.rows();
    rows.retain(|row| row.time_us % 7 < 2);
    rows.shuffle(&mut generator(3));
    rows.sort_by_key(|row| row.time_us / SECOND_US);
    let mut settings = settings();
    settings.limits.cells_learned_max = 32;
    settings.baseline.learn_events = 60;
    let mut engine = opened(&settings, 1);
    take(&mut engine, &Step::Rows(0, rows));
    let bytes = engine.snapshot();
    assert!(bytes.len() > 2000, "{}", bytes.len());
    assert!(Engine::restore(settings.clone(), &bytes).is_ok());
    let refused = |bytes: &[u8], what: &str| {
        let error = Engine::restore(settings.clone(), bytes).err();
        assert!(
            matches!(error, Some(SnapshotError::Damaged | SnapshotError::Unknown)),
            "{what}: {error:?}"
        );
    };
    for length in 0..bytes.len() {
        refused(&bytes[..length], &format!("cut at {length}"));
    }
    let mut flipped = bytes.clone();
    for at in 0..bytes.len() {
        for mask in [0x01, 0x80, 0xff] {
            flipped[at] ^= mask;
            refused(&flipped, &format!("byte {at} flipped with {mask:#x}"));
            flipped[at] ^= mask;
        }
    }
    let mut longer = bytes.clone();
    longer.push(0);
    refused(&longer, "a byte more");
    let mut other = settings.clone();
    other.detect.budget_per_week += 1.0;
    let error = Engine::restore(other, &bytes).err();
    assert!(matches!(error, Some(SnapshotError::OtherConfig { .. })), "{error:?}");
}
