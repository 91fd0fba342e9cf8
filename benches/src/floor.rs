//! The floor of what reads lines of `driftline generate`: a bare decode of them, by a program that is built
//! for speed alone (`benches/floor`) and that runs beside a bench.
//!
//! Not here: the clock. Asking and answering takes some microseconds of a round.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Why there is no floor.
#[derive(Debug, thiserror::Error)]
pub enum FloorError {
    /// `cargo` says why, on standard error.
    #[error("`cargo build --profile floor` failed: its message stands above")]
    Build,
    /// Something else of it cannot be run.
    #[error("the floor cannot be run: {0}")]
    Run(#[from] std::io::Error),
}

/// Where the floor reads from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FloorInput {
    /// The file, anew each time.
    File,
    /// Memory, where the file was read to once.
    Memory,
}

/// The program, waiting to be asked. It ends when this is dropped.
#[derive(Debug)]
pub struct Floor {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Floor {
    /// Builds the program where that was not done yet, which takes a minute, and starts it on a file.
    ///
    /// # Errors
    /// When it cannot be built or started.
    pub fn start(file: &Path, input: FloorInput) -> Result<Self, FloorError> {
        let mode = match input {
            FloorInput::File => "stream",
            FloorInput::Memory => "memory",
        };
        let mut child = Command::new(build()?)
            .arg(file)
            .arg(mode)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let missing = || std::io::Error::other("it has no pipes");
        let orders = Some(child.stdin.take().ok_or_else(missing)?);
        let answers = BufReader::new(child.stdout.take().ok_or_else(missing)?);
        let mut floor = Self { child, orders, answers };
        // The first answer comes when the file is in memory.
        floor.decode()?;
        Ok(floor)
    }

    /// Decodes all lines once; returns how many.
    ///
    /// # Errors
    /// When the program has ended: a line is not one of `driftline generate`.
    pub fn decode(&mut self) -> Result<u64, FloorError> {
        let ended = || std::io::Error::other("it has ended");
        self.orders.as_mut().ok_or_else(ended)?.write_all(b"\n")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        Ok(answer.trim().parse().map_err(std::io::Error::other)?)
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        // The end of its input ends it.
        self.orders = None;
        let _ = self.child.wait();
    }
}

/// Builds the program with its own profile, and says where it is.
fn build() -> Result<PathBuf, FloorError> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let status = Command::new(cargo)
        .current_dir(&root)
        .args([
            "build",
            "--quiet",
            "--locked",
            "--profile",
            "floor",
            "--package",
            "driftline-floor",
        ])
        .status()?;
    if !status.success() {
        return Err(FloorError::Build);
    }
    // A bench runs in target/PROFILE.
    let bench = std::env::current_exe()?;
    let target = bench
        .parent()
        .and_then(Path::parent)
        .map_or_else(|| root.join("target"), Path::to_path_buf);
    Ok(target.join("floor").join(format!("driftline-floor{}", std::env::consts::EXE_SUFFIX)))
}
