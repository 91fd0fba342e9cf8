//! A server that speaks S3's protocol, for tests of snapshots in object stores: moto, in Python, on a free
//! loopback port.
//!
//! It keeps objects in memory, and never outlives the test. `tests/object_server/fetch` fetches it once.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::repository;

/// A server that does not answer within this time has failed.
const START: Duration = Duration::from_secs(60);

/// Ends the server when its standard input ends: with the caller, however that went.
const GUARD: &str = r#"
"$@" </dev/null >/dev/null 2>&1 &
server=$!
read -r word || true
kill -9 "$server" 2>/dev/null
wait
"#;

/// A server that runs.
#[derive(Debug)]
pub struct ObjectServer {
    guard: Child,
    port: u16,
}

impl ObjectServer {
    /// Starts a server without buckets.
    ///
    /// # Panics
    /// Where it cannot be had, or does not start; the message says what is missing.
    pub fn start() -> Self {
        let fetch = Command::new(repository("tests/object_server/fetch")).output();
        let fetch = fetch.expect("tests/object_server/fetch can be run");
        let said = String::from_utf8_lossy(&fetch.stderr).trim().to_owned();
        assert!(fetch.status.success(), "no object server: {said}");
        // Another program may take the port between our look and the server's.
        let started = (0..3).find_map(|_| Self::try_start());
        started.expect("moto starts; see `target/test-tools/moto/bin/moto_server`")
    }

    fn try_start() -> Option<Self> {
        let port = free_port();
        let server = repository("target/test-tools/moto/bin/moto_server");
        let mut guard = Command::new("sh");
        guard.args(["-c", GUARD, "guard"]).arg(server);
        guard.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        guard.process_group(0).stdin(Stdio::piped());
        let server = Self { guard: guard.spawn().ok()?, port };
        let begun = Instant::now();
        while begun.elapsed() < START {
            if server.ask("GET", "/").is_some_and(|answer| answer.contains(" 200 ")) {
                return Some(server);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        None
    }

    /// `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Makes a bucket.
    ///
    /// # Panics
    /// Where the server refuses.
    pub fn make_bucket(&self, name: &str) {
        let answer = self.ask("PUT", &format!("/{name}"));
        assert!(answer.as_ref().is_some_and(|a| a.contains(" 200 ")), "{answer:?}");
    }

    /// What the server answers to a request without a body.
    fn ask(&self, method: &str, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        Some(String::from_utf8_lossy(&answer).into_owned())
    }
}

impl Drop for ObjectServer {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        // The guard waits for the server, so nothing is left when it is gone.
        let _ = self.guard.wait();
    }
}

/// A port that is free now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free loopback port");
    listener.local_addr().expect("a bound listener has an address").port()
}
