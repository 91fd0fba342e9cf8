//! UTF-16 as UTF-8, as far as a byte order mark says that it is UTF-16: what PowerShell's `>` and some
//! Windows programs write.

use super::mapped::Map;

/// Which byte of a unit comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    /// The order that a byte order mark tells; Arrow streams begin with FF FF, and are none.
    pub(super) fn of(beginning: &[u8]) -> Option<Self> {
        match beginning {
            [0xFF, 0xFE, ..] => Some(Self::Little),
            [0xFE, 0xFF, ..] => Some(Self::Big),
            _ => None,
        }
    }
}

/// UTF-8 of UTF-16. What is no text becomes U+FFFD, as in any decoder (Unicode, section 3.9).
pub(super) struct Utf16 {
    order: ByteOrder,
    is_first: bool,
    /// Bytes that are no whole unit, or half of a surrogate pair.
    rest: Vec<u8>,
}

impl Utf16 {
    pub(super) fn new(order: ByteOrder) -> Self {
        Self { order, is_first: true, rest: Vec::new() }
    }

    fn units(&mut self, may_go_on: bool, out: &mut Vec<u8>) {
        let mut units: Vec<u16> = (self.rest.chunks_exact(2))
            .map(|pair| match self.order {
                ByteOrder::Little => u16::from_le_bytes([pair[0], pair[1]]),
                ByteOrder::Big => u16::from_be_bytes([pair[0], pair[1]]),
            })
            .collect();
        // The second half of a pair may come with the next bytes.
        if may_go_on && units.last().is_some_and(|unit| (0xD800..0xDC00).contains(unit)) {
            units.pop();
        }
        self.rest.drain(..2 * units.len());
        for unit in char::decode_utf16(units) {
            let unit = unit.unwrap_or(char::REPLACEMENT_CHARACTER);
            if !(self.is_first && unit == '\u{FEFF}') {
                out.extend_from_slice(unit.encode_utf8(&mut [0; 4]).as_bytes());
            }
            self.is_first = false;
        }
    }
}

impl Map for Utf16 {
    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.rest.extend_from_slice(bytes);
        self.units(true, out);
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.units(false, out);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read};

    use super::*;
    use crate::codec::mapped::Mapped;

    /// Gives a byte at a time.
    struct Slow(std::io::Cursor<Vec<u8>>);

    impl Read for Slow {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.0.read(&mut into[..1])
        }
    }

    #[test]
    fn text_survives_in_both_orders_wherever_it_is_cut() {
        let text = "{\"a\":\"\u{1F600} \u{e9}\"}\n".repeat(3);
        for order in [ByteOrder::Little, ByteOrder::Big] {
            let bytes = |unit: u16| match order {
                ByteOrder::Little => unit.to_le_bytes(),
                ByteOrder::Big => unit.to_be_bytes(),
            };
            let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
            let bytes: Vec<u8> = units.flat_map(bytes).collect();
            assert_eq!(ByteOrder::of(&bytes), Some(order));
            let mut made = String::new();
            let slow = Slow(std::io::Cursor::new(bytes.clone()));
            Mapped::new(slow, Utf16::new(order)).read_to_string(&mut made).expect("text");
            assert_eq!(made, text);
        }
        let mut made = String::new();
        let half = std::io::Cursor::new(vec![0x00, 0xD8, b'a', 0, b'b']);
        Mapped::new(half, Utf16::new(ByteOrder::Little)).read_to_string(&mut made).expect("text");
        assert_eq!(made, "\u{FFFD}a");
    }
}
