//! Decodes the blocks of files of any codec, on one thread.

use super::batch_builder::BatchBuilder;
use super::contract::{Codec, DecodeBlocks};
use super::file_block::FileBlock;
use super::rules::LayoutError;
use crate::model::{Batch, Layout, Limits};

/// Decodes blocks. Reusable; one for each thread.
#[derive(Debug)]
pub struct Decoder {
    batch: BatchBuilder,
    /// By the name of the format; made when its first block comes.
    codecs: Vec<(&'static str, Box<dyn DecodeBlocks>)>,
}

impl Decoder {
    /// A decoder for a layout. Events before `not_before_us` and at or after `not_after_us`
    /// (microseconds since 1970) are rejects.
    ///
    /// # Errors
    /// Where the layout is none.
    pub fn new(
        layout: &Layout,
        limits: &Limits,
        not_before_us: i64,
        not_after_us: i64,
    ) -> Result<Self, LayoutError> {
        let batch = BatchBuilder::new(layout, limits, not_before_us, not_after_us)?;
        Ok(Self { batch, codecs: Vec::new() })
    }

    /// Decodes a block; `emit` gets its batches in order.
    pub fn decode(&mut self, block: &FileBlock, emit: &mut dyn FnMut(Batch)) {
        match block {
            FileBlock::Whole { codec, block } => {
                self.batch.begin(block.partition);
                if let Some(at) = self.place_of(*codec)
                    && let Some((_, decoder)) = self.codecs.get_mut(at)
                {
                    decoder.decode(block, &mut self.batch, emit);
                }
            }
            FileBlock::Broken(reject) => {
                self.batch.begin(reject.partition);
                self.batch.push_reject(reject.clone());
                emit(self.batch.finish());
            }
        }
    }

    /// Where the decoder of this codec is.
    fn place_of(&mut self, codec: &dyn Codec) -> Option<usize> {
        let name = codec.format().name;
        let known = self.codecs.iter().position(|(known, _)| *known == name);
        if known.is_some() {
            return known;
        }
        let decoder = codec.files()?.decoder(self.batch.setup());
        self.codecs.push((name, decoder));
        Some(self.codecs.len() - 1)
    }
}
