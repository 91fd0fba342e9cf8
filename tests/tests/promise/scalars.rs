//! Pane scalars.
