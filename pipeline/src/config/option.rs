//! What a row of the table of options is made of.

use super::draft::Draft;
use super::form::Form;

/// One option.
pub struct Opt<T: 'static> {
    /// Its name in its section.
    pub name: &'static str,
    /// What it takes, and where that goes.
    pub form: Form<T>,
    /// Its default as TOML; empty: none.
    pub default: &'static str,
    /// What it does, for people.
    pub doc: &'static str,
}

/// A section of the file.
pub struct Section {
    /// Its dotted name; empty for the top of the file.
    pub name: &'static str,
    /// What it is for.
    pub doc: &'static str,
    /// Its options.
    pub options: &'static [Opt<Draft>],
}

/// Milliseconds in microseconds; then seconds, hours, days.
pub(super) const MS: i64 = 1_000;
pub(super) const S: i64 = 1_000_000;
pub(super) const H: i64 = 3_600 * S;
pub(super) const D: i64 = 24 * H;

pub(super) const fn opt<T>(
    name: &'static str,
    form: Form<T>,
    default: &'static str,
    doc: &'static str,
) -> Opt<T> {
    Opt { name, form, default, doc }
}
