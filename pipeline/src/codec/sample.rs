//! The first records of a file, with all that is in them and not only what is configured: what `driftline
//! init` makes a config of, and `driftline check` suggests paths from.
//!
//! Lenient: a record that cannot be read is counted and skipped. Not here: what a path is good for
//! (`config::infer`).

use thiserror::Error;

/// One value of one path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SampleValue<'a> {
    /// Not set.
    Null,
    /// true or false.
    Flag(bool),
    /// A number.
    Number(f64),
    /// A text.
    Text(&'a str),
    /// A time of a format that knows times, in microseconds since 1970.
    Time(i64),
    /// A list of that many numbers.
    Vector(usize),
    /// A list of anything else.
    List,
}

impl<'a> SampleValue<'a> {
    /// A cell of a format without types.
    pub fn of_cell(cell: &'a str) -> Self {
        match cell {
            "" => Self::Null,
            cell if is_null_word(cell) => Self::Null,
            "true" | "True" | "TRUE" => Self::Flag(true),
            "false" | "False" | "FALSE" => Self::Flag(false),
            cell => match cell.parse::<f64>() {
                Ok(number) if number.is_finite() => Self::Number(number),
                _ => Self::Text(cell),
            },
        }
    }
}

/// Whether a cell of a format without types says that there is no value, in the words of databases,
/// spreadsheets and data frames.
pub(crate) fn is_null_word(cell: &str) -> bool {
    const WORDS: &[&str] = &[
        "NULL", "null", "Null", "N/A", "n/a", "NA", "#N/A", "None", "none", "nil", "NaN", "nan",
        "\\N", "-",
    ];
    WORDS.contains(&cell)
}

/// What a sample is told to.
pub trait Sample {
    /// Takes a value of a record. The path is dotted, from the outside in.
    fn value(&mut self, path: &str, value: SampleValue<'_>);

    /// So many records more were read.
    fn add_records(&mut self, count: u64);

    /// So many records more could not be read.
    fn add_unreadable(&mut self, count: u64);

    /// Records that were read so far.
    fn records(&self) -> u64;

    /// Records that could not be read so far.
    fn unreadable(&self) -> u64;
}

/// Whether a path can be configured: one with an empty part cannot.
pub(crate) fn is_path(name: &str) -> bool {
    !name.split('.').any(str::is_empty)
}

/// Why a file gives no sample.
#[derive(Debug, Error)]
pub enum SampleFault {
    /// It is not of the format.
    #[error("{0}")]
    Broken(String),
    /// It is a pipe or compressed.
    #[error("not a plain file")]
    NotSeekable,
    /// No file of the format can be sampled.
    #[error("files of this format cannot be sampled")]
    Unsupported,
}
