//! Memory that closing a pane uses again.

/// Memory of one pane's matrices, used again for the next.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) rows: Vec<u32>,
    pub(crate) evidence: Vec<f64>,
}
