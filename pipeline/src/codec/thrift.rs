//! The little of Thrift's compact protocol that Parquet needs before the reader of others is let near: heads
//! of pages, and how much a footer holds.
//!
//! Not here: what fields mean (`parquet_pages`, `parquet_footer`). Source: the Thrift compact protocol
//! specification. Invariant: never reads past its bytes, never recurses deeper than [`DEPTH_MAX`].

/// Deepest nesting.
const DEPTH_MAX: usize = 64;

/// What stands before the value of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    True,
    False,
    Byte,
    /// Of 16, 32 or 64 bits: all are written alike.
    Integer,
    Double,
    Binary,
    List,
    Map,
    Struct,
}

impl Kind {
    fn of(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::True,
            2 => Self::False,
            3 => Self::Byte,
            4..=6 => Self::Integer,
            7 => Self::Double,
            8 => Self::Binary,
            9 | 10 => Self::List,
            11 => Self::Map,
            12 => Self::Struct,
            _ => return None,
        })
    }
}

/// Reads values one after another. `None` everywhere = the bytes end too early, or are not of the protocol.
#[derive(Debug)]
pub(crate) struct Compact<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Structs in lists that were passed.
    items: u64,
}

impl<'a> Compact<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, items: 0 }
    }

    /// Bytes that were read.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Structs in lists that were passed so far.
    pub(crate) fn items(&self) -> u64 {
        self.items
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn skip_bytes(&mut self, count: u64) -> Option<()> {
        let end = self.at.checked_add(usize::try_from(count).ok()?)?;
        (end <= self.bytes.len()).then(|| self.at = end)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// An integer of any width.
    pub(crate) fn integer(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// Number and kind of the next field of a struct; `Some(None)` at its end. `last` is the number of the
    /// field before.
    pub(crate) fn field(&mut self, last: i64) -> Option<Option<(i64, Kind)>> {
        let head = self.byte()?;
        if head == 0 {
            return Some(None);
        }
        let kind = Kind::of(head & 0x0F)?;
        let number = match head >> 4 {
            0 => self.integer()?,
            step => last.checked_add(i64::from(step))?,
        };
        Some(Some((number, kind)))
    }

    /// Passes over a value.
    pub(crate) fn skip(&mut self, kind: Kind) -> Option<()> {
        self.skip_within(kind, false, 0)
    }

    fn skip_within(&mut self, kind: Kind, in_list: bool, depth: usize) -> Option<()> {
        if depth > DEPTH_MAX {
            return None;
        }
        match kind {
            // A field has its truth in its head, an entry of a list has a byte.
            Kind::True | Kind::False if !in_list => Some(()),
            Kind::True | Kind::False | Kind::Byte => self.skip_bytes(1),
            Kind::Integer => self.varint().map(drop),
            Kind::Double => self.skip_bytes(8),
            Kind::Binary => {
                let length = self.varint()?;
                self.skip_bytes(length)
            }
            Kind::List => self.skip_list(depth),
            Kind::Map => self.skip_map(depth),
            Kind::Struct => {
                let mut last = 0;
                while let Some((number, kind)) = self.field(last)? {
                    self.skip_within(kind, false, depth + 1)?;
                    last = number;
                }
                Some(())
            }
        }
    }

    fn skip_list(&mut self, depth: usize) -> Option<()> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => self.varint()?,
            few => u64::from(few),
        };
        let kind = Kind::of(head & 0x0F)?;
        for _ in 0..count {
            self.items += u64::from(kind == Kind::Struct);
            self.skip_within(kind, true, depth + 1)?;
        }
        Some(())
    }

    fn skip_map(&mut self, depth: usize) -> Option<()> {
        let count = self.varint()?;
        if count == 0 {
            return Some(());
        }
        let kinds = self.byte()?;
        let (key, value) = (Kind::of(kinds >> 4)?, Kind::of(kinds & 0x0F)?);
        for _ in 0..count {
            self.skip_within(key, true, depth + 1)?;
            self.skip_within(value, true, depth + 1)?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_lists_and_structs_are_passed() {
        // 1: i32 -3, 2: "ab", 3: [{1: true}, {}], 20: 7.
        let bytes = [0x15, 5, 0x18, 2, b'a', b'b', 0x19, 0x2C, 0x11, 0, 0, 0x05, 40, 14, 0];
        let mut reader = Compact::new(&bytes);
        assert_eq!(reader.field(0), Some(Some((1, Kind::Integer))));
        assert_eq!(reader.integer(), Some(-3));
        assert_eq!(reader.field(1), Some(Some((2, Kind::Binary))));
        assert_eq!(reader.skip(Kind::Binary), Some(()));
        assert_eq!(reader.field(2), Some(Some((3, Kind::List))));
        assert_eq!(reader.skip(Kind::List), Some(()));
        assert_eq!(reader.items(), 2);
        assert_eq!(reader.field(3), Some(Some((20, Kind::Integer))));
        assert_eq!(reader.integer(), Some(7));
        assert_eq!((reader.field(20), reader.at()), (Some(None), bytes.len()));
        assert_eq!(Compact::new(&bytes).skip(Kind::Struct), Some(()));
        for cut in 0..bytes.len() {
            assert_eq!(Compact::new(&bytes[..cut]).skip(Kind::Struct), None, "cut at {cut}");
        }
    }

    #[test]
    fn claims_and_depth_are_bounded() {
        // A list of 2^63 empty structs, and structs in structs.
        let claim = [0xFC, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0, 0];
        assert_eq!(Compact::new(&claim).skip(Kind::List), None);
        assert_eq!(Compact::new(&[0x1C; 1 << 16]).skip(Kind::Struct), None);
    }
}
