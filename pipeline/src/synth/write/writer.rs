//! What writes the events of one file, whatever its format.

use std::io;

use super::super::event::Event;

/// Writes events of one file.
pub trait EventWriter {
    /// Adds one event.
    ///
    /// # Errors
    /// When the file cannot be written.
    fn write(&mut self, event: &Event) -> io::Result<()>;

    /// Ends the file.
    ///
    /// # Errors
    /// When the file cannot be written.
    fn finish(self: Box<Self>) -> io::Result<()>;
}
