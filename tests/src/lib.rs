//! What the tests share: where things are, the real binary, a real broker, golden files.

pub mod broker;
pub mod course;
pub mod guarded;
pub mod http_server;
pub mod laws;
pub mod live;
pub mod logs;
pub mod object_server;
pub mod promise;
pub mod steps;
pub mod streams;
pub mod telemetry;
pub mod together;
pub mod transcript;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// A path in the repository, given from its root.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The real binary, of the same profile as the running test.
///
/// # Panics
/// If it is missing or older than its sources: nothing is built here, and an old binary would pass for the
/// new one.
pub fn driftline() -> Command {
    binary("driftline", "cargo build --release -p driftline")
}

/// A program of `examples/`.
///
/// # Panics
/// As [`driftline`].
pub fn example(name: &str) -> Command {
    binary(&format!("examples/{name}"), "cargo build --release -p driftline --examples")
}

fn binary(name: &str, remedy: &str) -> Command {
    let test = std::env::current_exe().expect("a running test has a path");
    // A test runs in target/PROFILE/deps, a bench one above.
    let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let folders = test.ancestors().skip(1).take(2).map(|folder| folder.join(&name));
    let candidates: Vec<PathBuf> = folders.collect();
    let there = candidates.iter().position(|binary| binary.is_file()).unwrap_or(1);
    let binary = candidates[there].clone();
    let Some(built) = modified(&binary) else {
        panic!("{} is missing; build it first: {remedy}", binary.display())
    };
    let mut folders = ["pipeline/src", "detectors/src"].map(repository).to_vec();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("sources can be listed").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if modified(&path).is_some_and(|changed| changed > built) {
                let (binary, path) = (binary.display(), path.display());
                panic!("{binary} is older than {path}; build it first: {remedy}");
            }
        }
    }
    let mut command = Command::new(binary);
    command.env_remove("NO_COLOR").env("TERM", "xterm");
    command
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().ok()?.modified().ok()
}

/// Compares with a golden file; with `UPDATE_GOLDEN=1` in the environment, writes it.
pub fn compare(path: &Path, made: &str) -> Result<(), String> {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        return std::fs::write(path, made).map_err(|error| format!("{}: {error}", path.display()));
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    if expected == made {
        return Ok(());
    }
    Err(format!("{} is not current; run with UPDATE_GOLDEN=1. Now:\n{made}", path.display()))
}
