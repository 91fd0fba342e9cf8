//! Files of Arrow IPC as Polars and pyarrow write them: `tests/data/arrow/make.py` has written these.

use std::fs;
use std::io::Write;
use std::path::Path;

use arrow::array::Array;
use driftline::codec::{Decoder, FileBlock};
use driftline::model::{
    Batch, Column, FieldPath, Kind, Layout, Limits, MetricField, NULL_LABEL, TimeField, TimeFormat,
};
use driftline::source::FileSource;
use driftline_tests::repository;

const FILES: [&str; 8] = [
    "polars_uncompressed.arrow",
    "polars_lz4.arrow",
    "polars_zstd.arrow",
    "polars_stream.arrows",
    "pyarrow_plain.arrow",
    "pyarrow_lz4.arrow",
    "pyarrow_zstd.arrow",
    "pyarrow_stream.arrows",
];

fn layout() -> Layout {
    let path = |path: &str| FieldPath(path.into());
    let metric =
        |(name, kind): (&str, Kind)| MetricField { name: name.into(), path: path(name), kind };
    let metrics = [
        ("number", Kind::Number),
        ("price", Kind::Number),
        ("word", Kind::Category),
        ("text", Kind::Category),
        ("flag", Kind::Flag),
        ("list", Kind::Vector),
        ("nothing", Kind::Number),
    ];
    Layout {
        model_default: None,
        time: TimeField { path: path("ts"), format: TimeFormat::Auto },
        keys: vec![path("model")],
        id: None,
        metrics: metrics.map(metric).to_vec(),
    }
}

fn rows(batch: &Batch, into: &mut Vec<String>) {
    for row in 0..batch.rows() {
        let label = |labels: &driftline::model::Labels| match labels.indices.value(row) {
            NULL_LABEL => "null".to_owned(),
            index => labels.values.value(index as usize).to_owned(),
        };
        let mut text = format!("{} {}", batch.time_us[row] / 1_000_000, label(&batch.keys[0]));
        for column in &batch.metrics {
            text += &match column {
                Column::Number(numbers) if numbers.is_null(row) => " null".into(),
                Column::Number(numbers) => format!(" {}", numbers.value(row)),
                Column::Category(labels) => format!(" {}", label(labels)),
                Column::Flag(codes) => format!(" {}", codes.value(row)),
                Column::Vector { offsets, values } => {
                    let span = offsets[row] as usize..offsets[row + 1] as usize;
                    format!(" {:?}", &values.values()[span])
                }
            };
        }
        into.push(text);
    }
}

/// The reject of a file that cannot be read.
fn broken(path: &Path) -> String {
    let source = FileSource::find(&[path.display().to_string()], None).expect("a file");
    let mut blocks = source.open(0, &Limits::default());
    match blocks.next() {
        Some(FileBlock::Broken(reject)) => reject.detail,
        other => panic!("{}: {other:?}", path.display()),
    }
}

fn decode(path: &Path) -> Vec<String> {
    let source = FileSource::find(&[path.display().to_string()], None).expect("a file");
    let limits = Limits::default();
    let mut decoder = Decoder::new(&layout(), &limits, 0, i64::MAX).expect("a layout");
    let mut found = Vec::new();
    for block in source.open(0, &limits) {
        decoder.decode(&block, &mut |batch| {
            assert_eq!(batch.rejects, [], "{}", path.display());
            rows(&batch, &mut found);
        });
    }
    found
}

/// Since version 2 the files of Polars have no length before their schema: read from front to back as a
/// stream they are corrupt.
#[test]
fn files_of_polars_and_pyarrow_hold_the_same_events() {
    let expected = [
        "1772452800 a 0.5 0.5 stop stop 1 [1.0, 2.0] null",
        "1772452801 b 1.5 1.5 stop stop 0 [1.0, 2.0] null",
        "1772452802 a null null length length 2 [1.0, 2.0] null",
        "1772452803 b 3.5 3.5 null null 1 [1.0, 2.0] null",
        "1772452804 a 4.5 4.5 stop stop 1 [1.0, 2.0] null",
        "1772452805 a 5.5 5.5 length length 0 [1.0, 2.0] null",
    ];
    let folder = tempfile::tempdir().expect("a folder");
    for name in FILES {
        let path = repository("tests/data/arrow").join(name);
        assert_eq!(decode(&path), expected, "{name}");
        // Packed it cannot be read by its footer; files of Polars can in no other way, and say so.
        let packed = folder.path().join(format!("{name}.gz"));
        let file = fs::File::create(&packed).expect("made");
        let mut file = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        file.write_all(&fs::read(&path).expect("the file")).expect("written");
        file.finish().expect("written");
        if name.starts_with("polars") && name.ends_with(".arrow") {
            assert!(broken(&packed).contains("write_ipc_stream"), "{name}: {}", broken(&packed));
        } else {
            assert_eq!(decode(&packed), expected, "{name}, packed");
        }
    }
}
