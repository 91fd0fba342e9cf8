//! Config errors as golden texts, and the files that are made from the table of options.
//!
//! `config/NAME.toml` is read and everything that is said about it is compared with `config/NAME.txt`. Those
//! that begin with `live_` are read as for running live, with the environment variables of [`variable`].
//! Run with `UPDATE_GOLDEN=1` to write what is expected, then review the difference.

use std::path::{Path, PathBuf};

use driftline::config::{self, Outside};
use driftline_tests::{compare, repository};

#[test]
fn errors_are_told_as_recorded() {
    let mut faults = Vec::new();
    let mut cases = 0;
    let mut paths: Vec<PathBuf> = std::fs::read_dir(repository("tests/tests/surface/config"))
        .expect("the folder of cases is there")
        .map(|entry| entry.expect("it can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    paths.sort();
    for path in paths {
        let text = std::fs::read_to_string(&path).expect("a case can be read");
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let outside = Outside { variable: &variable, folder: Path::new("there") };
        let reading = match name.starts_with("live_") {
            true => config::parse_live(&text, &name, &outside),
            false => config::parse(&text, &name),
        };
        assert_eq!(reading.config.is_some(), !reading.diagnostics.has_errors(), "{name}");
        assert!(!reading.diagnostics.items().is_empty(), "{name} has nothing wrong");
        faults
            .extend(compare(&path.with_extension("txt"), &reading.diagnostics.render(false)).err());
        let shown = format!("{reading:?}{}", reading.diagnostics.to_json());
        assert!(!shown.contains("swordfish"), "{name} shows a secret: {shown}");
        cases += 1;
    }
    assert!(cases >= 25, "only {cases} cases were found");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The environment that the cases see.
fn variable(name: &str) -> Option<String> {
    let all =
        [("BROKERS", "b:9092"), ("EMPTY", ""), ("FINDINGS", "findings"), ("TOKEN", "e30.e30.")];
    all.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into())
}

/// A config with literal secrets, which is wrong, and what one slip of the pen at each place makes of it.
#[test]
fn no_slip_of_the_pen_shows_a_secret() {
    let text = r#"preset = 'llm'
[kafka]
brokers = 'b:9'
sasl = { password = 'swordfish', mechanism = 'PLAIN' }
[kafka.tls]
key_password = "swordfish"
[kafka.properties]
ssl.key.pem = """
swordfish
"""
[state.options]
aws_secret_access_key = 'swordfish'
"#;
    let slips =
        [Some(""), Some("="), Some("'"), Some("\""), Some("{"), Some("\n"), Some("x"), None];
    let mut wrong = 0;
    for (at, slip) in (0..text.len()).flat_map(|at| slips.iter().map(move |slip| (at, slip))) {
        let slipped = match slip {
            Some(slip) => format!("{}{slip}{}", &text[..at], &text[at + 1..]),
            None => text[..at].to_owned(),
        };
        let reading = config::parse(&slipped, "slip");
        let shown = reading.diagnostics.render(false) + &reading.diagnostics.to_json().to_string();
        assert!(!shown.contains("swordfish"), "{slipped}\n\n{shown}");
        wrong += usize::from(reading.diagnostics.has_errors());
    }
    assert!(wrong > text.len() * 4, "only {wrong} were wrong");
}

#[test]
fn schema_and_manual_are_current() {
    let schema = serde_json::to_string_pretty(&config::schema::json_schema())
        .expect("a schema is JSON")
        + "\n";
    let faults: Vec<String> = [
        compare(&repository("schemas/config.v1.json"), &schema),
        compare(&repository("docs/config.md"), &config::manual::markdown()),
    ]
    .into_iter()
    .filter_map(Result::err)
    .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn schemas_are_valid_and_their_examples_fit() {
    for entry in std::fs::read_dir(repository("schemas")).expect("schemas/ is there") {
        let path = entry.expect("it can be read").path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a schema can be read");
        let schema: serde_json::Value = serde_json::from_str(&text).expect("a schema is JSON");
        let validator = jsonschema::draft202012::new(&schema)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for example in schema["examples"].as_array().into_iter().flatten() {
            if let Err(error) = validator.validate(example) {
                panic!("{}: an example does not fit: {error}", path.display());
            }
        }
    }
}

#[test]
fn the_schema_agrees_with_the_parser() {
    let validator =
        jsonschema::draft202012::new(&config::schema::json_schema()).expect("the schema is valid");
    let fits = |toml: &str| {
        let value: toml::Table = toml.parse().expect("TOML");
        validator.is_valid(&serde_json::to_value(value).expect("TOML is JSON here"))
    };
    for (_, _, preset) in config::presets::PRESETS {
        assert!(fits(preset));
    }
    for (toml, right) in [
        ("[time]\npane = '10s'\n", true),
        ("[time]\npane = 10\n", false),
        ("[time]\npan = '10s'\n", false),
        ("[time]\nformat = '%Y'\n", true),
        ("[time]\nformat = 'epoch'\n", false),
        ("[baseline]\nlearn = { events = 100, time = '1d' }\n", true),
        ("[baseline]\nlearn = { event = 100 }\n", false),
        ("[baseline.learn]\nevents = 3\n", false),
        ("[metrics]\na = false\n", true),
        ("[metrics]\na = true\n", false),
        ("[metrics.a]\nkind = 'flag'\nscalars = ['ratio']\n", true),
        ("[metrics.a]\nkind = 'flags'\n", false),
        ("[metrics.a]\nzone = -0.5\n", false),
        ("[keys]\nmodel = 'm'\nsegments = { area = 'geo.area' }\n", true),
        ("[keys]\nsegments = 3\n", false),
        ("[kafka]\nbrokers = 'b:9092'\n[source]\ntopics = ['t']\n", true),
        ("[kafka]\nbrokers = { env = 'B' }\n[source]\ntopics = ['t']\nmemory = '1GiB'\n", true),
        ("[kafka]\nbrokers = 'b'\nsasl = { mechanism = 'PLAIN', password = 'p' }\n", false),
        ("[kafka]\nbrokers = { var = 'B' }\n", false),
        ("[kafka]\nbrokers = 'b'\n[source]\ntopics = ['t']\nfrom = 'latest'\n", true),
        ("[kafka]\nbrokers = 'b'\n[source]\ntopics = ['t']\nfrom = 'last'\n", false),
        ("[source]\nmemory = 5\n", false),
        (
            "[kafka]\nbrokers = 'b'\nproperties = { linger.ms = 5 }\n[source]\ntopics = ['t']\n",
            true,
        ),
        ("[http]\nlisten = ''\n[state]\noptions = { aws_region = 'r' }\n", true),
        ("[http]\nlisten = 9187\n", false),
    ] {
        assert_eq!(fits(toml), right, "{toml}");
        let rest = "preset = 'llm'\n";
        let reading = config::parse(&format!("{rest}{toml}"), "t");
        if right && !toml.contains("a = false") {
            assert!(!reading.diagnostics.has_errors(), "{toml}: {}", reading.diagnostics);
        } else {
            assert!(reading.diagnostics.has_errors(), "{toml}");
        }
    }
}
