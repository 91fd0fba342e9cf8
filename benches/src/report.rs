//! What a run found: a table for people, JSON for machines.

use std::fmt;
use std::io;
use std::path::Path;

use serde::Serialize;

use super::sample::Sample;

/// One measured row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Name.
    pub name: String,
    /// Units of work in one round.
    pub units: u64,
    /// Nanoseconds a unit.
    pub nanos_per_unit: Sample,
    /// How fast it is beside the floor: 0.5 is half as fast. None where there is no floor.
    pub to_floor: Option<f64>,
}

impl Row {
    /// Units a second, by the median.
    pub fn units_per_s(&self) -> f64 {
        1e9 / self.nanos_per_unit.median
    }
}

/// All rows of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// What was measured.
    pub title: String,
    /// What a row counts.
    pub unit: String,
    /// Counted rounds.
    pub rounds: usize,
    /// The rows, in the order in which they were added.
    pub rows: Vec<Row>,
}

impl Report {
    /// The row of this name.
    pub fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name)
    }

    /// The report as a JSON text.
    ///
    /// # Errors
    /// Never for a report of [`super::Rounds`]; the type is that of the serializer.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }

    /// Writes the JSON text to a file, and makes its folder where it does not exist.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_json(&self, path: &Path) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, self.to_json()? + "\n")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
        writeln!(out, "{}: medians (and range) of {} interleaved rounds", self.title, self.rounds)?;
        writeln!(
            out,
            "{:<width$}  {:>12}  {:>20}  {:>14}  {:>8}",
            "",
            format!("ns/{}", self.unit),
            "range",
            format!("{}s/s", self.unit),
            "to floor"
        )?;
        for row in &self.rows {
            let Sample { median, min, max, .. } = row.nanos_per_unit;
            let ratio = row.to_floor.map_or("-".to_owned(), |ratio| format!("{ratio:.2}"));
            writeln!(
                out,
                "{:<width$}  {median:>12.1}  {:>20}  {:>14.0}  {ratio:>8}",
                row.name,
                format!("{min:.1} .. {max:.1}"),
                row.units_per_s(),
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let sample = Sample { median: 250.0, min: 200.0, max: 300.0, repeats: 5 };
        let row = |name: &str, to_floor| Row {
            name: name.to_owned(),
            units: 10,
            nanos_per_unit: sample,
            to_floor,
        };
        let rows = vec![row("floor", Some(1.0)), row("ours", None)];
        Report { title: "decode".to_owned(), unit: "event".to_owned(), rounds: 5, rows }
    }

    #[test]
    fn a_table_has_a_line_a_row() {
        let text = report().to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(lines[1].contains("ns/event") && lines[1].contains("events/s"), "{text}");
        assert!(lines[2].contains("250.0") && lines[2].contains("4000000"), "{text}");
        assert!(lines[2].ends_with("1.00") && lines[3].ends_with('-'), "{text}");
    }

    #[test]
    fn json_is_written_with_its_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("bench/decode.json");
        report().write_json(&path).expect("written");
        let text = std::fs::read_to_string(path).expect("read");
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(value["rows"][0]["nanos_per_unit"]["median"], 250.0);
    }
}
