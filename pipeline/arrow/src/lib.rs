//! The parts of Apache Arrow that Driftline uses, by the paths that the umbrella crate `arrow` gives them.
//!
//! The umbrella also brings arithmetic, ordering, strings and row formats, which take a minute to compile and which
//! nothing here calls. Not here: code of our own, but for one line that the umbrella has in its arithmetic.

/// Arrays and their builders.
pub mod array {
    pub use arrow_array::builder::*;
    pub use arrow_array::cast::*;
    pub use arrow_array::*;
    pub use arrow_data::{ArrayData, ArrayDataBuilder};
}

/// Memory under arrays.
pub mod buffer {
    pub use arrow_buffer::buffer::*;
}

/// Functions from arrays to arrays.
pub mod compute {
    pub use arrow_cast::cast;
    pub use arrow_select::filter::filter;
    pub use arrow_select::nullif::nullif;

    use arrow_array::{Array, BooleanArray};
    use arrow_buffer::BooleanBuffer;

    /// Which values are null.
    pub fn is_null(array: &dyn Array) -> BooleanArray {
        let nulls = match array.logical_nulls() {
            None => BooleanBuffer::new_unset(array.len()),
            Some(valid) => !valid.inner(),
        };
        BooleanArray::new(nulls, None)
    }
}

/// Types of arrays and schemas.
pub mod datatypes {
    pub use arrow_array::types::*;
    pub use arrow_schema::*;
}

/// The error of all of these.
pub mod error {
    pub use arrow_schema::ArrowError;
}

/// The IPC format: files and streams.
pub mod ipc {
    pub use arrow_ipc::*;
}
