//! Records and fields against the `csv` crate, on random bytes of a small alphabet.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::*;

fn ours(bytes: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some((from, to, next)) = next_record(&bytes[at..], b',', true) {
        let record = &bytes[at + from..at + to];
        let mut row = Vec::new();
        fields(record, b',', &mut |cell| {
            let mut text = Vec::new();
            cell.text(record, &mut text);
            if let Some((start, end)) = cell.plain(record) {
                assert_eq!(&record[start..end], text, "{:?}", String::from_utf8_lossy(record));
            }
            row.push(text);
        });
        found.push(row);
        at += next;
    }
    found
}

#[test]
fn records_and_fields_are_those_of_the_csv_crate() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(11);
    for round in 0..200_000 {
        let length = random.random_range(0..24);
        let bytes: Vec<u8> =
            (0..length).map(|_| b"ab,,\"\"\"\n\r "[random.random_range(0..10)]).collect();
        let mut reader = ::csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(bytes.as_slice());
        let theirs: Vec<Vec<Vec<u8>>> = reader
            .byte_records()
            .map(|record| record.expect("any bytes are CSV").iter().map(<[u8]>::to_vec).collect())
            .collect();
        assert_eq!(
            ours(&bytes),
            theirs,
            "seed 11, round {round}: {:?}",
            String::from_utf8_lossy(&bytes)
        );
    }
}

#[test]
fn a_record_that_may_go_on_is_waited_for() {
    for (text, whole) in [
        (&b"a,b"[..], false),
        (b"a,b\n", true),
        (b"a,\"b\n", false),
        (b"a,\"b\"", false),
        (b"a,\"b\"\"\n\"", false),
        (b"a,\"b\"\"\n\"\r", true),
        (b"\r\n\n", false),
    ] {
        assert_eq!(
            next_record(text, b',', false).is_some(),
            whole,
            "{:?}",
            String::from_utf8_lossy(text)
        );
    }
}
