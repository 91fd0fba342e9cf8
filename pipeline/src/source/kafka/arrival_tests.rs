//! Batches of one partition without a broker: ends, cuts, gaps, bad and missing values.

use super::super::stand_in::{event, json, layout};
use super::*;
use crate::model::Limits;
use crate::model::stream::TopicPartition;

const FUTURE_US: i64 = 60_000_000;

fn arrivals() -> Arrivals {
    let limits = Limits::default();
    let decoder = MessageDecoder::new(json(), &layout(), &limits, 0, i64::MAX).expect("a layout");
    Arrivals::new(decoder, FUTURE_US)
}

fn cursor(offset: i64, cuts: &[i64]) -> PartitionCursor {
    let of = TopicPartition { topic: "events".into(), partition: 0 };
    PartitionCursor::new(7, 3, of, offset, cuts.to_vec())
}

fn read(
    arrivals: &mut Arrivals,
    cursor: &mut PartitionCursor,
    arrived: &[Arrival<'_>],
) -> Vec<Fetched> {
    let mut found = Vec::new();
    arrivals.read(cursor, arrived.iter().copied(), &mut |fetched| found.push(fetched));
    found
}

fn message(offset: i64, value: &[u8]) -> Arrival<'_> {
    Arrival::Message { offset, timestamp_ms: None, key: None, value: Some(value) }
}

/// First, next, messages, events, whether at the end.
fn shape(found: &[Fetched]) -> Vec<(i64, i64, u64, usize, bool)> {
    found.iter().map(|f| (f.first, f.next, f.messages, f.batch.rows(), f.at_end)).collect()
}

#[test]
fn offsets_follow_each_other_and_the_end_is_told_once() {
    let (mut arrivals, mut cursor) = (arrivals(), cursor(5, &[]));
    let value = event(1);
    let at = |offset| message(offset, value.as_bytes());
    let found = read(&mut arrivals, &mut cursor, &[at(3), at(5), at(6), at(6), at(9)]);
    assert_eq!(shape(&found), [(5, 10, 3, 3, false)]);
    assert_eq!((found[0].assignment, found[0].partition), (7, 3));
    assert_eq!(found[0].batch.offsets, [5, 6, 9]);
    // The end is behind records that are no messages.
    let found = read(&mut arrivals, &mut cursor, &[Arrival::End(12)]);
    assert_eq!(shape(&found), [(12, 12, 0, 0, true)]);
    assert_eq!(shape(&read(&mut arrivals, &mut cursor, &[Arrival::End(12)])), []);
    let found = read(&mut arrivals, &mut cursor, &[at(12), Arrival::End(13)]);
    assert_eq!(shape(&found), [(12, 13, 1, 1, true)]);
    let found = read(&mut arrivals, &mut cursor, &[at(13), Arrival::End(14), at(14)]);
    assert_eq!(shape(&found), [(13, 15, 2, 2, false)]);
    let found = read(&mut arrivals, &mut cursor, &[Arrival::End(15), at(15), at(16)]);
    assert_eq!(shape(&found), [(15, 17, 2, 2, false)]);
    assert_eq!(shape(&read(&mut arrivals, &mut cursor, &[])), []);
}

#[test]
fn no_batch_spans_a_cut() {
    let (mut arrivals, mut cursor) = (arrivals(), cursor(0, &[0, 2, 3, 7, 20]));
    let value = event(1);
    let at = |offset| message(offset, value.as_bytes());
    let found = read(&mut arrivals, &mut cursor, &[at(0), at(1), at(2), at(3), at(5), at(9)]);
    let expected =
        [(0, 2, 2, 2, false), (2, 3, 1, 1, false), (3, 6, 2, 2, false), (9, 10, 1, 1, false)];
    assert_eq!(shape(&found), expected);
    // The end lies behind a cut: the batch ends before it, and an empty one tells the end.
    let found = read(&mut arrivals, &mut cursor, &[at(11), Arrival::End(25)]);
    assert_eq!(shape(&found), [(11, 12, 1, 1, false), (25, 25, 0, 0, true)]);
}

#[test]
fn a_batch_is_bounded_by_messages_and_bytes() {
    let (mut arrivals, mut cursor) = (arrivals(), cursor(0, &[]));
    let value = event(1);
    let many: Vec<Arrival<'_>> = (0..9000).map(|at| message(at, value.as_bytes())).collect();
    let found = read(&mut arrivals, &mut cursor, &many);
    assert_eq!(found.iter().map(|f| f.messages).collect::<Vec<_>>(), [4096, 4096, 808]);
    assert!(found.windows(2).all(|pair| pair[0].next == pair[1].first));
    let large = format!("{}{}", " ".repeat(400_000), event(1));
    let few: Vec<Arrival<'_>> = (9000..9004).map(|at| message(at, large.as_bytes())).collect();
    let found = read(&mut arrivals, &mut cursor, &few);
    assert_eq!(found.iter().map(|f| f.messages).collect::<Vec<_>>(), [3, 1]);
    assert_eq!(found.iter().map(|f| f.batch.rows()).sum::<usize>(), 4);
}

#[test]
fn rejects_agree_with_their_originals_and_tombstones_are_none() {
    let (mut arrivals, mut cursor) = (arrivals(), cursor(0, &[2]));
    let (good, list) = (event(1), format!("[{},{}]", event(2), event(3)));
    let bad_list = format!("[{},{{}}]", event(2));
    let values: [Option<&[u8]>; 7] = [
        Some(b"{"),
        Some(good.as_bytes()),
        None,
        Some(b""),
        Some(list.as_bytes()),
        Some(bad_list.as_bytes()),
        Some(good.as_bytes()),
    ];
    let arrived: Vec<Arrival<'_>> = (0..)
        .zip(values)
        .map(|(offset, value)| Arrival::Message {
            offset,
            timestamp_ms: Some(1_704_164_645_000 + offset),
            key: Some(b"key"),
            value,
        })
        .collect();
    let found = read(&mut arrivals, &mut cursor, &arrived);
    assert_eq!(shape(&found), [(0, 2, 2, 1, false), (2, 7, 5, 3, false)]);
    assert_eq!(found.iter().map(|f| f.tombstones).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(found[1].batch.offsets, [4, 4, 6]);
    assert_eq!(found[1].broker_time_ms, Some(1_704_164_645_006));
    let bytes: usize = values.iter().map(|value| 3 + value.map_or(0, <[u8]>::len)).sum();
    assert_eq!(found.iter().map(|f| f.bytes).sum::<usize>(), bytes);
    for fetched in &found {
        let rejects: Vec<_> = fetched.batch.rejects.iter().map(|r| (r.offset, &r.detail)).collect();
        let originals: Vec<_> =
            fetched.originals.iter().map(|o| (o.offset as u64, &o.detail)).collect();
        assert_eq!(rejects, originals);
    }
    let of_second: Vec<_> = found[1].originals.iter().map(|o| (o.offset, o.reason)).collect();
    assert_eq!(of_second, [(3, "invalid_json"), (5, "missing_time")]);
    assert_eq!(found[1].originals[1].payload, bad_list.as_bytes());
    assert_eq!(found[1].originals[1].key.as_deref(), Some(b"key".as_slice()));
}

#[test]
fn an_event_ahead_of_broker_time_is_a_reject() {
    let (mut arrivals, mut cursor) = (arrivals(), cursor(0, &[]));
    let value = event(1);
    let event_ms = 1_704_164_645_000;
    let arrived: Vec<Arrival<'_>> =
        [Some(0), Some(event_ms - 60_001), Some(event_ms - 60_000), None]
            .into_iter()
            .zip(0..)
            .map(|(timestamp_ms, offset)| Arrival::Message {
                offset,
                timestamp_ms,
                key: None,
                value: Some(value.as_bytes()),
            })
            .collect();
    let found = read(&mut arrivals, &mut cursor, &arrived);
    assert_eq!(found[0].batch.offsets, [2, 3]);
    let reasons: Vec<_> = found[0].originals.iter().map(|o| o.reason).collect();
    assert_eq!(reasons, ["time_too_late", "time_too_late"]);
}

#[test]
fn a_jump_is_an_empty_batch_at_its_offset() {
    let (mut arrivals, mut cursor) = (arrivals(), cursor(5, &[8]));
    let jump = arrivals.jump(&mut cursor, 10);
    assert_eq!(shape(&[jump]), [(10, 10, 0, 0, false)]);
    let value = event(1);
    let found = read(&mut arrivals, &mut cursor, &[message(10, value.as_bytes())]);
    assert_eq!(shape(&found), [(10, 11, 1, 1, false)]);
}

#[test]
fn what_could_not_be_unpacked_is_a_loss_and_other_gaps_are_none() {
    let (mut arrivals, mut cursor) = (arrivals(), cursor(0, &[]));
    let value = event(1);
    let at = |offset| message(offset, value.as_bytes());
    read(&mut arrivals, &mut cursor, &[at(0), at(5), Arrival::End(9)]);
    assert_eq!(cursor.lost, 0);
    read(&mut arrivals, &mut cursor, &[at(9), Arrival::Unreadable]);
    assert_eq!(cursor.lost, 0);
    read(&mut arrivals, &mut cursor, &[at(20), at(30), Arrival::Unreadable, Arrival::End(33)]);
    assert_eq!(cursor.lost, 10 + 2);
    read(&mut arrivals, &mut cursor, &[at(40)]);
    assert_eq!(cursor.lost, 12);
}
