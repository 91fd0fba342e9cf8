//! Events as text: NDJSON and CSV.
//!
//! Numbers are written from integers, so a value has one spelling.

use super::super::event::{
    CONFIDENCE, DECIMALS, Event, FINISH, INPUT, LANG, LATENCY, NULL_CODE, NULL_NUMBER, OUTPUT,
    TOOL, TTFT,
};
use super::super::vocabulary::Vocabulary;

/// Header of a CSV file.
pub const CSV_HEADER: &str = "ts,model,model_version,region,request_id,latency_ms,ttft_ms,\
usage.input_tokens,usage.output_tokens,finish_reason,status,error,confidence,tool,prompt_lang\n";

const NULL: &[u8] = b"null";
const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Spells events.
#[derive(Debug, Clone)]
pub struct Speller {
    vocabulary: Vocabulary,
    vectors: bool,
    minute: i64,
    minute_text: String,
}

impl Speller {
    /// A speller for these strings; `vectors` adds the embedding.
    pub fn new(vocabulary: &Vocabulary, vectors: bool) -> Self {
        Self {
            vocabulary: vocabulary.clone(),
            vectors,
            minute: i64::MIN,
            minute_text: String::new(),
        }
    }

    /// Appends the event as one JSON line.
    pub fn json(&mut self, event: &Event, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"ts\":\"");
        self.time(event.time_ms, out);
        out.extend_from_slice(b"\",\"model\":\"");
        push(out, self.vocabulary.models.get(event.model));
        out.extend_from_slice(b"\",\"model_version\":\"");
        push(out, self.vocabulary.versions.get(event.version));
        out.extend_from_slice(b"\",\"region\":\"");
        push(out, self.vocabulary.regions.get(event.region));
        out.extend_from_slice(b"\",\"request_id\":\"");
        hexadecimal(event.id, out);
        out.extend_from_slice(b"\",\"latency_ms\":");
        number(event, LATENCY, NULL, out);
        out.extend_from_slice(b",\"ttft_ms\":");
        number(event, TTFT, NULL, out);
        out.extend_from_slice(b",\"usage\":{\"input_tokens\":");
        number(event, INPUT, NULL, out);
        out.extend_from_slice(b",\"output_tokens\":");
        number(event, OUTPUT, NULL, out);
        out.extend_from_slice(b"},\"finish_reason\":");
        self.quoted(event, FINISH, out);
        out.extend_from_slice(b",\"status\":");
        integer(u32::from(event.status), 0, out);
        out.extend_from_slice(b",\"error\":");
        out.extend_from_slice(flag(event.error, NULL));
        out.extend_from_slice(b",\"confidence\":");
        number(event, CONFIDENCE, NULL, out);
        out.extend_from_slice(b",\"tool\":");
        self.quoted(event, TOOL, out);
        out.extend_from_slice(b",\"prompt_lang\":");
        self.quoted(event, LANG, out);
        if self.vectors {
            out.extend_from_slice(b",\"embedding\":");
            vector(&event.vector, out);
        }
        out.extend_from_slice(b"}\n");
    }

    /// Appends the event as one CSV line; a null is an empty field. Embeddings are left out.
    pub fn csv(&mut self, event: &Event, out: &mut Vec<u8>) {
        self.time(event.time_ms, out);
        for label in [
            self.vocabulary.models.get(event.model),
            self.vocabulary.versions.get(event.version),
            self.vocabulary.regions.get(event.region),
        ] {
            out.push(b',');
            push(out, label);
        }
        out.push(b',');
        hexadecimal(event.id, out);
        for place in [LATENCY, TTFT, INPUT, OUTPUT] {
            out.push(b',');
            number(event, place, b"", out);
        }
        out.push(b',');
        push(out, self.category(event, FINISH));
        out.push(b',');
        integer(u32::from(event.status), 0, out);
        out.push(b',');
        out.extend_from_slice(flag(event.error, b""));
        out.push(b',');
        number(event, CONFIDENCE, b"", out);
        for column in [TOOL, LANG] {
            out.push(b',');
            push(out, self.category(event, column));
        }
        out.push(b'\n');
    }

    fn category(&self, event: &Event, column: usize) -> Option<&String> {
        self.vocabulary.categories[column].get(usize::from(event.categories[column]))
    }

    fn quoted(&self, event: &Event, column: usize, out: &mut Vec<u8>) {
        match self.category(event, column) {
            None => out.extend_from_slice(NULL),
            Some(value) => {
                out.push(b'"');
                out.extend_from_slice(value.as_bytes());
                out.push(b'"');
            }
        }
    }

    fn time(&mut self, time_ms: i64, out: &mut Vec<u8>) {
        let minute = time_ms.div_euclid(60_000);
        if minute != self.minute {
            self.minute = minute;
            self.minute_text = chrono::DateTime::from_timestamp(minute * 60, 0)
                .map(|time| time.format("%Y-%m-%dT%H:%M:").to_string())
                .unwrap_or_default();
        }
        out.extend_from_slice(self.minute_text.as_bytes());
        let within = time_ms.rem_euclid(60_000) as u32;
        let (second, milli) = (within / 1000, within % 1000);
        let digit = |value: u32| b'0' + (value % 10) as u8;
        out.extend_from_slice(&[
            digit(second / 10),
            digit(second),
            b'.',
            digit(milli / 100),
            digit(milli / 10),
            digit(milli),
            b'Z',
        ]);
    }
}

fn push(out: &mut Vec<u8>, text: Option<&String>) {
    out.extend_from_slice(text.map_or(b"", |text| text.as_bytes()));
}

fn hexadecimal(id: u128, out: &mut Vec<u8>) {
    let mut text = [0_u8; 32];
    let mut rest = id;
    for digit in text.iter_mut().rev() {
        *digit = DIGITS[(rest & 15) as usize];
        rest >>= 4;
    }
    out.extend_from_slice(&text);
}

fn flag(value: u8, null: &'static [u8]) -> &'static [u8] {
    match value {
        NULL_CODE => null,
        0 => b"false",
        _ => b"true",
    }
}

fn number(event: &Event, place: usize, null: &[u8], out: &mut Vec<u8>) {
    match event.numbers[place] {
        NULL_NUMBER => out.extend_from_slice(null),
        value => integer(value, DECIMALS[place] as usize, out),
    }
}

/// An integer with its last `decimals` digits behind a point.
fn integer(value: u32, decimals: usize, out: &mut Vec<u8>) {
    let mut text = [b'0'; 12];
    let mut place = text.len();
    let mut rest = value;
    let mut digits = 0;
    while rest > 0 || digits <= decimals {
        if digits == decimals && decimals > 0 {
            place -= 1;
            text[place] = b'.';
        }
        place -= 1;
        text[place] = b'0' + (rest % 10) as u8;
        rest /= 10;
        digits += 1;
    }
    out.extend_from_slice(&text[place..]);
}

fn vector(values: &[f32], out: &mut Vec<u8>) {
    if values.is_empty() {
        return out.extend_from_slice(NULL);
    }
    let mut between = b'[';
    for &value in values {
        out.push(between);
        between = b',';
        if value < 0.0 {
            out.push(b'-');
        }
        integer((f64::from(value.abs()) * 1000.0 + 0.5) as u32, 3, out);
    }
    out.push(b']');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        Event {
            time_ms: 1_772_438_400_007,
            id: 0xAB,
            status: 200,
            numbers: [12_345, 7, 0, u32::MAX, 9_031],
            categories: [0, NULL_CODE, 1],
            vector: vec![0.5, -12.25],
            ..Event::default()
        }
    }

    #[test]
    fn json_is_spelled_to_the_letter() {
        let mut out = Vec::new();
        Speller::new(&Vocabulary::new(1), true).json(&event(), &mut out);
        let expected = concat!(
            r#"{"ts":"2026-03-02T08:00:00.007Z","model":"support-chat-001","#,
            r#""model_version":"2025-01-01","region":"eu-west-1","#,
            r#""request_id":"000000000000000000000000000000ab","latency_ms":1234.5,"#,
            r#""ttft_ms":0.7,"usage":{"input_tokens":0,"output_tokens":null},"#,
            r#""finish_reason":"stop","status":200,"error":false,"confidence":0.9031,"#,
            r#""tool":null,"prompt_lang":"de","embedding":[0.500,-12.250]}"#,
            "\n"
        );
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }

    #[test]
    fn csv_is_spelled_to_the_letter() {
        let mut out = Vec::new();
        Speller::new(&Vocabulary::new(1), false).csv(&event(), &mut out);
        let expected = concat!(
            "2026-03-02T08:00:00.007Z,support-chat-001,2025-01-01,eu-west-1,",
            "000000000000000000000000000000ab,1234.5,0.7,0,,stop,200,false,0.9031,,de\n"
        );
        assert_eq!(String::from_utf8_lossy(&out), expected);
        assert_eq!(CSV_HEADER.split(',').count(), expected.split(',').count());
    }
}
