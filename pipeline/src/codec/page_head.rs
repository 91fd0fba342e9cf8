//! The head of a page of Parquet.
//!
//! Not here: its bounds (`parquet_pages`). Source: `parquet.thrift`, PageHeader.

use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageMetadata};

use super::thrift::{Compact, Kind};

/// What a page holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PageKind {
    Data,
    DataV2,
    Dictionary,
    /// Nothing that is read.
    Other,
}

/// What a page says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PageHead {
    pub(crate) kind: PageKind,
    /// Bytes as stored, and unpacked.
    pub(crate) stored: u32,
    pub(crate) unpacked: u32,
    /// Values, nulls among them.
    pub(crate) values: u32,
    pub(crate) encoding: Encoding,
    /// Of version 2: whether its values are packed; levels never are.
    pub(crate) is_packed: bool,
    nulls: u32,
    rows: u32,
    definition_encoding: Encoding,
    repetition_encoding: Encoding,
    definition_bytes: u32,
    repetition_bytes: u32,
}

impl PageHead {
    /// The head at the beginning of `bytes`, and its length. None where it is not whole, or none at all.
    pub(crate) fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let mut reader = Compact::new(bytes);
        let (mut kind, mut unpacked, mut stored) = (None, None, None);
        let mut details = [None; 9];
        let mut last = 0;
        while let Some((number, field)) = reader.field(last)? {
            match (number, field) {
                (1, Kind::Integer) => kind = Some(reader.integer()?),
                (2, Kind::Integer) => unpacked = Some(reader.integer()?),
                (3, Kind::Integer) => stored = Some(reader.integer()?),
                (5 | 7 | 8, Kind::Struct) => details = integers(&mut reader)?,
                (_, field) => reader.skip(field)?,
            }
            last = number;
        }
        let head = Self::of(kind?, size(unpacked)?, size(stored)?, &details)?;
        Some((head, reader.at()))
    }

    /// `details` = the integers and truths of the struct for this kind of page, by their numbers.
    fn of(kind: i64, unpacked: u32, stored: u32, details: &[Option<i64>; 9]) -> Option<Self> {
        let [_, first, second, third, fourth, fifth, sixth, seventh, _] = *details;
        let mut head = Self {
            kind: PageKind::Other,
            stored,
            unpacked,
            values: 0,
            encoding: Encoding::PLAIN,
            is_packed: true,
            nulls: 0,
            rows: 0,
            definition_encoding: Encoding::RLE,
            repetition_encoding: Encoding::RLE,
            definition_bytes: 0,
            repetition_bytes: 0,
        };
        match kind {
            0 => {
                head.kind = PageKind::Data;
                head.values = size(first)?;
                head.encoding = encoding(second?)?;
                head.definition_encoding = encoding(third?)?;
                head.repetition_encoding = encoding(fourth?)?;
            }
            2 => {
                head.kind = PageKind::Dictionary;
                head.values = size(first)?;
                head.encoding = encoding(second?)?;
            }
            3 => {
                head.kind = PageKind::DataV2;
                head.values = size(first)?;
                head.nulls = size(second)?;
                head.rows = size(third)?;
                head.encoding = encoding(fourth?)?;
                head.definition_bytes = size(fifth)?;
                head.repetition_bytes = size(sixth)?;
                head.is_packed = seventh != Some(0);
                // Both stand in the page, so their sum has no more bytes than it.
                let levels = head.definition_bytes.checked_add(head.repetition_bytes)?;
                if levels > unpacked || head.nulls > head.values {
                    return None;
                }
            }
            _ => {}
        }
        Some(head)
    }

    /// Bytes of levels that stand before the values and are never packed.
    pub(crate) fn level_bytes(&self) -> usize {
        self.definition_bytes as usize + self.repetition_bytes as usize
    }

    /// Whether the encoding says the lengths of all values before the first.
    pub(crate) fn says_lengths(&self) -> bool {
        matches!(self.encoding, Encoding::DELTA_LENGTH_BYTE_ARRAY | Encoding::DELTA_BYTE_ARRAY)
    }

    pub(crate) fn about(&self) -> PageMetadata {
        let is_dict = self.kind == PageKind::Dictionary;
        PageMetadata {
            num_rows: (self.kind == PageKind::DataV2).then_some(self.rows as usize),
            num_levels: (!is_dict).then_some(self.values as usize),
            is_dict,
        }
    }

    pub(crate) fn into_page(self, buf: Bytes) -> Page {
        let (num_values, encoding) = (self.values, self.encoding);
        match self.kind {
            PageKind::Dictionary => {
                Page::DictionaryPage { buf, num_values, encoding, is_sorted: false }
            }
            PageKind::DataV2 => Page::DataPageV2 {
                buf,
                num_values,
                encoding,
                num_nulls: self.nulls,
                num_rows: self.rows,
                def_levels_byte_len: self.definition_bytes,
                rep_levels_byte_len: self.repetition_bytes,
                is_compressed: false,
                statistics: None,
            },
            PageKind::Data | PageKind::Other => Page::DataPage {
                buf,
                num_values,
                encoding,
                def_level_encoding: self.definition_encoding,
                rep_level_encoding: self.repetition_encoding,
                statistics: None,
            },
        }
    }
}

fn size(value: Option<i64>) -> Option<u32> {
    value.and_then(|value| i32::try_from(value).ok()).and_then(|value| u32::try_from(value).ok())
}

/// The integers and truths of a struct, by the numbers of their fields.
fn integers(reader: &mut Compact<'_>) -> Option<[Option<i64>; 9]> {
    let mut found = [None; 9];
    let mut last = 0;
    while let Some((number, kind)) = reader.field(last)? {
        let value = match kind {
            Kind::Integer => Some(reader.integer()?),
            Kind::True => Some(1),
            Kind::False => Some(0),
            kind => {
                reader.skip(kind)?;
                None
            }
        };
        if let Some(place) = usize::try_from(number).ok().and_then(|place| found.get_mut(place)) {
            *place = value;
        }
        last = number;
    }
    Some(found)
}

fn encoding(number: i64) -> Option<Encoding> {
    Some(match number {
        0 => Encoding::PLAIN,
        2 => Encoding::PLAIN_DICTIONARY,
        3 => Encoding::RLE,
        #[expect(deprecated, reason = "old files have it")]
        4 => Encoding::BIT_PACKED,
        5 => Encoding::DELTA_BINARY_PACKED,
        6 => Encoding::DELTA_LENGTH_BYTE_ARRAY,
        7 => Encoding::DELTA_BYTE_ARRAY,
        8 => Encoding::RLE_DICTIONARY,
        9 => Encoding::BYTE_STREAM_SPLIT,
        _ => return None,
    })
}
