//! The mathematics of Driftline.
