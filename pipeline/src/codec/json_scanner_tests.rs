//! The scanner against serde_json: random and mutated records, one scanner over all of them, so that
//! what it remembers is tested as well.

use rand::{Rng, RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::*;
use crate::model::{FieldPath, Kind, Layout, MetricField, TimeField, TimeFormat};

const PATHS: [&str; 8] = ["t", "model", "a", "a.b", "a.b.c", "u.in", "u.out", "v"];

fn paths() -> PathTree {
    let metric =
        |path: &str, kind| MetricField { name: path.into(), path: FieldPath(path.into()), kind };
    PathTree::new(&Layout {
        model_default: None,
        time: TimeField { path: FieldPath("t".into()), format: TimeFormat::EpochS },
        keys: vec![FieldPath("model".into())],
        id: None,
        metrics: PATHS[2..7]
            .iter()
            .map(|path| metric(path, Kind::Number))
            .chain([metric("v", Kind::Vector)])
            .collect(),
    })
    .expect("few paths")
}

/// JSON as it is written: duplicates kept, in order.
#[derive(Debug, Clone, PartialEq)]
enum Written {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Written>),
    Object(Vec<(String, Written)>),
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Written;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("JSON")
            }
            fn visit_unit<E>(self) -> Result<Written, E> {
                Ok(Written::Null)
            }
            fn visit_bool<E>(self, value: bool) -> Result<Written, E> {
                Ok(Written::Bool(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Written, E> {
                Ok(Written::Number(value as f64))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Written, E> {
                Ok(Written::Number(value as f64))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Written, E> {
                Ok(Written::Number(value))
            }
            fn visit_str<E>(self, value: &str) -> Result<Written, E> {
                Ok(Written::Text(value.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Written, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = list.next_element()? {
                    entries.push(entry);
                }
                Ok(Written::List(entries))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Written, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Written::Object(pairs))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// Every value whose keys, joined by dots, make `path`.
fn find<'a>(value: &'a Written, path: &str, prefix: &str, found: &mut Vec<&'a Written>) {
    let Written::Object(pairs) = value else { return };
    for (key, value) in pairs {
        let here = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        // Below what nobody configured nothing is looked for.
        if !PATHS.iter().any(|path| *path == here || path.starts_with(&format!("{here}."))) {
            continue;
        }
        if here == path {
            found.push(value);
        }
        find(value, path, &here, found);
    }
}

fn same(
    paths: &PathTree,
    record: &FieldValues,
    text: &str,
    node: NodeId,
    written: &Written,
) -> bool {
    let value = record.value_of(node);
    match (value, written) {
        (FieldValue::Null, Written::Null) => true,
        (FieldValue::Bool(a), Written::Bool(b)) => a == *b,
        (FieldValue::Number { value, .. }, Written::Number(b)) => {
            value == *b || (value - b).abs() <= b.abs() * 1e-15
        }
        (FieldValue::Text { .. }, Written::Text(b)) => record.text_of(value, text) == Some(b),
        (FieldValue::Vector { start, end }, Written::List(entries)) => {
            let found = &record.entries[start..end];
            found.len() == entries.len()
                && found.iter().zip(entries).all(|(a, b)| match b {
                    Written::Number(b) => {
                        (f64::from(*a) - b).abs() <= b.abs() * 1e-6
                            || f64::from(*a) == *b
                            || a.is_infinite()
                    }
                    _ => a.is_nan(),
                })
        }
        (FieldValue::Composite, Written::List(_)) => !paths.node(node).vector,
        (FieldValue::Composite, Written::Object(_)) => true,
        _ => false,
    }
}

/// What `bytes` is by serde_json must be what it is by `scanner`.
fn compare(
    paths: &PathTree,
    scanner: &mut JsonScanner,
    block: &str,
    start: usize,
    end: usize,
    seed: u64,
) {
    let line = &block[start..end];
    let mut record = FieldValues::new(paths);
    let result = scanner.scan(paths, block, start..end, &mut record);
    let written = match serde_json::from_str::<Written>(line) {
        // Departures that are documented and tested elsewhere.
        Err(error) if error.to_string().contains("out of range") => return,
        Err(error) if error.to_string().contains("surrogate") => return,
        Err(error) if error.to_string().contains("end of hex escape") => return,
        written => written,
    };
    let context = || format!("seed {seed}, line {line:?}, scanner {result:?}, serde {written:?}");
    match &written {
        Ok(written @ Written::Object(_)) => {
            assert!(result.is_ok(), "{}", context());
            for path in PATHS {
                let node = paths.child(0, path.as_bytes()).expect("configured");
                let mut found = Vec::new();
                find(written, path, "", &mut found);
                match found.as_slice() {
                    [] => assert!(
                        matches!(record.value_of(node), FieldValue::Missing),
                        "{path}: {}",
                        context()
                    ),
                    [one] => assert!(
                        same(paths, &record, block, node, one),
                        "{path}: {:?} {}",
                        record.value_of(node),
                        context()
                    ),
                    _ => assert!(record.is_duplicate(), "{path}: {}", context()),
                }
            }
        }
        Ok(_) => assert_eq!(
            result.as_ref().map_err(|f| f.reason),
            Err(Reason::NotAnObject),
            "{}",
            context()
        ),
        Err(_) => assert_eq!(
            result.as_ref().map_err(|f| f.reason),
            Err(Reason::InvalidJson),
            "{}",
            context()
        ),
    }
}

struct Writer {
    random: Xoshiro256PlusPlus,
    text: String,
}

impl Writer {
    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.random.random_range(0..from.len())]
    }

    fn space(&mut self) {
        let space = self.pick(&["", "", "", "", "", " ", "  ", "\t", "\r"]);
        self.text.push_str(space);
    }

    fn value(&mut self, depth: u32) {
        match self.random.random_range(0..if depth > 4 { 7 } else { 10 }) {
            0 => self.text.push_str("null"),
            1 => {
                let word = self.pick(&["true", "false"]);
                self.text.push_str(word);
            }
            2 | 3 => {
                let number = match self.random.random_range(0..6) {
                    0 => self.random.random_range(-1000i64..1000).to_string(),
                    1 => format!("{}", self.random.random::<f64>() * 1e6),
                    2 => format!("{:e}", self.random.random::<f64>()),
                    3 => format!(
                        "{}.{:03}E+{}",
                        self.random.random_range(0..9),
                        7,
                        self.random.random_range(0..30)
                    ),
                    4 => self.random.next_u64().to_string(),
                    _ => self
                        .pick(&[
                            "0",
                            "-0",
                            "0.0",
                            "1e-300",
                            "123456789012345678901234567890",
                            "01",
                            "1.",
                            "-",
                            ".5",
                            "1e",
                            "+1",
                        ])
                        .to_owned(),
                };
                self.text.push_str(&number);
            }
            4..=6 => {
                let text = self.pick(&[
                    "",
                    "x",
                    "gpt",
                    "eight by",
                    "a longer text of some bytes",
                    "\u{e9}\u{4e16}\u{1F600}",
                    r#"q\""#,
                    r"\\",
                    r"\n\t\/\b\f\r",
                    r"\u00e9\ud83d\ude00",
                    "{",
                    "]",
                    "a:b,c",
                ]);
                self.text.push('"');
                self.text.push_str(text);
                self.text.push('"');
            }
            7 => self.object(depth + 1),
            _ => {
                self.text.push('[');
                for number in 0..self.random.random_range(0..4) {
                    if number > 0 {
                        self.text.push(',');
                    }
                    self.space();
                    self.value(depth + 1);
                    self.space();
                }
                self.text.push(']');
            }
        }
    }

    fn object(&mut self, depth: u32) {
        self.text.push('{');
        self.space();
        for number in 0..self.random.random_range(0..6) {
            if number > 0 {
                self.text.push(',');
                self.space();
            }
            let key = self.pick(&[
                "t",
                "model",
                "a",
                "a",
                "b",
                "c",
                "a.b",
                "b.c",
                "a.b.c",
                "u",
                "u",
                "in",
                "out",
                "u.in",
                "v",
                "other",
                r"\u0061",
                "",
                "a quite long key that no step can remember as it has so many bytes",
            ]);
            self.text.push('"');
            self.text.push_str(key);
            self.text.push('"');
            self.space();
            self.text.push(':');
            self.space();
            self.value(depth);
            self.space();
        }
        self.text.push('}');
    }
}

#[test]
fn random_and_mutated_records_are_read_as_serde_json_reads_them() {
    let paths = paths();
    for seed in 0..300 {
        let mut writer =
            Writer { random: Xoshiro256PlusPlus::seed_from_u64(seed), text: String::new() };
        let mut scanner = JsonScanner::new(64);
        let mut lines: Vec<String> = Vec::new();
        for _ in 0..100 {
            writer.text.clear();
            match writer.random.random_range(0..10) {
                // Again what was there before, in another order of records.
                0..6 if !lines.is_empty() => {
                    let line = lines[writer.random.random_range(0..lines.len())].clone();
                    writer.text.push_str(&line);
                }
                9 => writer.value(0),
                _ => writer.object(0),
            }
            lines.push(writer.text.clone());
            if writer.random.random_range(0..3) == 0 {
                let mut bytes = std::mem::take(&mut writer.text).into_bytes();
                for _ in 0..writer.random.random_range(1..3) {
                    let at = writer.random.random_range(0..bytes.len() + 1);
                    let byte = *b"{}[]:,\"\\ \t0123e.-+tfnulx\x01\x7f"
                        .get(writer.random.random_range(0..28))
                        .unwrap_or(&b'x');
                    match writer.random.random_range(0..4) {
                        0 => bytes.insert(at, byte),
                        1 if at < bytes.len() => bytes[at] = byte,
                        2 if at < bytes.len() => drop(bytes.remove(at)),
                        _ => bytes.truncate(at),
                    }
                }
                writer.text = String::from_utf8_lossy(&bytes).into_owned();
            }
            if skip_space(writer.text.as_bytes(), 0) == writer.text.len() {
                continue;
            }
            // In a block: something that must not be looked at stands on both sides.
            let block = format!("{{\"a\":1}}\n{}\n{{\"u\":{{\"in\":1}}}}\n", writer.text);
            compare(&paths, &mut scanner, &block, 8, 8 + writer.text.len() + 1, seed);
            compare(&paths, &mut scanner, &writer.text, 0, writer.text.len(), seed);
            compare(&paths, &mut JsonScanner::new(64), &writer.text, 0, writer.text.len(), seed);
        }
    }
}

#[test]
fn numbers_are_the_nearest_doubles() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
    for _ in 0..200_000 {
        let value = f64::from_bits(random.next_u64());
        if !value.is_finite() {
            continue;
        }
        let short =
            (random.random::<f64>() * 10f64.powi(random.random_range(-8..9)) * 1e4).round() / 1e4;
        for text in [
            format!("{value:e}"),
            format!("{short}"),
            format!("{}", value as i64),
            format!("{short}e-3"),
        ] {
            let expected: f64 = text.parse().expect("a number");
            let (read, after) = number(text.as_bytes(), 0).expect("a number");
            assert_eq!((read.to_bits(), after), (expected.to_bits(), text.len()), "{text}");
        }
    }
}

#[test]
fn many_shapes_are_forgotten_and_relearned() {
    let paths = paths();
    let mut scanner = JsonScanner::new(64);
    for round in 0..3 * STEPS_MAX {
        let line = format!(r#"{{"k{round}":1,"a":{round},"u":{{"in":2}}}}"#);
        compare(&paths, &mut scanner, &line, 0, line.len(), round as u64);
        assert!(scanner.steps.len() <= STEPS_MAX && scanner.known.len() <= STEPS_MAX);
    }
}
