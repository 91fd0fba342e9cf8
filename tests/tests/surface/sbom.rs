//! The bill of materials (`just sbom`) against Cargo.lock: what it names is there, with the same checksum,
//! and nothing that the program links is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use driftline_tests::repository;
use serde_json::Value;

/// Name and version to checksum, of each package of Cargo.lock.
fn locked() -> BTreeMap<(String, String), Option<String>> {
    let text = std::fs::read_to_string(repository("Cargo.lock")).expect("Cargo.lock");
    let lock: toml::Table = toml::from_str(&text).expect("TOML");
    let packages = lock["package"].as_array().expect("packages");
    let field = |package: &toml::Value, name: &str| {
        package.get(name).and_then(toml::Value::as_str).map(str::to_owned)
    };
    let entry = |package| {
        let name = field(package, "name").expect("a name");
        ((name, field(package, "version").expect("a version")), field(package, "checksum"))
    };
    packages.iter().map(entry).collect()
}

fn sbom() -> String {
    let made = Command::new("python3").arg(repository("deploy/sbom.py")).output();
    let made = made.expect("python3 can be run");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8(made.stdout).expect("UTF-8")
}

#[test]
fn the_bill_of_materials_says_what_cargo_lock_says() {
    let text = sbom();
    assert_eq!(text, sbom(), "the same sources give the same bytes");
    let sbom: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&sbom["bomFormat"], &sbom["specVersion"]), (&"CycloneDX".into(), &"1.6".into()));
    assert_eq!(sbom["metadata"]["component"]["name"], "driftline");
    let locked = locked();
    let mut names = BTreeSet::new();
    for component in sbom["components"].as_array().expect("components") {
        let told = |name: &str| component[name].as_str().expect("a text").to_owned();
        let (name, version) = (told("name"), told("version"));
        let checksum = component["hashes"][0]["content"].as_str().map(str::to_owned);
        let known = locked.get(&(name.clone(), version.clone()));
        assert_eq!(known, Some(&checksum), "{name} {version}");
        assert_eq!(told("purl"), format!("pkg:cargo/{name}@{version}"));
        assert!(component["licenses"][0]["expression"].is_string(), "{name} has no licence");
        names.insert(name);
    }
    // What the program links, directly and not; and not what only tests do.
    for linked in ["rdkafka-sys", "openssl-src", "arrow-ipc", "driftline-detectors", "ring"] {
        assert!(names.contains(linked), "{linked} is missing");
    }
    for of_tests in ["tempfile", "jsonschema", "saphyr", "sonic-rs", "driftline-tests"] {
        assert!(!names.contains(of_tests), "{of_tests} is of tests only");
    }
    let all: BTreeSet<&str> = sbom["components"]
        .as_array()
        .into_iter()
        .flatten()
        .chain([&sbom["metadata"]["component"]])
        .filter_map(|component| component["bom-ref"].as_str())
        .collect();
    for dependency in sbom["dependencies"].as_array().expect("dependencies") {
        let ends = dependency["dependsOn"].as_array().into_iter().flatten();
        for end in ends.chain([&dependency["ref"]]) {
            assert!(all.contains(end.as_str().expect("a reference")), "{end} is no component");
        }
    }
}
