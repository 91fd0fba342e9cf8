//! How fast synthetic telemetry is drawn and written, in each format, beside a floor: writing the very
//! bytes of the NDJSON file again.
//!
//! `cargo run --release -p driftline-bench --bin generate [events [rounds]]`

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use driftline::synth::write::FORMATS;
use driftline::synth::{Event, Generator, Plan, dataset};
use driftline_bench::Rounds;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let events: u64 = arguments.next().unwrap_or(200_000);
    let rounds_wanted = arguments.next().unwrap_or(7);
    let mut plan = Plan { events, ..Plan::default() };
    plan.drifts = plan.default_drifts();
    let folder = tempfile::tempdir()?;
    let inside = |name: &str| folder.path().join(name);

    let first = FORMATS.first().context("a format")?;
    dataset::write(&plan, first, 1, &inside("floor"), &mut |_| ())?;
    let bytes = fs::read(inside("floor").join("events.ndjson"))?;
    let copy = inside("copy.ndjson");

    let mut rounds = Rounds::new("generate", "event");
    rounds.floor("write the same bytes", || rewrite(&copy, &bytes).map_or(0, |()| events));
    rounds.row("draw", || drawn(&plan));
    for format in FORMATS {
        let place = inside(format.extension);
        let plan = &plan;
        rounds.row(&format!("draw and write {}", format.extension), move || {
            let written = dataset::write(plan, format, 1, &place, &mut |_| ());
            written.map_or(0, |written| written.events)
        });
    }
    let report = rounds.run(rounds_wanted as usize)?;
    std::io::stdout().write_all(report.to_string().as_bytes())?;
    report.write_json(Path::new("target/bench/generate.json"))?;
    Ok(())
}

fn rewrite(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = fs::File::create(path)?;
    bytes.chunks(1 << 16).try_for_each(|chunk| file.write_all(chunk))
}

fn drawn(plan: &Plan) -> u64 {
    let Ok(mut generator) = Generator::new(plan) else { return 0 };
    let mut event = Event::default();
    let mut events = 0;
    while generator.next_into(&mut event) {
        events += 1;
    }
    events
}
