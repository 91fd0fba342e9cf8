//! Kafka as input: fetch threads that turn partitions into decoded batches, and membership of a group.
//!
//! The two are apart. A [`Fetcher`] is told which partitions to read from which offsets; it joins no
//! group and commits nothing. A [`Member`] is in the group and learns which partitions are its own; it
//! fetches nothing. Not here: what events mean, which thread reads what, what is committed when.
//! Invariants: messages of a partition come in their order, none is left out silently, and memory is
//! bounded by bytes: where nobody takes batches, nothing is fetched.

mod arrival;
mod cursor;
mod fetch;
mod fetcher;
mod member;
mod membership;
mod order;
mod properties;
mod rebalance;
mod status;

pub use self::fetcher::Fetcher;
pub use self::member::Member;
pub use self::membership::Membership;
pub use self::order::{FetchSettings, MemberEvent, Order};
pub use self::status::FetchStatus;

#[cfg(test)]
mod mock_tests;
#[cfg(test)]
mod stand_in;
