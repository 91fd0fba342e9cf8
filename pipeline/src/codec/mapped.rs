//! A stream of bytes as other bytes, made piece by piece: a piece is dropped before the next one is read.

use std::io::{self, Read};

const READ_BYTES: usize = 1 << 16;

/// What makes other bytes of bytes, wherever they are cut.
pub(super) trait Map: Send {
    /// Takes the next bytes, and adds what they give.
    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>);

    /// The bytes are over: adds what is left.
    fn end(&mut self, out: &mut Vec<u8>);
}

/// A stream and what is made of it.
pub(super) struct Mapped<R, M> {
    input: R,
    map: M,
    out: Vec<u8>,
    given: usize,
    is_over: bool,
}

impl<R: Read, M: Map> Mapped<R, M> {
    pub(super) fn new(input: R, map: M) -> Self {
        Self { input, map, out: Vec::new(), given: 0, is_over: false }
    }

    fn fill(&mut self) -> io::Result<()> {
        let mut read = [0; READ_BYTES];
        let count = self.input.read(&mut read)?;
        self.out.clear();
        self.given = 0;
        self.is_over = count == 0;
        match self.is_over {
            false => self.map.take(&read[..count], &mut self.out),
            true => self.map.end(&mut self.out),
        }
        Ok(())
    }
}

impl<R: Read, M: Map> Read for Mapped<R, M> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.given == self.out.len() && !self.is_over {
            self.fill()?;
        }
        let rest = &self.out[self.given..];
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        self.given += count;
        Ok(count)
    }
}
