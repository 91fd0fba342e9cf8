//! What decides whether a record is an event, and which values it has: paths, bounds, the time format.

use thiserror::Error;

use super::bad_record::BadRecord;
use super::path_tree::PathTree;
use super::time::TimeReader;
use crate::model::{Layout, Limits, Reason, TimeFormat};

/// A layout that no decoder can be made of.
#[derive(Debug, Error)]
pub enum LayoutError {
    /// strftime does not know the pattern.
    #[error("[time].format: `{0}` is not a strftime pattern; docs/config.md lists the specifiers")]
    Pattern(String),
    /// Too many paths.
    #[error("the layout names more than 65,000 paths; split it into several pipelines")]
    TooManyPaths,
}

/// The rules by which records are judged.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) paths: PathTree,
    pub(crate) limits: Limits,
    pub(crate) times: TimeReader,
    pub(crate) bounds: TimeBounds,
}

impl Rules {
    pub(crate) fn new(
        layout: &Layout,
        limits: &Limits,
        bounds: TimeBounds,
    ) -> Result<Self, LayoutError> {
        let paths = PathTree::new(layout).ok_or(LayoutError::TooManyPaths)?;
        let times = TimeReader::new(&layout.time.format).ok_or_else(|| {
            LayoutError::Pattern(match &layout.time.format {
                TimeFormat::Pattern(pattern) => pattern.clone(),
                _ => String::new(),
            })
        })?;
        Ok(Self { paths, limits: limits.clone(), times, bounds })
    }
}

/// The span of event time that is taken, `[not_before_us, not_after_us)`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeBounds {
    pub(crate) not_before_us: i64,
    pub(crate) not_after_us: i64,
}

impl TimeBounds {
    #[inline]
    pub(crate) fn check(&self, us: i64) -> Result<i64, BadRecord> {
        if us < self.not_before_us {
            return Err(BadRecord::new(Reason::TimeTooEarly, written(us)));
        }
        if us >= self.not_after_us {
            return Err(BadRecord::new(Reason::TimeTooLate, written(us)));
        }
        Ok(us)
    }
}

fn written(us: i64) -> String {
    match chrono::DateTime::from_timestamp_micros(us) {
        Some(time) => time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
        None => format!("{us} us since 1970"),
    }
}
