//! Lengths that Parquet packs as differences (DELTA_BINARY_PACKED), added up without being held.
//!
//! Not here: texts. Source: Encodings.md of the Parquet format, "Delta Encoding".

/// What the lengths of a page come to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lengths {
    /// How many there are.
    pub(crate) count: u64,
    /// Their sum.
    pub(crate) total: u64,
    /// The longest.
    pub(crate) longest: u64,
    /// Where they end.
    pub(crate) end: usize,
}

/// Most values of a block: more is not written by anyone, and costs time.
const BLOCK_VALUES_MAX: u64 = 1 << 16;

/// Adds up the lengths at the beginning of `bytes`, `most` at most; none where they are corrupt.
pub(crate) fn add_up(bytes: &[u8], most: u64) -> Option<Lengths> {
    let mut at = 0usize;
    let block = varint(bytes, &mut at)?;
    let minis = varint(bytes, &mut at)?;
    let count = varint(bytes, &mut at)?;
    let mut value = zigzag(varint(bytes, &mut at)?);
    if count > most || block == 0 || block > BLOCK_VALUES_MAX || minis == 0 || block % minis != 0 {
        return None;
    }
    let mut sum = Lengths { count, ..Lengths::default() };
    let mini_values = block / minis;
    let mut left = count;
    let mut add = |value: i64| {
        let length = u64::from(u32::try_from(value).ok()?);
        sum.total = sum.total.checked_add(length)?;
        sum.longest = sum.longest.max(length);
        Some(())
    };
    if left > 0 {
        add(value)?;
        left -= 1;
    }
    while left > 0 {
        let least = zigzag(varint(bytes, &mut at)?);
        let widths = bytes.get(at..at.checked_add(usize::try_from(minis).ok()?)?)?;
        at += widths.len();
        for &width in widths {
            if left == 0 {
                break;
            }
            if width > 32 {
                return None;
            }
            let packed_bytes =
                usize::try_from((mini_values * u64::from(width)).div_ceil(8)).ok()?;
            let packed = bytes.get(at..).unwrap_or(&[]);
            // The last one may be cut behind its last value.
            for place in 0..mini_values.min(left) {
                let delta = bits(packed, place * u64::from(width), u32::from(width))?;
                // 32 bits wide, and so it wraps.
                value = i64::from(value.wrapping_add(least).wrapping_add(delta as i64) as i32);
                add(value)?;
            }
            left = left.saturating_sub(mini_values);
            at = at.checked_add(packed_bytes)?;
        }
    }
    sum.end = at.min(bytes.len());
    Some(sum)
}

fn zigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// `width` bits from the bit `from` on, the least first.
fn bits(bytes: &[u8], from: u64, width: u32) -> Option<u64> {
    if width == 0 {
        return Some(0);
    }
    let first = usize::try_from(from / 8).ok()?;
    let last = usize::try_from((from + u64::from(width) - 1) / 8).ok()?;
    let mut value = 0u64;
    for (place, byte) in bytes.get(first..=last)?.iter().enumerate() {
        value |= u64::from(*byte) << (8 * place);
    }
    Some(value >> (from % 8) & ((1 << width) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Encodings.md: 7, 5, 3, 1, 2, 3, 4, 5 in one block of 8 values and one mini block.
    #[test]
    fn the_example_of_the_specification() {
        // Least difference -2; differences less that: 0 0 0 3 3 3 3, two bits each.
        let bytes = [8, 1, 8, 14, 3, 2, 0b1100_0000, 0b0011_1111];
        let found = add_up(&bytes, 8).expect("lengths");
        assert_eq!(found, Lengths { count: 8, total: 30, longest: 7, end: 8 });
        assert_eq!(add_up(&bytes, 7), None, "more than may be");
        for cut in 0..bytes.len() {
            assert_eq!(add_up(&bytes[..cut], 8), None, "cut at {cut}");
        }
    }

    #[test]
    fn many_equal_lengths_in_a_few_bytes() {
        let mut bytes = vec![0x80, 0x01, 4, 0xE8, 0x07, 10];
        for _ in 0..8 {
            bytes.extend([0, 0, 0, 0, 0]);
        }
        let found = add_up(&bytes, 1000).expect("lengths");
        assert_eq!((found.count, found.total, found.longest), (1000, 5000, 5));
        assert_eq!(add_up(&[0, 0, 0, 0], 1), None);
    }
}
