//! Snapshots of many series.

#![allow(clippy::print_stdout)]
use driftline::engine::{Engine, Input};
use driftline_bench::fleet::Fleet;
use std::time::Instant;

fn main() -> anyhow::Result<()> {
    let n: Vec<u64> = std::env::args().skip(1).map(|a| a.parse()).collect::<Result<_, _>>()?;
    let series = n.first().copied().unwrap_or(100_000) as usize;
    let learn = n.get(1).copied().unwrap_or(600);
    let mut fleet = Fleet::new(series, 20, learn / 20 + 40)?;
    let mut settings = fleet.settings().clone();
    settings.baseline.learn_events = learn;
    settings.baseline.learn_us = (learn as i64 / 20) * 10_000_000 / 2;
    let mut engine = Engine::new(settings.clone());
    engine.step(Input::Opened { partition: 0, begin_us: None });
    let mut closed = engine.counters().panes;
    let mut pane = Vec::new();
    let mut begun = Instant::now();
    while engine.counters().panes < learn / 20 + 30 {
        let Some(batch) = fleet.next_batch(4096) else { break };
        let at = Instant::now();
        engine.step(Input::Batch(&batch));
        let ms = at.elapsed().as_secs_f64() * 1e3;
        pane.push(ms);
        if engine.counters().panes != closed {
            closed = engine.counters().panes;
            pane.sort_by(f64::total_cmp);
            println!(
                "pane {closed}: {:.1} s, steps median {:.2} ms, max {:.1} ms, watched {}, rss {} MiB",
                begun.elapsed().as_secs_f64(),
                pane[pane.len() / 2],
                pane[pane.len() - 1],
                engine.watched_series(),
                rss()
            );
            begun = Instant::now();
            pane.clear();
        }
    }
    println!("{:?} series bytes {:?}", engine.counters(), engine.series_bytes());
    let at = Instant::now();
    let bytes = engine.snapshot();
    println!(
        "snapshot {:.0} ms, {} MiB, rss {}",
        at.elapsed().as_secs_f64() * 1e3,
        bytes.len() >> 20,
        rss()
    );
    drop(engine);
    let at = Instant::now();
    let engine = Engine::restore(settings, &bytes)?;
    println!("restore {:.0} ms, rss {}", at.elapsed().as_secs_f64() * 1e3, rss());
    drop(engine);
    Ok(())
}

fn rss() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find(|l| l.starts_with("VmRSS:"))
        .and_then(|l| l.split_whitespace().nth(1))
        .and_then(|n| n.parse::<u64>().ok())
        .unwrap_or(0)
        >> 10
}
