//! What a sink must promise, and what it may rely on.

use std::time::Duration;

use super::lines::WriteError;
use crate::model::OutputRecord;
use crate::model::stream::Epoch;

/// A way out for results.
///
/// A sink is made by its line of the table ([`SINKS`](super::SINKS)), called from one thread, and never
/// from two at a time. Everything about it follows from two types. `Input` is what it is given; `Fault` is
/// the only way in which a write may end without having been done. There are three kinds:
///
/// | kind | `Input` | `Fault` | where a write fails |
/// | --- | --- | --- | --- |
/// | [`EpochSink`]: takes part in the epoch | [`Epoch`] | [`Lost`] | state is rebuilt from the last commit |
/// | [`FollowingSink`]: told what is committed | [`OutputRecord`] | [`Refusal`] | again, or a dead letter |
/// | [`FileSink`]: takes what a replay finds | [`OutputRecord`] | [`WriteError`] | the replay ends |
///
/// # Call order
///
/// 1. It is made. A sink that takes part reaches out here, and with transactions fences an older instance of
///    itself; one that follows only looks at its settings, since its receiver may come up later.
/// 2. [`write`](Sink::write), for each input in its order; and, but for a [`FileSink`],
///    [`idle`](Sink::idle) between two of them, at least every tenth of a second while there is nothing to
///    write.
/// 3. [`finish`](Sink::finish), once, if there is time. A sink may be dropped without it at any moment, in
///    the middle of a process that is killed, too: nothing may depend on it but bytes that are still
///    buffered.
///
/// # Order
///
/// Inputs come in the order in which they were found, and `write` is not called with the next before it has
/// returned for this one. So order is kept by whoever keeps it within a `write`.
///
/// # What has been written
///
/// `Ok(())` means durable, as far as the receiver can promise it: this process will not offer that input
/// again. A process that dies in the middle of `write`, or after it but before anybody heard of it, leaves
/// the outcome open:
///
/// - An [`EpochSink`] of `exactly-once` must settle that by itself. Before it writes an epoch again, in this
///   process or in the next one, it must know whether the first attempt was committed: results and offsets
///   are one.
/// - An [`EpochSink`] of `at-least-once` makes journal, results and offsets durable in this order. What a
///   crash leaves open is read and written again, with the same ids.
/// - A [`FollowingSink`] is fed only from epochs that are committed, so it never tells what is later taken
///   back. Within one process each record is delivered once, or more than once where an answer was lost;
///   records that still waited when the process died are not delivered by the next one, which finds them in
///   the topics. With `at-least-once`, what is read again after a crash is told again. In every case a
///   record has the same [`id`](OutputRecord::id), by which the receiver can drop what it has.
///
/// # Retries and time
///
/// An [`EpochSink`] tries for as long as it takes and says what it waits for: when it takes nothing, reading
/// stops, and nothing is dropped. It gives up only when it is told that the epoch is not wanted any more.
/// A [`FollowingSink`] makes one attempt a call, and returns within some ten seconds; its [`Follower`] tries
/// again, waits in between, counts dead letters, and never makes the flow wait.
///
/// [`Follower`]: super::follower::Follower
pub trait Sink: Send {
    /// What it is given.
    type Input;
    /// Why an input was not written. Which faults there are decides what can end what: see the table above.
    type Fault: std::error::Error;

    /// Writes one input.
    ///
    /// # Errors
    /// Where it is not written, by the rules of its kind.
    fn write(&mut self, input: &Self::Input) -> Result<(), Self::Fault>;

    /// Called while there is nothing to write: for keep-alives and events of a client. Must return at once.
    fn idle(&mut self) {}

    /// The last call, where there is time for one: writes what is still buffered.
    ///
    /// # Errors
    /// Where that is not written.
    fn finish(&mut self) -> Result<(), Self::Fault> {
        Ok(())
    }
}

/// A sink that takes part in the epoch: what it has written, and only that, is committed. There is one at a
/// time, which `[delivery] mode` names, and it has the offsets to commit, too; so it is Kafka's.
pub type EpochSink = dyn Sink<Input = Epoch, Fault = Lost>;

/// A sink that follows: it is told what has been committed. There may be any number of them.
pub type FollowingSink = dyn Sink<Input = OutputRecord, Fault = Refusal>;

/// A sink for the results of a replay, which has no epochs: whatever is not written ends it.
pub type FileSink = dyn Sink<Input = OutputRecord, Fault = WriteError>;

/// The epoch is not committed, and this process must not write it: others own its partitions. All state has
/// to be rebuilt from the last commit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Lost(
    /// Why, for people.
    pub String,
);

/// A record was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It may be taken later: the same record comes again after a pause, before any other.
    #[error("{why}")]
    Later {
        /// Why, for people.
        why: String,
        /// How long the receiver wants to be left alone, where it says so; at most 30 s are heeded.
        after: Option<Duration>,
    },
    /// It will never be taken: it is a dead letter, and the next one comes.
    #[error("{why}")]
    Never {
        /// Why, for people.
        why: String,
    },
}
