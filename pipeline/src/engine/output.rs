//! What the engine gives: findings and alerts.

use crate::model::{Alert, Finding};

/// What the engine gives.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Output {
    /// Findings, in the order of panes. Within one, by budget: models in their order, of each its charts, its
    /// metrics, and what its series carry together, the most evidence first; by share: all charts, then all
    /// metrics. Silence comes last. Charts, metrics and silence are in the order of keys.
    pub findings: Vec<Finding>,
    /// Transitions of alerts, in the order of panes, then models.
    pub alerts: Vec<Alert>,
}
