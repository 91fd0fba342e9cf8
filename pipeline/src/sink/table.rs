//! The one table of sinks, and those that an embedding program puts beside it. A new sink is one file and one
//! line here.

use std::sync::{PoisonError, RwLock};

use super::contract::FileSink;
use super::lines::{ResultPaths, WriteError};
use super::spec::{Role, SinkSpec};
use super::{kafka, ndjson};

/// The sinks of this program.
pub static SINKS: &[SinkSpec] = &[ndjson::FILES, kafka::EXACTLY_ONCE, kafka::AT_LEAST_ONCE];

/// Those of an embedding program.
static ADDED: RwLock<Vec<&'static SinkSpec>> = RwLock::new(Vec::new());

/// Puts sinks that follow what is committed beside the table, for this process: to be called before a
/// config is read. One whose name is taken is left out, and so is one of another kind: the table alone has
/// those.
pub fn add(sinks: &'static [SinkSpec]) {
    for spec in sinks {
        let follows = matches!(spec.role, Role::Follower { .. });
        if follows && !all().any(|known| known.name == spec.name) {
            ADDED.write().unwrap_or_else(PoisonError::into_inner).push(spec);
        }
    }
}

/// All sinks: those of the table, then those that were added.
pub fn all() -> impl Iterator<Item = &'static SinkSpec> {
    let added = ADDED.read().unwrap_or_else(PoisonError::into_inner).clone();
    SINKS.iter().chain(added)
}

/// The sink of a replay's results: opens its files.
///
/// # Errors
/// Where one of them cannot be created.
pub fn files(paths: &ResultPaths) -> Result<Box<FileSink>, WriteError> {
    let maker = SINKS.iter().find_map(|spec| match spec.role {
        Role::Files { make } => Some(make),
        _ => None,
    });
    maker.unwrap_or(ndjson::create)(paths)
}

/// The sinks that follow committed epochs. Each has a section `[sinks.NAME]`.
pub fn following() -> impl Iterator<Item = &'static SinkSpec> {
    all().filter(|spec| matches!(spec.role, Role::Follower { .. }))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::live::Delivery;

    #[test]
    fn names_are_unique_and_each_mode_of_delivery_has_its_sink() {
        let names: BTreeSet<&str> = SINKS.iter().map(|spec| spec.name).collect();
        assert_eq!(names.len(), SINKS.len());
        let modes: Vec<Delivery> = SINKS
            .iter()
            .filter_map(|spec| match spec.role {
                Role::Epoch { mode, .. } => Some(mode),
                _ => None,
            })
            .collect();
        assert_eq!(modes, [Delivery::ExactlyOnce, Delivery::AtLeastOnce]);
    }
}
