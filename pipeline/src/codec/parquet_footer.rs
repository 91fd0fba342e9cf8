//! The footer of a Parquet file, of bounded size: what a footer says about itself is checked before memory is
//! taken for it.
//!
//! Not here: pages (`parquet_pages`).

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use super::guard::guarded;
use super::thrift::{Compact, Kind};

/// Most bytes of a footer.
const FOOTER_BYTES_MAX: u64 = 16 << 20;
/// Most columns, and columns of row groups, that a footer may name: some hundred bytes each once read.
const FOOTER_ITEMS_MAX: u64 = 1 << 19;
const MAGIC: &[u8; 4] = b"PAR1";
const ENCRYPTED: &[u8; 4] = b"PARE";
/// Length and magic, at the end of a file.
const TAIL_BYTES: u64 = 8;

/// Reads the footer.
///
/// # Errors
/// Where there is none, or it is larger than is read.
pub(crate) fn read_footer(file: &mut File) -> Result<ParquetMetaData, ParquetError> {
    let bytes = footer_bytes(file)?;
    let mut walk = Compact::new(&bytes);
    if walk.skip(Kind::Struct).is_none() {
        return Err(fault("the footer is corrupt"));
    }
    if walk.items() > FOOTER_ITEMS_MAX {
        let (found, most) = (walk.items(), FOOTER_ITEMS_MAX);
        return Err(fault(&format!(
            "the footer names {found} columns of row groups, {most} at most are read: write larger row groups"
        )));
    }
    guarded(|| ParquetMetaDataReader::decode_metadata(&bytes)).map_err(ParquetError::General)?
}

fn footer_bytes(file: &mut File) -> Result<Vec<u8>, ParquetError> {
    let length = file.seek(SeekFrom::End(0))?;
    let Some(tail_at) = length.checked_sub(TAIL_BYTES) else {
        return Err(fault("no Parquet: shorter than any footer"));
    };
    file.seek(SeekFrom::Start(tail_at))?;
    let mut tail = [0; TAIL_BYTES as usize];
    file.read_exact(&mut tail)?;
    let (size, magic) = tail.split_at(4);
    if magic == ENCRYPTED {
        return Err(fault("the footer is encrypted; write the file without encryption"));
    }
    if magic != MAGIC {
        return Err(fault("no Parquet, or cut short: it does not end as Parquet does"));
    }
    let size = u64::from(u32::from_le_bytes(size.try_into().unwrap_or_default()));
    if size > FOOTER_BYTES_MAX {
        return Err(fault("a footer of more than 16 MiB: write fewer row groups or columns"));
    }
    let Some(begin) = tail_at.checked_sub(size) else {
        return Err(fault("the footer is longer than the file"));
    };
    file.seek(SeekFrom::Start(begin))?;
    let mut bytes = Vec::new();
    file.take(size).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn fault(words: &str) -> ParquetError {
    ParquetError::General(words.into())
}
