//! A program that never outlives the test, however the test ends: it runs under a shell that kills it once
//! the test is gone.
//!
//! Not here: what the program is. Its output goes to a log, at the end of what stands there.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A background shell reads the pipe from the test. A word there: the test ends the program and goes on.
/// The end of the stream: the test is dead, so the folder goes as well. `exec` keeps one process.
const GUARD: &str = r#"
exec 3<&0
folder=$1; log=$2; shift 2
"$@" </dev/null >>"$log" 2>&1 3<&- &
child=$!
(
    read -r word <&3 || word=dead
    kill -9 "$child"
    [ "$word" != dead ] || { sleep 0.3; rm -rf "$folder"; }
) >/dev/null 2>&1 &
exec 3<&-
echo "$child"
wait "$child"
"#;

/// A program that runs, or has ended.
#[derive(Debug)]
pub struct Guarded {
    guard: Child,
    pid: u32,
}

impl Guarded {
    /// Starts a program. `folder` is removed if the test dies. The environment of the command is kept.
    ///
    /// # Panics
    /// Where there is no shell.
    pub fn spawn(command: &Command, folder: &Path, log: &Path) -> Self {
        let mut guard = Command::new("sh");
        guard.arg("-c").arg(GUARD).arg("guard").arg(folder).arg(log);
        guard.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => guard.env(name, value),
                None => guard.env_remove(name),
            };
        }
        if let Some(folder) = command.get_current_dir() {
            guard.current_dir(folder);
        }
        // Not in our process group: Control-C reaches it through us.
        // On its standard error it tells that it killed the program.
        guard.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut guard = guard.spawn().expect("sh can be run");
        let mut line = String::new();
        let out = guard.stdout.take().expect("its output is a pipe");
        BufReader::new(out).read_line(&mut line).expect("the guard tells an id");
        let pid = line.trim().parse().unwrap_or_else(|_| panic!("the guard said {line:?}"));
        Self { guard, pid }
    }

    /// The id of the process.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Sends a signal, by the name that `kill` knows.
    ///
    /// # Panics
    /// Where the program is gone.
    pub fn signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.pid);
        let sent = Command::new("sh").args(["-c", &command]).status();
        assert!(sent.is_ok_and(|status| status.success()), "{command} failed");
    }

    /// How it ended, or none while it runs. A signal is 128 and its number.
    pub fn ended(&mut self) -> Option<i32> {
        self.guard.try_wait().ok().flatten().map(code)
    }

    /// Waits for its end.
    pub fn wait(&mut self, at_most: Duration) -> Option<i32> {
        let begun = Instant::now();
        loop {
            let ended = self.ended();
            if ended.is_some() || begun.elapsed() > at_most {
                return ended;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Kills it, if it runs, and waits until it is gone.
    pub fn kill(&mut self) {
        if let Some(mut stdin) = self.guard.stdin.take() {
            // Both shells may be gone already.
            let _ = stdin.write_all(b"end\n");
        }
        let _ = self.guard.wait();
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.kill();
    }
}

fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    fn start(folder: &Path, script: &str) -> Guarded {
        let mut command = Command::new("sh");
        command.args(["-c", script]).env("WORD", "swordfish");
        Guarded::spawn(&command, folder, &folder.join("log"))
    }

    #[test]
    fn ends_and_output_are_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut program = start(folder.path(), "echo $WORD; exit 7");
        assert_eq!(program.wait(SOON), Some(7));
        let log = std::fs::read_to_string(folder.path().join("log")).expect("a log");
        assert_eq!(log, "swordfish\n");
        let mut program = start(folder.path(), "exec sleep 60");
        assert_eq!(program.ended(), None);
        program.signal("TERM");
        assert_eq!(program.wait(SOON), Some(128 + 15));
        let mut program = start(folder.path(), "exec sleep 60");
        program.signal("STOP");
        program.kill();
        assert_eq!(program.ended(), Some(128 + 9));
        assert!(folder.path().exists());
    }

    /// The pipe closes as it does when this process dies.
    #[test]
    fn it_dies_with_the_test() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut program = start(folder.path(), "exec sleep 60");
        drop(program.guard.stdin.take());
        assert_eq!(program.wait(SOON), Some(128 + 9));
        let begun = Instant::now();
        while folder.path().exists() && begun.elapsed() < SOON {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(!folder.path().exists());
    }
}
