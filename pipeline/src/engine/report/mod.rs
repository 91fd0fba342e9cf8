//! What is said: findings, alerts, and looks at what is watched. Nothing is decided here.

pub(super) mod alerts;
pub(super) mod builder;
pub(super) mod carriers;
pub(super) mod code_surprises;
pub(super) mod finding;
pub(super) mod further;
pub(super) mod look;
pub(super) mod progress;
pub(super) mod surprise;
pub(super) mod words;
