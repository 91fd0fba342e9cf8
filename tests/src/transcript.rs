//! What an engine says about some events, as the bytes that a user would get; and ways to feed it.

use driftline::engine::{Counters, Engine, Input, Output};
use driftline::model::{Alert, Batch, Finding, Kind, Row, Settings};
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

/// Everything that came out, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Transcript {
    /// Findings.
    pub findings: Vec<Finding>,
    /// Transitions of alerts.
    pub alerts: Vec<Alert>,
    /// What was counted in the end.
    pub counters: Counters,
}

impl Transcript {
    /// Adds an output.
    pub fn add(&mut self, output: Output) {
        self.findings.extend(output.findings);
        self.alerts.extend(output.alerts);
    }

    /// One line of JSON for each finding, then for each transition: what must be the same bytes.
    ///
    /// # Panics
    /// Where something has no JSON.
    pub fn lines(&self) -> Vec<String> {
        let findings =
            self.findings.iter().map(|f| serde_json::to_string(f).expect("a finding is JSON"));
        let alerts =
            self.alerts.iter().map(|a| serde_json::to_string(a).expect("an alert is JSON"));
        findings.chain(alerts).collect()
    }
}

/// Fails with the seed and the first line that differs.
///
/// # Panics
/// Where the transcripts or their counters differ.
pub fn assert_same(expected: &Transcript, made: &Transcript, what: &str) {
    let (a, b) = (expected.lines(), made.lines());
    for (number, (a, b)) in a.iter().zip(&b).enumerate() {
        let at = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
        let near =
            |text: &str| -> String { text.chars().skip(at.max(60) - 60).take(160).collect() };
        assert!(a == b, "{what}: line {number}\n  {}\n  {}", near(a), near(b));
    }
    assert_eq!(a.len(), b.len(), "{what}: lines");
    assert_eq!(expected.counters, made.counters, "{what}: counters");
}

/// One step of a feed.
#[derive(Debug, Clone)]
pub enum Step {
    /// Some rows of a partition.
    Rows(u32, Vec<Row>),
    /// A partition is taken to have passed an instant, microseconds of event time.
    Passed(u32, i64),
    /// The end of a partition.
    End(u32),
}

/// How the rows of partitions are mixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mix {
    /// In turns, in pieces of this many rows.
    Turns(usize),
    /// Pieces of random lengths of random partitions.
    Random,
    /// One partition wholly before the next, the first one first.
    OneByOne,
    /// The same, the last one first.
    Backwards,
}

/// Before which of its rows a partition is taken to have passed what instant; by rising numbers of rows.
pub type Decisions = Vec<(usize, i64)>;

/// What is left of a partition.
struct Rest<'a> {
    partition: u32,
    rows: &'a [Row],
    decisions: &'a [(usize, i64)],
    /// Number of its next row.
    at: usize,
}

/// Steps that feed all partitions to their ends.
pub fn steps(partitions: &[Vec<Row>], mix: Mix, random: &mut Xoshiro256PlusPlus) -> Vec<Step> {
    decided_steps(partitions, &vec![Decisions::new(); partitions.len()], mix, random)
}

/// Steps that feed all partitions to their ends, with decisions at their places.
pub fn decided_steps(
    partitions: &[Vec<Row>],
    decisions: &[Decisions],
    mix: Mix,
    random: &mut Xoshiro256PlusPlus,
) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest: Vec<Rest> = (0..)
        .zip(partitions.iter().zip(decisions))
        .map(|(partition, (rows, decisions))| Rest { partition, rows, decisions, at: 0 })
        .collect();
    if mix == Mix::Backwards {
        rest.reverse();
    }
    let mut turn = 0;
    while !rest.is_empty() {
        turn = match mix {
            Mix::Turns(_) => turn % rest.len(),
            Mix::Random => random.random_range(0..rest.len()),
            Mix::OneByOne | Mix::Backwards => 0,
        };
        let Rest { partition, rows, decisions, at } = &mut rest[turn];
        if let Some(((due, watermark_us), later)) = decisions.split_first()
            && *due <= *at
        {
            steps.push(Step::Passed(*partition, *watermark_us));
            *decisions = later;
            continue;
        }
        let wanted = match mix {
            Mix::Turns(size) => size,
            Mix::Random => match random.random_range(0..4) {
                0 => 1,
                1 => random.random_range(1..20),
                2 => random.random_range(1..400),
                _ => random.random_range(1..20_000),
            },
            Mix::OneByOne | Mix::Backwards => 4096,
        };
        let before_decision = decisions.first().map_or(usize::MAX, |(due, _)| due - *at);
        let size = wanted.clamp(1, rows.len().max(1)).min(rows.len()).min(before_decision);
        let (now, later) = rows.split_at(size);
        steps.push(Step::Rows(*partition, now.to_vec()));
        (*rows, *at) = (later, *at + size);
        if later.is_empty() && decisions.is_empty() {
            steps.push(Step::End(*partition));
            rest.remove(turn);
        } else {
            turn += 1;
        }
    }
    steps
}

/// An engine with its partitions opened.
pub fn opened(settings: &Settings, partitions: usize) -> Engine {
    let mut engine = Engine::new(settings.clone());
    open(&mut engine, partitions);
    engine
}

/// Opens the partitions `0..partitions`.
pub fn open(engine: &mut Engine, partitions: usize) {
    for partition in 0..partitions as u32 {
        engine.step(Input::Opened { partition, begin_us: None });
    }
}

/// Takes one step.
pub fn take(engine: &mut Engine, step: &Step) -> Output {
    match step {
        Step::Rows(partition, rows) => {
            let kinds: Vec<Kind> = engine.settings().metrics.iter().map(|m| m.kind).collect();
            engine.step(Input::Batch(&Batch::from_rows(*partition, rows, &kinds)))
        }
        Step::Passed(partition, watermark_us) => {
            engine.step(Input::Passed { partition: *partition, watermark_us: *watermark_us })
        }
        Step::End(partition) => engine.step(Input::Closed { partition: *partition }),
    }
}

/// All that an engine says about some steps.
pub fn run(settings: &Settings, partitions: usize, steps: &[Step]) -> Transcript {
    finish(opened(settings, partitions), steps)
}

/// What an engine says when it goes on with some steps to the end.
pub fn finish(mut engine: Engine, steps: &[Step]) -> Transcript {
    let mut transcript = Transcript::default();
    for step in steps {
        transcript.add(take(&mut engine, step));
    }
    transcript.counters = engine.counters().clone();
    transcript
}

/// What an engine says about rows of one partition, in batches of 1000.
pub fn run_rows(settings: &Settings, rows: &[Row]) -> Transcript {
    let mut steps: Vec<Step> = rows.chunks(1000).map(|c| Step::Rows(0, c.to_vec())).collect();
    steps.push(Step::End(0));
    run(settings, 1, &steps)
}
