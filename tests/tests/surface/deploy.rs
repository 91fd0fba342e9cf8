//! The files of `deploy/`, as far as they can be judged without Docker, systemd and Kubernetes, which are not
//! asked for here: they are well-formed, what they name exists, their configs are right, and every command
//! line in them is one that Driftline takes.

use std::collections::BTreeSet;
use std::path::PathBuf;

use driftline_tests::{driftline, repository};
use saphyr::{LoadableYamlNode, Yaml};
use serde_json::{Map, Value, json};

fn file(name: &str) -> String {
    let path = repository("deploy").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The documents of a YAML file, anchors resolved.
fn documents(name: &str) -> Vec<Value> {
    let text = file(name);
    let documents = Yaml::load_from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    documents.iter().map(value).collect()
}

fn value(yaml: &Yaml<'_>) -> Value {
    if let Some(mapping) = yaml.as_mapping() {
        let entry = |(key, of): (&Yaml<'_>, &Yaml<'_>)| {
            (key.as_str().expect("keys are texts").to_owned(), value(of))
        };
        return Value::Object(mapping.iter().map(entry).collect::<Map<_, _>>());
    }
    if let Some(items) = yaml.as_vec() {
        return Value::Array(items.iter().map(value).collect());
    }
    let text = yaml.as_str().map(|text| json!(text));
    let number = || yaml.as_integer().map(|number| json!(number));
    let flag = || yaml.as_bool().map(|flag| json!(flag));
    text.or_else(number).or_else(flag).unwrap_or(Value::Null)
}

fn texts(of: &Value) -> Vec<&str> {
    of.as_array().map(|items| items.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
}

/// Fails where Driftline does not know the command line. Nothing is run.
fn is_known(words: &[&str]) {
    let mut command = driftline::cli::command();
    command.build();
    let given = ["driftline"].iter().chain(words).copied();
    let parsed = command.try_get_matches_from(given);
    assert!(
        parsed.is_ok(),
        "{words:?}: {}",
        parsed.err().map(|e| e.to_string()).unwrap_or_default()
    );
}

/// Fails where `driftline check` finds anything in a config.
fn is_right(config: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("driftline.toml");
    std::fs::write(&path, config).expect("a config");
    let mut check = driftline();
    check.args(["check", "--offline"]).arg(&path);
    let out = check.output().expect("driftline can be run");
    let said = String::from_utf8_lossy(&out.stdout) + String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{said}\n{config}");
    // In a container all addresses are the container's own; the README of deploy/ says what to see to.
    let warnings = said.lines().filter(|line| line.starts_with("warning"));
    let others: Vec<&str> =
        warnings.filter(|line| !line.contains("anyone who can reach")).collect();
    assert!(others.is_empty(), "{said}\n{config}");
}

#[test]
fn compose() {
    let documents = documents("compose.yaml");
    let [compose] = documents.as_slice() else { panic!("one document") };
    let services = compose["services"].as_object().expect("services");
    let named: BTreeSet<&str> =
        compose["volumes"].as_object().expect("volumes").keys().map(String::as_str).collect();
    let expected = ["driftline", "feed", "generate", "kafka", "prometheus", "topics"];
    let mut names: Vec<&str> = services.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, expected);
    for (name, service) in services {
        let image = service["image"].as_str().expect("an image");
        let (_, tag) = image.split_once(':').expect("a tag");
        assert_ne!(tag, "latest", "{name}: an image that changes by itself");
        for volume in texts(&service["volumes"]) {
            let source = volume.split(':').next().unwrap_or_default();
            let is_there = match source.strip_prefix("./") {
                Some(file) => repository("deploy").join(file).is_file(),
                None => named.contains(source),
            };
            assert!(is_there, "{name}: {source} does not exist");
        }
        if let Some(awaited) = service["depends_on"].as_object() {
            for (other, how) in awaited {
                let other = services.get(other).unwrap_or_else(|| panic!("{name} awaits {other}"));
                if how["condition"] == "service_healthy" {
                    assert!(
                        other["healthcheck"].is_object(),
                        "{name} awaits health that is not told"
                    );
                }
            }
        }
        for port in texts(&service["ports"]) {
            assert!(port.starts_with("127.0.0.1:"), "{name}: {port} is open to strangers");
        }
        if image.starts_with("driftline:") {
            let words = service["command"].as_str().expect("a command");
            is_known(&words.split_whitespace().collect::<Vec<_>>());
            let build = &service["build"];
            let root = PathBuf::from("deploy").join(build["context"].as_str().expect("a context"));
            let dockerfile = build["dockerfile"].as_str().expect("a Dockerfile");
            assert!(repository("").join(root).join(dockerfile).is_file(), "{name}: {dockerfile}");
        }
    }
    // The example's broker is the one that the tests run against.
    let kafka = services["kafka"]["image"].as_str().expect("an image");
    let pom = std::fs::read_to_string(repository("tests/broker/pom.xml")).expect("pom.xml");
    let version = kafka.rsplit(':').next().unwrap_or_default();
    assert!(
        pom.contains(&format!("<kafka.version>{version}<")),
        "{kafka} is not that of the tests"
    );
    is_right(&file("driftline.toml"));
    // Topics, ports and names agree.
    let config: toml::Table = file("driftline.toml").parse().expect("TOML");
    assert_eq!(config["kafka"]["brokers"].as_str(), Some("kafka:9092"));
    let feed = texts(&services["feed"]["command"]).join(" ");
    let topic = config["source"]["topics"][0].as_str().expect("a topic");
    assert_eq!(feed.matches(&format!("--topic {topic} ")).count(), 2, "{feed}");
    let scrape = documents_of_prometheus();
    assert_eq!(scrape["scrape_configs"][0]["static_configs"][0]["targets"][0], "driftline:9187");
    assert_eq!(config["http"]["listen"].as_str(), Some("0.0.0.0:9187"));
}

fn documents_of_prometheus() -> Value {
    documents("prometheus.yaml").remove(0)
}

#[test]
fn dockerfile() {
    let text = file("Dockerfile");
    let line = |start: &str| {
        let found = text.lines().find_map(|line| line.strip_prefix(start));
        found.unwrap_or_else(|| panic!("no {start}")).to_owned()
    };
    let entry: Vec<String> = serde_json::from_str(&line("ENTRYPOINT ")).expect("exec form");
    let words: Vec<String> = serde_json::from_str(&line("CMD ")).expect("exec form");
    assert_eq!(entry, ["driftline"]);
    is_known(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(line("USER "), "driftline");
    let ignored = std::fs::read_to_string(repository(".dockerignore")).expect(".dockerignore");
    assert!(ignored.lines().any(|line| line == "target"), "the build's output would be sent");
}

#[test]
fn service() {
    let text = file("driftline.service");
    let mut commands = 0;
    for line in text.lines() {
        let Some((key, line)) =
            line.split_once('=').filter(|(key, _)| key.starts_with("ExecStart"))
        else {
            continue;
        };
        let mut words = line.split_whitespace();
        assert_eq!(words.next(), Some("/usr/local/bin/driftline"), "{key}");
        is_known(&words.collect::<Vec<_>>());
        commands += 1;
    }
    assert_eq!(commands, 2);
    let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key));
    // Longer than a drain may take.
    let stop: u64 = value("TimeoutStopSec=").and_then(|s| s.parse().ok()).expect("seconds");
    assert!(stop > 10);
    assert_eq!(value("Restart="), Some("always"));
}

#[test]
fn kubernetes() {
    let documents = documents("kubernetes.yaml");
    let of = |kind: &str| {
        let found = documents.iter().find(|document| document["kind"] == kind);
        found.unwrap_or_else(|| panic!("no {kind}")).clone()
    };
    is_right(of("ConfigMap")["data"]["driftline.toml"].as_str().expect("a config"));
    let deployment = of("Deployment");
    let pod = &deployment["spec"]["template"];
    assert_eq!(deployment["spec"]["selector"]["matchLabels"], pod["metadata"]["labels"]);
    assert!(pod["spec"]["terminationGracePeriodSeconds"].as_i64() > Some(10));
    let container = &pod["spec"]["containers"][0];
    is_known(&texts(&container["args"]));
    for (probe, path) in [("livenessProbe", "/livez"), ("readinessProbe", "/readyz")] {
        assert_eq!(container[probe]["httpGet"]["path"], path);
    }
    let mounts = container["volumeMounts"].as_array().expect("mounts");
    let volumes = pod["spec"]["volumes"].as_array().expect("volumes");
    for mount in mounts {
        assert!(volumes.iter().any(|volume| volume["name"] == mount["name"]), "{mount}");
    }
    let label = &of("NetworkPolicy")["spec"]["podSelector"]["matchLabels"];
    assert_eq!(*label, pod["metadata"]["labels"]);
}
