//! What a decoder is made for.

use super::path_tree::PathTree;
use crate::model::Limits;

/// What a decoder is made for. Fields may be added.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Setup<'a> {
    /// The configured paths.
    pub paths: &'a PathTree,
    /// Bounds of records.
    pub limits: &'a Limits,
}
