//! Decodes messages of one format, batch by batch, on one thread.

use super::batch_builder::BatchBuilder;
use super::contract::{DecodeMessages, MessageCodec};
use super::message::Message;
use super::rules::LayoutError;
use crate::model::{Batch, Layout, Limits, Reject};

/// Decodes messages of one format. Reusable; one for each thread.
#[derive(Debug)]
pub struct MessageDecoder {
    batch: BatchBuilder,
    codec: Box<dyn DecodeMessages>,
}

impl MessageDecoder {
    /// A decoder for a layout. Events before `not_before_us` and at or after `not_after_us`
    /// (microseconds since 1970) are rejects.
    ///
    /// # Errors
    /// Where the layout is none.
    pub fn new(
        codec: &dyn MessageCodec,
        layout: &Layout,
        limits: &Limits,
        not_before_us: i64,
        not_after_us: i64,
    ) -> Result<Self, LayoutError> {
        let batch = BatchBuilder::new(layout, limits, not_before_us, not_after_us)?;
        let codec = codec.decoder(batch.setup());
        Ok(Self { batch, codec })
    }

    /// Decodes messages of one partition, in their order. Events and rejects are in the batch that
    /// [`MessageDecoder::finish`] gives next.
    pub fn add(&mut self, partition: u32, messages: &[Message<'_>]) {
        self.batch.begin(partition);
        self.codec.messages(messages, &mut self.batch);
    }

    /// Events that wait for [`MessageDecoder::finish`].
    pub fn rows(&self) -> usize {
        self.batch.rows()
    }

    /// Rejects that wait for [`MessageDecoder::finish`].
    pub fn rejects(&self) -> &[Reject] {
        self.batch.rejects()
    }

    /// The events and rejects since the last batch, all of this partition.
    pub fn finish(&mut self, partition: u32) -> Batch {
        self.batch.begin(partition);
        self.batch.finish()
    }
}
