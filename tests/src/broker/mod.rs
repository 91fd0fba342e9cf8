//! A real Apache Kafka broker for tests: started, frozen, killed and started again on loopback ports.
//!
//! It is a process of its own that never outlives the test, from jars that `tests/broker/fetch` fetches
//! once. Not here: anything of Driftline; what is read and written goes through librdkafka directly.

mod certificates;
mod node;
mod options;
mod topics;
mod traffic;

pub use certificates::Certificates;
pub use options::{Listener, Options, USERS};
pub use topics::unique;
pub use traffic::{Feed, Message, Sent, Visible};

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::repository;
use node::Node;

/// A broker: one of ours, or the one that `KAFKA_BOOTSTRAP_SERVERS` names.
#[derive(Debug)]
pub struct Broker {
    /// Where the open listener is.
    bootstrap: String,
    own: Option<Own>,
}

/// What is ours.
#[derive(Debug)]
struct Own {
    /// Running, or stopped for a while.
    node: Mutex<Option<Node>>,
    folder: PathBuf,
    log: PathBuf,
    ports: Vec<u16>,
    options: Options,
    certificates: Option<Certificates>,
}

impl Broker {
    /// The broker that all tests of a binary share; started by the first that asks. With
    /// `KAFKA_BOOTSTRAP_SERVERS` in the environment, that one.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Broker> = OnceLock::new();
        SHARED.get_or_init(|| match std::env::var("KAFKA_BOOTSTRAP_SERVERS") {
            Ok(bootstrap) => Self { bootstrap, own: None },
            Err(_) => Self::own(Options::default()),
        })
    }

    /// A broker for one test, which may stop it, or needs it to be set up otherwise.
    ///
    /// # Panics
    /// Where it does not start; the message holds the end of its log.
    pub fn own(options: Options) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        node::fetch();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let binary = std::env::current_exe().expect("a running test has a path");
        let stem = binary.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let stem = stem.rsplit_once('-').map_or(stem.as_str(), |(name, _)| name).to_owned();
        let logs = repository("target/kafka-logs");
        fs::create_dir_all(&logs).expect("target/ can be written");
        let log = logs.join(format!("{stem}-{number}.log"));
        let folder =
            std::env::temp_dir().join(format!("driftline-{}-{number}", std::process::id()));
        let mut said = String::new();
        // Another program may take a port between our look and the broker's.
        for _ in 0..3 {
            let _ = fs::remove_dir_all(&folder);
            let _ = fs::remove_file(&log);
            fs::create_dir_all(&folder).expect("a temporary folder can be made");
            let certificates =
                options.secured.then(|| Certificates::make(&folder.join("certificates")));
            let ports = free_ports(options.listeners().len() + 1);
            let text = options.properties(&folder, &ports, certificates.as_ref());
            let file = folder.join("server.properties");
            fs::write(&file, text).expect("a temporary folder can be written");
            let cluster = ["format", "--cluster-id", "driftline-driftline-00", "--config"];
            let mut arguments: Vec<String> = cluster.iter().map(|&word| word.to_owned()).collect();
            arguments.push(file.display().to_string());
            if options.secured {
                arguments.extend(options::scram());
            }
            node::tool("kafka.tools.StorageTool", &arguments);
            match Node::start(&folder, &log) {
                Ok(node) => {
                    let bootstrap = format!("127.0.0.1:{}", ports[0]);
                    let node = Mutex::new(Some(node));
                    let own = Own { node, folder, log, ports, options, certificates };
                    return Self { bootstrap, own: Some(own) };
                }
                Err(error) => said = error,
            }
        }
        panic!("the broker does not start: {said}");
    }

    /// `host:port` of the open listener.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// `host:port` of a listener.
    ///
    /// # Panics
    /// Where the broker has none of this kind.
    pub fn listener(&self, listener: Listener) -> String {
        let own = self.ours();
        let at = own.options.listeners().iter().position(|(known, ..)| *known == listener);
        let at = at.expect("only a broker with Options::secured has this listener");
        format!("127.0.0.1:{}", own.ports[at])
    }

    /// The certificates of a secured broker.
    ///
    /// # Panics
    /// Where it is not one.
    pub fn certificates(&self) -> &Certificates {
        self.ours().certificates.as_ref().expect("only a broker with Options::secured has them")
    }

    /// Lets a user of SASL do something: `arguments` as `kafka-acls` takes them after `--add`.
    pub fn allow(&self, arguments: &[&str]) {
        self.access("--add", arguments);
    }

    /// Takes it back.
    pub fn forbid(&self, arguments: &[&str]) {
        self.access("--remove", &[arguments, &["--force"]].concat());
    }

    fn access(&self, verb: &str, arguments: &[&str]) {
        let mut all =
            vec!["--bootstrap-server".to_owned(), self.bootstrap.clone(), verb.to_owned()];
        all.extend(arguments.iter().map(|&argument| argument.to_owned()));
        node::tool("org.apache.kafka.tools.AclCommand", &all);
    }

    /// Stops it in order, as an operator would.
    pub fn stop(&self) {
        if let Some(node) = self.take() {
            node.stop();
        }
    }

    /// Kills it at once.
    pub fn kill(&self) {
        drop(self.take());
    }

    /// Starts it again, on the same ports, with what it had on disk.
    ///
    /// # Panics
    /// Where it does not start, or runs.
    pub fn start(&self) {
        let own = self.ours();
        let mut node = own.node.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(node.is_none(), "the broker runs");
        let started = Node::start(&own.folder, &own.log);
        *node = Some(started.unwrap_or_else(|error| panic!("it does not start again: {error}")));
    }

    /// Holds it still: connections stay, nothing is answered.
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal("CONT");
    }

    /// Where its log is.
    pub fn log(&self) -> &std::path::Path {
        &self.ours().log
    }

    fn signal(&self, name: &str) {
        let node = self.ours().node.lock().unwrap_or_else(PoisonError::into_inner);
        node.as_ref().expect("the broker is stopped").signal(name);
    }

    fn take(&self) -> Option<Node> {
        self.ours().node.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn ours(&self) -> &Own {
        self.own.as_ref().expect("a broker of KAFKA_BOOTSTRAP_SERVERS is not ours to do this to")
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        drop(self.node.lock().unwrap_or_else(PoisonError::into_inner).take());
        // Left to the system's sweep of temporary folders where it cannot be removed.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A port that is free now.
pub fn free_port() -> u16 {
    free_ports(1)[0]
}

/// Ports that are free now. Below the range from which the system gives ports to clients: else a client
/// that tries again and again while the broker is down gets the broker's own port, and keeps it.
fn free_ports(count: usize) -> Vec<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 12_000;
    let start = (std::process::id().wrapping_mul(61) % u32::from(COUNT)) as u16;
    let mut held = Vec::new();
    for _ in 0..COUNT {
        if held.len() == count {
            break;
        }
        let at = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + start.wrapping_add(at) % COUNT;
        held.extend(TcpListener::bind(("127.0.0.1", port)).ok());
    }
    assert_eq!(held.len(), count, "no free ports on the loopback address");
    held.iter().filter_map(|socket| socket.local_addr().ok()).map(|at| at.port()).collect()
}
