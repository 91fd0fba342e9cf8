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
