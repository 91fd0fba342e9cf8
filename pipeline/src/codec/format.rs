//! What a format is called, and how its files are known.

/// The words about a format: names, what tells its files from others, documentation.
#[derive(Debug)]
pub struct Format {
    /// Its name in a config and on the command line.
    pub name: &'static str,
    /// File name extensions, in lower case and without the dot.
    pub extensions: &'static [&'static str],
    /// How a file of it may begin, 8 bytes at most; empty = nothing tells it.
    pub magic: &'static [&'static [u8]],
    /// What it reads, in a sentence or two.
    pub doc: &'static str,
}

impl Format {
    /// Whether a file that begins like this is of this format for certain.
    pub fn begins(&self, beginning: &[u8]) -> bool {
        self.magic.iter().any(|magic| beginning.starts_with(magic))
    }
}
