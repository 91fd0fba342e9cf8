//! HTTP of a running instance: the real server on a real port, asked by plain sockets.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use driftline::http::{Control, StatusPage, serve};
use driftline::telemetry::taps::TAPS_MAX;
use driftline::telemetry::{At, Health, Status, Taps, Telemetry};
use driftline_tests::telemetry::generator;
use rand::RngExt;
use serde_json::{Value, json};

/// A server on a free port of loopback; it ends with the test.
struct Server {
    address: SocketAddr,
    health: Health,
    taps: Taps,
    telemetry: Telemetry,
    control: crossbeam_channel::Receiver<Control>,
    _runtime: tokio::runtime::Runtime,
}

fn server() -> Server {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let listener =
        runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let (health, taps, telemetry) = (Health::new(), Taps::new(), Telemetry::new());
    let (asked, control) = crossbeam_channel::bounded(1);
    runtime.spawn(serve(listener, telemetry.clone(), health.clone(), taps.clone(), asked));
    Server { address, health, taps, telemetry, control, _runtime: runtime }
}

impl Server {
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        stream
    }

    /// Sends bytes and reads to the end. The way there stays open: who closes it is taken to have left.
    fn raw(&self, request: &[u8]) -> Vec<u8> {
        let mut stream = self.connect();
        // The server may close before it has read everything.
        let _ = stream.write_all(request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        answer
    }

    /// Status code and the rest of an answer.
    fn ask(&self, method: &str, path: &str, headers: &str) -> (u16, String) {
        let request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n");
        let answer = String::from_utf8(self.raw(request.as_bytes())).expect("text");
        let code = answer.get(9..12).and_then(|code| code.parse().ok());
        (code.unwrap_or_else(|| panic!("{method} {path}: {answer:?}")), answer)
    }

    fn get(&self, path: &str) -> (u16, String) {
        self.ask("GET", path, "Host: localhost\r\n")
    }

    /// A tap, read up to its first line.
    fn tap(&self, path: &str) -> std::io::Lines<std::io::BufReader<TcpStream>> {
        let mut stream = self.connect();
        write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").expect("it is sent");
        let mut lines = std::io::BufRead::lines(std::io::BufReader::new(stream));
        let first = lines.next().expect("an answer").expect("an answer");
        assert!(first.contains(" 200 "), "{first}");
        while !lines.next().expect("headers").expect("headers").is_empty() {}
        lines
    }
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").expect("headers end").1
}

/// Waits until it holds; fails after a bounded time.
fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn health_tells_its_reason() {
    let server = server();
    assert_eq!(server.get("/livez").0, 200);
    let (code, answer) = server.get("/readyz");
    assert_eq!((code, body(&answer)), (503, "starting\n"));
    server.health.ready(true, "standing by");
    let (code, answer) = server.get("/readyz");
    assert_eq!((code, body(&answer)), (200, "standing by\n"));
    assert!(server.get("/metrics").1.contains("\ndriftline_ready 1.0\n"));
    server.health.ready(false, "the sink takes nothing: topic findings is full");
    let (code, answer) = server.get("/readyz");
    assert_eq!((code, body(&answer)), (503, "the sink takes nothing: topic findings is full\n"));
    assert!(server.get("/metrics").1.contains("\ndriftline_ready 0.0\n"));
}

#[test]
fn pages_are_there_and_others_are_listed() {
    let server = server();
    let status = Status { pipeline: "llm".into(), state: "reading".into(), ..Status::default() };
    server.telemetry.set_status(status.clone());
    let (code, answer) = server.get("/status");
    let page: StatusPage = serde_json::from_str(body(&answer)).expect("a status");
    assert_eq!((code, page.status), (200, status));
    assert_eq!(page.version, env!("CARGO_PKG_VERSION"));
    assert!(page.uptime_s >= 0.0 && page.live.yes && !page.ready.yes);
    let (code, answer) = server.get("/metrics");
    assert!(
        code == 200
            && answer.contains("application/openmetrics-text")
            && answer.ends_with("# EOF\n")
    );
    let (code, answer) = server.get("/");
    assert!(code == 200 && answer.contains("<a href=\"/metrics\">"), "{answer}");
    let (code, answer) = server.get("/metric%73s?x=1");
    assert!(code == 404 && answer.contains("GET  /metrics"), "{answer}");
    assert_eq!(server.ask("POST", "/status", "Host: localhost\r\n").0, 405);
    assert_eq!(server.ask("HEAD", "/livez", "Host: localhost\r\n").0, 200);
}

#[test]
fn pages_of_strangers_are_refused() {
    let server = server();
    let (code, answer) = server.ask("GET", "/tap", "Host: evil.example\r\n");
    assert!(code == 403 && answer.contains("ask for localhost"), "{answer}");
    let own = "Host: 127.0.0.1\r\n";
    let (code, _) =
        server.ask("POST", "/-/reload", &format!("{own}Origin: http://evil.example\r\n"));
    assert_eq!(code, 403);
    assert!(server.control.is_empty());
}

#[test]
fn reload_tells_what_came_of_it() {
    let server = server();
    let answers = [
        (Ok("2 metrics more; baselines kept".to_owned()), 200, "2 metrics more; baselines kept\n"),
        (Err("line 3: unknown option".to_owned()), 422, "line 3: unknown option\n"),
    ];
    for (given, code, words) in answers {
        let got = std::thread::scope(|scope| {
            scope.spawn(|| {
                let Control::Reload(answer) =
                    server.control.recv_timeout(Duration::from_secs(10)).expect("it is asked");
                answer.send(given).expect("somebody waits");
            });
            server.ask("POST", "/-/reload", "Host: localhost\r\n")
        });
        assert_eq!((got.0, body(&got.1)), (code, words));
    }
    // One that is never answered, and a second while it waits in the queue.
    let mut waiting = server.connect();
    write!(waiting, "POST /-/reload HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("it is sent");
    until("the first is queued", || server.control.is_full());
    let (code, answer) = server.ask("POST", "/-/reload", "Host: localhost\r\n");
    assert!(code == 503 && answer.contains("another one is running"), "{answer}");
    drop(server.control.recv());
    let mut answer = [0; 12];
    waiting.read_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 503");
}

#[test]
fn junk_harms_nothing() {
    const SEED: u64 = 20_261_121;
    let server = server();
    let mut random = generator(SEED);
    let good = b"GET /tap?at=scores&model=a&every=7 HTTP/1.1\r\nHost: localhost\r\nX: y\r\n\r\n";
    for number in 0..300 {
        let mut request: Vec<u8> = match number % 3 {
            // Any bytes; a good request cut at any place; a good one with some bytes changed.
            0 => (0..random.random_range(0..400)).map(|_| random.random()).collect(),
            1 => good[..random.random_range(0..good.len() - 2)].to_vec(),
            _ => {
                let mut changed = good.to_vec();
                for _ in 0..random.random_range(1..6) {
                    let at = random.random_range(0..changed.len());
                    changed[at] = random.random();
                }
                changed
            }
        };
        request.truncate(500);
        // What happens to be a good tap would never end: its first bytes are enough.
        let mut stream = server.connect();
        let _ = stream.write_all(&request);
        let _ = stream.shutdown(Shutdown::Write);
        let _ = stream.read(&mut [0; 64]);
    }
    let line = format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "x".repeat(1 << 20));
    let header = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "y".repeat(1 << 20));
    for request in [line, header] {
        let answer = server.raw(request.as_bytes());
        assert!(!answer.starts_with(b"HTTP/1.1 200"), "a request without bound was taken");
    }
    let headers = format!("Host: localhost\r\nContent-Length: {}\r\n", 1_u64 << 40);
    assert_eq!(server.ask("POST", "/livez", &headers).0, 405);
    for query in
        ["at=nowhere", "every=0", "every=-1", "every=x", "colour=red", "at=panes&at=scores"]
    {
        let (code, answer) = server.get(&format!("/tap?{query}"));
        assert_eq!(code, 400, "{query}: {answer}");
    }
    until("all taps have ended", || server.taps.subscribers() == 0);
    assert_eq!(server.get("/livez").0, 200, "seed {SEED}");
}

#[test]
fn a_tap_streams_what_passes_until_the_client_leaves() {
    let server = server();
    let mut lines = server.tap("/tap?at=panes&model=a%20b&every=2");
    until("it looks", || server.taps.wanted(At::Panes));
    for number in 0..6 {
        server.taps.offer(At::Panes, "a b", "latency_ms", || json!({ "n": number }));
        server.taps.offer(At::Panes, "other", "latency_ms", || json!(null));
    }
    let mut got = Vec::new();
    while got.len() < 3 {
        let line = lines.next().expect("it goes on").expect("a line");
        let line: Value = serde_json::from_str(&line).expect("JSON");
        if line.get("tap").is_none() {
            assert_eq!((&line["model"], &line["metric"]), (&json!("a b"), &json!("latency_ms")));
            got.push(line["sample"]["n"].clone());
        }
    }
    assert_eq!(got, [0, 2, 4].map(|n| json!(n)));
    drop(lines);
    until("the tap has ended", || !server.taps.wanted(At::Panes));
}

#[test]
fn a_client_that_never_reads_slows_nobody() {
    const OFFERS: u32 = 400_000;
    let server = server();
    let stuck = server.tap("/tap?at=decode");
    until("it looks", || server.taps.wanted(At::Decode));
    let large = "x".repeat(1000);
    let begun = Instant::now();
    for _ in 0..OFFERS {
        server.taps.offer(At::Decode, "m", "", || json!(large));
    }
    let each = begun.elapsed() / OFFERS;
    assert!(each < Duration::from_micros(20), "an offer took {each:?}");
    let dropped = server.taps.dropped();
    assert!(dropped > u64::from(OFFERS) / 2, "{dropped} dropped");
    let counted = format!("\ndriftline_tap_dropped_total {dropped}\n");
    assert!(server.get("/metrics").1.contains(&counted));
    assert!(server.get("/metrics").1.contains(&counted), "counted once");

    let more: Vec<_> = (1..TAPS_MAX).map(|_| server.tap("/tap")).collect();
    let (code, answer) = server.get("/tap");
    assert!(code == 503 && answer.contains("the limit"), "{answer}");
    drop((stuck, more));
    until("all taps have ended", || server.taps.subscribers() == 0);
}

#[test]
fn connections_are_bounded_and_their_places_come_back() {
    let server = server();
    // Each is accepted, since it got an answer; it then stays open, silent.
    let mut open = Vec::new();
    for _ in 0..64 {
        let mut stream = server.connect();
        write!(stream, "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("it is sent");
        stream.read_exact(&mut [0; 12]).expect("an answer");
        open.push(stream);
    }
    let mut waiting = server.connect();
    write!(waiting, "GET /livez HTTP/1.0\r\nHost: localhost\r\n\r\n").expect("it is sent");
    waiting.set_read_timeout(Some(Duration::from_millis(300))).expect("a timeout");
    assert!(waiting.read(&mut [0; 12]).is_err(), "there was a place");
    open.pop();
    waiting.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    waiting.read_exact(&mut [0; 12]).expect("the place came back");
}
