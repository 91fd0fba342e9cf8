//! Decompression of a piece whose size is known beforehand: never gives more bytes than were announced.
//!
//! Not here: files and streams of unknown length (`source`), which are never held whole.

use std::io::Read;

use parquet::basic::Compression;

/// Most memory that a Zstandard frame may ask for as its window, as a power of two; readers of others allow
/// as much by default.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// `packed` as the `length` bytes that it holds.
///
/// # Errors
/// Where it is of another format, or holds more or fewer bytes.
pub(crate) fn unpack(kind: Compression, packed: &[u8], length: usize) -> Result<Vec<u8>, String> {
    let unpacked = match kind {
        Compression::UNCOMPRESSED => packed.to_vec(),
        Compression::SNAPPY => snappy(packed, length)?,
        Compression::GZIP(_) => read(flate2::read::MultiGzDecoder::new(packed), length)?,
        Compression::BROTLI(_) => {
            read(brotli_decompressor::Decompressor::new(packed, 1 << 12), length)?
        }
        Compression::ZSTD(_) => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(packed).map_err(words)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(words)?;
            read(decoder, length)?
        }
        Compression::LZ4_RAW => lz4_block(packed, length)?,
        Compression::LZ4 => lz4_of_hadoop(packed, length)
            .or_else(|| read(lz4_flex::frame::FrameDecoder::new(packed), length).ok())
            .map_or_else(|| lz4_block(packed, length), Ok)?,
        Compression::LZO => return Err("LZO is not read; write the file with zstd".into()),
    };
    if unpacked.len() != length {
        let held = unpacked.len();
        return Err(format!("a page of {length} bytes unpacks to {held}"));
    }
    Ok(unpacked)
}

fn words(error: impl ToString) -> String {
    error.to_string()
}

/// What a stream gives, `length` bytes; an error where there are more.
fn read(stream: impl Read, length: usize) -> Result<Vec<u8>, String> {
    let mut unpacked = Vec::with_capacity(length);
    let most = (length as u64).saturating_add(1);
    stream.take(most).read_to_end(&mut unpacked).map_err(words)?;
    if unpacked.len() > length {
        return Err(format!("a page of {length} bytes unpacks to more"));
    }
    Ok(unpacked)
}

fn snappy(packed: &[u8], length: usize) -> Result<Vec<u8>, String> {
    if snap::raw::decompress_len(packed).map_err(words)? != length {
        return Err(format!("a page of {length} bytes unpacks to another length"));
    }
    let mut unpacked = vec![0; length];
    snap::raw::Decoder::new().decompress(packed, &mut unpacked).map_err(words)?;
    Ok(unpacked)
}

fn lz4_block(packed: &[u8], length: usize) -> Result<Vec<u8>, String> {
    let mut unpacked = vec![0; length];
    let written = lz4_flex::block::decompress_into(packed, &mut unpacked).map_err(words)?;
    unpacked.truncate(written);
    Ok(unpacked)
}

/// Blocks, each behind its two lengths, as Hadoop writes them; none where it is not that.
fn lz4_of_hadoop(mut packed: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut unpacked = vec![0; length];
    let mut at = 0usize;
    while !packed.is_empty() {
        let (&to, rest) = packed.split_first_chunk::<4>()?;
        let (&from, rest) = rest.split_first_chunk::<4>()?;
        let (to, from) = (u32::from_be_bytes(to) as usize, u32::from_be_bytes(from) as usize);
        let into = unpacked.get_mut(at..at.checked_add(to)?)?;
        let written = lz4_flex::block::decompress_into(rest.get(..from)?, into).ok()?;
        if written != to {
            return None;
        }
        at += to;
        packed = rest.get(from..)?;
    }
    (at == length).then_some(unpacked)
}
