//! What a row of the table of options is made of.

use toml::de::DeValue;

use super::diagnostic::Diagnostics;
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

/// Sets each option that has a default.
pub(super) fn set_defaults<T>(options: &[Opt<T>], target: &mut T) {
    let mut diagnostics = Diagnostics::new("defaults", "");
    for option in options.iter().filter(|option| !option.default.is_empty()) {
        if let Ok(value) = DeValue::parse(option.default) {
            option.form.read(option.name, &value, target, &mut diagnostics);
        }
    }
    debug_assert!(!diagnostics.has_errors(), "a default is wrong: {:?}", diagnostics.items());
}
