//! Samples of CSV files: every column with its cells.

use super::block::OpenFile;
use super::csv_delimiter::delimiter;
use super::field_values::with_decimal_point;
use super::sample::{Sample, SampleFault, SampleValue, is_path};

/// Reads up to `records_max` records.
pub(crate) fn sample(
    file: OpenFile,
    records_max: u64,
    sample: &mut dyn Sample,
) -> Result<(), SampleFault> {
    let (delimiter, bytes) =
        delimiter(file.bytes).map_err(|error| SampleFault::Broken(error.to_string()))?;
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(bytes);
    let Ok(header) = reader.headers().cloned() else { return Ok(()) };
    let mut names: Vec<&str> = header.iter().collect();
    names.sort_unstable();
    let twice = |pair: &&[&str]| pair[0] == pair[1] && !pair[0].is_empty();
    if let Some(&[name, _]) = names.windows(2).find(twice) {
        return Err(SampleFault::Broken(format!(
            "it has two columns of the same name, `{name}`: rename one of them"
        )));
    }
    if let Some(cell) = header.iter().find(|cell| is_value(cell)) {
        return Err(SampleFault::Broken(format!(
            "its first record should name the columns, but has the value `{cell}`: add a line of names at its top"
        )));
    }
    let mut record = csv::StringRecord::new();
    while sample.records() < records_max && sample.unreadable() < records_max {
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            // A damaged end of a packed file ends the sample: what came before is a sample, too.
            Err(error) if error.is_io_error() => break,
            Err(_) => {
                sample.add_unreadable(1);
                continue;
            }
        }
        sample.add_records(1);
        for (name, cell) in header.iter().zip(&record) {
            let name = name.trim_start_matches('\u{FEFF}');
            if is_path(name) {
                let pointed = (delimiter == b';')
                    .then(|| with_decimal_point(cell))
                    .flatten()
                    .filter(|pointed| pointed.parse::<f64>().is_ok());
                sample.value(name, SampleValue::of_cell(pointed.as_deref().unwrap_or(cell)));
            }
        }
    }
    Ok(())
}

/// Whether a cell of the first record is a value and not the name of a column.
fn is_value(cell: &str) -> bool {
    let begins_as_date = |cell: &str| {
        let bytes = cell.as_bytes();
        bytes.len() >= 10
            && bytes[..4].iter().all(u8::is_ascii_digit)
            && bytes[4] == b'-'
            && bytes[7] == b'-'
    };
    cell.parse::<f64>().is_ok_and(f64::is_finite) || begins_as_date(cell)
}
