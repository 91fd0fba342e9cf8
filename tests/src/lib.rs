//! What the tests share: where things are, the real binary, a real broker, golden files.

pub mod broker;
pub mod course;
pub mod guarded;
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
    let test = std::env::current_exe().expect("a running test has a path");
    // A test runs in target/PROFILE/deps, a bench one above.
    let name = format!("driftline{}", std::env::consts::EXE_SUFFIX);
    let folders = test.ancestors().skip(1).take(2).map(|folder| folder.join(&name));
    let candidates: Vec<PathBuf> = folders.collect();
    let there = candidates.iter().position(|binary| binary.is_file()).unwrap_or(1);
    let binary = candidates[there].clone();
    let remedy = "build it first: cargo build --release -p driftline";
    let Some(built) = modified(&binary) else {
        panic!("{} is missing; {remedy}", binary.display())
    };
    let mut folders = vec![repository("pipeline/src"), repository("detectors/src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("sources can be listed").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if modified(&path).is_some_and(|changed| changed > built) {
                panic!("{} is older than {}; {remedy}", binary.display(), path.display());
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
