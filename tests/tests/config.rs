//! Config errors as golden texts, and the files that are made from the table of options.
//!
//! `config/NAME.toml` is read and everything that is said about it is compared with `config/NAME.txt`.
//! Run with `UPDATE_GOLDEN=1` to write what is expected, then review the difference.

use std::path::PathBuf;

use driftline::config;
use driftline_tests::{compare, repository};

#[test]
fn errors_are_told_as_recorded() {
    let mut faults = Vec::new();
    let mut cases = 0;
    let mut paths: Vec<PathBuf> = std::fs::read_dir(repository("tests/tests/config"))
        .expect("the folder of cases is there")
        .map(|entry| entry.expect("it can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    paths.sort();
    for path in paths {
        let text = std::fs::read_to_string(&path).expect("a case can be read");
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let reading = config::parse(&text, &name);
        assert_eq!(reading.config.is_some(), !reading.diagnostics.has_errors(), "{name}");
        assert!(!reading.diagnostics.items().is_empty(), "{name} has nothing wrong");
        faults
            .extend(compare(&path.with_extension("txt"), &reading.diagnostics.render(false)).err());
        cases += 1;
    }
    assert!(cases >= 12, "only {cases} cases were found");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
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
