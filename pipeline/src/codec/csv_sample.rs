//! Samples of CSV files: every column with its cells.

use super::block::OpenFile;
use super::sample::{Sample, SampleFault, SampleValue, is_path};

/// Reads up to `records_max` records.
pub(crate) fn sample(
    file: OpenFile,
    records_max: u64,
    sample: &mut dyn Sample,
) -> Result<(), SampleFault> {
    let mut reader = csv::ReaderBuilder::new().from_reader(file.bytes);
    let Ok(header) = reader.headers().cloned() else { return Ok(()) };
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
                sample.value(name, SampleValue::of_cell(cell));
            }
        }
    }
    Ok(())
}
