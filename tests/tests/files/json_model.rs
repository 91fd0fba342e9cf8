//! The JSON scanner against serde_json as its model, over documents that are made and changed at random from
//! fixed seeds: what the one takes the other takes, with the same values to the last bit.

use std::fmt::{self, Write};

use arrow::array::Array;
use driftline::codec::{Codecs, Message, MessageDecoder};
use driftline::model::{
    Batch, Column, FieldPath, INVALID_LABEL, Kind, Layout, Limits, MetricField, NULL_LABEL, Reason,
    TimeField, TimeFormat,
};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::Value;

const TIME: u64 = 1_772_452_800;
const DOCUMENTS: u64 = 60_000;

/// An object with each of its fields, however often it stands there.
struct Fields(Vec<(String, Value)>);

impl<'de> serde::Deserialize<'de> for Fields {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Fields;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

/// Times, models and metrics of the documents.
pub(crate) fn layout() -> Layout {
    let path = |path: &str| FieldPath(path.into());
    let metric = |name: &str, kind| MetricField { name: name.into(), path: path(name), kind };
    Layout {
        model_default: None,
        time: TimeField { path: path("ts"), format: TimeFormat::Auto },
        keys: vec![path("model")],
        id: None,
        metrics: vec![
            metric("n", Kind::Number),
            metric("o.x", Kind::Number),
            metric("c", Kind::Category),
        ],
    }
}

/// Writes documents: valid ones, with all that the grammar allows.
struct Author {
    random: Xoshiro256PlusPlus,
    text: String,
}

impl Author {
    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.random.random_range(0..from.len())]
    }

    fn space(&mut self) {
        if self.random.random_range(0..4) == 0 {
            let space = self.pick(&[" ", "\t", "\r", "\n", "  \n "]);
            self.text.push_str(space);
        }
    }

    fn number(&mut self) {
        let sign = self.pick(&["", "", "-"]);
        let whole: u64 = self.random.random::<u64>() >> self.random.random_range(0..64);
        self.text.push_str(sign);
        let _ = write!(self.text, "{whole}");
        if self.random.random() {
            let digits = self.random.random_range(1..25);
            self.text.push('.');
            for _ in 0..digits {
                let digit = self.random.random_range(0..10u8);
                self.text.push(char::from(b'0' + digit));
            }
        }
        if self.random.random_range(0..3) == 0 {
            let mark = self.pick(&["e", "E", "e+", "e-", "E-", "e-30", "e-29", "e0"]);
            let power = self.random.random_range(0..10);
            let _ = write!(self.text, "{mark}{power}");
        }
    }

    fn string(&mut self) {
        self.text.push('"');
        for _ in 0..self.random.random_range(0..12) {
            let piece = self.pick(&[
                "a",
                "word",
                "\\\"",
                "\\\\",
                "\\/",
                "\\b",
                "\\f",
                "\\n",
                "\\r",
                "\\t",
                "\\u0041",
                "\\u00e9",
                "\\uD83D\\uDE00",
                "\\u0000",
                "é",
                "漢",
                "😀",
                "\u{7f}",
                " ",
                "{",
                "}",
                "[",
                "]",
                ",",
                ":",
                "NULL",
                "\\u2028",
            ]);
            self.text.push_str(piece);
        }
        self.text.push('"');
    }

    fn value(&mut self, depth: u32) {
        let most = if depth > 5 { 5 } else { 7 };
        match self.random.random_range(0..most) {
            0 | 1 => self.number(),
            2 => self.string(),
            3 => self.text.push_str("null"),
            4 => {
                let word = self.pick(&["true", "false"]);
                self.text.push_str(word);
            }
            5 => {
                self.text.push('[');
                for place in 0..self.random.random_range(0..4) {
                    if place > 0 {
                        self.text.push(',');
                    }
                    self.space();
                    self.value(depth + 1);
                    self.space();
                }
                self.text.push(']');
            }
            _ => {
                let names = ["x", "n", "model", "\\u0078", "", "y"];
                let count = self.random.random_range(0..4);
                self.object(&names[..count], depth + 1);
            }
        }
    }

    fn object(&mut self, names: &[&str], depth: u32) {
        self.text.push('{');
        for (place, name) in names.iter().enumerate() {
            if place > 0 {
                self.text.push(',');
            }
            self.space();
            let _ = write!(self.text, "\"{name}\"");
            self.space();
            self.text.push(':');
            self.space();
            match *name {
                "ts" => drop(write!(self.text, "{TIME}")),
                "model" if depth == 0 => self.text.push_str("\"m\""),
                _ => self.value(depth),
            }
            self.space();
        }
        self.text.push('}');
    }

    fn document(&mut self) -> Vec<u8> {
        self.text.clear();
        let extra = self.pick(&["n", "o", "c", "k", "\\u006e", "deep", "Ts", "mode"]);
        let mut names = vec!["ts", "model", "n", "o", "c", extra];
        let at = self.random.random_range(0..names.len());
        names.rotate_left(at);
        names.truncate(self.random.random_range(2..=6));
        self.object(&names, 0);
        let mut bytes = std::mem::take(&mut self.text).into_bytes();
        if self.random.random_range(0..3) > 0 {
            for _ in 0..self.random.random_range(1..4) {
                self.change(&mut bytes);
            }
        }
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let at = self.random.random_range(0..bytes.len().max(2) - 1);
        let token = self.random.random_range(0..24);
        let token = b"{}[]\",:\\u+-.0e9tfn \x01\x00\xFF\xC3N"[token];
        match self.random.random_range(0..4) {
            0 if at < bytes.len() => drop(bytes.remove(at)),
            1 if at < bytes.len() => bytes[at] = token,
            2 => bytes.truncate(at.max(1)),
            _ => bytes.insert(at.min(bytes.len()), token),
        }
    }
}

/// What the scanner departs in, as documented: words for numbers that are none, and halves of surrogates.
fn is_departure(text: &str, error: &serde_json::Error) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.contains("\\ud") || error.to_string().contains("number out of range")
}

fn number(batch: &Batch, metric: usize) -> Option<f64> {
    let Column::Number(numbers) = &batch.metrics[metric] else { panic!("no numbers") };
    numbers.is_valid(0).then(|| numbers.value(0))
}

fn expect_number(value: Option<&Value>, found: Option<f64>, text: &str) {
    let expected = match value {
        None | Some(Value::Null) => None,
        Some(Value::Number(number)) => number.as_f64(),
        Some(_) => Some(f64::NAN),
    };
    assert_eq!(expected.map(f64::to_bits), found.map(f64::to_bits), "{text}");
}

/// Checks a document that both take.
fn expect_row(object: &Fields, batch: &Batch, text: &str) {
    let fields: Vec<_> = object.0.iter().map(|(name, value)| (name.as_str(), value)).collect();
    let of = |name: &str| fields.iter().find(|(found, _)| *found == name).map(|(_, value)| *value);
    expect_number(of("n"), number(batch, 0), text);
    expect_number(of("o").and_then(|o| o.get("x")), number(batch, 1), text);
    let Column::Category(labels) = &batch.metrics[2] else { panic!("no labels") };
    let label = labels.indices.value(0);
    match of("c") {
        None | Some(Value::Null) => assert_eq!(label, NULL_LABEL, "{text}"),
        Some(Value::String(c)) => assert_eq!(labels.values.value(label as usize), c, "{text}"),
        Some(Value::Array(_) | Value::Object(_)) => assert_eq!(label, INVALID_LABEL, "{text}"),
        Some(_) => assert!(label != NULL_LABEL, "{text}"),
    }
}

fn judge(bytes: &[u8], batch: &Batch) -> &'static str {
    let text = String::from_utf8_lossy(bytes);
    let reason = batch.rejects.first().map(|reject| reject.reason);
    assert_eq!(batch.rows() + batch.rejects.len(), 1, "{text}");
    let object = match serde_json::from_slice::<Fields>(bytes) {
        Ok(object) => object,
        Err(error) if is_departure(&text, &error) => return "departure",
        Err(error) => {
            assert_eq!(batch.rows(), 0, "taken, but {error}: {text}");
            return "refused";
        }
    };
    let times = |name: &str| object.0.iter().filter(|(found, _)| found == name).count();
    if ["ts", "model", "n", "c", "o"].iter().any(|name| times(name) > 1) {
        return "ambiguous";
    }
    let plain = object.0.iter().any(|(name, value)| name == "ts" && value.as_u64() == Some(TIME))
        && object.0.iter().any(|(name, value)| name == "model" && value == "m");
    match reason {
        Some(reason) => {
            assert_ne!(reason, Reason::InvalidJson, "{text}");
            let twice = reason == Reason::DuplicateField;
            assert!(!plain || twice, "{reason:?}: {text}");
            "no event"
        }
        None => {
            expect_row(&object, batch, &text);
            "event"
        }
    }
}

/// The document of a seed.
pub(crate) fn document(seed: u64) -> Vec<u8> {
    let random = Xoshiro256PlusPlus::seed_from_u64(seed);
    Author { random, text: String::new() }.document()
}

fn decoder() -> MessageDecoder {
    let codecs = Codecs::built_in();
    let messages = codecs.for_messages("json").expect("the format");
    MessageDecoder::new(messages, &layout(), &Limits::default(), 0, i64::MAX).expect("a layout")
}

/// Compares scanner and model over any bytes.
pub(crate) fn check(bytes: &[u8]) {
    let mut decoder = decoder();
    decoder.add(0, &[Message::new(0, bytes)]);
    if bytes.first() == Some(&b'{') && !String::from_utf8_lossy(bytes).contains("1e999") {
        judge(bytes, &decoder.finish(0));
    }
}

#[test]
fn the_scanner_takes_what_its_model_takes() {
    let mut decoder = decoder();
    let mut seen = std::collections::BTreeMap::new();
    for seed in 0..DOCUMENTS {
        let bytes = document(seed);
        if bytes.first() != Some(&b'{') {
            continue;
        }
        decoder.add(0, &[Message::new(0, &bytes)]);
        *seen.entry(judge(&bytes, &decoder.finish(0))).or_insert(0u64) += 1;
    }
    // Each answer is met often enough to mean something.
    for answer in ["event", "refused", "no event", "ambiguous", "departure"] {
        assert!(seen.get(answer).is_some_and(|count| *count > 100), "{answer}: {seen:?}");
    }
}
