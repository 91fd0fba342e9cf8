//! The JSON Schema of a config, from the table of options. Editors complete and check with it.
//!
//! It says what each option takes; whether options fit each other, only `driftline check` knows.

use serde_json::{Map, Value, json};
use toml::de::DeValue;

use super::live::followers;
use super::option::Opt;
use super::options::{METRIC_OPTIONS, METRICS, METRICS_DOC, RETIRED, sections};
use crate::sink;

/// JSON Schema 2020-12 of a config.
pub fn json_schema() -> Value {
    let mut root = Map::new();
    for section in sections() {
        let properties = properties(section.options);
        match section.name.split_once('.') {
            None if section.name.is_empty() => root.extend(properties),
            None => {
                root.insert(section.name.into(), object(section.doc, properties));
            }
            Some((outer, inner)) => {
                let slot = root.get_mut(outer).and_then(|outer| outer.get_mut("properties"));
                if let Some(Value::Object(outer)) = slot {
                    outer.insert(inner.into(), object(section.doc, properties));
                }
            }
        }
    }
    let sinks = root.get_mut("sinks").and_then(|sinks| sinks.get_mut("properties"));
    if let Some(Value::Object(sinks)) = sinks {
        for spec in sink::following() {
            let properties = properties(&followers::rows(spec));
            sinks.insert(spec.name.into(), object(spec.doc, properties));
        }
    }
    for (name, remedy) in RETIRED {
        let place = name.split_once('.').and_then(|(section, option)| {
            Some((root.get_mut(section)?.get_mut("properties")?.as_object_mut()?, option))
        });
        if let Some((section, option)) = place {
            section.insert(option.into(), json!({ "deprecated": true, "description": remedy }));
        }
    }
    let metric = object("One metric.", properties(METRIC_OPTIONS));
    root.insert(
        METRICS.into(),
        json!({
            "type": "object",
            "description": METRICS_DOC,
            "additionalProperties": { "anyOf": [{ "const": false }, metric] },
        }),
    );
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:driftline:schema:config:v1",
        "title": "Driftline config",
        "type": "object",
        "additionalProperties": false,
        "properties": root,
    })
}

fn object(doc: &str, properties: Map<String, Value>) -> Value {
    json!({
        "type": "object",
        "description": doc,
        "additionalProperties": false,
        "properties": properties,
    })
}

fn properties<T>(options: &[Opt<T>]) -> Map<String, Value> {
    options.iter().map(|option| (option.name.into(), property(option))).collect()
}

fn property<T>(option: &Opt<T>) -> Value {
    let mut schema = option.form.schema();
    if let Value::Object(schema) = &mut schema {
        schema.insert("description".into(), option.doc.into());
        if let Some(default) = default_of(option.default) {
            schema.insert("default".into(), default);
        }
    }
    schema
}

/// A default as JSON. Defaults are scalars or empty lists, nothing else.
fn default_of(toml: &str) -> Option<Value> {
    let value = DeValue::parse(toml).ok()?;
    match value.get_ref() {
        DeValue::String(text) => Some(json!(text)),
        DeValue::Boolean(on) => Some(json!(on)),
        DeValue::Integer(whole) => whole.as_str().parse::<u64>().ok().map(|whole| json!(whole)),
        DeValue::Float(float) => float.as_str().parse::<f64>().ok().map(|float| json!(float)),
        DeValue::Array(_) => Some(json!([])),
        DeValue::Datetime(_) | DeValue::Table(_) => None,
    }
}
