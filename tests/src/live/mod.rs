//! The real `driftline run` against a broker: topics and a config of a test's own, members that are killed
//! and frozen, and what a reader of committed records says about their results.

pub mod course;
mod member;
mod pipeline;
mod reference;
mod verdict;

pub use course::Course;
pub use member::Member;
pub use pipeline::{Pipeline, Shape};
pub use reference::Reference;
pub use verdict::{Promise, Verdict};
