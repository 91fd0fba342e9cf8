//! Readers on inputs that are changed at random: none panics, hangs or takes the memory of the machine. A
//! few hundred changes in `./test`, from fixed seeds; as many as a time allows by `just fuzz`, from a seed
//! that is printed.

#![allow(clippy::print_stderr)] // which inputs were tried is the point of a long run

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use driftline::codec::Decoder;
use driftline::config;
use driftline::model::Limits;
use driftline::source::FileSource;
use driftline::synth::write::FORMATS;
use driftline::synth::{Plan, dataset};
use driftline_tests::repository;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::json_model;

/// Changed inputs of a target in `./test`.
const INPUTS: u64 = 300;
/// Most bytes of an input.
const INPUT_BYTES_MAX: usize = 1 << 16;
/// What is put in where bytes are changed: numbers at their limits, and marks of the formats.
const TOKENS: [&[u8]; 14] = [
    &[0xFF; 4],
    &[0xFF; 8],
    &[0; 8],
    &[0xFF, 0xFF, 0xFF, 0x7F],
    &[0, 0, 0, 0x80],
    b"\"",
    b"\n",
    b"{\"",
    b"[[[[",
    b"1e999",
    b"\\ud800",
    b"PAR1",
    b"ARROW1",
    b"\x1F\x8B",
];

/// Reads bytes, whatever they are.
type Read = Box<dyn Fn(&[u8])>;

/// A reader, and inputs that it reads as they are.
struct Target {
    name: &'static str,
    inputs: Vec<Vec<u8>>,
    read: Read,
}

fn decode(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("written");
    let source = FileSource::find(&[path.display().to_string()], None).expect("a file");
    let limits = Limits::default();
    let layout = json_model::layout();
    let mut decoder = Decoder::new(&layout, &limits, 0, i64::MAX).expect("a layout");
    for block in source.open(0, &limits) {
        decoder.decode(&block, &mut |batch| assert_eq!(batch.offsets.len(), batch.rows()));
    }
}

/// Files of a format: those of `generate`, and those of `tests/data`.
fn files(name: &'static str, folder: &Path) -> Target {
    let plan = Plan { events: 40, models: 3, ..Plan::default() };
    let format = FORMATS.iter().find(|format| format.extension == name).expect("a format");
    let written = dataset::write(&plan, format, 1, &folder.join(name), &mut |_| {});
    let mut paths: Vec<PathBuf> = written.expect("written").files;
    if name == "arrow" {
        let more = fs::read_dir(repository("tests/data/arrow")).expect("a folder");
        paths.extend(more.flatten().map(|entry| entry.path()));
        paths.retain(|path| path.extension().is_some_and(|extension| extension != "py"));
    }
    let inputs = paths.iter().map(|path| fs::read(path).expect("a file")).collect();
    let path = folder.join(format!("changed.{name}"));
    Target { name, inputs, read: Box::new(move |bytes| decode(&path, bytes)) }
}

fn targets(folder: &Path) -> Vec<Target> {
    let config = fs::read(repository("deploy/driftline.toml")).expect("a config");
    let objects = (0..20).map(json_model::document).collect();
    vec![
        Target { name: "json", inputs: objects, read: Box::new(json_model::check) },
        files("ndjson", folder),
        files("csv", folder),
        files("parquet", folder),
        files("arrow", folder),
        Target {
            name: "config",
            inputs: vec![config],
            read: Box::new(|bytes| {
                drop(config::parse(&String::from_utf8_lossy(bytes), "changed.toml"));
            }),
        },
    ]
}

fn changed(target: &Target, seed: u64) -> Vec<u8> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut bytes = target.inputs[random.random_range(0..target.inputs.len())].clone();
    for _ in 0..random.random_range(1..8) {
        let at = random.random_range(0..bytes.len().max(1));
        match random.random_range(0..6) {
            0 if at < bytes.len() => bytes[at] = random.random(),
            1 if at < bytes.len() => bytes[at] ^= 1 << random.random_range(0..8),
            2 if at < bytes.len() => drop(bytes.remove(at)),
            3 => bytes.truncate(at),
            4 => {
                let token = TOKENS[random.random_range(0..TOKENS.len())];
                let end = (at + token.len()).min(bytes.len());
                drop(bytes.splice(at.min(end)..end, token.iter().copied()));
            }
            _ => {
                let end = (at + random.random_range(0..64)).min(bytes.len());
                let piece = bytes[at.min(end)..end].to_vec();
                drop(bytes.splice(at.min(end)..at.min(end), piece));
            }
        }
    }
    bytes.truncate(INPUT_BYTES_MAX);
    bytes
}

/// Runs a target on one changed input; the input is kept where it fails.
fn attempt(target: &Target, seed: u64) {
    let bytes = changed(target, seed);
    if catch_unwind(AssertUnwindSafe(|| (target.read)(&bytes))).is_err() {
        let kept = std::env::temp_dir().join(format!("driftline-fuzz-{}-{seed}", target.name));
        fs::write(&kept, &bytes).expect("written");
        panic!("{} fails with seed {seed}: {}", target.name, kept.display());
    }
}

#[test]
fn changed_inputs_end_in_rejects() {
    let folder = tempfile::tempdir().expect("a folder");
    let seconds = std::env::var("DRIFTLINE_FUZZ_SECONDS").ok();
    let seconds = seconds.map(|seconds| seconds.parse().expect("DRIFTLINE_FUZZ_SECONDS: seconds"));
    for target in targets(folder.path()) {
        for input in &target.inputs {
            (target.read)(input);
        }
        let Some(seconds) = seconds else {
            (0..INPUTS).for_each(|seed| attempt(&target, seed));
            continue;
        };
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
        let (first, begun) = (now.as_millis() as u64, Instant::now());
        let mut count = 0;
        while begun.elapsed() < Duration::from_secs(seconds) {
            attempt(&target, first + count);
            count += 1;
        }
        eprintln!("{}: {count} inputs from seed {first} on", target.name);
    }
}
