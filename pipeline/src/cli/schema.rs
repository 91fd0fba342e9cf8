//! `driftline schema`: JSON Schemas of what is read and written, each made from the type that is written
//! where there is one.
//!
//! Invariant: they are the files of `schemas/` (a test compares them, and rewrites the files on demand).

use std::process::ExitCode;

use anyhow::bail;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::Terminal;
use crate::config::schema::json_schema;
use crate::model::{Alert, Finding};
use crate::synth::Truth;

/// Print the schema of a file that Driftline reads or writes
///
/// Schemas are JSON Schema 2020-12, with examples. With the schema of the config, an editor completes
/// and checks it while you type.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  driftline schema                             List the schemas
  driftline schema config > config.schema.json Write the config's schema for an editor
  driftline schema finding | jq .properties    See what is in a finding")]
pub struct Args {
    /// Name of the schema [default: list them]
    #[arg(value_parser = SCHEMAS.iter().map(|entry| entry.name).collect::<Vec<_>>())]
    name: Option<String>,
}

/// A schema that can be printed.
struct Entry {
    name: &'static str,
    /// What it describes, in the list.
    about: &'static str,
    origin: Origin,
}

/// Where a schema comes from.
enum Origin {
    /// The table of options.
    Options,
    /// The type that is written, and examples, a JSON array.
    Type(fn() -> Value, &'static str),
    /// Written by hand: what is read, or of which only a part is promised.
    File(&'static str),
}

const SCHEMAS: &[Entry] = &[
    Entry { name: "config", about: "the config", origin: Origin::Options },
    Entry {
        name: "event",
        about: "an event, with an example for each preset",
        origin: Origin::File(include_str!("../../../schemas/event.v1.json")),
    },
    Entry {
        name: "finding",
        about: "a line of findings.ndjson",
        origin: Origin::Type(of::<Finding>, include_str!("../../../schemas/examples/finding.json")),
    },
    Entry {
        name: "alert",
        about: "a line of alerts.ndjson",
        origin: Origin::Type(of::<Alert>, include_str!("../../../schemas/examples/alert.json")),
    },
    Entry {
        name: "anomaly",
        about: "a record on the topic of surprising events",
        origin: Origin::File(include_str!("../../../schemas/anomaly.v1.json")),
    },
    Entry {
        name: "reject",
        about: "a line of rejects.ndjson",
        origin: Origin::File(include_str!("../../../schemas/reject.v1.json")),
    },
    Entry {
        name: "baseline",
        about: "a line of a baseline file",
        origin: Origin::File(include_str!("../../../schemas/baseline.v1.json")),
    },
    Entry {
        name: "truth",
        about: "truth.json of a generated set",
        origin: Origin::Type(of::<Truth>, include_str!("../../../schemas/examples/truth.json")),
    },
];

/// Prints one schema, or their list.
pub fn run(args: Args, terminal: &Terminal) -> anyhow::Result<ExitCode> {
    let Some(name) = args.name else {
        let list = SCHEMAS.iter().map(|entry| format!("{:<10}{}\n", entry.name, entry.about));
        terminal.print(&list.collect::<String>())?;
        return Ok(ExitCode::SUCCESS);
    };
    let Some(entry) = SCHEMAS.iter().find(|entry| entry.name == name) else {
        bail!("there is no schema {name}; see `driftline schema` for a list");
    };
    terminal.print(&entry.text()?)?;
    Ok(ExitCode::SUCCESS)
}

impl Entry {
    /// The schema as JSON text.
    fn text(&self) -> anyhow::Result<String> {
        let schema = match self.origin {
            Origin::File(text) => return Ok(text.to_owned()),
            Origin::Options => json_schema(),
            Origin::Type(of, examples) => self.framed(of(), serde_json::from_str(examples)?),
        };
        Ok(serde_json::to_string_pretty(&schema)? + "\n")
    }

    /// The schema of a type under its name, with examples.
    fn framed(&self, mut schema: Value, examples: Value) -> Value {
        let mut framed = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": format!("urn:driftline:schema:{}:v1", self.name),
            "title": format!("Driftline {}", self.name),
        });
        if let (Value::Object(framed), Value::Object(own)) = (&mut framed, &mut schema) {
            own.retain(|key, _| !framed.contains_key(key));
            framed.append(own);
            framed.insert("examples".into(), examples);
        }
        framed
    }
}

/// The schema of what is written of a type.
fn of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
        // Readers see the whole shape in one place.
        settings.inline_subschemas = true;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    plain(&mut schema);
    schema
}

/// Leaves what a reader of JSON needs: no sizes of Rust's numbers, no null for a field that is left out where
/// there is nothing to say, and a list of words for words that each have a description.
fn plain(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(plain),
        Value::Object(fields) => {
            if fields.get("type").is_some_and(is_number) {
                fields.remove("format");
            }
            if let Some(Value::String(text)) = fields.get_mut("description") {
                *text = text.replace('\n', " ");
            }
            if let Some(words) = fields.get("oneOf").and_then(words) {
                fields.remove("oneOf");
                fields.insert("enum".into(), words);
            }
            without_nulls(fields);
            fields.values_mut().for_each(plain);
        }
        _ => {}
    }
}

fn is_number(kind: &Value) -> bool {
    let is = |kind: &Value| kind == "number" || kind == "integer";
    is(kind) || kind.as_array().is_some_and(|kinds| kinds.iter().any(is))
}

/// The words of a choice where each is one.
fn words(choice: &Value) -> Option<Value> {
    choice.as_array()?.iter().map(|one| one.get("const").cloned()).collect()
}

/// A field that may be left out is left out instead of being null.
fn without_nulls(object: &mut Map<String, Value>) {
    let required = object.get("required").cloned().unwrap_or_default();
    let is_required = |name: &str| {
        required.as_array().is_some_and(|names| names.iter().any(|required| required == name))
    };
    let Some(Value::Object(properties)) = object.get_mut("properties") else { return };
    for (_, property) in properties.iter_mut().filter(|(name, _)| !is_required(name)) {
        if let Some(Value::Array(kinds)) = property.get_mut("type") {
            kinds.retain(|kind| kind != "null");
            if let [only] = kinds.as_slice() {
                property["type"] = only.clone();
            }
        }
    }
}
