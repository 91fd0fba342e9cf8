//! TLS, mutual TLS, SCRAM, PLAIN and OAUTHBEARER against a real broker with access control lists: the good
//! ones work with the rights that docs/kafka.md lists and no more, the bad ones are told with the remedy,
//! and no output shows a secret.

#![allow(clippy::print_stdout)] // how long each took

use std::path::Path;
use std::time::{Duration, Instant};

use driftline_tests::broker::{Broker, Listener, Options, USERS};
use driftline_tests::driftline;
use driftline_tests::live::course::CONFIG;
use driftline_tests::live::{Course, Pipeline, Promise, Reference, Shape, Verdict};

const SOON: Duration = Duration::from_secs(60);
/// Told and ended within this time, with a broker that lets nobody in.
const TOLD: Duration = Duration::from_secs(60);
/// A password that no broker knows; it must not show either.
const WRONG: &str = "swordfish-and-chips";

fn path(path: &Path) -> String {
    path.display().to_string()
}

/// A config that logs in, with secrets in files beside it.
struct Login {
    name: &'static str,
    listener: Listener,
    /// Name and lines of the sections besides `[kafka]`.
    sections: Vec<(&'static str, String)>,
    /// The secret in the file `secret`.
    secret: String,
}

impl Login {
    fn sasl(
        name: &'static str,
        mechanism: &str,
        user: &str,
        secret: &str,
        authority: &Path,
    ) -> Self {
        let tls = ("kafka.tls", format!("ca_file = \"{}\"", path(authority)));
        let user = format!("username = \"{user}\"\npassword = {{ file = \"secret\" }}");
        let sasl = ("kafka.sasl", format!("mechanism = \"{mechanism}\"\n{user}"));
        let sections = vec![tls, sasl];
        Self { name, listener: Listener::Sasl, sections, secret: secret.to_owned() }
    }

    fn tls(name: &'static str, listener: Listener, lines: &[(&str, &Path)]) -> Self {
        let lines: String =
            lines.iter().map(|(name, file)| format!("{name} = \"{}\"\n", path(file))).collect();
        Self { name, listener, sections: vec![("kafka.tls", lines)], secret: String::new() }
    }

    fn token(name: &'static str, token: String, authority: &Path) -> Self {
        let tls = ("kafka.tls", format!("ca_file = \"{}\"", path(authority)));
        let sasl = "mechanism = \"OAUTHBEARER\"\ntoken = { file = \"secret\" }".to_owned();
        let sections = vec![tls, ("kafka.sasl", sasl)];
        Self { name, listener: Listener::Sasl, sections, secret: token }
    }

    fn pipeline<'a>(&self, broker: &'a Broker) -> Pipeline<'a> {
        let mut options = self.sections.clone();
        options.push(("kafka", format!("brokers = \"{}\"", broker.listener(self.listener))));
        let pipeline = Pipeline::new(broker, Shape { options, ..Shape::new(CONFIG) });
        let file = pipeline.folder().join("secret");
        std::fs::write(file, format!("{}\n", self.secret)).expect("the folder can be written");
        pipeline
    }
}

/// The rights that docs/kafka.md lists, for a principal.
fn grant(broker: &Broker, principal: &str, pipeline: &Pipeline<'_>) {
    let allow = |what: &[&str], operations: &[&str]| {
        let operations = operations.iter().flat_map(|name| ["--operation", name]);
        let all: Vec<&str> = ["--allow-principal", principal]
            .into_iter()
            .chain(operations)
            .chain(what.iter().copied())
            .collect();
        broker.allow(&all);
    };
    let sinks = [&pipeline.findings, &pipeline.alerts, &pipeline.quarantine, &pipeline.journal];
    let sinks: Vec<&str> = sinks.iter().flat_map(|topic| ["--topic", topic]).collect();
    allow(&["--topic", &pipeline.input, "--topic", &pipeline.journal], &["Read"]);
    allow(&["--group", &pipeline.group], &["Read"]);
    allow(&sinks, &["Write", "Describe"]);
    let id = format!("course.{}", pipeline.group);
    let check = format!("{}.check", pipeline.group);
    allow(&["--transactional-id", &id], &["Write", "Describe"]);
    allow(&["--transactional-id", &check], &["Write", "Describe"]);
}

fn check(pipeline: &Pipeline<'_>) -> (String, Option<i32>) {
    let config = pipeline.config("check", driftline_tests::broker::free_port());
    let output = driftline().arg("check").arg(config).output().expect("driftline runs");
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (text.into_owned(), output.status.code())
}

/// An unsecured JSON Web Token, as development brokers take them.
fn token(user: &str, expires_s: u64) -> String {
    let base64 = |text: &str| -> String {
        const LETTERS: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let letters = text.as_bytes().chunks(3).flat_map(|part| {
            let bits = part.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte));
            let bits = bits << (8 * (3 - part.len()));
            (0..=part.len()).map(move |at| LETTERS[(bits >> (18 - 6 * at) & 63) as usize])
        });
        letters.map(char::from).collect()
    };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.expect("after 1970").as_secs();
    let claims = format!("{{\"sub\":\"{user}\",\"iat\":{},\"exp\":{}}}", now - 60, now + expires_s);
    format!("{}.{}.", base64("{\"alg\":\"none\"}"), base64(&claims))
}

#[test]
fn good_and_bad_logins() {
    let broker = Broker::own(Options { secured: true, guarded: true, ..Options::default() });
    let certificates = broker.certificates();
    let (ours, stranger) = (&certificates.authority, &certificates.stranger);
    let (alice, bob) = (USERS[0], USERS[1]);

    // The whole way, with the rights of the documentation alone.
    let login = Login::sasl("SCRAM over TLS", "SCRAM-SHA-512", alice.0, alice.1, ours);
    let pipeline = login.pipeline(&broker);
    let (text, code) = check(&pipeline);
    assert_eq!(code, Some(1), "no rights yet: {text}");
    assert!(text.contains("allow this user"), "{text}");
    grant(&broker, "User:alice", &pipeline);
    let (text, code) = check(&pipeline);
    assert_eq!(code, Some(0), "{text}");
    let course = Course { minutes: 20, ..Course::new(61) };
    let records = course.records();
    let folder = tempfile::tempdir().expect("a folder");
    let expected = Reference::of(&records, CONFIG, folder.path());
    assert!(!expected.findings.is_empty());
    let mut member = pipeline.start("one", None);
    member.wait_ready();
    let (first, second) = records.split_at(records.len() / 2);
    pipeline.send(first.iter().cloned());
    Broker::wait_until("half is committed", SOON, || pipeline.left() == 0);
    // A right is taken away: it waits, says which, and goes on when it is back.
    let write = [
        "--allow-principal",
        "User:alice",
        "--operation",
        "Write",
        "--topic",
        &pipeline.quarantine,
    ];
    broker.forbid(&write);
    pipeline.send(second.iter().cloned());
    let told = || {
        let answer = member.get("/readyz");
        answer.is_some_and(|(status, text)| {
            // A broker that refuses a transaction's topics as a whole does not say which one it was.
            status == 503 && text.contains("Write on topic") && text.contains(&pipeline.quarantine)
        })
    };
    Broker::wait_until("/readyz names the right", SOON, told);
    let answers: String = ["/readyz", "/status", "/metrics"]
        .iter()
        .filter_map(|at| Some(member.get(at)?.1))
        .collect();
    assert!(pipeline.left() > 0, "committed without its results");
    broker.allow(&write);
    Broker::wait_until("all is committed", SOON, || pipeline.left() == 0);
    let (code, _) = member.stop();
    assert_eq!(code, 0, "a drain:\n{}", member.last());
    let verdict = Verdict::of(&pipeline, &expected, Promise::Once, &course.passed(&records));
    verdict.demand("over TLS and SCRAM");
    let told = answers + &member.log() + &text;
    assert!(told.len() > 1_000 && !told.contains(alice.1), "the password shows");

    // Others, by a look of `check`: what must be told, and the exit code.
    let client: &[(&str, &Path)] = &[
        ("ca_file", ours),
        ("certificate_file", &certificates.client),
        ("key_file", &certificates.client_key),
    ];
    let strange: &[(&str, &Path)] = &[
        ("ca_file", ours),
        ("certificate_file", &certificates.stranger_client),
        ("key_file", &certificates.stranger_client_key),
    ];
    let plain = Login {
        name: "no TLS to a TLS port",
        listener: Listener::Sasl,
        sections: Vec::new(),
        secret: String::new(),
    };
    let expired = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSIsImlhdCI6MSwiZXhwIjoyfQ.";
    let cases: Vec<(Login, i32, &str)> = vec![
        (Login::sasl("PLAIN", "PLAIN", alice.0, alice.1, ours), 0, "lets us in"),
        (Login::sasl("SCRAM-SHA-256", "SCRAM-SHA-256", alice.0, alice.1, ours), 0, "lets us in"),
        (Login::tls("mutual TLS", Listener::MutualTls, client), 0, "lets us in"),
        (Login::token("OAUTHBEARER", token("alice", 3_600), ours), 0, "lets us in"),
        (Login::sasl("wrong password", "SCRAM-SHA-512", alice.0, WRONG, ours), 1, "check username"),
        (Login::sasl("wrong password, PLAIN", "PLAIN", alice.0, WRONG, ours), 1, "check username"),
        (Login::sasl("unknown user", "SCRAM-SHA-256", "mallory", WRONG, ours), 1, "check username"),
        (Login::sasl("no rights", "SCRAM-SHA-512", bob.0, bob.1, ours), 1, "allow this user"),
        (Login::sasl("another CA", "SCRAM-SHA-512", alice.0, alice.1, stranger), 1, "trust the CA"),
        (
            Login::tls("another CA, no login", Listener::Tls, &[("ca_file", stranger)]),
            1,
            "trust the CA",
        ),
        (
            Login::tls("no client certificate", Listener::MutualTls, &[("ca_file", ours)]),
            1,
            "client certificate",
        ),
        (
            Login::tls("a stranger's certificate", Listener::MutualTls, strange),
            1,
            "client certificate",
        ),
        (Login::token("expired token", expired.into(), ours), 1, "token"),
        (plain, 1, "fit the port"),
    ];
    let pipelines: Vec<Pipeline<'_>> =
        cases.iter().map(|(login, ..)| login.pipeline(&broker)).collect();
    for ((login, code, _), pipeline) in cases.iter().zip(&pipelines) {
        let principal = if login.name == "mutual TLS" { "User:CN=client" } else { "User:alice" };
        if *code == 0 {
            grant(&broker, principal, pipeline);
        }
    }
    std::thread::scope(|scope| {
        for ((login, expected, words), pipeline) in cases.iter().zip(&pipelines) {
            scope.spawn(move || {
                let begun = Instant::now();
                let (text, code) = check(pipeline);
                let took = begun.elapsed();
                println!("{}: {code:?} after {took:?}", login.name);
                assert_eq!(code, Some(*expected), "{}: {text}", login.name);
                let words = if *expected == 0 { "tried and aborted" } else { words };
                assert!(text.contains(words), "{}, {words}: {text}", login.name);
                assert!(took < TOLD, "{} took {took:?}", login.name);
                let secret = &login.secret;
                assert!(
                    secret.is_empty() || !text.contains(secret),
                    "{} shows: {text}",
                    login.name
                );
            });
        }
    });

    // `run` tells the same, and ends with the code of an environment that is wrong.
    let login = Login::sasl("run", "SCRAM-SHA-512", alice.0, WRONG, ours);
    let pipeline = login.pipeline(&broker);
    let mut member = pipeline.start("wrong", None);
    assert_eq!(member.wait(TOLD), Some(3), "{}", member.last());
    let log = member.log();
    assert!(log.contains("check username") && !log.contains(WRONG), "{log}");
}
