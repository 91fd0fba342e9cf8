//! What a file gives: blocks, and where it breaks a reject.

use super::block::Block;
use super::contract::Codec;
use crate::model::Reject;

/// What comes out of a file.
#[derive(Debug)]
pub enum FileBlock {
    /// A block and the codec that made it.
    Whole {
        /// The codec.
        codec: &'static dyn Codec,
        /// The block.
        block: Block,
    },
    /// The rest of a file that cannot be read; decodes to this reject.
    Broken(Reject),
}

impl FileBlock {
    /// Bytes that it holds beyond those of an ordinary block.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Whole { block, .. } => block.bytes(),
            Self::Broken(_) => 0,
        }
    }

    /// Whether it decodes to more than should be held at one time.
    pub(crate) fn is_streamed(&self) -> bool {
        matches!(self, Self::Whole { block, .. } if block.is_streamed())
    }
}
