//! A section of the config: what it is for, and its rows.

use super::draft::Draft;
use super::option::Opt;

/// A section of the file.
pub struct Section {
    /// Its dotted name; empty for the top of the file.
    pub name: &'static str,
    /// What it is for.
    pub doc: &'static str,
    /// Its options.
    pub options: &'static [Opt<Draft>],
}
