//! Values of messages: lists count whole or not at all, and the broker's time bounds the event's.

use arrow::array::Array;

use super::super::MessageDecoder;
use super::*;
use crate::model::{
    Batch, Column, FieldPath, Kind, Layout, Limits, MetricField, Reject, TimeField, TimeFormat,
};

/// One message after another.
trait Say {
    /// Its reject, if it is one.
    fn message(
        &mut self,
        partition: u32,
        offset: u64,
        value: &[u8],
        not_after_us: Option<i64>,
    ) -> Option<Reject>;
}

impl Say for MessageDecoder {
    fn message(
        &mut self,
        partition: u32,
        offset: u64,
        value: &[u8],
        not_after_us: Option<i64>,
    ) -> Option<Reject> {
        let before = self.rejects().len();
        self.add(partition, &[Message { not_after_us, ..Message::new(offset, value) }]);
        self.rejects().get(before).cloned()
    }
}

const NOON_US: i64 = 1_704_164_645_000_000;

fn decoder() -> MessageDecoder {
    let path = |path: &str| FieldPath(path.into());
    let metric = |name: &str, kind| MetricField { name: name.into(), path: path(name), kind };
    let layout = Layout {
        model_default: None,
        time: TimeField { path: path("ts"), format: TimeFormat::Auto },
        keys: vec![path("model")],
        id: Some(path("id")),
        metrics: vec![
            metric("latency", Kind::Number),
            metric("finish", Kind::Category),
            metric("error", Kind::Flag),
            metric("embedding", Kind::Vector),
        ],
    };
    let limits = Limits { record_bytes_max: 2000, ..Limits::default() };
    MessageDecoder::new(&Json, &layout, &limits, 0, i64::MAX).expect("a layout")
}

fn event(number: usize) -> String {
    format!(
        r#"{{"ts":1704164645,"model":"m{number}","id":"i{number}","latency":{number},"finish":"f{number}","error":true,"embedding":[{number},2]}}"#
    )
}

fn rejects(batch: &Batch) -> Vec<(u64, &'static str, &str)> {
    batch.rejects.iter().map(|r| (r.offset, r.reason.name(), r.detail.as_str())).collect()
}

#[test]
fn a_list_is_its_events() {
    let (mut one_by_one, mut as_list) = (decoder(), decoder());
    let list = format!(" [\n {} , {},\t{}\n]\r\n", event(1), event(2), event(3));
    for number in 1..=3 {
        assert!(one_by_one.message(4, 9, event(number).as_bytes(), None).is_none());
    }
    assert!(as_list.message(4, 9, list.as_bytes(), None).is_none());
    assert_eq!(as_list.rows(), 3);
    let (expected, found) = (one_by_one.finish(4), as_list.finish(4));
    assert_eq!(format!("{expected:?}"), format!("{found:?}"));
    assert_eq!(found.offsets, [9, 9, 9]);
}

#[test]
fn a_bad_element_takes_its_message_along_and_nothing_else() {
    let bad = [
        ("1", "not_an_object"),
        ("[{}]", "not_an_object"),
        ("{}", "missing_time"),
        (r#"{"ts":1704164645}"#, "missing_model"),
        (r#"{"ts":1704164645,"model":"m","model":"m"}"#, "duplicate_field"),
        (r#"{"ts":"soon","model":"m"}"#, "bad_time"),
        ("", "invalid_json"),
        ("{", "invalid_json"),
    ];
    for (bad, reason) in bad {
        let (mut clean, mut tried) = (decoder(), decoder());
        for decoder in [&mut clean, &mut tried] {
            assert!(decoder.message(0, 1, event(1).as_bytes(), None).is_none());
        }
        let null = r#"{"ts":1704164645,"model":"m"}"#;
        let list = format!("[{},{null},{bad}]", event(2));
        let reject = tried.message(0, 2, list.as_bytes(), None).expect("a reject");
        assert_eq!((reject.offset, reject.reason.name()), (2, reason), "{bad}");
        for decoder in [&mut clean, &mut tried] {
            assert!(decoder.message(0, 3, null.as_bytes(), None).is_none());
            assert!(decoder.message(0, 4, event(3).as_bytes(), None).is_none());
        }
        let (clean, tried) = (clean.finish(0), tried.finish(0));
        assert_eq!((tried.rejects.len(), clean.rejects.len()), (1, 0));
        assert_eq!(rows(&clean), rows(&tried), "{bad}");
        assert_eq!(tried.offsets, [1, 3, 4]);
    }
}

/// All values, dictionaries resolved: a forgotten event may have left its words there.
fn rows(batch: &Batch) -> Vec<String> {
    let label = |labels: &crate::model::Labels, row: usize| {
        let index = labels.indices.value(row) as usize;
        (index < labels.values.len()).then(|| labels.values.value(index).to_owned())
    };
    let cell = |column: &Column, row: usize| match column {
        Column::Number(values) => format!("{:?}", values.iter().nth(row)),
        Column::Category(labels) => format!("{:?}", label(labels, row)),
        Column::Flag(codes) => codes.value(row).to_string(),
        Column::Vector { offsets, values } => {
            format!("{:?}", &values.values()[offsets[row] as usize..offsets[row + 1] as usize])
        }
    };
    let id = batch.id.as_ref().expect("an id");
    (0..batch.rows())
        .map(|row| {
            let cells: Vec<_> = batch.metrics.iter().map(|column| cell(column, row)).collect();
            let keys = (label(&batch.keys[0], row), label(id, row));
            format!("{} {} {keys:?} {cells:?}", batch.time_us[row], batch.offsets[row])
        })
        .collect()
}

#[test]
fn what_is_no_event() {
    let mut decoder = decoder();
    let long = format!("[{}]", "1,".repeat(1500));
    /// Reason and detail.
    type Expected = Option<(&'static str, &'static str)>;
    let cases: [(&[u8], Expected); 10] = [
        (b"", Some(("invalid_json", "empty value"))),
        (b" \n", Some(("invalid_json", "empty value"))),
        (b"[]", None),
        (b" [ ] ", None),
        (b"[", Some(("invalid_json", "at byte 1"))),
        (b"[] x", Some(("invalid_json", "at byte 3"))),
        (b"7", Some(("not_an_object", "at byte 0"))),
        (b"\xFF", Some(("invalid_utf8", "at byte 0"))),
        (b"\0", Some(("invalid_json", "at byte 0"))),
        (long.as_bytes(), Some(("too_long", "more than 2000 bytes"))),
    ];
    for (offset, (value, expected)) in (0..).zip(cases) {
        let found = decoder.message(0, offset, value, None);
        let found = found.as_ref().map(|reject| (reject.reason.name(), reject.detail.as_str()));
        assert_eq!(found, expected, "{:?}", String::from_utf8_lossy(value));
    }
    let batch = decoder.finish(0);
    assert_eq!((batch.rows(), rejects(&batch).len()), (0, 8));
}

#[test]
fn broker_time_bounds_the_event_s_time() {
    let mut decoder = decoder();
    assert!(decoder.message(0, 0, event(1).as_bytes(), Some(NOON_US)).is_none());
    assert!(decoder.message(0, 1, event(1).as_bytes(), Some(NOON_US - 1)).is_some());
    assert!(decoder.message(0, 2, event(1).as_bytes(), None).is_none());
    assert!(decoder.message(0, 3, event(1).as_bytes(), Some(i64::MAX)).is_none());
    let list = format!("[{}]", event(1));
    assert!(decoder.message(0, 4, list.as_bytes(), Some(0)).is_some());
    let batch = decoder.finish(0);
    assert_eq!(batch.offsets, [0, 2, 3]);
    let late = "2024-01-02T03:04:05Z";
    assert_eq!(rejects(&batch), [(1, "time_too_late", late), (4, "time_too_late", late)]);
}

#[test]
fn depth_counts_the_list() {
    let mut decoder = decoder();
    let nested = |levels: usize| {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        format!(r#"[{{"ts":1704164645,"model":"m","x":{open}{close}}}]"#)
    };
    assert!(decoder.message(0, 0, nested(62).as_bytes(), None).is_none());
    let reject = decoder.message(0, 1, nested(63).as_bytes(), None).expect("a reject");
    assert_eq!(reject.reason, Reason::TooDeep);
}

#[test]
fn line_breaks_are_white_space() {
    let mut decoder = decoder();
    let value = b"{\n  \"ts\": 1704164645,\n  \"model\": \"m\"\n}\n";
    assert!(decoder.message(0, 5, value, None).is_none());
    let batch = decoder.finish(0);
    assert_eq!((batch.rows(), batch.keys[0].indices.len()), (1, 1));
}

#[test]
fn where_batches_of_messages_end_changes_nothing() {
    let values: Vec<String> = (0..40)
        .map(|number| match number % 4 {
            0 => event(number),
            1 => format!("[{},{}]", event(number), event(number + 100)),
            2 => format!("[{},{{}}]", event(number)),
            _ => "nonsense".into(),
        })
        .collect();
    let messages: Vec<Message<'_>> =
        (0..).zip(&values).map(|(at, value)| Message::new(at, value.as_bytes())).collect();
    let read = |size: usize| {
        let mut decoder = decoder();
        messages.chunks(size).for_each(|chunk| decoder.add(0, chunk));
        let batch = decoder.finish(0);
        let rejects: Vec<_> = batch.rejects.iter().map(|r| (r.offset, r.reason)).collect();
        (rows(&batch), rejects)
    };
    let whole = read(40);
    assert_eq!((whole.0.len(), whole.1.len()), (30, 20));
    assert!([1, 3, 7].iter().all(|&size| read(size) == whole));
}
