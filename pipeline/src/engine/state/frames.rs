//! Frames: a stream of values, written and read in one order, of which no damage goes unseen.
//!
//! ```text
//! magic (8) | frame ... frame | end:  frame = length u32 | CRC-32 u32 | values in postcard
//! ```
//!
//! The CRC is of everything up to there, the magic included, so frames that were changed, cut, lost or put
//! in another order are noticed; the end is a frame of length 0, and nothing follows it. No value spans two
//! frames, and memory is that of one frame. Not here: what the values are.

use std::io::{self, Read, Write};

use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A frame is written once it holds this many bytes.
const FRAME_BYTES: usize = 1 << 18;

/// Writes values.
pub(crate) struct FrameWriter<W: Write> {
    out: W,
    crc: crc32fast::Hasher,
    values: Vec<u8>,
}

/// A buffer that postcard writes to, and that is used again.
struct Buffer<'a>(&'a mut Vec<u8>);

impl Flavor for Buffer<'_> {
    type Output = ();

    #[inline]
    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

impl<W: Write> FrameWriter<W> {
    pub(crate) fn new(mut out: W, magic: &[u8; 8]) -> io::Result<Self> {
        out.write_all(magic)?;
        let mut crc = crc32fast::Hasher::new();
        crc.update(magic);
        Ok(Self { out, crc, values: Vec::new() })
    }

    pub(crate) fn put(&mut self, value: &impl Serialize) -> io::Result<()> {
        postcard::serialize_with_flavor(value, Buffer(&mut self.values))
            .map_err(io::Error::other)?;
        if self.values.len() >= FRAME_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        let length = u32::try_from(self.values.len()).map_err(io::Error::other)?.to_le_bytes();
        self.crc.update(&length);
        self.crc.update(&self.values);
        self.out.write_all(&length)?;
        self.out.write_all(&self.crc.clone().finalize().to_le_bytes())?;
        self.out.write_all(&self.values)?;
        self.values.clear();
        Ok(())
    }

    /// Ends the stream; without it, what was written is refused.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        if !self.values.is_empty() {
            self.flush()?;
        }
        self.flush()?;
        Ok(self.out)
    }
}

/// Reads values, in the order in which they were written. Every error means: damaged.
pub(crate) struct FrameReader<R: Read> {
    input: R,
    crc: crc32fast::Hasher,
    values: Vec<u8>,
    at: usize,
}

impl<R: Read> FrameReader<R> {
    /// None where the magic is none of these: today's, and then those whose frames have a CRC without it.
    pub(crate) fn new(mut input: R, magics: &[&[u8; 8]]) -> io::Result<Option<Self>> {
        let mut found = [0; 8];
        match input.read_exact(&mut found) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        let mut crc = crc32fast::Hasher::new();
        if magics.first().is_some_and(|magic| found == **magic) {
            crc.update(&found);
        }
        let new = || Self { input, crc, values: Vec::new(), at: 0 };
        Ok(magics.iter().any(|magic| found == **magic).then(new))
    }

    pub(crate) fn get<T: DeserializeOwned>(&mut self) -> io::Result<T> {
        if self.at == self.values.len() {
            self.fill()?;
        }
        let (value, rest) =
            postcard::take_from_bytes(&self.values[self.at..]).map_err(io::Error::other)?;
        self.at = self.values.len() - rest.len();
        Ok(value)
    }

    fn fill(&mut self) -> io::Result<()> {
        let (mut length, mut crc) = ([0; 4], [0; 4]);
        self.input.read_exact(&mut length)?;
        self.input.read_exact(&mut crc)?;
        self.values.clear();
        self.at = 0;
        // A length that is a lie costs no more than what is really there.
        let wanted = u64::from(u32::from_le_bytes(length));
        (&mut self.input).take(wanted).read_to_end(&mut self.values)?;
        self.crc.update(&length);
        self.crc.update(&self.values);
        let whole = self.values.len() as u64 == wanted
            && self.crc.clone().finalize() == u32::from_le_bytes(crc);
        if whole { Ok(()) } else { Err(io::Error::other("a frame's checksum does not fit")) }
    }

    /// The end: all values were read, the stream says that it ends, and so it does.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        let all = self.at == self.values.len();
        self.fill()?;
        let ends = self.values.is_empty() && self.input.read(&mut [0])? == 0;
        if all && ends { Ok(()) } else { Err(io::Error::other("there is more than the state")) }
    }
}
